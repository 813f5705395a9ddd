"""Products and variants in PostgreSQL; an older state never replaces a newer state."""

from collections.abc import Sequence
from datetime import datetime
from itertools import chain
from uuid import UUID

from openstoq.catalog.conditions import is_open
from openstoq.catalog.model import ProductsOpened, VariantReplaced, newest
from openstoq.commerce.port import Product
from openstoq.db.pool import Connection


async def save(
    db: Connection, shop_id: UUID, products: Sequence[Product], *, read_at: datetime
) -> list[ProductsOpened | VariantReplaced]:
    """Save products with all their variants, as of `read_at`; return the events to publish.

    A stored product is kept if it is newer. Variants that are missing from a product are deleted.
    The events must be published only once the products' stock is stored as well.
    """
    if not products:
        return []
    ordered = newest(products, read_at)
    product_ids = [product.id for product in ordered]
    were_open = await _open(db, shop_id, product_ids)
    written = await db.fetch(
        _SAVE_PRODUCTS,
        shop_id,
        product_ids,
        [product.title for product in ordered],
        [product.handle for product in ordered],
        [product.vendor for product in ordered],
        [product.status for product in ordered],
        [product.url for product in ordered],
        [product.image_url for product in ordered],
        [product.updated_at or read_at for product in ordered],
        read_at,
        [_SEPARATOR.join(product.tags) for product in ordered],
        [product.published_at for product in ordered],
    )
    current = {row["id"] for row in written}
    await _save_variants(db, shop_id, [p for p in ordered if p.id in current], read_at)
    opened = sorted(await _open(db, shop_id, product_ids) - were_open)
    events: list[ProductsOpened | VariantReplaced] = []
    events += await _replace(db, shop_id, product_ids)
    return [*events, ProductsOpened(tuple(opened))] if opened else events


async def _open(db: Connection, shop_id: UUID, product_ids: Sequence[int]) -> set[int]:
    rows = await db.fetch(
        f"SELECT id FROM products p WHERE shop_id = $1 AND id = ANY($2) AND {is_open('p')}",  # noqa: S608 - a constant
        shop_id,
        product_ids,
    )
    return {row["id"] for row in rows}


async def _replace(
    db: Connection, shop_id: UUID, product_ids: Sequence[int]
) -> list[VariantReplaced]:
    """Record which variants replace deleted variants; return an event for each deleted one.

    A deleted variant is replaced by the variant of the same product with its title and SKU.
    """
    rows = await db.fetch(
        """
        UPDATE variants o SET replaced_by = n.id FROM variants n
        WHERE o.shop_id = $1 AND o.product_id = ANY($2) AND o.deleted_at IS NOT NULL
          AND o.replaced_by IS DISTINCT FROM n.id
          AND n.shop_id = $1 AND n.product_id = o.product_id AND n.deleted_at IS NULL
          AND n.title = o.title AND nullif(n.sku, '') IS NOT DISTINCT FROM nullif(o.sku, '')
        RETURNING o.id AS variant_id, n.id AS by, o.product_id
        """,
        shop_id,
        product_ids,
    )
    return [VariantReplaced(**dict(row)) for row in sorted(rows, key=lambda row: row["variant_id"])]


# An array of arrays would have to be rectangular, so each product's tags are sent as one text.
_SEPARATOR = "\x1f"

# A webhook has no URL of a product. So the stored URL is kept as long as the handle, from which it
# is made, stays the same. The stored picture is kept if the new state has NULL; an empty text means
# that there is no picture. The shop gives the time of an update to the second: if two states have
# the same second, the state that was read or received later is kept.
_SAVE_PRODUCTS = """
INSERT INTO products AS p
    (shop_id, id, title, handle, vendor, status, url, image_url, updated_at, seen_at, tags,
     published_at)
SELECT $1, t.id, t.title, t.handle, t.vendor, t.status, t.url, t.image_url, t.updated_at, $10,
       string_to_array(t.tags, chr(31)), t.published_at
FROM unnest($2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
            $9::timestamptz[], $11::text[], $12::timestamptz[])
     AS t(id, title, handle, vendor, status, url, image_url, updated_at, tags, published_at)
ON CONFLICT (shop_id, id) DO UPDATE SET
    title = excluded.title, handle = excluded.handle, vendor = excluded.vendor,
    tags = excluded.tags,
    status = excluded.status, published_at = excluded.published_at,
    url = coalesce(excluded.url, CASE WHEN p.handle = excluded.handle THEN p.url END),
    image_url = coalesce(excluded.image_url, p.image_url),
    updated_at = excluded.updated_at, seen_at = excluded.seen_at, deleted_at = NULL
WHERE (p.updated_at, coalesce(p.seen_at, '-infinity')) <= (excluded.updated_at, excluded.seen_at)
RETURNING id
"""


