"""Changes of stock by orders, which take units and give them back."""

from shopify_sandbox import merchant
from shopify_sandbox.records.catalogue import Level
from shopify_sandbox.records.lines import LineItem
from shopify_sandbox.shop import MerchantAction, Shop


def take(
    shop: Shop,
    wanted: dict[LineItem, int],
    location_ids: dict[LineItem, int],
    action: MerchantAction,
    *,
    there_only: bool = False,
) -> None:
    """Take units of lines from stock.

    If `location_ids` contains a line, the line's units are taken at that location first, and then
    at other locations. With `there_only`, they are taken only at that location.
    """
    left: dict[Level, int] = {}
    for line, quantity in wanted.items():
        for level, units in _parts(line, quantity, location_ids.get(line), left, there_only):
            left[level] = left.get(level, level.available) - units
            line.taken[level.location.id] = line.taken.get(level.location.id, 0) + units
    _set(shop, left, action)


def give_back(shop: Shop, returned: dict[LineItem, int], action: MerchantAction) -> None:
    """Give units of lines back to the stock of the locations from which they were taken."""
    left: dict[Level, int] = {}
    for line, quantity in returned.items():
        levels = line.variant.inventory_item.levels if line.variant else {}
        missing = quantity
        for location_id, units in list(line.taken.items()):
            level = levels.get(location_id)
            back = min(units, missing)
            line.taken[location_id] -= back
            missing -= back
            if level is not None and back:
                left[level] = left.get(level, level.available) + back
    _set(shop, left, action)


def _parts(
    line: LineItem,
    quantity: int,
    location_id: int | None,
    left: dict[Level, int],
    there_only: bool,
) -> list[tuple[Level, int]]:
    if line.variant is None:
        return []
    item = line.variant.inventory_item
    levels = sorted(item.levels.values(), key=lambda each: each.location.id != location_id)
    if there_only:
        levels = [each for each in levels if each.location.id == location_id]
    if not item.tracked or not levels:
        return []
    parts = []
    for level in levels:
        units = min(quantity, max(0, left.get(level, level.available)))
        quantity -= units
        parts.append((level, units))
    # Units that no location has are taken from the first location, whose stock becomes negative.
    return [(levels[0], parts[0][1] + quantity), *parts[1:]]


def _set(shop: Shop, left: dict[Level, int], action: MerchantAction) -> None:
    changes = [
        merchant.StockChange(level.item, level.location, available)
        for level, available in left.items()
    ]
    merchant.set_stock(shop, changes, action)
