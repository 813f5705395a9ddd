"""Create a signup and its customer in one SQL statement.

There is one statement for callers with a key, and another for strangers. A caller with a key
vouches for the data that it sends. A stranger does not: data from a stranger is stored with the new
signup, and never changes a customer who is already known. Neither the result of the stranger's
statement nor the time that it takes reveals whether the contact was known.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from uuid import UUID

import asyncpg

from openstoq.back_in_stock.settings.conditions import STOCK_THRESHOLD
from openstoq.back_in_stock.signups.model import NewSignup
from openstoq.back_in_stock.signups.rules import MOST_UNASKED
from openstoq.catalog.conditions import is_for_sale
from openstoq.db.pool import Connection
from openstoq.db.single_statement import REFUSED, NeedsTransactionError
from openstoq.db.statement import Statement
from openstoq.kernel.ids import new_id


class Obstacle(StrEnum):
    """The reason why the shop cannot take a signup, whoever the shopper is."""

    UNKNOWN_VARIANT = "unknown_variant"
    """The shop has no such variant (any more)."""
    PRODUCT_NEEDED = "product_needed"
    """The catalogue does not have the variant yet, and no product was sent."""
    UNKNOWN_MARKET = "unknown_market"
    FOR_SALE = "for_sale"
    """Shoppers can buy the variant now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """The outcome of adding a signup.

    `obstacle` is the reason why the signup was refused; it is None if it was not refused.
    `is_new` is false if the signup was refused, or if an equivalent signup was already pending.
    `json` is the new signup; it is None if nothing was added, or if a stranger sent the signup.
    `asks` is true if the signup is new and the shop requires every shopper to confirm.
    """

    obstacle: Obstacle | None
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
    alone: bool = False,
) -> Added:
    """Add a signup and its customer in one statement, of which `along` becomes a part.

    `alone` is true if the statement runs outside a transaction. The whole statement, including
    `along`, is then undone in two cases. In the first case, it adds no signup. In the second, the
    shopper has to be asked to confirm; NeedsTransactionError is raised, because another statement
    must follow in the same transaction.

    The product that the catalogue has for the variant takes precedence over the product that was
    sent. If the caller vouches for the customer (`vouched`), the signup ends an earlier
    unsubscription; otherwise the unsubscription holds until the customer confirms the signup.

    Once the whole catalogue has been read, the shop must have the variant. Once markets have been
    read, the shop must have the market; until then, a stranger's market is not stored. Nothing is
    added for a variant that is for sale, because no restock would notify the shopper. A mailbox may
    have MOST_UNASKED signups without a confirmation; a stranger's further signups are held until
    the customer confirms them.
    """
    text = added_by_caller(projection) if vouched else ADDED_BY_STRANGER
    statement = Statement(
        _undone_unless_added(text) if alone else text,
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
    try:
        row = await db.fetchrow(statement.text, *statement.parameters)
    except asyncpg.PostgresError as error:
        if error.sqlstate != REFUSED:
            raise
        return _not_added(str(error), statement.parameters[2])
    if row is None:
        raise RuntimeError("the statement that adds a signup returned no row")
    return Added(
        obstacle=Obstacle(row["obstacle"]) if row["obstacle"] is not None else None,
        id=row["id"],
        is_new=row["is_new"],
        asks=row["is_new"] and row["asks"],
        json=row["json"],
        market_id=row["market_id"],
    )


def _not_added(reason: str, signup_id: UUID) -> Added:
    """Return the outcome of a statement that was undone; `reason` is the text of its error.

    Raises NeedsTransactionError if the reason is that the shopper has to be asked to confirm.
    """
    if reason == _TO_ASK:
        raise NeedsTransactionError
    obstacle = None if reason == _PENDING_ALREADY else Obstacle(reason)
    return Added(
        obstacle=obstacle, id=signup_id, is_new=False, asks=False, json=None, market_id=None
    )


_TO_ASK, _PENDING_ALREADY = "to_ask", "pending_already"
_FINAL = "SELECT obstacle.reason AS obstacle,"


@cache
def _undone_unless_added(text: str) -> str:
    return text.replace(
        _FINAL,
        f"""{_FINAL} CASE
            WHEN NOT EXISTS (SELECT FROM added)
                THEN refuse(coalesce(obstacle.reason, '{_PENDING_ALREADY}'))
            WHEN choice.optin_required THEN refuse('{_TO_ASK}') END,""",
    )


_ADD = """
WITH known AS (
    SELECT (SELECT product_id FROM variants
            WHERE shop_id = $1 AND id = $7 AND deleted_at IS NULL) AS product_id,
           EXISTS (SELECT FROM variants
                   WHERE shop_id = $1 AND id = $7 AND deleted_at IS NOT NULL)
           OR EXISTS (SELECT FROM catalog_pulls WHERE shop_id = $1 AND complete) AS is_final
), product AS (
    SELECT coalesce(product_id, CASE WHEN NOT is_final THEN $8::bigint END) AS id, is_final
    FROM known
), obstacle AS (
    SELECT CASE
        WHEN product.id IS NULL AND product.is_final THEN 'unknown_variant'
        WHEN product.id IS NULL THEN 'product_needed'
        WHEN $9::bigint IS NOT NULL AND EXISTS (SELECT FROM markets WHERE shop_id = $1)
             AND NOT EXISTS (SELECT FROM markets WHERE shop_id = $1 AND id = $9)
            THEN 'unknown_market'
        {unless_for_sale} END AS reason
    FROM product
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
    FROM obstacle, choice WHERE obstacle.reason IS NULL
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
SELECT obstacle.reason AS obstacle, $3::uuid AS id, EXISTS (SELECT FROM added) AS is_new,
       choice.optin_required AS asks, choice.market_id, {json} AS json
FROM obstacle, choice
"""


# A variant below the threshold is not back yet: the shopper is notified when it is reached.
_UNLESS_FOR_SALE = f"WHEN {is_for_sale('$7', threshold=STOCK_THRESHOLD)} THEN 'for_sale'"


@cache
def added_by_caller(projection: str) -> str:
    """Return the statement for a caller that vouches for the customer."""
    return _ADD.format(
        unless_for_sale=_UNLESS_FOR_SALE,
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
            LEFT JOIN variants v ON v.shop_id = $1 AND v.id = s.variant_id)""",  # noqa: S608 - constants
    )


ADDED_BY_STRANGER = _ADD.format(
    unless_for_sale=_UNLESS_FOR_SALE,
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
