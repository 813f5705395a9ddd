"""Compose an order from Shopify's data and from earlier readings and decisions: no I/O."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from openstoq.commerce.orders import Order, OrderLine
from openstoq.kernel.ids import new_id
from openstoq.preorders.offers.capabilities.payments import PartialOption
from openstoq.preorders.offers.model import Offer
from openstoq.preorders.orders.intake.money import Money, read_money
from openstoq.preorders.orders.ledger import entries
from openstoq.preorders.orders.ledger.amounts import of_units, shares, worth
from openstoq.preorders.orders.model import (
    HANDLE,
    ZERO,
    Collect,
    Decisions,
    Line,
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

    `before` holds the lines as they were stored, `entries` the ledger's new and changed entries.
    """

    order: PreorderOrder
    before: Sequence[Line]
    entries: Sequence[Payment]
    offers: Mapping[UUID, Offer]
    is_new: bool


def compose(order: Order, known: Recognition, *, read_at: datetime, now: datetime) -> Composition:
    """Compose our record of an order, its lines and its ledger, before its limits are judged."""
    stored, offers = known.stored, known.offers
    before = stored.lines if stored is not None else ()
    has_partial = any(match.payment == "partial" for match in known.matches)
    money = read_money(order, stored, has_partial=has_partial)
    lines = compose_lines(
        order, known.matches, offers, before, market_id=known.market_id, balance=money.agreed
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
    )
    if stored is not None and was_released_by_hand(stored, composed):
        composed.decisions.hold_wanted, composed.decisions.released_at = None, now
    ledger = entries.reconcile(order, composed.payments, now, at_checkout=money.at_checkout)
    return Composition(
        order=composed, before=before, entries=ledger, offers=offers, is_new=stored is None
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
) -> PreorderOrder:
    """Return the order, new or updated; call `state.derive` once the order's ledger is known."""
    sold = {line.id for line in lines}
    others = [line for line in order.lines if line.id not in sold and line.quantity > 0]
    is_left = order.cancelled_at is None and any(line.current for line in lines)
    # Once no preordered unit is left, the agreed balance stays visible, unless a part was paid.
    balance = owed.balance if is_left else owed.balance or owed.agreed
    facts = _facts(order, others, read_at)
    deposit = _deposit(order, lines, owed) if others else owed.at_checkout
    if stored is not None:
        return replace(
            stored,
            facts=facts,
            decisions=replace(stored.decisions),
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
        deposit=deposit,
        balance=balance,
        due_at=owed.due_at,
        state="placed",
        collected_at=None,
        created_at=now,
        updated_at=now,
        lines=tuple(lines),
    )


def _facts(order: Order, others: Sequence[OrderLine], read_at: datetime) -> ShopFacts:
    """Return what Shopify has of an order; `others` are its lines that are no preorders."""
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
        snapshot=Snapshot.of(
            order,
            has_other_lines=bool(others),
            others_removed=sum((_removed(line, order.currency) for line in others), ZERO),
        ),
    )


def _decide(lines: Sequence[Line], offers: Mapping[UUID, Offer]) -> Decisions:
    """Return the decisions that a new order's offers call for."""
    selling = [offers[one] for one in dict.fromkeys(line.offer_id for line in lines)]
    return Decisions(
        collect=_collect(lines, offers),
        hold_wanted=any(_holds(one) for one in selling) or None,
        split_wanted=any(one.shipping.fulfillment.split.enabled for one in selling),
        tags_wanted=_tags(selling),
    )


def _deposit(order: Order, lines: Sequence[Line], owed: Money) -> Decimal:
    """Return the preorder's part of the amount due at checkout, for an order with other goods.

    It is the lines' share of that amount. It is more if other goods were removed before the
    balance was paid: Shopify then lowers what is outstanding, so the money paid for those goods
    is the preorder's.
    """
    agreed = sum((line.deposit for line in lines), ZERO)
    return max(agreed, worth(lines, order.currency) - owed.balance)


def _removed(line: OrderLine, currency: str) -> Decimal:
    """Return the price of a line's units that are no longer in the order."""
    return line.total - of_units(line.total, line.current, line.quantity, currency)


def was_released_by_hand(stored: PreorderOrder, order: PreorderOrder) -> bool:
    """Return whether somebody released our holds in Shopify after they had been placed."""
    preordered = {line.id for line in order.lines}
    return (
        stored.decisions.hold_wanted is True
        and stored.synced.revision >= stored.decisions.revision
        and _is_held(stored.facts.snapshot)
        and not _is_held(order.facts.snapshot)
        and any(
            one.status in ("open", "scheduled", "in_progress")
            and any(line.line_id in preordered and line.remaining > 0 for line in one.lines)
            for one in order.facts.snapshot.fulfillment_orders
        )
    )


def _is_held(snapshot: Snapshot) -> bool:
    return any(
        hold.ours and (hold.handle or "").startswith(HANDLE)
        for one in snapshot.fulfillment_orders
        for hold in one.holds
    )


def _collect(lines: Iterable[Line], offers: Mapping[UUID, Offer]) -> Collect:
    """Return how the balance is collected; the offer that waits longest decides."""
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
    known: Iterable[Line],
    *,
    market_id: int | None,
    balance: Decimal,
) -> list[Line]:
    """Return the preordered lines as they are now, the agreed balance divided between them.

    Units that count against limits keep counting while they are left in the order. No units of
    a new line count yet.
    """
    by_id = {line.id: line for line in known}
    matched = list(matches)
    totals = [one.line.total for one in matched]
    later = [_later(one, by_id.get(one.line.id), offers.get(one.offer_id)) for one in matched]
    parts = shares(totals, later, balance, order.currency)
    lines: list[Line] = []
    for one, share in zip(matched, parts, strict=True):
        line = by_id.get(one.line.id) or _new(one, market_id)
        lines.append(
            replace(
                line,
                current=one.line.current,
                unfulfilled=one.line.unfulfilled,
                counted=min(line.counted, one.line.current),
                total=share.total,
                deposit=share.deposit,
                balance=share.balance,
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


def _later(one: Match, before: Line | None, offer: Offer | None) -> Decimal:
    """Return the amount that a line by itself leaves to be paid later.

    The amount was agreed at checkout: changes that the offer has made to its terms since apply
    to later buyers only.
    """
    if one.payment == "full":
        return ZERO
    total = one.line.total
    if before is not None and before.balance > 0:
        return before.balance * total / before.total
    option = offer.payments.options.partial if offer is not None else None
    deposit = (option or PartialOption()).deposit
    if deposit.type == "price" and deposit.amount is not None:
        return max(total - deposit.amount * one.line.quantity, ZERO)
    return total * (100 - deposit.percent) / 100
