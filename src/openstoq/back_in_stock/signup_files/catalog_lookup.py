"""Find the variant of each row of a file by its id or SKU, or as the only one of a product."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from openstoq.back_in_stock.signup_files.model import FileRow
from openstoq.db.pool import Connection


@dataclass(frozen=True, slots=True)
class Resolved:
    """A row of the file, with the ids of the variant that it means and of the variant's product."""

    row: FileRow
    variant_id: int
    product_id: int


@dataclass(frozen=True, slots=True)
class _Named:
    """The variants that match an id, an SKU or a product: one of them, and their number.

    The number is 1 unless the SKU or the product is ambiguous.
    """

    variant_id: int
    product_id: int
    number: int


async def is_read(db: Connection, shop_id: UUID) -> bool:
    """Return whether the whole catalogue of the shop was read.

    Until then, an id that the catalogue lacks may still be one of the shop's.
    """
    return bool(
        await db.fetchval(
            "SELECT EXISTS (SELECT FROM catalog_pulls WHERE shop_id = $1 AND complete)", shop_id
        )
    )


async def resolve(
    db: Connection, shop_id: UUID, rows: Sequence[FileRow]
) -> tuple[list[Resolved], list[tuple[int, str]]]:
    """Return the rows whose variant was found, and the line and the problem of each other row."""
    by_id = await _by_id(db, shop_id, [one.variant_id for one in rows if one.variant_id])
    by_sku = await _by(db, shop_id, _BY_SKU, [one.sku for one in rows if one.sku])
    by_product = await _by(
        db,
        shop_id,
        _BY_PRODUCT,
        [one.product_id for one in rows if one.product_id and not one.variant_id and not one.sku],
    )
    wrong_markets = await _unknown_markets(db, shop_id, rows)
    found: list[Resolved] = []
    problems: list[tuple[int, str]] = []
    for row in rows:
        named = by_id.get(row.variant_id) or by_sku.get(row.sku)
        if row.variant_id is None and row.sku is None:
            named = by_product.get(row.product_id)
        if row.market_id in wrong_markets:
            problems.append((row.line, f"the shop has no market {row.market_id}"))
        elif named is None:
            problems.append((row.line, _unknown(row)))
        elif named.number > 1:
            problems.append((row.line, _ambiguous(row, named.number)))
        else:
            found.append(Resolved(row, named.variant_id, named.product_id))
    return found, problems


def _unknown(row: FileRow) -> str:
    if row.variant_id is not None and row.sku is not None:
        return f"the shop has neither a variant {row.variant_id} nor one with the SKU {row.sku!r}"
    if row.variant_id is not None:
        return f"the shop has no variant {row.variant_id} (any more)"
    if row.sku is not None:
        return f"the shop has no variant with the SKU {row.sku!r} (any more)"
    return f"the shop has no product {row.product_id} (any more)"


def _ambiguous(row: FileRow, number: int) -> str:
    if row.sku is not None:
        return f"the SKU {row.sku!r} is that of {number} variants; name the variant_id"
    return f"the product {row.product_id} has {number} variants; name the variant_id or sku"


async def _by_id(
    db: Connection, shop_id: UUID, variant_ids: Sequence[int | None]
) -> dict[object, _Named]:
    rows = await db.fetch(
        """
        SELECT v.id, coalesce(n.id, v.id) AS variant_id, v.product_id FROM variants v
        LEFT JOIN variants n ON n.shop_id = $1 AND n.id = v.replaced_by AND n.deleted_at IS NULL
        WHERE v.shop_id = $1 AND v.id = ANY($2) AND (v.deleted_at IS NULL OR n.id IS NOT NULL)
        """,
        shop_id,
        list(set(variant_ids)),
    )
    return {row["id"]: _Named(row["variant_id"], row["product_id"], 1) for row in rows}


_BY_SKU = """
    SELECT sku AS key, min(id) AS variant_id, min(product_id) AS product_id, count(*) AS number
    FROM variants WHERE shop_id = $1 AND sku = ANY($2::text[]) AND deleted_at IS NULL GROUP BY sku
"""
_BY_PRODUCT = """
    SELECT product_id AS key, min(id) AS variant_id, product_id, count(*) AS number
    FROM variants WHERE shop_id = $1 AND product_id = ANY($2::bigint[]) AND deleted_at IS NULL
    GROUP BY product_id
"""


async def _by(
    db: Connection, shop_id: UUID, statement: str, keys: Sequence[object]
) -> dict[object, _Named]:
    if not keys:
        return {}
    rows = await db.fetch(statement, shop_id, list(set(keys)))
    return {row["key"]: _Named(row["variant_id"], row["product_id"], row["number"]) for row in rows}


async def _unknown_markets(
    db: Connection, shop_id: UUID, rows: Sequence[FileRow]
) -> frozenset[int | None]:
    named = {row.market_id for row in rows if row.market_id is not None}
    if not named:
        return frozenset()
    known = {
        row["id"] for row in await db.fetch("SELECT id FROM markets WHERE shop_id = $1", shop_id)
    }
    # Without any market, the markets have not been read yet.
    return frozenset(named - known) if known else frozenset()
