"""Create a signup and its customer in one statement; strangers have a statement of their own.

A caller with a key vouches for the data that it sends. A stranger does not: data from a stranger
is stored with the new signup, and never changes a customer who is already known. Neither the result
of a stranger's statement nor the amount of its work reveals whether the contact was known.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from uuid import UUID

from openstoq.back_in_stock.signups.model import NewSignup
from openstoq.back_in_stock.signups.rules import MOST_UNASKED
from openstoq.db.pool import Connection
from openstoq.db.statement import Statement
from openstoq.kernel.ids import new_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """The outcome of adding a signup.

    `known_product` is false if nothing was added because the variant's product is unknown. `is_new`
    is false then, and also if an equivalent signup was already pending. `json` is the new signup,
    for callers who vouch; it is None if nothing was added. `asks` is true for a new signup if the
    shop requires every shopper to confirm.
    """

    known_product: bool
    id: UUID
    is_new: bool
    asks: bool
    json: str | None
    market_id: int | None


async def add(
    db: Connection,
    shop_id: UUID,
    new: NewSignup,
    *,
    projection: str,
    now: datetime,
    vouched: bool,
    along: Statement | None = None,
) -> Added:
    """Add a signup and its customer, and run `along`, all in one statement.

    The product that the catalogue has for the variant takes precedence over the product that was
    sent. If the caller vouches for the customer (`vouched`), the signup ends an earlier
    unsubscription; otherwise the unsubscription holds until the customer confirms the signup.

    If the caller is a stranger, the variant and market must be the shop's. An unknown market is
    left out. For an unknown variant, nothing is added once the whole catalogue has been read. A
    mailbox may have MOST_UNASKED signups without a confirmation; a stranger's further signups are
    held until the customer confirms them.
    """
    text = added_by_caller(projection) if vouched else ADDED_BY_STRANGER
    statement = Statement(
        text,
        (
            shop_id,
            new_id(),
            new_id(),
            new.contact.identity,
            new.contact.channel,
            new.contact.address,
            new.variant_id,
            new.product_id,
            new.market_id,
            new.quantity,
            new.source,
            new.name,
            new.locale,
            new.country,
            new.accepts_marketing,
            new.shopify_customer_id,
            now,
            new.contact.mailbox,
        ),
    ).taking_along(along)
    row = await db.fetchrow(statement.text, *statement.parameters)
    if row is None:
        raise RuntimeError("the statement that adds a signup returned no row")
    return Added(
        known_product=row["product_id"] is not None,
        id=row["id"],
        is_new=row["is_new"],
        asks=row["is_new"] and row["asks"],
        json=row["json"],
        market_id=row["market_id"],
    )


_ADD = """
WITH product AS (
    SELECT {product} AS id
), choice AS (
    SELECT coalesce((SELECT (compliance->>'optin_required')::boolean
                     FROM back_in_stock_settings WHERE shop_id = $1), false) AS optin_required,
           {market} AS market_id, {is_held} AS is_held
), customer AS (
    INSERT INTO customers (shop_id, id, identity, email, phone, push_token, name, locale, country,
                           accepts_marketing, shopify_id, market_id, vouched, created_at,
                           updated_at)
    SELECT $1, $2, $4,
           CASE WHEN $5 = 'email' THEN $6 END, CASE WHEN $5 = 'sms' THEN $6 END,
           CASE WHEN $5 = 'push' THEN $6 END, $12, $13, $14, $15, {shopify_id}, choice.market_id,
           {vouched}, $17, $17
    FROM product, choice WHERE product.id IS NOT NULL
    ON CONFLICT (shop_id, identity) DO UPDATE SET {changes}
    RETURNING *
), added AS (
    INSERT INTO signups (shop_id, id, customer_id, channel, contact, variant_id, product_id,
                         market_id, quantity, source, locale, name, shopify_customer_id,
                         mailbox, optin_required, optin_held, optin_to_ask, created_at, updated_at)
    SELECT $1, $3, customer.id, $5, $6, $7, product.id, choice.market_id, $10, $11, $13, $12,
           $16::bigint, $18,
           choice.optin_required OR choice.is_held OR customer.unsubscribed_at IS NOT NULL,
           choice.is_held AND NOT choice.optin_required,
           NOT choice.optin_required AND (choice.is_held OR customer.unsubscribed_at IS NOT NULL),
           $17, $17
    FROM customer, product, choice
    ON CONFLICT DO NOTHING
    RETURNING *
)
SELECT product.id AS product_id, $3::uuid AS id, EXISTS (SELECT FROM added) AS is_new,
       choice.optin_required AS asks, choice.market_id, {json} AS json
FROM product, choice
"""


@cache
def added_by_caller(projection: str) -> str:
    """Return the statement for a caller that vouches for the customer."""
    return _ADD.format(
        product="""coalesce(
            (SELECT product_id FROM variants WHERE shop_id = $1 AND id = $7), $8::bigint)""",
        market="$9::bigint",
        vouched="true",
        is_held="false",
        shopify_id="$16::bigint",
        changes="""
            name = coalesce(excluded.name, customers.name),
            locale = coalesce(excluded.locale, customers.locale),
            country = coalesce(excluded.country, customers.country),
            accepts_marketing = coalesce(excluded.accepts_marketing, customers.accepts_marketing),
            shopify_id = coalesce(excluded.shopify_id, customers.shopify_id),
            market_id = coalesce(excluded.market_id, customers.market_id),
            unsubscribed_at = NULL,
            vouched = true,
            updated_at = excluded.updated_at""",
        json=f"""(
            SELECT {projection}::text FROM added s JOIN customer c ON c.id = s.customer_id
            LEFT JOIN variants v ON v.shop_id = s.shop_id AND v.id = s.variant_id)""",  # noqa: S608 - constants
    )


ADDED_BY_STRANGER = _ADD.format(
    product="""coalesce(
        (SELECT product_id FROM variants
         WHERE shop_id = $1 AND id = $7 AND deleted_at IS NULL),
        (SELECT $8::bigint
         WHERE NOT EXISTS (SELECT FROM catalog_pulls WHERE shop_id = $1 AND complete)))""",
    market="(SELECT id FROM markets WHERE shop_id = $1 AND id = $9)",
    is_held=f"""(
        SELECT count(*) >= {MOST_UNASKED} FROM (
            SELECT FROM signups
            WHERE shop_id = $1 AND mailbox = $18
              AND channel = $5 AND NOT optin_required AND optin_confirmed_at IS NULL
              AND unsubscribed_at IS NULL AND blocked_at IS NULL
              AND (notified_at IS NULL OR notified_at > $17::timestamptz - interval '1 day')
            LIMIT {MOST_UNASKED}) unasked)""",  # noqa: S608 - a constant
    vouched="false",
    # A stranger's Shopify id is stored with the signup only, and only if Shopify signed it.
    shopify_id="NULL",
    # This update changes nothing. It takes as long as inserting a customer, so that the time does
    # not reveal whether the contact was known.
    changes="updated_at = customers.updated_at",
    json="NULL::text",
)
