"""The mails about preorder orders, each sent by a job that first decides whether to send it."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal
from uuid import UUID

import structlog

from openstoq.commerce.orders import Order
from openstoq.jobs.job import GiveUp, JobSet, Lane
from openstoq.jobs.work import Run, Work
from openstoq.kernel.ids import new_id
from openstoq.messaging import order_mails
from openstoq.messaging.notices import Notice
from openstoq.messaging.order_mails import Cause, Decline, Item, OrderFacts, Received, Why
from openstoq.preorders.orders import store
from openstoq.preorders.orders.events import BalanceCollected
from openstoq.preorders.orders.ledger.totals import ledger_totals
from openstoq.preorders.orders.model import ZERO, Payment, PreorderOrder
from openstoq.shops import store as shops
from openstoq.shops.commerce import asking, commerce_of
from openstoq.shops.model import Shop
from openstoq.shops.single_mails import notice_of, send_single

log = structlog.get_logger(__name__)

jobs = JobSet("preorders.mails")

# Words in a payment provider's message that reveal a more exact cause than "declined".
_CAUSES: tuple[tuple[re.Pattern[str], Cause], ...] = (
    (re.compile(r"expired", re.IGNORECASE), "expired"),
    (re.compile(r"insufficient|not enough", re.IGNORECASE), "funds"),
)


@dataclass(frozen=True, slots=True)
class _Letter:
    """The shop and the order that a mail is about."""

    shop: Shop
    order: PreorderOrder

    def facts(self, locale: str | None, customer_name: str | None = None) -> OrderFacts:
        """Return the order facts for a mail in `locale`.

        If `locale` is None, the mail is in the shop's locale.
        """
        is_over = self.order.decisions.cancelled_at is not None
        units = [(line, line.bought if is_over else line.current) for line in self.order.lines]
        return OrderFacts(
            shop_name=self.shop.name,
            shop_url=self.shop.storefront,
            locale=locale or self.shop.locale,
            timezone=self.shop.timezone,
            name=self.order.facts.name,
            customer_name=customer_name,
            currency=self.order.currency,
            items=tuple(
                Item(title=line.title, variant_title=line.variant_title, quantity=quantity)
                for line, quantity in units
                if quantity > 0
            ),
            order_url=self.order.facts.snapshot.status_url,
        )

    @property
    def received(self) -> Received:
        """The money that was received for the preorder and has not been refunded."""
        totals = ledger_totals(self.order)
        return Received(
            deposit=totals.deposit.received - totals.deposit.refunded,
            balance=totals.balance.own - totals.balance.refunded,
        )

    @property
    def refund(self) -> Decimal:
        """The amount that is refunded, or is being refunded."""
        refunds = (one for one in self.order.payments if one.kind == "refund")
        return sum((one.amount for one in refunds if one.stands), ZERO)

    @property
    def for_shopper(self) -> OrderFacts:
        """The order facts for a mail to the shopper, in their language."""
        return self.facts(self.order.facts.locale, self.order.facts.customer_name)

    @property
    def admin_url(self) -> str:
        """The order's page in the shop's admin."""
        return f"https://{self.shop.domain}/admin/orders/{self.order.order_id}"

    @property
    def last_charge(self) -> Payment | None:
        """The most recent automatic charge of the balance, or None."""
        return self.order.last_charge("auto")


@jobs.job(attempts=30, lane=Lane.SENDS)
async def send_payment_link(run: Run, *, order_id: int, notice_id: UUID, why: Why) -> None:
    """Mail the shopper a fresh link to pay the balance, unless the balance is no longer owed.

    Raises GiveUp if Shopify has no payment page for the order.
    """
    letter = await _load(run, order_id)
    if letter is None or _is_settled(letter.order):
        return
    if why == "declined" and letter.order.charge_under_way is not None:
        # The charge is being retried already, and its outcome has a mail of its own.
        return
    fresh = await _fresh(run, order_id)
    if fresh is None or fresh.cancelled_at is not None or fresh.outstanding <= 0:
        return
    pay_url = fresh.collection_url
    if pay_url is None:
        raise GiveUp(
            "the shop gives no payment page for this order; collect the balance in another way"
        )
    charge = letter.last_charge
    await _to_shopper(
        run,
        letter,
        notice_id,
        lambda notice: order_mails.payment_request(
            notice,
            letter.for_shopper,
            why=why,
            amount=fresh.outstanding,
            due_at=letter.order.due_at,
            pay_url=pay_url,
            received=letter.received,
            decline=Decline(cause_of(charge.error), charge.retry_at) if charge else None,
        ),
    )


async def on_balance_collected(work: Work, collected: BalanceCollected) -> None:
    """Enqueue the mail that tells the shopper that the balance was paid."""
    work.enqueue(send_receipt, order_id=collected.order_id, notice_id=new_id())


@jobs.job(attempts=30, lane=Lane.SENDS)
async def send_receipt(run: Run, *, order_id: int, notice_id: UUID) -> None:
    """Mail the shopper that the balance was paid, unless the preorder was cancelled or refunded."""
    letter = await _load(run, order_id)
    if letter is None or letter.order.state in ("cancelled", "refunded"):
        return
    if letter.received.balance <= 0:
        return
    order = letter.order
    await _to_shopper(
        run,
        letter,
        notice_id,
        lambda notice: order_mails.receipt(
            notice,
            letter.for_shopper,
            received=letter.received,
            # The shop's own amount may be older than a balance that was marked as collected.
            outstanding=ZERO if order.collected_at is not None else order.facts.outstanding,
        ),
    )


@jobs.job(attempts=30, lane=Lane.SENDS)
async def send_cancellation(
    run: Run, *, order_id: int, notice_id: UUID, why: Literal["asked", "exceeded"]
) -> None:
    """Mail the shopper that the preorder was cancelled, and the amount that is refunded."""
    letter = await _load(run, order_id)
    if letter is None:
        return
    await _to_shopper(
        run,
        letter,
        notice_id,
        lambda notice: order_mails.cancellation(
            notice,
            letter.for_shopper,
            why=why,
            reason=letter.order.decisions.cancel_reason,
            refund=letter.refund,
        ),
    )


@jobs.job(attempts=30, lane=Lane.SENDS)
async def send_shipping_update(
    run: Run, *, order_id: int, notice_id: UUID, subject: str, header: str, description: str
) -> None:
    """Mail the shopper the merchant's message about the order."""
    letter = await _load(run, order_id)
    if letter is None:
        return
    await _to_shopper(
        run,
        letter,
        notice_id,
        lambda notice: order_mails.shipping_update(
            notice, letter.for_shopper, subject=subject, header=header, description=description
        ),
    )


