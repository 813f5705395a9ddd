"""Conditions in SQL on what shoppers can open and buy, defined once for all statements.

The functions take SQL text, which is a table's alias or an expression, and never a value. In the
statement, `$1` is the shop.
"""


def is_open(product: str) -> str:
    """Return the SQL condition that the online store shows a product's page."""
    return f"""{product}.deleted_at IS NULL AND {product}.status NOT IN ('draft', 'archived')
        AND {product}.published_at IS NOT NULL AND {product}.published_at <= now()"""


def is_for_sale(variant: str, *, threshold: str = "1") -> str:
    """Return the SQL condition that shoppers can open a variant, and that it is in stock.

    `variant` is an expression for the variant's id. `threshold` is the smallest stock that counts.
    """
    return f"""EXISTS (
        SELECT FROM variants v JOIN products p ON p.shop_id = $1 AND p.id = v.product_id
        WHERE v.shop_id = $1 AND v.id = {variant} AND v.available >= {threshold} AND v.deleted_at IS NULL
          AND {is_open("p")})"""


def is_closed(variant: str) -> str:
    """Return the SQL condition that the catalogue has a variant, but shoppers cannot open it."""
    return f"""EXISTS (
        SELECT FROM variants v JOIN products p ON p.shop_id = $1 AND p.id = v.product_id
        WHERE v.shop_id = $1 AND v.id = {variant}
          AND NOT (v.deleted_at IS NULL AND {is_open("p")}))"""


def is_read(variant: str, product: str) -> str:
    """Return the SQL condition that a variant's publication and stock were read from the shop.

    `variant` and `product` are aliases of tables. The condition is false if a migration only
    assumed that the product is published, or that a location with stock sells online.
    """
    return f"""{product}.published_at > '-infinity' AND NOT EXISTS (
        SELECT FROM inventory_levels i
        JOIN locations l ON l.shop_id = $1 AND l.id = i.location_id
        WHERE i.shop_id = $1 AND i.inventory_item_id = {variant}.inventory_item_id
          AND i.available > 0 AND l.active AND l.sells_online_assumed)"""
