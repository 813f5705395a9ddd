"""A shop's settings in SQL, for statements that depend on one; `$1` is the shop."""

# Whether the shop has its e-mail channel on, as it has until it turns it off.
EMAIL_IS_ON = """coalesce((SELECT channels->'email'->>'enabled' <> 'false'
    FROM back_in_stock_settings WHERE shop_id = $1), true)"""

# The stock from which shoppers are notified.
STOCK_THRESHOLD = """coalesce((
    SELECT CASE WHEN jsonb_typeof(delivery->'stock_threshold') = 'number'
                THEN (delivery->>'stock_threshold')::numeric END
    FROM back_in_stock_settings WHERE shop_id = $1), 1)"""
