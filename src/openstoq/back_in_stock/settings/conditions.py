"""Conditions in SQL on a shop's settings; `$1` is the shop."""

# Whether the shop has its e-mail channel on, as it has until it turns it off.
EMAIL_IS_ON = """coalesce((SELECT channels->'email'->>'enabled' <> 'false'
    FROM back_in_stock_settings WHERE shop_id = $1), true)"""
