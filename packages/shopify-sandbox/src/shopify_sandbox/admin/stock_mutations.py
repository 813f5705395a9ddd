"""The mutations inventorySetQuantities and inventoryAdjustQuantities."""

from collections.abc import Callable
from typing import Any

from graphql import GraphQLError

from shopify_sandbox import merchant
from shopify_sandbox.admin.errors import UserProblem
from shopify_sandbox.admin.idempotency import Result
from shopify_sandbox.admin.records import Info, find, shop_of
from shopify_sandbox.ids import gid
from shopify_sandbox.records.catalogue import InventoryItem, Location

HIGHEST = 1_000_000_000
LOWEST = -1_000_000_000
REASONS = {
    "correction",
    "cycle_count_available",
    "damaged",
    "movement_canceled",
    "movement_created",
    "movement_received",
    "movement_updated",
    "other",
    "promotion",
    "quality_control",
    "received",
    "reservation_created",
    "reservation_deleted",
    "reservation_updated",
    "restock",
    "safety_stock",
    "shrinkage",
}


def set_quantities(_: Any, info: Info, input: dict[str, Any]) -> Result:
    """Set the available or the on-hand quantities, which are the same in the sandbox."""
    return _once(info, input, lambda: _set(info, input))


def adjust_quantities(_: Any, info: Info, input: dict[str, Any]) -> Result:
    """Change the available quantities by given differences."""
    return _once(info, input, lambda: _adjust(info, input))


def _once(info: Info, input: dict[str, Any], run: Callable[[], Result]) -> Result:
    context = info.context
    return context.replays.once(info, now=context.shop.clock(), parameters=input, run=run)


def _set(info: Info, input: dict[str, Any]) -> Result:
    _require_change_from(input["quantities"], "InventoryQuantityInput")
    problems = _reason_problems(input)
    if input["name"] not in ("available", "on_hand"):
        problems.append(
            UserProblem(
                "The quantity name must be either 'available' or 'on_hand'.",
                ("input", "name"),
                "INVALID_NAME",
            )
        )
    changes, seen = [], set()
    for index, each in enumerate(input["quantities"]):
        field = ("input", "quantities", str(index))
        pair = (each["inventory_item_id"], each["location_id"])
        if pair in seen:
            problems.append(
                UserProblem(
                    "The combination of inventoryItemId and locationId must be unique.",
                    (*field, "locationId"),
                    "NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR",
                )
            )
        seen.add(pair)
        if each["quantity"] < 0:
            problems.append(
                UserProblem(
                    "The quantity can't be negative.",
                    (*field, "quantity"),
                    "INVALID_QUANTITY_NEGATIVE",
                )
            )
        problems += _height_problems(each["quantity"], (*field, "quantity"))
        changes += _change(info, each, field, problems, absolute=each["quantity"])
    return _finish(info, input, changes, problems)


def _adjust(info: Info, input: dict[str, Any]) -> Result:
    _require_change_from(input["changes"], "InventoryChangeInput")
    problems = _reason_problems(input)
    if input["name"] != "available":
        problems.append(
            UserProblem(
                "The sandbox shop adjusts 'available' only.",
                ("input", "name"),
                "INVALID_QUANTITY_NAME",
            )
        )
    changes: list[merchant.StockChange] = []
    for index, each in enumerate(input["changes"]):
        field = ("input", "changes", str(index))
        changes += _change(info, each, field, problems, delta=each["delta"])
    return _finish(info, input, changes, problems)


def _require_change_from(rows: list[dict[str, Any]], type_name: str) -> None:
    # Shopify's schema calls the field nullable, but requires it; null skips the check.
    if any("change_from_quantity" not in row for row in rows):
        raise GraphQLError(
            f"{type_name} must include the following argument: changeFromQuantity.",
            extensions={"code": "INVALID_FIELD_ARGUMENTS"},
        )


def _reason_problems(input: dict[str, Any]) -> list[UserProblem]:
    if input["reason"] in REASONS:
        return []
    return [
        UserProblem(
            f"The specified reason is invalid. Valid values are: {', '.join(sorted(REASONS))}.",
            ("input", "reason"),
            "INVALID_REASON",
        )
    ]


def _height_problems(quantity: int, field: tuple[str, ...]) -> list[UserProblem]:
    if quantity > HIGHEST:
        message, code = f"higher than {HIGHEST:,}", "INVALID_QUANTITY_TOO_HIGH"
    elif quantity < LOWEST:
        message, code = f"lower than {LOWEST:,}", "INVALID_QUANTITY_TOO_LOW"
    else:
        return []
    return [UserProblem(f"The quantity can't be {message}.", field, code)]


def _change(
    info: Info,
    row: dict[str, Any],
    field: tuple[str, ...],
    problems: list[UserProblem],
    *,
    absolute: int | None = None,
    delta: int = 0,
) -> list[merchant.StockChange]:
    item = find(info, row["inventory_item_id"], InventoryItem)
    location = find(info, row["location_id"], Location)
    if item is None:
        problems.append(
            UserProblem(
                "The specified inventory item could not be found.",
                (*field, "inventoryItemId"),
                "INVALID_INVENTORY_ITEM",
            )
        )
    if location is None:
        problems.append(
            UserProblem(
                "The specified location could not be found.",
                (*field, "locationId"),
                "INVALID_LOCATION",
            )
        )
    if item is None or location is None:
        return []
    level = item.levels.get(location.id)
    if level is None:
        problems.append(
            UserProblem(
                "The specified inventory item is not stocked at the location.",
                (*field, "locationId"),
                "ITEM_NOT_STOCKED_AT_LOCATION",
            )
        )
        return []
    if row["change_from_quantity"] not in (None, level.available):
        problems.append(
            UserProblem(
                "The specified changeFromQuantity no longer matches the persisted quantity.",
                (*field, "changeFromQuantity"),
                "CHANGE_FROM_QUANTITY_STALE",
            )
        )
    wanted = level.available + delta if absolute is None else absolute
    if absolute is None:
        problems += _height_problems(wanted, (*field, "delta"))
    return [merchant.StockChange(item, location, wanted)]


def _finish(
    info: Info,
    input: dict[str, Any],
    changes: list[merchant.StockChange],
    problems: list[UserProblem],
) -> Result:
    if problems:
        return {"user_errors": problems}
    shop = shop_of(info)
    made = [
        {
            "name": name,
            "delta": change.available - change.item.levels[change.location.id].available,
            "item": change.item,
            "location": change.location,
        }
        for change in changes
        for name in ("available", "on_hand")
    ]
    made = [each for each in made if each["delta"]]
    merchant.set_stock(shop, changes, shop.action())
    # A request that changes nothing creates no adjustment group.
    group = {
        "id": gid("InventoryAdjustmentGroup", next(shop.ids)),
        "created_at": shop.moment(),
        "reason": input["reason"],
        "reference_document_uri": input.get("reference_document_uri"),
        "changes": made,
    }
    return {"inventory_adjustment_group": group if made else None, "user_errors": []}
