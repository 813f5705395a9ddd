"""Read the stock of each item at each location."""

from collections.abc import MutableMapping, Sequence

from openstoq.commerce.port import InventoryLevel
from openstoq.commerce.shopify.answers import TooExpensive, reading
from openstoq.commerce.shopify.batches import Batches
from openstoq.commerce.shopify.client import Client
from openstoq.commerce.shopify.fields import Fields
from openstoq.commerce.shopify.pages import next_cursor
from openstoq.kernel.alone import alone
from openstoq.kernel.ids import gid

# Most shops have fewer locations. Elsewhere, further levels are read for each item on its own.
_LEVELS = 20
_MOST = 250


async def levels(
    client: Client, inventory_item_ids: Sequence[int], unreadable: MutableMapping[int, str]
) -> list[InventoryLevel]:
    """Read all active levels of any number of items, in batches.

    An item that cannot be read is added to `unreadable`, and none of its levels is returned.
    """
    found: list[InventoryLevel] = []
    batches = Batches([gid("InventoryItem", number) for number in inventory_item_ids])
    while ids := batches.next():
        try:
            answer = await client.execute("InventoryLevelsByItem", ids=ids, levels=_LEVELS)
        except TooExpensive:
            batches.halve()
            continue
        batches.done(answer.cost.requested)
        unfinished: list[tuple[int, str]] = []
        with reading("InventoryLevelsByItem"):
            for item in answer.whole().each("nodes"):
                if not item.has("id"):
                    continue
                # An item whose id cannot be read would look as if no location stocked it.
                number = item.id("id")
                with alone("item", number, unreadable), reading("InventoryLevelsByItem"):
                    connection = item.inside("inventoryLevels")
                    found += _levels(number, connection)
                    if (after := next_cursor(connection)) is not None:
                        unfinished.append((number, after))
        for number, after in unfinished:
            with alone("item", number, unreadable):
                found += await _further_levels(client, number, after)
    return [one for one in found if one.inventory_item_id not in unreadable]


async def _further_levels(client: Client, number: int, after: str | None) -> list[InventoryLevel]:
    found: list[InventoryLevel] = []
    while after is not None:
        answer = await client.execute(
            "InventoryItemLevelsPage", id=gid("InventoryItem", number), first=_MOST, after=after
        )
        with reading("InventoryItemLevelsPage"):
            connection = answer.whole().inside("inventoryItem").inside("inventoryLevels")
            found += _levels(number, connection)
            after = next_cursor(connection)
    return found


def _levels(inventory_item_id: int, connection: Fields) -> list[InventoryLevel]:
    return [
        InventoryLevel(
            inventory_item_id=inventory_item_id,
            location_id=node.inside("location").id("id"),
            available=sum(
                quantity.count("quantity")
                for quantity in node.each("quantities")
                if quantity.text("name") == "available"
            ),
            updated_at=node.moment_or_none("updatedAt"),
        )
        for node in connection.distinct("nodes", "location", "id")
        if node.flag_or_none("isActive") is not False
    ]
