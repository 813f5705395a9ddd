"""The tables with rows of shops, listed by the way in which Citus spreads them over servers.

`deploy/citus.sql` is written from these lists, and tests compare them with the migrated schema.
"""

REFERENCE = ("shops", "api_keys")
"""Copied to every server: they are read before the shop is known, or referred to by every row."""

DISTRIBUTED = (
    "audit_log",
    "idempotency_keys",
    "webhook_deliveries",
    "privacy_requests",
    "bulk_jobs",
    "item_faults",
    "products",
    "variants",
    "locations",
    "inventory_levels",
    "markets",
    "catalog_pulls",
    "back_in_stock_settings",
    "message_templates",
    "customers",
    "signups",
    "signup_import_rows",
    "waves",
    "notifications",
    "list_blocks",
    "list_change_sets",
    "offers",
    "offer_translations",
    "offer_plans",
    "offer_variants",
    "preorder_variants",
    "preorder_shops",
    "preorder_orders",
    "preorder_lines",
    "preorder_payments",
    "preorder_fulfillment_orders",
    "other_orders",
)
"""Spread by shop_id: all rows of a shop are on one server."""

LOCAL = ("alembic_version", "asked_contacts", "rate_buckets")
"""Of the installation, and no shop's: they stay on the server that the processes connect to."""
