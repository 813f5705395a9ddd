"""The changes still to be made in Shopify to carry out the decisions about an order: no I/O."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from openstoq.commerce.orders import FulfillmentOrder, Hold, Order
from openstoq.preorders.orders.model import HANDLE, PreorderOrder


@dataclass(frozen=True, slots=True)
class AddTags:
    """Add tags that the order lacks."""

    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RemoveTags:
    """Remove tags that the order should not have."""

    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """Place a missing hold on units.

    `lines` maps fulfillment lines to the units to be held. If it is None, all units are held.
    """

    fulfillment_order_id: int
    lines: Mapping[int, int] | None = field(default=None)


@dataclass(frozen=True, slots=True)
class Lift:
    """Release holds that we placed."""

    fulfillment_order_id: int
    hold_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SplitOff:
    """Split off units to be shipped separately.

    `lines` maps fulfillment lines to the units to be split off.
    """

    fulfillment_order_id: int
    lines: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class MarkPaid:
    """Mark the order as paid, because it was paid by means that Shopify does not know of."""


@dataclass(frozen=True, slots=True)
class CancelOrder:
    """Cancel the order in Shopify."""


# The changes to a fulfillment order, whose id may be gone by the time of the request.
OnFulfillmentOrder = Place | Lift | SplitOff
Effect = AddTags | RemoveTags | Place | Lift | SplitOff | MarkPaid | CancelOrder


_NAMES: dict[type[Effect], str] = {
    AddTags: "tags to add",
    RemoveTags: "tags to remove",
    Place: "a hold",
    Lift: "the release of a hold",
    SplitOff: "a split",
    MarkPaid: "the mark as paid",
    CancelOrder: "the cancellation",
}
# The cancel reasons that Shopify defines.
_REASONS = frozenset({"customer", "declined", "fraud", "inventory", "staff"})


def named(effects: Iterable[Effect]) -> str:
    """Return the names of the kinds of changes, separated by commas, for an error sentence."""
    return ", ".join(dict.fromkeys(_NAMES[type(one)] for one in effects))


def cancel_reason(reason: str | None) -> str:
    """Return Shopify's code for a cancel reason, or "other"; the reason is also sent as a note."""
    word = (reason or "").strip().lower()
    return word if word in _REASONS else "other"


def handle_of(order_id: int) -> str:
    """Return the handle of our hold, which Shopify accepts once for each fulfillment order."""
    return f"{HANDLE}-{order_id}"


def missing(wanted: PreorderOrder, order: Order) -> list[Effect]:
    """Return the changes that Shopify still needs for an order.

    Holding and splitting make new fulfillment orders, and a release may merge some into others. So
    the caller must reread the order and call this again until nothing is missing.
    """
    effects: list[Effect] = []
    has = {tag.casefold() for tag in order.tags}
    asked = _single(wanted.decisions.tags_wanted)
    tags = tuple(tag for tag in asked if tag.casefold() not in has)
    if tags:
        effects.append(AddTags(tags))
    # A tag that is both wanted and unwanted stays.
    has -= {tag.casefold() for tag in asked}
    unwanted = tuple(
        tag for tag in _single(wanted.decisions.tags_unwanted) if tag.casefold() in has
    )
    if unwanted:
        effects.append(RemoveTags(unwanted))
    if wanted.decisions.paid_wanted and order.can_mark_paid and order.outstanding > 0:
        effects.append(MarkPaid())
    if order.cancelled_at is None:
        if wanted.decisions.cancel_wanted:
            # Shopify cancels in the background, so the cancellation is requested only once.
            return effects if wanted.synced.cancel_asked_at else [*effects, CancelOrder()]
        preordered = {line.id for line in wanted.lines}
        found = (_on(one, wanted, preordered) for one in order.fulfillment_orders)
        effects += [effect for effect in found if effect is not None]
    return effects


def ours(holds: Iterable[Hold]) -> tuple[int, ...]:
    """Return the ids of the holds that this application placed; it never releases any others."""
    return tuple(hold.id for hold in holds if hold.ours and (hold.handle or "").startswith(HANDLE))


def _single(tags: Iterable[str]) -> list[str]:
    """Return tags as Shopify keeps them: split at commas, without the spaces around them."""
    return [tag.strip() for text in tags for tag in text.split(",") if tag.strip()]


def _on(one: FulfillmentOrder, wanted: PreorderOrder, preordered: set[int]) -> Effect | None:
    units = {
        line.id: line.remaining
        for line in one.lines
        if line.line_id in preordered and line.remaining > 0
    }
    held = ours(one.holds)
    if wanted.decisions.hold_wanted is False and held:
        return Lift(one.id, held)
    if not units:
        return None
    is_mixed = any(line.id not in units and line.remaining > 0 for line in one.lines)
    if wanted.decisions.hold_wanted and not held and "hold" in one.actions:
        # Shopify refuses to hold only a part of a fulfillment order that somebody else holds. Then
        # all of it is held.
        part = units if is_mixed and not one.holds else None
        return Place(one.id, part)
    if wanted.decisions.split_wanted and is_mixed and "split" in one.actions:
        return SplitOff(one.id, units)
    return None
