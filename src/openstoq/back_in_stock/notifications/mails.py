"""A wave's messages: written once per variant and locale, then completed per recipient."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import structlog

from openstoq.back_in_stock.notifications.alert_facts import alert_facts, read_products
from openstoq.back_in_stock.notifications.claims import Claimed
from openstoq.back_in_stock.notifications.links import UNSUBSCRIBE, link
from openstoq.back_in_stock.settings import store as settings_store
from openstoq.back_in_stock.templates import store as templates
from openstoq.back_in_stock.templates.store import OwnTemplates
from openstoq.jobs.work import Runtime, Work
from openstoq.kernel.faults import trace_of
from openstoq.kernel.ids import created_at
from openstoq.messaging.compose import locale_name
from openstoq.messaging.forms import ALERT_MAIL
from openstoq.messaging.letter import OwnParts
from openstoq.messaging.port import Email
from openstoq.messaging.render import Prepared, Recipient, prepare_alert
from openstoq.shops import store as shops
from openstoq.shops.model import Shop
from openstoq.shops.senders import sender_of

log = structlog.get_logger(__name__)


class Unwritable(Exception):  # noqa: N818 - it describes the message
    """A message that cannot be written, for a reason that is not its recipient's fault."""

    def __init__(self, cause: Exception) -> None:
        # The text of an exception may quote a contact or a link.
        super().__init__(f"openstoq could not write this message ({type(cause).__name__})")


class Letters:
    """The writer of the messages of one run of a wave."""

    def __init__(
        self,
        runtime: Runtime,
        shop: Shop,
        unknown_outcome: Literal["resend", "hold"],
        own: OwnTemplates | None = None,
    ) -> None:
        self.shop = shop
        self.unknown_outcome = unknown_outcome
        self.sender = sender_of(runtime.settings.mail, shop)
        self._runtime = runtime
        self._own = own if own is not None else OwnTemplates(())
        self._own_parts: list[OwnParts] = []
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
        own = await templates.own_templates(work.db, work.shop_id, ALERT_MAIL)
        return cls(work.runtime, shop, settings.delivery.unknown_outcome, own)

    async def prepare(self, work: Work, group: Sequence[Claimed]) -> None:
        """Write the parts that the messages of a group share, unless they are written already.

        A failure affects only the messages of one variant and locale. It is not raised here:
        `email` raises Unwritable for each of these messages.
        """
        missing = {claimed.variant_id for claimed in group} - self._products.keys()
        if missing:
            self._products |= await read_products(work.db, self.shop.id, sorted(missing))
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
            sender=self.sender,
            recipient=claimed.contact,
            content=content,
        )

    @property
    def failures(self) -> dict[tuple[str, str], str]:
        """The kinds of errors of the shop's own templates so far, by locale and part."""
        return {key: kind for own in self._own_parts for key, kind in own.failures.items()}

    def _locale_of(self, claimed: Claimed) -> str:
        return locale_name(claimed.locale or self.shop.locale)

    def _written(self, variant_id: int, locale: str) -> Prepared | Unwritable:
        try:
            own = self._own.parts_for(locale)
            self._own_parts.append(own)
            facts = alert_facts(self._runtime, self.shop, variant_id, self._products[variant_id])
            return prepare_alert(facts, locale, own)
        except Exception as error:  # noqa: BLE001 - any error here concerns these messages alone
            return _unwritable(error, variant_id=variant_id, locale=locale)


def _unwritable(error: Exception, **ids: str | int) -> Unwritable:
    """Log an error without its text, and return an Unwritable with that error as its cause."""
    log.error("letter.unwritable", error=type(error).__name__, trace=trace_of(error), **ids)
    return Unwritable(error)