@jobs.job(attempts=30, lane=Lane.SENDS)
async def tell_merchant_uncollected(run: Run, *, order_id: int, notice_id: UUID) -> None:
    """Mail the merchant that the last attempt to collect a balance has failed.

    No mail is sent if the balance is no longer owed.
    """
    letter = await _load(run, order_id)
    if letter is None or _is_settled(letter.order):
        return
    charge = letter.last_charge
    await _send(
        run,
        letter,
        notice_id,
        letter.shop.email,
        lambda notice: order_mails.uncollected(
            notice,
            letter.facts(letter.shop.locale),
            amount=charge.amount if charge is not None else letter.order.facts.outstanding,
            error=charge.error if charge is not None else None,
            order_url=letter.admin_url,
        ),
    )


@jobs.job(attempts=30, lane=Lane.SENDS)
async def tell_merchant_held_again(run: Run, *, order_id: int, notice_id: UUID) -> None:
    """Mail the merchant that an unpaid preorder was released, and that we hold it again."""
    letter = await _load(run, order_id)
    if letter is None or _is_settled(letter.order):
        return
    await _send(
        run,
        letter,
        notice_id,
        letter.shop.email,
        lambda notice: order_mails.held_again(
            notice,
            letter.facts(letter.shop.locale),
            amount=letter.order.facts.outstanding,
            order_url=letter.admin_url,
        ),
    )


def cause_of(error: str | None) -> Cause:
    """Return why a charge was declined, as the shopper's mail says it, from the provider's error."""
    return next((cause for words, cause in _CAUSES if words.search(error or "")), "declined")


async def _load(run: Run, order_id: int) -> _Letter | None:
    async with run.work() as work:
        shop = await shops.load(work.db, work.shop_id)
        found = await store.load(work.db, work.shop_id, [order_id])
    order = found.get(order_id)
    if shop is None or shop.uninstalled_at is not None or order is None:
        return None
    return _Letter(shop, order)


async def _fresh(run: Run, order_id: int) -> Order | None:
    commerce = await commerce_of(run)
    if commerce is None:
        return None
    with asking():
        return await commerce.order(order_id)


def _is_settled(order: PreorderOrder) -> bool:
    return (
        order.collected_at is not None
        or order.decisions.cancelled_at is not None
        or order.facts.cancelled_at is not None
        or order.state == "refunded"
    )


async def _to_shopper(
    run: Run, letter: _Letter, notice_id: UUID, write: Callable[[Notice], bytes]
) -> None:
    await _send(run, letter, notice_id, letter.order.facts.email, write)


async def _send(
    run: Run,
    letter: _Letter,
    notice_id: UUID,
    recipient: str | None,
    write: Callable[[Notice], bytes],
) -> None:
    if not recipient:
        log.info("order_mail.without_address", order_id=letter.order.order_id)
        return
    notice = notice_of(run, letter.shop, notice_id, recipient)
    try:
        content = write(notice)
    except ValueError:
        # The error quotes the address or the link, and neither may be in a log.
        raise GiveUp(
            "the mail could not be written: correct the order's or the shop's e-mail address, or "
            "OPENSTOQ_MAIL_SENDER"
        ) from None
    await send_single(run, notice, content)
