"""The mutations fulfillmentOrderHold, -ReleaseHold, -Split, -Reschedule and -Merge."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from shopify_sandbox import holds
from shopify_sandbox.admin.errors import UserProblem
from shopify_sandbox.admin.records import Info, find, shop_of
from shopify_sandbox.config import APP_ID
from shopify_sandbox.ids import shopify_id
from shopify_sandbox.records.orders import MOST_HOLDS, FulfillmentOrder

LONGEST_HANDLE = 64

Payload = dict[str, Any]
Field = tuple[str, ...]


def hold(_: Any, info: Info, id: str, fulfillment_hold: Payload) -> Payload:
    """Hold a fulfillment order, or only some units of its lines.

    The units that are not held are split off first, into a fulfillment order of their own.
    """
    shop, held = shop_of(info), find(info, id, FulfillmentOrder)
    if held is None:
        return _refused(_missing(("id",)))
    rows = fulfillment_hold["fulfillment_order_line_items"] or []
    for problem in _hold_problems(held, fulfillment_hold, rows):
        return _refused(problem)
    new = holds.NewHold(
        reason=fulfillment_hold["reason"],
        reason_notes=fulfillment_hold.get("reason_notes"),
        handle=fulfillment_hold["handle"] or "",
        app_id=APP_ID,
    )
    placed, rest = holds.hold(shop, held, new, _units(held, rows), shop.action())
    return {
        "fulfillment_hold": placed,
        "fulfillment_order": held,
        "remaining_fulfillment_order": rest,
        "user_errors": [],
    }


def release(
    _: Any, info: Info, id: str, hold_ids: list[str] | None = None, **_history: Any
) -> Payload:
    """Release the holds with these ids, whoever placed them.

    All holds are released if `hold_ids` is None.
    """
    shop, held = shop_of(info), find(info, id, FulfillmentOrder)
    if held is None:
        return _refused(_missing(("id",)))
    if not held.holds:
        return _refused(UserProblem("The fulfillment order is not on hold.", ("id",)))
    numbers = None if hold_ids is None else {shopify_id(each) for each in hold_ids}
    ended = [each for each in held.holds if numbers is None or each.id in numbers]
    holds.release(shop, held, ended, shop.action())
    return {"fulfillment_order": held, "user_errors": []}


def split(_: Any, info: Info, fulfillment_order_splits: list[Payload]) -> Payload:
    """Split units off fulfillment orders into new ones: all of the requested splits, or none."""
    shop, planned = shop_of(info), []
    for index, each in enumerate(fulfillment_order_splits):
        original = find(info, each["fulfillment_order_id"], FulfillmentOrder)
        if original is None:
            return _refused(_missing(None))
        rows, field = each["fulfillment_order_line_items"], ("fulfillmentOrderSplits", str(index))
        for problem in _split_problems(original, rows, field):
            return _refused(problem)
        planned.append((original, _units(original, rows)))
    action = shop.action()
    made = [
        {
            "fulfillment_order": original,
            "remaining_fulfillment_order": holds.split(shop, original, units, action),
            "replacement_fulfillment_order": None,
        }
        for original, units in planned
    ]
    return {"fulfillment_order_splits": made, "user_errors": []}


def reschedule(_: Any, info: Info, id: str, fulfill_at: str) -> Payload:
    """Move a scheduled fulfillment order to another date in the future."""
    shop, scheduled = shop_of(info), find(info, id, FulfillmentOrder)
    if scheduled is None:
        return _refused(_missing(("id",)))
    if scheduled.status != "SCHEDULED":
        return _refused(UserProblem("The fulfillment order is not scheduled.", ("id",)))
    moment = datetime.fromisoformat(fulfill_at)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    if moment <= shop.clock():
        return _refused(UserProblem("The date must be in the future.", ("fulfillAt",)))
    holds.reschedule(shop, scheduled, moment, shop.action())
    return {"fulfillment_order": scheduled, "user_errors": []}


def merge(_: Any, info: Info, fulfillment_order_merge_inputs: list[Payload]) -> Payload:
    """Merge fulfillment orders of the same order: all of the requested merges, or none."""
    shop, planned = shop_of(info), []
    for index, each in enumerate(fulfillment_order_merge_inputs):
        asked = [row["fulfillment_order_id"] for row in each["merge_intents"]]
        named = [find(info, one, FulfillmentOrder) for one in dict.fromkeys(asked)]
        if None in named:
            return _refused(_missing(None))
        kept, *others = named
        alike = all(one in kept.siblings and kept.merges_with(one) for one in others)
        if not (others and alike):
            field = ("fulfillmentOrderMergeInputs", str(index), "mergeIntents")
            return _refused(UserProblem("The fulfillment orders cannot be merged.", field))
        planned.append((kept, others))
    action = shop.action()
    for kept, others in planned:
        holds.merge(shop, kept, others, action)
    return {
        "fulfillment_order_merges": [{"fulfillment_order": kept} for kept, _ in planned],
        "user_errors": [],
    }


def _refused(problem: UserProblem) -> Payload:
    return {
        "fulfillment_hold": None,
        "fulfillment_order": None,
        "remaining_fulfillment_order": None,
        "fulfillment_order_splits": None,
        "fulfillment_order_merges": None,
        "user_errors": [problem],
    }


def _missing(field: Field | None) -> UserProblem:
    return UserProblem("Fulfillment order does not exist.", field, "FULFILLMENT_ORDER_NOT_FOUND")


def _hold_problems(
    held: FulfillmentOrder, new: Payload, rows: list[Payload]
) -> Iterator[UserProblem]:
    lines = ("fulfillmentHold", "fulfillmentOrderLineItems")
    if len({row["id"] for row in rows}) < len(rows):
        yield UserProblem(
            "must contain unique line item ids", lines, "DUPLICATED_FULFILLMENT_ORDER_LINE_ITEMS"
        )
    yield from _unit_problems(held, rows, lines, "place on partial hold", "GREATER_THAN_ZERO")
    handle = new["handle"] or ""
    own = [each for each in held.holds if each.app_id == APP_ID]
    if len(handle) > LONGEST_HANDLE:
        yield UserProblem(
            f"Handle is too long (maximum is {LONGEST_HANDLE} characters)",
            ("fulfillmentHold", "handle"),
        )
    if any(each.handle == handle for each in own):
        yield UserProblem(
            "The handle provided for the fulfillment hold is already in use by this app for "
            "another hold on this fulfillment order.",
            ("fulfillmentHold", "handle"),
            "DUPLICATE_FULFILLMENT_HOLD_HANDLE",
        )
    if rows and held.status == "ON_HOLD":
        yield UserProblem(
            "The fulfillment order is not in a splittable state.",
            lines,
            "FULFILLMENT_ORDER_NOT_SPLITTABLE",
        )
    if len(own) >= MOST_HOLDS:
        yield UserProblem(
            "The maximum number of fulfillment holds for this fulfillment order has been reached "
            f"for this app. An app can only have up to {MOST_HOLDS} holds on a single "
            "fulfillment order at any one time.",
            ("id",),
            "FULFILLMENT_ORDER_HOLD_LIMIT_REACHED",
        )
    if not held.holdable:
        yield UserProblem("The fulfillment order cannot be put on hold.", ("id",))


def _split_problems(
    original: FulfillmentOrder, rows: list[Payload], field: Field
) -> Iterator[UserProblem]:
    lines = (*field, "fulfillmentOrderLineItems")
    if not rows:
        yield UserProblem(
            "There must be at least one item selected in this fulfillment to split it.",
            lines,
            "NO_LINE_ITEMS_PROVIDED_TO_SPLIT",
        )
    yield from _unit_problems(
        original, rows, lines, "split into a new fulfillment order", "GREATER_THAN"
    )
    if original.status not in ("OPEN", "SCHEDULED"):
        yield UserProblem(
            "The fulfillment order is not in a splittable state.", (*field, "fulfillmentOrderId")
        )
    if sum(row["quantity"] for row in rows) >= original.remaining:
        yield UserProblem(
            "Something must be left in the fulfillment order.", lines, "INVALID_LINE_ITEM_QUANTITY"
        )


def _unit_problems(
    record: FulfillmentOrder, rows: list[Payload], field: Field, purpose: str, too_few: str
) -> Iterator[UserProblem]:
    left = {each.id: each.remaining_quantity for each in record.lines}
    for index, row in enumerate(rows):
        place = (*field, str(index), "quantity")
        number = shopify_id(row["id"])
        if row["quantity"] <= 0:
            yield UserProblem(f"You must select at least one item to {purpose}.", place, too_few)
        left[number] = left.get(number, 0) - row["quantity"]
        if left[number] < 0:
            yield UserProblem(
                "The fulfillment order line item quantity is invalid.",
                place,
                "INVALID_LINE_ITEM_QUANTITY",
            )


def _units(record: FulfillmentOrder, rows: list[Payload]) -> holds.Units:
    parts = {each.id: each for each in record.lines}
    units: holds.Units = {}
    for row in rows:
        part = parts[shopify_id(row["id"])]
        units[part] = units.get(part, 0) + row["quantity"]
    return units
