"""A webhook about stock, and the shop that it is of."""

from tests.factories.catalogs import (
    ITEM,
    LOCATION,
)

LEVEL = {
    "inventory_item_id": ITEM,
    "location_id": LOCATION,
    "available": 3,
    "updated_at": "2026-07-01T08:00:00-04:00",
}
