"""A wave's messages: written once per variant and locale, then completed per recipient."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Literal

import structlog

from openstoq.back_in_stock.notifications.claims import Claimed
from openstoq.back_in_stock.notifications.links import UNSUBSCRIBE, link
from openstoq.back_in_stock.settings import store as settings_store
from openstoq.db.pool import Connection
from openstoq.jobs.work import Runtime, Work
from openstoq.kernel.faults import trace_of
from openstoq.kernel.ids import created_at
from openstoq.messaging.compose import locale_name
from openstoq.messaging.port import Email
from openstoq.messaging.render import AlertFacts, Prepared, Recipient, prepare_alert
from openstoq.shops import store as shops
from openstoq.shops.model import Shop
from openstoq.shops.single_mails import message_id_domain

log = structlog.get_logger(__name__)

# Shopify's title for the one variant of a product without options.
NO_OPTIONS = "Default Title"


class Unwritable(Exception):  # noqa: N818 - it describes the message
    """A message that cannot be written, for a reason that is not its recipient's fault."""

    def __init__(self, cause: Exception) -> None:
        # The text of an exception may quote a contact or a link.
        super().__init__(f"openstoq could not write this message ({type(cause).__name__})")


class Letters:
    """The writer of the messages of one run of a wave."""

    def __init__(
        self, runtime: Runtime, shop: Shop, unknown_outcome: Literal["resend", "hold"]
    ) -> None:
        self.shop = shop
        self.unknown_outcome = unknown_outcome
        self._runtime = runtime
        self._products: dict[int, Mapping[str, Any]] = {}
        # Keyed by Babel's locales, which are few, and not by the text that a shopper has sent.
        self._prepared: dict[tuple[int, str], Prepared | Unwritable] = {}

    @classmethod
    async def load(cls, work: Work) -> "Letters":
        """Load the data that all of the shop's messages share.

        Raises LookupError if the shop does not exist.
        """
        shop = await shops.load(work.db, work.shop_id)
        if shop is None:
            raise LookupError("the shop of this wave is gone")
        settings = await settings_store.load(work.db, work.shop_id)
        return cls(work.runtime, shop, settings.delivery.unknown_outcome)

    async def prepare(self, work: Work, group: Sequence[Claimed]) -> None:
        """Write the parts that the messages of a group share, unless they are written already.

        A failure affects only the messages of one variant and locale. It is not raised here:
        `email` raises Unwritable for each of these messages.
        """
        missing = {claimed.variant_id for claimed in group} - self._products.keys()
        if missing:
            self._products |= await self._read_products(work.db, sorted(missing))
        for variant_id, locale in {(one.variant_id, self._locale_of(one)) for one in group}:
            if (variant_id, locale) not in self._prepared:
                self._prepared[variant_id, locale] = self._written(variant_id, locale)

    def email(self, claimed: Claimed) -> Email:
        """Write one message; raise Unwritable if it cannot be written."""
        prepared = self._prepared[claimed.variant_id, self._locale_of(claimed)]
        if isinstance(prepared, Unwritable):
            raise prepared.with_traceback(None)
        try:
            recipient = Recipient(
                notification_id=claimed.id,
                written_at=created_at(claimed.id),
                address=claimed.contact,
                name=claimed.name,
                unsubscribe_url=link(self._runtime, UNSUBSCRIBE, self.shop.id, claimed.signup_id),
            )
            content = prepared.personal(recipient)
        except Exception as error:  # noqa: BLE001 - any error here concerns this message alone
            raise _unwritable(error, notification_id=str(claimed.id)) from None
        return Email(
            id=claimed.id,
            sender=self._runtime.settings.mail.sender,
            recipient=claimed.contact,
            content=content,
        )

    def _locale_of(self, claimed: Claimed) -> str:
        return locale_name(claimed.locale or self.shop.locale)

    def _written(self, variant_id: int, locale: str) -> Prepared | Unwritable:
        try:
            return prepare_alert(self._facts_of(variant_id, self._products[variant_id]), locale)
        except Exception as error:  # noqa: BLE001 - any error here concerns these messages alone
            return _unwritable(error, variant_id=variant_id, locale=locale)

    async def _read_products(
        self, db: Connection, variant_ids: Sequence[int]
    ) -> dict[int, Mapping[str, Any]]:
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
        return {row["id"]: dict(row) for row in rows}

    def _facts_of(self, variant_id: int, product: Mapping[str, Any]) -> AlertFacts:
        storefront, handle = self.shop.storefront, product["handle"]
        page = product["url"] or (f"{storefront}/products/{handle}" if handle else storefront)
        return AlertFacts(
            shop_name=self.shop.name,
            shop_url=storefront,
            sender=self._runtime.settings.mail.sender,
            product_title=product["product"] or self.shop.name,
            variant_title=None if product["variant"] == NO_OPTIONS else product["variant"],
            product_url=f"{page}{'&' if '?' in page else '?'}variant={variant_id}",
            image_url=product["image_url"],
            price=product["price"] if product["price"] is not None else Decimal(0),
            currency=self.shop.currency,
            message_id_domain=message_id_domain(self._runtime),
            reply_to=self.shop.contact_email,
        )


def _unwritable(error: Exception, **ids: str | int) -> Unwritable:
    """Log an error without its text, and return an Unwritable with that error as its cause."""
    log.error("letter.unwritable", error=type(error).__name__, trace=trace_of(error), **ids)
    return Unwritable(error)
