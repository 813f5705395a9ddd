"""Compose an order from Shopify's data and from earlier readings and decisions: no I/O."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from openstoq.commerce.orders import Order, OrderLine
from openstoq.kernel.ids import new_id
from openstoq.preorders.offers.model import Offer
from openstoq.preorders.orders.intake import other_plans, outside_release
from openstoq.preorders.orders.intake.money import Money, later_of, read_money
from openstoq.preorders.orders.ledger import entries
from openstoq.preorders.orders.ledger.amounts import of_units, shares, worth
from openstoq.preorders.orders.model import (
    ZERO,
    Collect,
    Decisions,
    Line,
    OtherLines,
    Payment,
    PreorderOrder,
    ShopFacts,
    Snapshot,
)
from openstoq.preorders.orders.recognition.matching import Match


@dataclass(frozen=True, slots=True, kw_only=True)
class Recognition:
    """Everything known about an order and its offers before the order is taken in."""

    stored: PreorderOrder | None
    matches: Sequence[Match]
    offers: Mapping[UUID, Offer]
    market_id: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Composition:
    """An order composed from Shopify's data, with the changes to be saved.

    `before` holds the lines as they were stored. `entries` holds the ledger's new and changed
    entries. `is_held_again` is true if this reading puts an unpaid preorder back on hold, and no
    earlier reading did.
    """

    order: PreorderOrder
    before: Sequence[Line]
    entries: Sequence[Payment]
    offers: Mapping[UUID, Offer]
    is_new: bool
    is_held_again: bool


def compose(
    order: Order, known: Recognition, *, read_at: datetime, now: datetime, hold_unpaid: bool
) -> Composition:
    """Compose our record of an order, its lines and its ledger; limits are judged afterwards."""
    stored, offers = known.stored, known.offers
    before = stored.lines if stored is not None else ()
    order = other_plans.without_terms(order, known.matches)
    has_partial = any(match.payment == "partial" for match in known.matches)
    later = other_plans.later_by_terms(order, known.matches, offers, stored)
    money = read_money(order, stored, has_partial=has_partial, later=later)
    own = other_plans.own_part(order, known.matches, offers, stored, balance=money.balance)
    if own.agreed is not None:
        money = money.less(own.deferred, agreed=own.agreed, schedules=own.schedules)
        outstanding = max(order.outstanding - own.due, ZERO)
        order = replace(order, schedules=own.schedules, outstanding=outstanding)
    lines = compose_lines(
        order, known.matches, offers, stored, market_id=known.market_id, agreed=money.agreed
    )
    composed = compose_order(
        order,
        lines,
        offers,
        stored,
        owed=money,
        market_id=known.market_id,
        read_at=read_at,
        now=now,
        others_deferred=own.deferred,
        others_due=own.due,
        others_paid=own.paid,
    )
    is_held_again = stored is not None and outside_release.follow(
        stored, composed, now, hold_unpaid=hold_unpaid
    )
    ledger = entries.reconcile(order, composed.payments, now, at_checkout=money.at_checkout)
    return Composition(
        order=composed,
        before=before,
        entries=ledger,
        offers=offers,
        is_new=stored is None,
        is_held_again=is_held_again,
    )


def compose_order(
    order: Order,
    lines: Sequence[Line],
    offers: Mapping[UUID, Offer],
    stored: PreorderOrder | None,
    *,
    owed: Money,
    market_id: int | None,
    read_at: datetime,
    now: datetime,
    others_deferred: Decimal = ZERO,
    others_due: Decimal = ZERO,
    others_paid: Decimal = ZERO,
) -> PreorderOrder:
    """Return the order, new or updated.

    The order's state is not derived here. Call `state.derive` once the ledger is known.
    """
    others = _other_lines(order, lines, stored)
    is_left = order.cancelled_at is None and any(line.current for line in lines)
    # Once no preordered unit is left, the agreed balance stays visible, unless a part was paid.
    balance = owed.balance if is_left else owed.balance or owed.agreed
    others = replace(others, deferred=others_deferred, due=others_due, paid=others_paid)
    facts = _facts(order, Snapshot.of(order, others), read_at)
    deposit = _deposit(order, lines, owed, others.removed) if others.ordered else owed.at_checkout
    if stored is not None:
        return replace(
            stored,
            facts=facts,
            decisions=replace(stored.decisions),
            at_checkout=owed.fixed,
            deposit=deposit,
            balance=balance,
            due_at=owed.due_at,
            lines=tuple(lines),
            updated_at=now,
        )
    return PreorderOrder(
        order_id=order.id,
        id=new_id(),
        placed_at=order.created_at,
        market_id=market_id,
        currency=order.currency,
        facts=facts,
        decisions=_decide(lines, offers),
        at_checkout=owed.fixed,
        deposit=deposit,
        balance=balance,
        due_at=owed.due_at,
        state="placed",
        collected_at=None,
        created_at=now,
        updated_at=now,
        lines=tuple(lines),
    )


def _facts(order: Order, snapshot: Snapshot, read_at: datetime) -> ShopFacts:
    customer = order.customer
    return ShopFacts(
        name=order.name,
        customer_id=customer.id if customer else None,
        customer_name=customer.name if customer else None,
        email=order.email or (customer.email if customer else None),
        phone=order.phone or (customer.phone if customer else None),
        locale=order.locale or (customer.locale if customer else None),
        country=order.country,
        read_at=read_at,
        updated_at=order.updated_at,
        cancelled_at=order.cancelled_at,
        total=order.total,
        received=order.received,
        refunded=order.refunded,
        outstanding=order.outstanding,
        snapshot=snapshot,
    )


def _other_lines(order: Order, lines: Iterable[Line], stored: PreorderOrder | None) -> OtherLines:
    """Return the lines of an order that are not preorders.

    `ordered`, the units and prices at checkout, is found anew by each reading until the amount due
    at checkout is stored. After that it no longer changes.
    """
    preordered = {line.id for line in lines}
    others = [one for one in order.lines if one.id not in preordered and one.quantity > 0]
    if stored is not None and stored.at_checkout is not None:
        ordered = stored.facts.snapshot.others_ordered
    else:
        ordered = {one.id: (one.quantity, one.total) for one in others}
    removed = added = ZERO
    for one in others:
        units, price = ordered.get(one.id, (0, ZERO))
        removed += of_units(price, max(units - one.current, 0), units, order.currency)
        added += _added(one, units, price, order.currency)
    return OtherLines(ordered=ordered, removed=removed, added=added)


def _decide(lines: Sequence[Line], offers: Mapping[UUID, Offer]) -> Decisions:
    """Return the decisions that a new order's offers call for."""
    selling = [offers[one] for one in dict.fromkeys(line.offer_id for line in lines)]
    return Decisions(
        collect=_collect(lines, offers),
        hold_wanted=any(_holds(one) for one in selling) or None,
        split_wanted=any(one.shipping.fulfillment.split.enabled for one in selling),
        tags_wanted=_tags(selling),
    )


