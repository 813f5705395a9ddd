"""Recognise preorders in PostgreSQL, by our selling plans and by the orders read before."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from openstoq.db.pool import Connection
from openstoq.preorders.orders.model import PreorderOrder
from openstoq.preorders.orders.recognition.channels import Seller
from openstoq.preorders.orders.recognition.matching import Plans

# How long an order is remembered that is no preorder.
REMEMBERED = timedelta(days=90)


async def plans(db: Connection, shop_id: UUID, plan_ids: Sequence[int]) -> Plans:
    """Map the selling plans that are ours to their offer and payment option."""
    rows = await db.fetch(
        """
        SELECT plan_id, offer_id, option FROM offer_plans
        WHERE shop_id = $1 AND plan_id = ANY($2)
        """,
        shop_id,
        plan_ids,
    )
    return {row["plan_id"]: (row["offer_id"], row["option"]) for row in rows}


async def awaits_plans(db: Connection, shop_id: UUID, plan_ids: Sequence[int]) -> bool:
    """Return whether one of these plans may be ours although it is not stored.

    Plans are stored once Shopify has responded to the request that creates them, but shoppers can
    buy with a plan as soon as Shopify has created it.
    """
    return bool(
        await db.fetchval(
            """
            SELECT EXISTS (
                SELECT FROM unnest($2::bigint[]) AS t(id) WHERE NOT EXISTS (
                    SELECT FROM offer_plans p WHERE p.shop_id = $1 AND p.plan_id = t.id)
            ) AND EXISTS (
                SELECT FROM offers o WHERE o.shop_id = $1 AND o.discarded_at IS NULL
                AND o.plan_group_digest IS NULL
                AND (o.advanced->>'use_shopify_selling_plan')::boolean)
            """,
            shop_id,
            plan_ids,
        )
    )


async def attached(
    db: Connection, shop_id: UUID, offer_ids: Sequence[UUID], variant_ids: Sequence[int]
) -> set[tuple[UUID, int]]:
    """Return the pairs of an offer's id and the id of a variant that the offer sells.

    Only offers in `offer_ids` and variants in `variant_ids` are looked up.
    """
    rows = await db.fetch(
        """
        SELECT offer_id, variant_id FROM offer_variants
        WHERE shop_id = $1 AND offer_id = ANY($2) AND variant_id = ANY($3)
          AND detached_at IS NULL
        """,
        shop_id,
        offer_ids,
        variant_ids,
    )
    return {(row["offer_id"], row["variant_id"]) for row in rows}


async def sellers(
    db: Connection, shop_id: UUID, variant_ids: Sequence[int]
) -> dict[int, list[Seller]]:
    """Return the enabled offers that sell or once sold these variants, by variant id."""
    rows = await db.fetch(
        """
        SELECT m.variant_id, m.offer_id, m.attached_at, m.detached_at, v.tracked
        FROM offer_variants m
        JOIN offers o ON o.shop_id = $1 AND o.id = m.offer_id
        JOIN variants v ON v.shop_id = $1 AND v.id = m.variant_id
        WHERE m.shop_id = $1 AND m.variant_id = ANY($2) AND o.enabled AND o.discarded_at IS NULL
        ORDER BY m.variant_id, m.offer_id
        """,
        shop_id,
        variant_ids,
    )
    found: dict[int, list[Seller]] = {}
    for row in rows:
        found.setdefault(row["variant_id"], []).append(
            Seller(
                offer_id=row["offer_id"],
                attached_at=row["attached_at"],
                detached_at=row["detached_at"],
                is_tracked=row["tracked"],
            )
        )
    return found


async def has_offers(db: Connection, shop_id: UUID) -> bool:
    """Return whether the shop has ever had an offer; if not, none of its orders is a preorder."""
    return bool(await db.fetchval("SELECT EXISTS (SELECT FROM offers WHERE shop_id = $1)", shop_id))


async def is_of_interest(db: Connection, shop_id: UUID, order_id: int) -> bool:
    """Return whether an order may be a preorder.

    It cannot be one if the shop has never had an offer, or if the order is on record as not a
    preorder.
    """
    return bool(
        await db.fetchval(
            """
            SELECT EXISTS (SELECT FROM offers WHERE shop_id = $1) AND NOT EXISTS (
                SELECT FROM other_orders WHERE shop_id = $1 AND order_id = $2)
            """,
            shop_id,
            order_id,
        )
    )


async def note(db: Connection, shop_id: UUID, order_id: int, now: datetime) -> None:
    """Record that an order is not a preorder, which is final: no preorder can be added later."""
    await db.execute(
        """
        INSERT INTO other_orders (shop_id, order_id, read_at) VALUES ($1, $2, $3)
        ON CONFLICT (shop_id, order_id) DO UPDATE SET read_at = excluded.read_at
        """,
        shop_id,
        order_id,
        now,
    )


async def of_interest(
    db: Connection, shop_id: UUID, orders: Sequence[tuple[int, datetime]]
) -> list[int]:
    """Return the ids of the orders to read, for the first time or again.

    `orders` holds the id of each order and the time of its last update in Shopify. Shopify gives
    that time to the second, and an order can change several times within a second. So an order is
    read again even if that time is the same as in our last reading. An order is left out if reading
    it has failed since its last update: it is read again after a pause, or once it changes.
    """
    rows = await db.fetch(
        """
        SELECT t.id FROM unnest($2::bigint[], $3::timestamptz[]) AS t(id, updated_at)
        WHERE NOT EXISTS (SELECT FROM other_orders o WHERE o.shop_id = $1 AND o.order_id = t.id)
          AND NOT EXISTS (SELECT FROM preorder_orders p WHERE p.shop_id = $1
                          AND p.order_id = t.id AND p.shop_updated_at > t.updated_at)
          AND NOT EXISTS (SELECT FROM item_faults f WHERE f.shop_id = $1 AND f.kind = 'order'
                          AND f.item = t.id::text AND f.noted_at > t.updated_at)
        """,
        shop_id,
        [order_id for order_id, _ in orders],
        [updated_at for _, updated_at in orders],
    )
    return [row["id"] for row in rows]


async def forget(db: Connection, shop_id: UUID, before: datetime) -> None:
    """Delete the records of orders that are not preorders and were read before `before`.

    If such an order changes later, it is read once more.
    """
    await db.execute(
        "DELETE FROM other_orders WHERE shop_id = $1 AND read_at < $2", shop_id, before
    )


async def save_fulfillment_orders(db: Connection, shop_id: UUID, order: PreorderOrder) -> None:
    """Record an order's fulfillment orders, so that the order can be found by them."""
    await db.execute(
        """
        INSERT INTO preorder_fulfillment_orders (shop_id, fulfillment_order_id, order_id)
        SELECT $1, id, $2 FROM unnest($3::bigint[]) AS t(id)
        ON CONFLICT DO NOTHING
        """,
        shop_id,
        order.order_id,
        [one.id for one in order.facts.snapshot.fulfillment_orders],
    )


async def order_of_fulfillment_orders(
    db: Connection, shop_id: UUID, fulfillment_order_ids: Sequence[int]
) -> int | None:
    """Return the id of the preorder order that has or had one of these fulfillment orders, or None.

    All of them belong to one order.
    """
    found: int | None = await db.fetchval(
        """
        SELECT order_id FROM preorder_fulfillment_orders
        WHERE shop_id = $1 AND fulfillment_order_id = ANY($2) LIMIT 1
        """,
        shop_id,
        fulfillment_order_ids,
    )
    return found


async def order_of_schedule(db: Connection, shop_id: UUID, schedule_id: int) -> int | None:
    """Return the id of the preorder order that has a payment schedule and owes money, or None."""
    found: int | None = await db.fetchval(
        """
        SELECT order_id FROM preorder_orders
        WHERE shop_id = $1 AND outstanding > 0 AND snapshot->'schedules' @> $2
        """,
        shop_id,
        [{"id": schedule_id}],
    )
    return found
