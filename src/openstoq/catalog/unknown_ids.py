"""Ids that name nothing in the shop, as far as the catalogue knows.

An id names nothing if the shop has deleted what it named. It also names nothing if the whole
catalogue has been read, and never had the id. Before the catalogue has been read, only the shop
itself can tell.
"""

from collections.abc import Iterable, Sequence
from typing import Literal
from uuid import UUID

from openstoq.db.pool import Connection

Kind = Literal["variants", "products", "locations", "markets"]
MOST_NAMED = 20

_MISSING = """
    SELECT DISTINCT t.id FROM unnest($2::bigint[]) AS t(id)
    LEFT JOIN {kind} k ON k.shop_id = $1 AND k.id = t.id
    WHERE {gone} OR (k.id IS NULL AND EXISTS (SELECT FROM {known}))
    ORDER BY t.id
"""
_DELETED = "k.deleted_at IS NOT NULL"
_PULLED = "catalog_pulls WHERE shop_id = $1 AND complete"
# A read of locations or of markets reads all of them. A location that is known from a webhook only,
# which does not say whether it sells online, is no sign of such a read.
_STATEMENTS: dict[Kind, str] = {
    "variants": _MISSING.format(kind="variants", gone=_DELETED, known=_PULLED),
    "products": _MISSING.format(kind="products", gone=_DELETED, known=_PULLED),
    "locations": _MISSING.format(
        kind="locations",
        gone=_DELETED,
        known="locations WHERE shop_id = $1 AND sells_online IS NOT NULL",
    ),
    "markets": _MISSING.format(kind="markets", gone="false", known="markets WHERE shop_id = $1"),
}


async def problems(
    db: Connection, shop_id: UUID, kind: Kind, ids: Iterable[int], *, field: str
) -> list[str]:
    """Return a sentence about the ids in `field` that name nothing in the shop.

    The list is empty if every id names something, or if that is not known yet.
    """
    wanted = list(ids)
    if not wanted:
        return []
    missing = [row["id"] for row in await db.fetch(_STATEMENTS[kind], shop_id, wanted)]
    if not missing:
        return []
    return [f"{field} must be {kind} of this shop, which has no {listed(missing)}"]


def listed(ids: Sequence[int]) -> str:
    """Return ids as a part of a sentence; of very many ids, only the first ones are named."""
    named = ", ".join(map(str, ids[:MOST_NAMED]))
    more = len(ids) - MOST_NAMED
    return f"{named} and {more} more" if more > 0 else named