def _deposit(order: Order, lines: Sequence[Line], owed: Money, others_removed: Decimal) -> Decimal:
    """Return the preorder's part of the amount due at checkout, for an order with other goods.

    That part is the sum of the lines' deposits. It is larger if other goods were removed before the
    balance was paid. Shopify then lowers the outstanding amount, so the money that was paid for the
    removed goods pays for the preorder.
    """
    agreed = sum((line.deposit for line in lines), ZERO)
    raised = worth(lines, order.currency) - owed.balance
    return max(agreed, min(raised, agreed + others_removed))


def _added(line: OrderLine, ordered: int, price: Decimal, currency: str) -> Decimal:
    """Return the price of the units that a line has beyond the units ordered at checkout.

    `ordered` is the number of units ordered at checkout, and `price` is their price.
    """
    units = max(line.current - ordered, 0)
    return of_units(line.total - price, units, line.quantity - ordered, currency)


def _collect(lines: Iterable[Line], offers: Mapping[UUID, Offer]) -> Collect:
    """Return how the balance is collected.

    Only the offers of lines that were sold with a deposit count. If any of them collects on
    fulfillment, the balance is collected on fulfillment. Otherwise, if all of them collect
    automatically, the balance is collected on the due date. Otherwise it is collected manually.
    So the offer that waits longest decides.
    """
    terms = [
        offers[line.offer_id].payments.remaining_balance
        for line in lines
        if line.payment == "partial"
    ]
    if any(one.auto_collect_on_fulfillment for one in terms):
        return "when_fulfilled"
    return "when_due" if terms and all(one.auto_collect for one in terms) else "manual"


def _holds(offer: Offer) -> bool:
    fulfillment = offer.shipping.fulfillment
    return fulfillment.hold or (fulfillment.split.enabled and fulfillment.split.hold_fulfillments)


def _tags(offers: Iterable[Offer]) -> list[str]:
    tags: list[str] = []
    for offer in offers:
        tags += offer.checkout.order_tags
        split = offer.shipping.fulfillment.split
        if split.enabled and split.tag is not None:
            tags.append(split.tag)
    return list(dict.fromkeys(tags))


def compose_lines(
    order: Order,
    matches: Iterable[Match],
    offers: Mapping[UUID, Offer],
    stored: PreorderOrder | None,
    *,
    market_id: int | None,
    agreed: Decimal,
) -> list[Line]:
    """Return the preordered lines as they are now, with the agreed balance divided between them.

    The amounts that were agreed for a line at checkout no longer change once the amount due at
    checkout is stored. `amounts.left` returns the amounts for the units that a line has now. Units
    that count against limits keep counting while they are left in the order. The units of a new
    line do not count yet.
    """
    by_id = {line.id: line for line in stored.lines} if stored is not None else {}
    is_fixed = stored is not None and stored.at_checkout is not None
    matched = list(matches)
    totals = [one.line.total for one in matched]
    later = [later_of(one, by_id.get(one.line.id), offers.get(one.offer_id)) for one in matched]
    parts = shares(totals, later, agreed, order.currency)
    lines: list[Line] = []
    for one, share in zip(matched, parts, strict=True):
        known = by_id.get(one.line.id)
        line = known or _new(one, market_id)
        if known is None and is_fixed:
            # Nothing of a line that an edit adds was due at checkout.
            line = replace(line, total=one.line.total, balance=one.line.total)
        elif not is_fixed:
            line = replace(line, ordered=one.line.quantity, total=share.total)
            line = replace(line, deposit=share.deposit, balance=share.balance)
        lines.append(
            replace(
                line,
                current=one.line.current,
                unfulfilled=one.line.unfulfilled,
                counted=min(line.counted, one.line.current),
                added=_added(one.line, line.ordered, line.total, order.currency),
            )
        )
    return lines


def _new(one: Match, market_id: int | None) -> Line:
    line = one.line
    return Line(
        id=line.id,
        offer_id=one.offer_id,
        variant_id=line.variant_id or 0,
        product_id=line.product_id,
        market_id=market_id,
        plan_id=line.plan_id,
        payment=one.payment,
        title=line.title,
        variant_title=line.variant_title,
        sku=line.sku,
        ordered=line.quantity,
        current=line.current,
        unfulfilled=line.unfulfilled,
        counted=0,
        unit_price=line.unit_price,
        total=ZERO,
        deposit=ZERO,
        balance=ZERO,
        exceeded=None,
    )
