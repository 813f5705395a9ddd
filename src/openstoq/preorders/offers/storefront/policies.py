"""Inventory policies in PostgreSQL: those still to set, and those that somebody changed after us.

The catalogue has the shop's current policies. We watch a policy that we have set only while it
matters to a preorder. This requires that a live offer sells the variant, and that one of the
following holds: that offer has continue_selling; we have stopped the sale of the variant because it
is sold out; or Shopify's own stock stops the sale.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from openstoq.catalog import stock
from openstoq.db.pool import Connection
from openstoq.jobs.work import Work
from openstoq.kernel.alone import alone
from openstoq.preorders.offers import store
from openstoq.preorders.offers.offered_variants import OfferedVariant, load_variants
from openstoq.preorders.offers.storefront.sold_out import goes_by_stock, is_sold_out
from openstoq.preorders.offers.storefront.sold_units import SoldUnits

# An SQL value of `preorder_variants p`: the policy that the shop should have. Whatever was asked for
# last, it is DENY while Shopify's stock decides.
EXPECTED = "CASE WHEN p.by_stock THEN 'deny' ELSE p.policy_asked END"
# An SQL condition on `preorder_variants p` and `variants v`: the variant's policy is watched.
_WATCHED = f"""(
    {EXPECTED} IS NOT NULL AND p.policy_wanted IS NULL AND v.deleted_at IS NULL
    AND EXISTS (
        SELECT FROM offer_variants m
        JOIN offers o ON o.shop_id = $1 AND o.id = m.offer_id
        WHERE m.shop_id = $1 AND m.variant_id = p.variant_id AND m.detached_at IS NULL
          AND o.enabled AND o.discarded_at IS NULL
          AND ((o.inventory->'continue_selling'->>'enabled')::boolean
               OR p.by_stock OR p.policy_asked = 'deny' AND p.sold_out)))"""
# An SQL condition on `preorder_variants p`: an offer that goes by Shopify's stock stops the variant.
# What was decided last about a variant stays noted while none of its offers is live.
_HELD = """(
    p.by_stock AND EXISTS (
        SELECT FROM offer_variants m
        JOIN offers o ON o.shop_id = $1 AND o.id = m.offer_id
        WHERE m.shop_id = $1 AND m.variant_id = p.variant_id AND m.detached_at IS NULL
          AND o.enabled AND o.discarded_at IS NULL AND o.inventory->>'provider' = 'shopify'))"""
DRIFTED = f"(v.inventory_policy <> {EXPECTED} AND {_WATCHED})"


async def follow(work: Work, variant_ids: Sequence[int], now: datetime) -> None:
    """Decide again which of these variants stop selling, and request the matching policies.

    A variant that is sold out gets the policy DENY, which stops it at once. A variant that goes by
    Shopify's stock gets DENY as well, which stops it when that stock is used up.

    The decision is made while the variants are locked, from everything that it depends on. A policy
    is requested only when the decision changes, so that a policy which the merchant sets in between
    is left alone.
    """
    db, shop_id = work.db, work.shop_id
    await store.lock_variants(db, shop_id, variant_ids)
    found = [one.selling for one in await load_variants(db, shop_id, variant_ids)]
    limited = {
        offer.id
        for selling in found
        for offer, _ in selling.offers
        if offer.is_live and offer.own_limits.total.max is not None
    }
    units = await work.runtime.ports.get(SoldUnits)(db, shop_id, sorted(limited))
    known: list[tuple[OfferedVariant, bool, bool]] = []
    for selling in found:
        sold_out: bool | None = None
        with alone("variant", selling.variant_id, {}):
            sold_out = is_sold_out(selling, units, now)
        if sold_out is not None:
            known.append((selling, sold_out, goes_by_stock(selling, now)))
    await db.execute(
        """
        UPDATE preorder_variants p SET sold_out = t.sold_out, by_stock = t.by_stock,
            stopped = CASE
                WHEN NOT (t.sold_out OR t.by_stock) THEN false
                WHEN p.sold_out OR p.by_stock THEN p.stopped
                ELSE coalesce(
                    p.policy_wanted, p.policy_asked,
                    (SELECT v.inventory_policy FROM variants v
                     WHERE v.shop_id = $1 AND v.id = t.id),
                    'deny') = 'continue' END,
            policy_wanted = CASE WHEN t.sold_out OR t.by_stock THEN 'deny'
                WHEN p.stopped AND t.is_attached THEN 'continue' ELSE p.policy_wanted END
        FROM unnest($2::bigint[], $3::boolean[], $4::boolean[], $5::boolean[])
             AS t(id, sold_out, by_stock, is_attached)
        WHERE p.shop_id = $1 AND p.variant_id = t.id
          AND (p.sold_out, p.by_stock) <> (t.sold_out, t.by_stock)
        """,
        shop_id,
        [selling.variant_id for selling, _, _ in known],
        [sold_out for _, sold_out, _ in known],
        [by_stock for _, _, by_stock in known],
        [bool(selling.offers) for selling, _, _ in known],
    )


async def look_again(db: Connection, shop_id: UUID, offer_id: UUID) -> None:
    """Mark every variant of an offer as changed, so that the next sync decides if it is sold out."""
    await db.execute(
        """
        WITH locked AS (
            SELECT variant_id FROM preorder_variants
            WHERE shop_id = $1 AND variant_id IN (
                SELECT variant_id FROM offer_variants
                WHERE shop_id = $1 AND offer_id = $2 AND detached_at IS NULL)
            ORDER BY variant_id FOR UPDATE
        )
        UPDATE preorder_variants p SET revision = p.revision + 1
        FROM locked WHERE p.shop_id = $1 AND p.variant_id = locked.variant_id
        """,
        shop_id,
        offer_id,
    )


async def ask(
    db: Connection,
    shop_id: UUID,
    policies: Sequence[str],
    limit: int,
    but: Sequence[int],
) -> dict[int, str]:
    """Return up to `limit` of the policies that are still to be set, by variant.

    Only policies that are in `policies` are returned, and the variants in `but` are left out. The
    returned policies are recorded as requested before the request to the shop, so that the
    shop's webhook about this change does not count as drift.
    """
    rows = await db.fetch(
        """
        UPDATE preorder_variants SET policy_asked = policy_wanted
        WHERE shop_id = $1 AND variant_id IN (
            SELECT variant_id FROM preorder_variants
            WHERE shop_id = $1 AND policy_wanted IS NOT NULL AND policy_wanted = ANY($2)
              AND variant_id <> ALL($4)
            ORDER BY variant_id LIMIT $3
            FOR UPDATE)
        RETURNING variant_id, policy_asked
        """,
        shop_id,
        policies,
        limit,
        but,
    )
    return {row["variant_id"]: row["policy_asked"] for row in rows}


async def ask_for(
    db: Connection, shop_id: UUID, policy: str, variant_ids: Sequence[int]
) -> dict[int, str]:
    """Record that a policy is about to be requested from the shop on behalf of a caller.

    The policy replaces any other that was still to be set. CONTINUE is not requested for variants
    that go by Shopify's stock. The result maps each variant for which the policy is requested to
    the policy.
    """
    await store.lock_variants(db, shop_id, variant_ids)
    rows = await db.fetch(
        f"""
        UPDATE preorder_variants p SET policy_asked = $2, policy_wanted = $2, stopped = false
        WHERE p.shop_id = $1 AND p.variant_id = ANY($3) AND NOT ($2 = 'continue' AND {_HELD})
        RETURNING p.variant_id
        """,  # noqa: S608 - a constant
        shop_id,
        policy,
        variant_ids,
    )
    return {row["variant_id"]: policy for row in rows}


async def deny_by_stock(db: Connection, shop_id: UUID, variant_ids: Sequence[int]) -> list[int]:
    """Request DENY for variants that are to get CONTINUE but go by Shopify's stock.

    `variant_ids` limits the variants. The result contains the ids of those for which DENY is now
    requested. They get CONTINUE once Shopify's stock no longer decides.
    """
    await store.lock_variants(db, shop_id, variant_ids)
    rows = await db.fetch(
        f"""
        UPDATE preorder_variants p SET policy_wanted = 'deny', stopped = true
        WHERE p.shop_id = $1 AND p.variant_id = ANY($2) AND p.policy_wanted = 'continue' AND {_HELD}
        RETURNING p.variant_id
        """,  # noqa: S608 - a constant
        shop_id,
        variant_ids,
    )
    return sorted(row["variant_id"] for row in rows)


@dataclass(frozen=True, slots=True)
class PolicyState:
    """The progress of setting one policy on some variants, with the reason of each refusal."""

    is_pending: bool
    is_set: bool
    refused: dict[int, str]


async def state_of(
    db: Connection, shop_id: UUID, policy: str, variant_ids: Sequence[int]
) -> PolicyState:
    """Return how far a policy has been set on these variants, as far as we know.

    A variant has the policy if the catalogue says so. It does not count as having the policy while
    we are asking the shop to set a different one.
    """
    rows = await db.fetch(
        """
        SELECT t.id, p.policy_wanted IS NOT NULL AS is_wanted, p.sync_error,
               v.inventory_policy IS NOT DISTINCT FROM $2
               AND (p.policy_wanted IS NULL OR coalesce(p.policy_asked, $2) = $2) AS is_set
        FROM unnest($3::bigint[]) AS t(id)
        LEFT JOIN preorder_variants p ON p.shop_id = $1 AND p.variant_id = t.id
        LEFT JOIN variants v ON v.shop_id = $1 AND v.id = t.id
        ORDER BY t.id
        """,
        shop_id,
        policy,
        variant_ids,
    )
    missing = [row for row in rows if not row["is_set"]]
    return PolicyState(
        is_pending=any(row["is_wanted"] for row in missing),
        is_set=not missing,
        refused={
            row["id"]: row["sync_error"]
            or "the shop has refused it, or somebody has changed it since"
            for row in missing
            if not row["is_wanted"]
        },
    )


async def products_of(
    db: Connection, shop_id: UUID, variant_ids: Sequence[int]
) -> dict[int, list[int]]:
    """Return these variants by product, leaving out variants that the catalogue lacks."""
    rows = await db.fetch(
        """
        SELECT product_id, array_agg(id ORDER BY id) AS ids FROM variants
        WHERE shop_id = $1 AND id = ANY($2) AND deleted_at IS NULL
        GROUP BY product_id ORDER BY product_id
        """,
        shop_id,
        variant_ids,
    )
    return {row["product_id"]: list(row["ids"]) for row in rows}


async def mark(
    db: Connection, shop_id: UUID, policies: Mapping[int, str], failures: Mapping[int, str]
) -> None:
    """Record the outcome of setting policies, so that they are no longer waiting to be set.

    `failures` maps each variant whose policy could not be set to the error. The other policies were
    set, and are stored in the catalogue too. A different policy that was requested meanwhile stays
    waiting.
    """
    await store.lock_variants(db, shop_id, list(policies))
    await db.execute(
        """
        UPDATE preorder_variants p SET policy_wanted = nullif(p.policy_wanted, t.policy),
            sync_error = CASE WHEN p.policy_wanted = t.policy
                THEN coalesce(t.error, p.sync_error) ELSE p.sync_error END
        FROM unnest($2::bigint[], $3::text[], $4::text[]) AS t(id, policy, error)
        WHERE p.shop_id = $1 AND p.variant_id = t.id
        """,
        shop_id,
        list(policies),
        list(policies.values()),
        [failures.get(one) for one in policies],
    )
    done = {one: policy for one, policy in policies.items() if one not in failures}
    await stock.note_policies(db, shop_id, done)


async def watched(db: Connection, shop_id: UUID, after: int, limit: int) -> list[int]:
    """Return up to `limit` variants with watched policies and ids above `after`, in order of id."""
    rows = await db.fetch(
        f"""
        SELECT p.variant_id FROM preorder_variants p
        JOIN variants v ON v.shop_id = $1 AND v.id = p.variant_id
        WHERE p.shop_id = $1 AND p.variant_id > $2 AND {_WATCHED}
        ORDER BY p.variant_id LIMIT $3
        """,  # noqa: S608 - a constant
        shop_id,
        after,
        limit,
    )
    return [row["variant_id"] for row in rows]


async def repair(db: Connection, shop_id: UUID, variant_ids: Sequence[int]) -> int:
    """Request watched policies again where somebody has changed them; return their number."""
    count: int = await db.fetchval(
        f"""
        WITH wanted AS (
            UPDATE preorder_variants p SET policy_wanted = {EXPECTED} FROM variants v
            WHERE p.shop_id = $1 AND p.variant_id = ANY($2)
              AND v.shop_id = $1 AND v.id = p.variant_id AND {DRIFTED}
            RETURNING p.variant_id
        )
        SELECT count(*) FROM wanted
        """,  # noqa: S608 - a constant
        shop_id,
        variant_ids,
    )
    return count
