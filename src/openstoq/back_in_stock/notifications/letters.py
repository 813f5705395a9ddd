"""Letters: a wave's messages, written once for each variant and locale, then addressed."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Literal

from openstoq.back_in_stock.notifications.claims import Claimed
from openstoq.back_in_stock.notifications.links import UNSUBSCRIBE, link
from openstoq.back_in_stock.settings import store as settings_store
from openstoq.db.pool import Connection
from openstoq.jobs.work import Runtime, Work
from openstoq.kernel.ids import made_at
from openstoq.messaging.port import Email
from openstoq.messaging.render import AlertFacts, Prepared, Recipient, prepare_alert
from openstoq.shops import store as shops
from openstoq.shops.mails import message_id_domain
from openstoq.shops.model import Shop

# What Shopify calls the one variant of a product without options.
NO_OPTIONS = "Default Title"


class Letters:
    """The messages of one run of a wave."""

    def __init__(
        self, runtime: Runtime, shop: Shop, unknown_outcome: Literal["resend", "hold"]
    ) -> None:
        self.shop = shop
        self.unknown_outcome = unknown_outcome
        self._runtime = runtime
        self._facts: dict[int, AlertFacts] = {}
        self._prepared: dict[tuple[int, str | None], Prepared] = {}

    @classmethod
    async def load(cls, work: Work) -> "Letters":
        """Read what all messages of the shop have in common."""
        shop = await shops.load(work.db, work.shop_id)
        if shop is None:
            raise LookupError("the shop of this wave is gone")
        settings = await settings_store.load(work.db, work.shop_id)
        return cls(work.runtime, shop, settings.delivery.unknown_outcome)

    async def prepare(self, work: Work, group: Sequence[Claimed]) -> None:
        """Write what a group's messages have in common, as far as that was not done yet.

        Raises ValueError where no message could be written, such as for a wrong sender.
        """
        missing = {claimed.variant_id for claimed in group} - self._facts.keys()
        if missing:
            self._facts |= await self._read_facts(work.db, sorted(missing))
        for variant_id, locale in {(one.variant_id, one.locale) for one in group}:
            if (variant_id, locale) not in self._prepared:
                self._prepared[variant_id, locale] = prepare_alert(
                    self._facts[variant_id], locale or self.shop.locale
                )

    def email(self, claimed: Claimed) -> Email:
        """Write one message; raise ValueError when its contact cannot be written to."""
        recipient = Recipient(
            notification_id=claimed.id,
            written_at=made_at(claimed.id),
            address=claimed.contact,
            name=claimed.name,
            unsubscribe_url=link(self._runtime, UNSUBSCRIBE, self.shop.id, claimed.signup_id),
        )
        return Email(
            id=claimed.id,
            sender=self._runtime.settings.mail.sender,
            recipient=claimed.contact,
            content=self._prepared[claimed.variant_id, claimed.locale].personal(recipient),
        )

    async def _read_facts(
        self, db: Connection, variant_ids: Sequence[int]
    ) -> dict[int, AlertFacts]:
        rows = await db.fetch(
            """
            SELECT t.id, v.title AS variant, v.price, p.title AS product, p.handle, p.url,
                   coalesce(nullif(v.image_url, ''), nullif(p.image_url, '')) AS image_url
            FROM unnest($2::bigint[]) AS t(id)
            LEFT JOIN variants v ON v.shop_id = $1 AND v.id = t.id
            LEFT JOIN products p ON p.shop_id = $1 AND p.id = v.product_id
            """,
            self.shop.id,
            variant_ids,
        )
        return {
            row["id"]: self._facts_of(
                row["id"],
                product=row["product"],
                variant=row["variant"],
                address=row["url"],
                handle=row["handle"],
                image_url=row["image_url"],
                price=row["price"],
            )
            for row in rows
        }

    def _facts_of(
        self,
        variant_id: int,
        *,
        product: str | None,
        variant: str | None,
        address: str | None,
        handle: str | None,
        image_url: str | None,
        price: Decimal | None,
    ) -> AlertFacts:
        storefront = self.shop.storefront
        page = address or (f"{storefront}/products/{handle}" if handle else storefront)
        return AlertFacts(
            shop_name=self.shop.name,
            shop_url=storefront,
            sender=self._runtime.settings.mail.sender,
            product_title=product or self.shop.name,
            variant_title=None if variant == NO_OPTIONS else variant,
            product_url=f"{page}{'&' if '?' in page else '?'}variant={variant_id}",
            image_url=image_url,
            price=price if price is not None else Decimal(0),
            currency=self.shop.currency,
            message_id_domain=message_id_domain(self._runtime),
        )
