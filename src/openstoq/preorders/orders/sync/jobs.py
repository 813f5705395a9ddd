"""Sync the decisions about an order to Shopify: tags, holds, splits, payment and cancellation."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NoReturn, TypeAlias

import structlog

from openstoq.commerce.orders import Order
from openstoq.commerce.port import (
    Commerce,
    CommerceError,
    CommerceRefused,
    CommerceUnavailable,
    CommerceUnreadable,
)
from openstoq.jobs.items import counts, forget, remember
from openstoq.jobs.job import JobSet, Retry
from openstoq.jobs.leases import LATER, Leases
from openstoq.jobs.work import Run, Work
from openstoq.kernel.alone import noted
from openstoq.kernel.faults import is_of_item
from openstoq.preorders.offers import store as offers
from openstoq.preorders.orders import store
from openstoq.preorders.orders.events import OrderDecided
from openstoq.preorders.orders.intake.take_in import take_in
from openstoq.preorders.orders.model import PreorderOrder
from openstoq.preorders.orders.sync import effects
from openstoq.preorders.orders.sync.effects import (
    AddTags,
    CancelOrder,
    Effect,
    Lift,
    MarkPaid,
    OnFulfillmentOrder,
    Place,
    RemoveTags,
    SplitOff,
)
from openstoq.shops.commerce import commerce_of, patiently

log = structlog.get_logger(__name__)

jobs = JobSet("preorders.orders.sync")

LEASES = Leases("preorder_orders", "order_id")
# The shortest and longest pause between polls of a cancellation, and how long it is polled.
CANCELLING, SLOWEST = timedelta(seconds=3), timedelta(minutes=1)
CANCELLED_WITHIN = timedelta(minutes=10)
# The item kind under which failures are stored; `recovery` retries the order after a pause.
SYNC = "order in the shop"
# One round may not be enough: holding a part of a fulfillment order creates new ids.
MOST_ROUNDS = 6

# An order as it was read from Shopify, and our record of it after that reading.
Reading: TypeAlias = tuple[Order, PreorderOrder]


def request(work: Work, order_id: int) -> None:
    """Enqueue the job that syncs the decisions about an order to Shopify."""
    work.enqueue(sync_order.once(), order_id=order_id)


async def on_decided(work: Work, decided: OrderDecided) -> None:
    """Enqueue the job that syncs the decision to Shopify."""
    request(work, decided.order_id)


@jobs.job()
async def sync_order(run: Run, *, order_id: int) -> None:
    """Make the changes that Shopify still needs for an order, one run at a time for each order."""
    commerce = await commerce_of(run)
    if commerce is None:
        return
    async with LEASES.alone(run, order_id, again=_later(order_id)) as is_alone:
        if is_alone:
            await _follow(run, commerce, order_id, None)


def _later(order_id: int) -> Callable[[Work], None]:
    return lambda work: work.enqueue(sync_order.once(after=LATER), order_id=order_id)


async def follow(run: Run, commerce: Commerce, order: Order, *, read_at: datetime) -> None:
    """Sync an order that was just read and taken in, without reading it again.

    If another run is working on the order, a job syncs it later.
    """
    later = _later(order.id)
    async with LEASES.alone(run, order.id, again=later, keeps_count=False) as is_alone:
        if not is_alone:
            return
        async with run.work() as work:
            wanted = await store.load_order(work.db, work.shop_id, order.id)
        # Another run may have stored a newer reading, and already synced the order by it.
        is_newest = wanted is not None and wanted.facts.read_at == read_at
        reading = (order, wanted) if wanted and is_newest else None
        await _follow(run, commerce, order.id, reading)


async def _follow(run: Run, commerce: Commerce, order_id: int, reading: Reading | None) -> None:
    """Sync an order, and record the revision that Shopify has reached, or the error.

    If Shopify refuses a change, the error is recorded at once. After another fault, the run is
    retried a few times before the fault is recorded.
    """
    error: str | None = None
    revision: int | None = None
    failures: dict[int, str] = {}
    try:
        with patiently():
            revision = await _agree(run, commerce, order_id, reading)
    except CommerceUnreadable:
        # Shopify's next response may be readable.
        raise
    except CommerceError as refusal:
        error = str(refusal)
        log.warning("order.sync_failed", order_id=order_id, error=error)
    except Exception as fault:
        if not is_of_item(fault) or not counts(run):
            raise
        error = noted(SYNC, order_id, fault)
        failures[order_id] = error
    async with run.work() as work:
        await LEASES.note(work.db, work.shop_id, order_id, revision=revision, error=error)
        if failures:
            await remember(work.db, work.shop_id, SYNC, failures, work.runtime.clock())
        else:
            await forget(work.db, work.shop_id, SYNC, [order_id])


async def _agree(
    run: Run, commerce: Commerce, order_id: int, reading: Reading | None
) -> int | None:
    """Make changes until none are missing; return the revision that Shopify has reached.

    Returns None if the order is not a preorder. Shopify may have merged or split a fulfillment
    order since it was read, for example after a release. So if Shopify refuses a change to a
    fulfillment order, the order is read again. The refusal is raised only if the same change is
    still missing then.
    """
    missing: list[Effect] = []
    refused: list[tuple[Effect, CommerceRefused]] = []
    for _ in range(MOST_ROUNDS):
        order, wanted = reading or await _read(run, commerce, order_id)
        reading = None
        if wanted is None or order is None:
            return wanted.decisions.revision if wanted is not None else None
        missing = effects.missing(wanted, order)
        if not missing:
            if wanted.decisions.cancel_wanted and order.cancelled_at is None:
                _await_cancellation(wanted, run.runtime.clock())
            return wanted.decisions.revision
        for effect, refusal in refused:
            if effect in missing:
                raise refusal
        async with run.work() as work:
            note = await _note(work, wanted)
        refused = []
        for effect in missing:
            try:
                await _do(run, commerce, wanted, effect, note)
            except CommerceRefused as refusal:
                if not isinstance(effect, OnFulfillmentOrder):
                    raise
                refused.append((effect, refusal))
    raise CommerceError(
        f"the shop did not apply all changes ({effects.named(missing)}); check the order there"
    )


async def _read(
    run: Run, commerce: Commerce, order_id: int
) -> tuple[Order | None, PreorderOrder | None]:
    """Read an order and take it in; the first value is None if Shopify no longer has the order."""
    read_at = run.runtime.clock()
    order = await commerce.order(order_id)
    async with run.work() as work:
        wanted = (
            await take_in(work, order, read_at=read_at)
            if order is not None
            else await store.load_order(work.db, work.shop_id, order_id)
        )
    return order, wanted


def _await_cancellation(order: PreorderOrder, now: datetime) -> NoReturn:
    """Raise Retry while Shopify is cancelling an order, or CommerceError if that failed."""
    if order.synced.error is not None:
        raise CommerceError(order.synced.error)
    waited = now - (order.synced.cancel_asked_at or now)
    if waited > CANCELLED_WITHIN:
        raise CommerceError("the shop was asked to cancel the order and did not; cancel it there")
    raise Retry("the shop is cancelling", delay=min(max(waited / 4, CANCELLING), SLOWEST))


async def _do(
    run: Run, commerce: Commerce, order: PreorderOrder, effect: Effect, note: str | None
) -> None:
    order_id = order.order_id
    match effect:
        case AddTags(tags):
            await commerce.tag_order(order_id, tags)
        case RemoveTags(tags):
            await commerce.untag_order(order_id, tags)
        case Place(fulfillment_order_id, lines):
            handle = effects.handle_of(order_id)
            await commerce.hold(fulfillment_order_id, handle=handle, note=note, lines=lines)
        case Lift(fulfillment_order_id, hold_ids):
            await commerce.release_holds(fulfillment_order_id, hold_ids)
        case SplitOff(fulfillment_order_id, lines):
            await commerce.split_fulfillment_order(fulfillment_order_id, lines)
        case MarkPaid():
            await commerce.mark_paid(order_id)
        case CancelOrder():
            await _cancel(run, commerce, order)


async def _cancel(run: Run, commerce: Commerce, order: PreorderOrder) -> None:
    """Request an order's cancellation from Shopify, and record the request.

    The request is recorded even if Shopify refused it, because Shopify would refuse it again. If
    Shopify was unavailable, nothing is recorded.
    """
    try:
        await commerce.cancel_order(
            order.order_id,
            reason=effects.cancel_reason(order.decisions.cancel_reason),
            note=order.decisions.cancel_reason,
            notify=False,
            restock=True,
        )
    except CommerceUnavailable:
        raise
    except CommerceError:
        await _asked_to_cancel(run, order.order_id)
        raise
    await _asked_to_cancel(run, order.order_id)


async def _asked_to_cancel(run: Run, order_id: int) -> None:
    async with run.work() as work:
        now = work.runtime.clock()
        await store.note_cancel_requested(work.db, work.shop_id, order_id, now)


async def _note(work: Work, order: PreorderOrder) -> str | None:
    """Return the note for an order's holds, or None if there is no note.

    The note is taken from the offer of the order's first line.
    """
    if not order.lines:
        return None
    first = await offers.load(work.db, work.shop_id, order.lines[0].offer_id, lock=False)
    return first.shipping.fulfillment.hold_reason_note if first is not None else None