async def _save_variants(
    db: Connection, shop_id: UUID, products: Sequence[Product], read_at: datetime
) -> None:
    variants = newest(chain.from_iterable(p.variants for p in products), read_at)
    # What a webhook leaves out must not be replaced by what it was before another transaction.
    await db.execute(
        "SELECT FROM variants WHERE shop_id = $1 AND id = ANY($2) ORDER BY id FOR UPDATE",
        shop_id,
        [variant.id for variant in variants],
    )
    await db.execute(
        _SAVE_VARIANTS,
        shop_id,
        [variant.id for variant in variants],
        [variant.product_id for variant in variants],
        [variant.title for variant in variants],
        [variant.sku for variant in variants],
        [variant.price for variant in variants],
        [variant.compare_at_price for variant in variants],
        [variant.inventory_item_id for variant in variants],
        [variant.inventory_policy for variant in variants],
        [variant.tracked for variant in variants],
        [variant.image_url for variant in variants],
        [variant.position for variant in variants],
        [variant.updated_at or read_at for variant in variants],
        read_at,
    )
    await db.execute(
        """
        UPDATE variants SET deleted_at = $4
        WHERE shop_id = $1 AND product_id = ANY($2) AND id <> ALL($3) AND deleted_at IS NULL
        """,
        shop_id,
        [product.id for product in products],
        [variant.id for variant in variants],
        read_at,
    )


# A value that a webhook leaves out (None) stays as it is known. News of the stock item that set out
# after a read began is newer than the read.
_SAVE_VARIANTS = """
INSERT INTO variants AS v
    (shop_id, id, product_id, title, sku, price, compare_at_price, inventory_item_id,
     inventory_policy, tracked, image_url, position, updated_at)
SELECT $1, t.id, t.product_id, t.title, t.sku, coalesce(t.price, known.price, 0),
       t.compare_at_price, coalesce(t.item, known.inventory_item_id), t.policy,
       coalesce(t.tracked, known.tracked, true), coalesce(t.image_url, known.image_url),
       t.position, t.updated_at
FROM unnest($2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::numeric[], $7::numeric[],
            $8::bigint[], $9::text[], $10::boolean[], $11::text[], $12::integer[],
            $13::timestamptz[])
     AS t(id, product_id, title, sku, price, compare_at_price, item, policy, tracked, image_url,
          position, updated_at)
LEFT JOIN variants known ON known.shop_id = $1 AND known.id = t.id
ON CONFLICT (shop_id, id) DO UPDATE SET
    product_id = excluded.product_id, title = excluded.title, sku = excluded.sku,
    price = excluded.price, compare_at_price = excluded.compare_at_price,
    inventory_item_id = excluded.inventory_item_id, inventory_policy = excluded.inventory_policy,
    tracked = CASE WHEN v.item_triggered_at > $14 THEN v.tracked ELSE excluded.tracked END,
    image_url = excluded.image_url, position = excluded.position,
    updated_at = excluded.updated_at, deleted_at = NULL, replaced_by = NULL
"""


async def unseen_since(db: Connection, shop_id: UUID, began: datetime) -> list[int]:
    """Return up to 250 products that were on no page read from the shop since `began`.

    Products that failed recently come last, because they are read again anyway whenever they are on
    a page.
    """
    rows = await db.fetch(
        """
        SELECT p.id FROM products p
        LEFT JOIN item_faults f
          ON f.shop_id = $1 AND f.kind = 'product' AND f.item = p.id::text
        WHERE p.shop_id = $1 AND p.deleted_at IS NULL AND p.updated_at < $2
          AND coalesce(p.seen_at, '-infinity') < $2
        ORDER BY f.noted_at NULLS FIRST, p.id LIMIT 250
        """,
        shop_id,
        began,
    )
    return [row["id"] for row in rows]


async def unknown_variants(db: Connection, shop_id: UUID, variant_ids: Sequence[int]) -> list[int]:
    """Return those of the variants that the catalogue lacks, or has without an inventory item."""
    rows = await db.fetch(
        """
        SELECT t.id FROM unnest($2::bigint[]) AS t(id)
        WHERE NOT EXISTS (SELECT FROM variants v WHERE v.shop_id = $1 AND v.id = t.id
                          AND v.deleted_at IS NULL AND v.inventory_item_id IS NOT NULL)
        """,
        shop_id,
        variant_ids,
    )
    return [row["id"] for row in rows]


async def has_newer(db: Connection, shop_id: UUID, product_id: int, updated_at: datetime) -> bool:
    """Return whether the catalogue has a state of the product later than `updated_at`."""
    return bool(
        await db.fetchval(
            "SELECT updated_at > $3 FROM products WHERE shop_id = $1 AND id = $2",
            shop_id,
            product_id,
            updated_at,
        )
    )


async def delete(db: Connection, shop_id: UUID, product_id: int, at: datetime) -> None:
    """Mark a product and its variants as deleted; the signups for them are kept.

    News that was triggered before the deletion does not restore the product, even if it arrives
    later.
    """
    await db.execute(
        """
        UPDATE products SET deleted_at = $3, updated_at = greatest(updated_at, $3)
        WHERE shop_id = $1 AND id = $2
        """,
        shop_id,
        product_id,
        at,
    )
    await db.execute(
        """
        UPDATE variants SET deleted_at = $3
        WHERE shop_id = $1 AND product_id = $2 AND deleted_at IS NULL
        """,
        shop_id,
        product_id,
        at,
    )
