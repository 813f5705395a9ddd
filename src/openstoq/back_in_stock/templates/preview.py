"""A message as a shopper would get it, with a product of the shop or a sample."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from openstoq.back_in_stock.notifications.alert_facts import alert_facts, read_products
from openstoq.back_in_stock.templates.model import Preview, PreviewedProduct, Purpose, problems_of
from openstoq.errors import Invalid
from openstoq.jobs.work import Work
from openstoq.messaging import samples
from openstoq.messaging.letter import OwnParts
from openstoq.messaging.notices import Notice
from openstoq.messaging.render import AlertFacts, OptinRequest, Prepared, Recipient
from openstoq.shops.model import Shop


@dataclass(frozen=True, slots=True)
class Draft:
    """A message to try out: its facts, the templates to use, and the reader's locale."""

    purpose: Purpose
    locale: str
    facts: AlertFacts
    variant_id: int | None
    own: OwnParts
    public_url: str

    def preview(self) -> Preview:
        """Return the message as a caller reads it."""
        if self.purpose == "alert":
            prepared = Prepared(self.facts, self.locale, self.own)
            fillings, letter = prepared.fillings(self._recipient()), prepared.letter
        else:
            fillings, letter = {}, self._request().letter
        parts = {
            "subject": letter.line("subject", fillings),
            "text": letter.text("text", fillings),
            "html": letter.text("html", fillings),
        }
        return Preview(
            channel="email",
            template=self.purpose,
            locale=self.locale,
            **parts,
            product=PreviewedProduct(
                title=self.facts.product_title, shopify_variant_id=self.variant_id
            ),
            problems=problems_of(self.own),
        )

    def mail(self, notice: Notice) -> bytes:
        """Return the message as a mail; its links do nothing to anybody's signup."""
        if self.purpose == "optin":
            return self._request().content(notice)
        recipient = replace(
            self._recipient(),
            notification_id=notice.id,
            written_at=notice.written_at,
            address=notice.recipient,
        )
        return Prepared(self.facts, self.locale, self.own).personal(recipient)

    def _recipient(self) -> Recipient:
        return samples.recipient(f"{self.public_url}/unsubscribe/sample")

    def _request(self) -> OptinRequest:
        return OptinRequest(
            shop_name=self.facts.shop_name,
            product_title=self.facts.product_title,
            confirm_url=f"{self.public_url}/confirm/sample",
            locale=self.locale,
            shop_url=self.facts.shop_url,
            brand=self.facts.brand,
            own=self.own,
        )


async def draft(
    work: Work, shop: Shop, purpose: Purpose, *, locale: str, variant_id: int | None, own: OwnParts
) -> Draft:
    """Return a message of the shop to try out; raise Invalid if it has no such variant."""
    product: Mapping[str, Any] = dict.fromkeys(
        ("variant", "price", "product", "handle", "url", "image_url")
    )
    if variant_id is not None:
        product = (await read_products(work.db, shop.id, [variant_id]))[variant_id]
        if product["product"] is None:
            raise Invalid(
                f"shopify_variant_id {variant_id} is not a variant of this shop; send another one, "
                "or none for a sample product"
            )
    facts = alert_facts(work.runtime, shop, variant_id or 0, product)
    if variant_id is None:
        facts = replace(
            facts,
            product_title=samples.FACTS.product_title,
            variant_title=samples.FACTS.variant_title,
            product_url=shop.storefront,
            price=samples.FACTS.price,
        )
    return Draft(
        purpose=purpose,
        locale=locale,
        facts=facts,
        variant_id=variant_id,
        own=own,
        public_url=work.runtime.settings.http.public_url.rstrip("/"),
    )
