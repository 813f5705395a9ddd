"""Conditions in SQL: what shoppers can open and buy, defined once for all statements.

The arguments are a table's alias and expressions of a statement, never values; `$1` is the shop.
"""


def is_open(product: str) -> str:
    """Return the condition that the online store shows a product's page."""
    return f"""{product}.deleted_at IS NULL AND {product}.status NOT IN ('draft', 'archived')
        AND coalesce({product}.published_at <= now(), false)"""


def is_for_sale(variant: str, *, threshold: str = "1") -> str:
    """Return the condition that a variant, given by its id, can be opened and is in stock.

    `threshold` is the smallest stock that counts.
    """
    return f"""EXISTS (
        SELECT FROM variants v JOIN products p ON p.shop_id = $1 AND p.id = v.product_id
        WHERE v.shop_id = $1 AND v.id = {variant} AND v.available >= {threshold} AND v.deleted_at IS NULL
          AND {is_open("p")})"""


def is_closed(variant: str) -> str:
    """Return the condition that the catalogue has a variant, and nobody can open it."""
    return f"""EXISTS (
        SELECT FROM variants v JOIN products p ON p.shop_id = $1 AND p.id = v.product_id
        WHERE v.shop_id = $1 AND v.id = {variant}
          AND NOT (v.deleted_at IS NULL AND {is_open("p")}))"""
