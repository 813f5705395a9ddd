"""Signups as JSON built by PostgreSQL, in two forms: API v2's signups and API v1's intents.

Each projection is an expression over the aliases s (signups), c (customers) and v (variants). In
the statement, `$1` is the shop.
"""

FROM = """
signups s
JOIN customers c ON c.shop_id = $1 AND c.id = s.customer_id
LEFT JOIN variants v ON v.shop_id = $1 AND v.id = s.variant_id
"""


def moment(column: str) -> str:
    """Return the SQL expression that formats a time as RFC 3339 in UTC with milliseconds."""
    return f"""to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')"""


STATUS = """CASE
    WHEN s.unsubscribed_at IS NOT NULL THEN 'unsubscribed'
    WHEN s.notified_at IS NOT NULL THEN 'notified'
    WHEN s.blocked_at IS NOT NULL THEN 'blocked'
    ELSE 'pending'
END"""

SHOWN_STATUS = f"""CASE WHEN {STATUS} = 'pending' AND EXISTS (
    SELECT FROM variants o
    WHERE o.shop_id = $1 AND o.id = s.variant_id AND o.deleted_at IS NOT NULL)
    THEN 'orphaned' ELSE {STATUS} END"""

CONFIRMED = "(NOT s.optin_required OR s.optin_confirmed_at IS NOT NULL)"

SIGNUP = f"""json_build_object(
    'id', s.id,
    'status', {SHOWN_STATUS},
    'channel', s.channel,
    'contact', s.contact,
    'quantity', s.quantity,
    'variant', json_build_object(
        'shopify_variant_id', s.variant_id,
        'shopify_product_id', s.product_id,
        'title', v.title),
    'customer', json_build_object('id', c.id, 'email', c.email, 'name', c.name),
    'optin', json_build_object('required', s.optin_required, 'confirmed', {CONFIRMED}),
    'notifications_sent', s.notifications_sent,
    'last_notified_at', {moment("s.last_notified_at")},
    'sync', json_build_object(
        'state', CASE WHEN s.wave_id IS NOT NULL THEN 'pending'
                      WHEN s.blocked_reason IS NOT NULL THEN 'failed' ELSE 'synced' END,
        'error', s.blocked_reason),
    'created_at', {moment("s.created_at")},
    'updated_at', {moment("s.updated_at")}
)"""

INTENT = f"""json_build_object(
    'id', s.id,
    'blocked_at', {moment("s.blocked_at")},
    'channel', s.channel,
    'email', CASE WHEN s.channel = 'email' THEN s.contact ELSE coalesce(c.email, '') END,
    'notified_at', {moment("s.notified_at")},
    'optin_confirmed', {CONFIRMED},
    'phone', CASE WHEN s.channel = 'sms' THEN s.contact ELSE c.phone END,
    'quantity', s.quantity,
    'sent_notifications_count', s.notifications_sent,
    'source', s.source,
    'type', 'restock',
    'unsubscribed_at', {moment("s.unsubscribed_at")},
    'created_at', {moment("s.created_at")},
    'updated_at', {moment("s.updated_at")},
    'customer_id', c.id,
    'intent_trigger_id', s.wave_id,
    'product_variant_id', NULL,
    'shop_id', s.shop_id,
    'shopify_inventory_item_id', v.inventory_item_id,
    'shopify_market_id', s.market_id,
    'shopify_product_id', s.product_id,
    'shopify_variant_id', s.variant_id,
    'customer_name', c.name,
    'contact', s.contact,
    'customer_unsubscribed_at', {moment("c.unsubscribed_at")},
    'accepts_marketing', c.accepts_marketing,
    'notifications_count', s.notifications_sent
)"""
