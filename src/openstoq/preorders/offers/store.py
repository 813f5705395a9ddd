"""Offers in PostgreSQL: one row each, with a jsonb column for each settings document."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, get_type_hints
from uuid import UUID

import structlog

from openstoq.db.conditions import Conditions, containing
from openstoq.db.pool import Connection
from openstoq.db.statement import Statement
from openstoq.kernel import days
from openstoq.kernel.days import CalendarValue
from openstoq.kernel.documents import readable
from openstoq.kernel.paging import Page
from openstoq.kernel.patch import stored
from openstoq.preorders.offers.model import DOCUMENTS, Offer, Status

log = structlog.get_logger(__name__)

_HINTS = get_type_hints(Offer)
_PLAIN = (
    "name",
    "internal_name",
    "enabled",
    "enabled_at",
    "discarded_at",
    "schedule_start",
    "schedule_start_local",
    "schedule_end",
    "schedule_end_local",
    "deposit_ends_at",
    "source",
    "collection_id",
    "auto_refresh",
    "exclusion_tag",
    "excluded_variant_ids",
)
_STORED = (*DOCUMENTS, "values_by_type")
_WRITTEN = (*_PLAIN, *_STORED)
_READ = (
    "id",
    *_WRITTEN,
    "plan_group_id",
    "full_plan_id",
    "partial_plan_id",
    "plan_group_digest",
    "revision",
    "synced_revision",
    "sync_error",
    "created_at",
    "updated_at",
)
# The translations of an offer, by locale and path.
Overrides = dict[str, dict[str, str]]

_COUNT = """(SELECT count(*) FROM offer_variants v WHERE v.shop_id = $1
             AND v.offer_id = o.id AND v.detached_at IS NULL)"""
_BEHIND = """EXISTS (SELECT FROM preorder_variants p
              JOIN offer_variants v ON v.shop_id = $1 AND v.variant_id = p.variant_id
              WHERE p.shop_id = $1 AND v.offer_id = o.id AND
              (p.revision > p.synced_revision OR p.policy_wanted IS NOT NULL))"""
# An SQL condition on `offers`: the offer sells one of the variants $2, or has sold it.
_SELLS = """id IN (
    SELECT offer_id FROM offer_variants WHERE shop_id = $1 AND variant_id = ANY($2))"""
_ZONE = "(SELECT s.timezone FROM shops s WHERE s.shop_id = $1) AS zone"
COLUMNS = (
    f"{', '.join(f'o.{name}' for name in _READ)}, {_ZONE}, {_COUNT} AS variant_count, "
    f"{_BEHIND} AS variants_behind"
)


def offer_of(row: Any) -> Offer:
    """Build an offer from a row of COLUMNS.

    Settings that cannot be read are reported as a failed sync, so that the merchant sees the
    problem.
    """
    fields = dict(row)
    problems: list[str] = []
    for name in _STORED:
        fields[name], unread = readable(_HINTS[name], fields[name], name)
        problems += unread
    if problems:
        log.warning("offer.unreadable", offer_id=str(fields["id"]), problems=problems)
        fields["sync_error"] = "; ".join(problems)
    for name in ("schedule_start", "schedule_end"):
        local = fields.pop(f"{name}_local")
        if local is not None:
            fields[name] = days.read(local)
    del fields["deposit_ends_at"]
    return Offer(**fields)


async def load(db: Connection, shop_id: UUID, offer_id: UUID, *, lock: bool) -> Offer | None:
    """Load an offer, even a discarded one; return None if the shop has no offer with this id.

    `lock` keeps other transactions from changing the offer.
    """
    row = await db.fetchrow(
        f"""
        SELECT {COLUMNS} FROM offers o WHERE o.shop_id = $1 AND o.id = $2
        {"FOR UPDATE OF o" if lock else ""}
        """,  # noqa: S608 - constants
        shop_id,
        offer_id,
    )
    return offer_of(row) if row is not None else None


async def lock_offers(db: Connection, shop_id: UUID, offer_ids: Sequence[UUID] | None) -> None:
    """Lock these offers, which is necessary before their attached variants change.

    If `offer_ids` is None, all offers of the shop are locked. Offers are locked in the order of
    their ids; otherwise two transactions can deadlock.
    """
    await db.execute(
        """
        SELECT FROM offers WHERE shop_id = $1 AND ($2::uuid[] IS NULL OR id = ANY($2))
        ORDER BY id FOR NO KEY UPDATE
        """,
        shop_id,
        offer_ids,
    )


async def exclude(db: Connection, shop_id: UUID, variant_id: int, now: datetime) -> None:
    """Exclude a variant from the offers that would otherwise attach it again automatically.

    These are the offers with the source `all`, and those with a collection that sell the variant
    now. `lock_excluders` must have locked them.
    """
    await db.execute(
        """
        UPDATE offers o SET updated_at = $3,
            excluded_variant_ids = array_append(o.excluded_variant_ids, $2)
        WHERE o.shop_id = $1 AND o.discarded_at IS NULL AND $2 <> ALL(o.excluded_variant_ids)
          AND (o.source = 'all' OR o.source = 'collection' AND EXISTS (
              SELECT FROM offer_variants v WHERE v.shop_id = $1 AND v.offer_id = o.id
              AND v.variant_id = $2 AND v.detached_at IS NULL))
        """,
        shop_id,
        variant_id,
        now,
    )


async def lock_sellers(db: Connection, shop_id: UUID, variant_ids: Sequence[int]) -> None:
    """Lock the offers that sell these variants.

    A transaction that locks offers and variants must lock the offers first; otherwise two
    transactions can deadlock.
    """
    await _lock_where(db, shop_id, _SELLS, variant_ids)


async def lock_excluders(db: Connection, shop_id: UUID, variant_id: int) -> None:
    """Lock the offers that `exclude` changes, together with the offers that sell the variant.

    An offer with the source `all` excludes a variant even if it has never sold it.
    """
    await _lock_where(db, shop_id, f"({_SELLS} OR source = 'all')", [variant_id])


async def _lock_where(
    db: Connection, shop_id: UUID, condition: str, variant_ids: Sequence[int]
) -> None:
    await db.execute(
        f"""
        SELECT FROM offers WHERE shop_id = $1 AND {condition}
        ORDER BY id FOR NO KEY UPDATE
        """,
        shop_id,
        variant_ids,
    )


async def lock_variants(db: Connection, shop_id: UUID, variant_ids: Sequence[int]) -> list[int]:
    """Lock those of these variants that have a row in `preorder_variants`; return their ids.

    Every transaction that changes several variants must lock them in the order of their ids;
    otherwise two transactions can deadlock.
    """
    rows = await db.fetch(
        """
        SELECT variant_id FROM preorder_variants
        WHERE shop_id = $1 AND variant_id = ANY($2) ORDER BY variant_id FOR UPDATE
        """,
        shop_id,
        variant_ids,
    )
    return [row["variant_id"] for row in rows]


async def add(db: Connection, shop_id: UUID, offer: Offer) -> None:
    """Write a new offer."""
    names = ("id", *_WRITTEN, "created_at", "updated_at")
    places = ", ".join(f"${number}" for number in range(2, len(names) + 2))
    await db.execute(
        f"INSERT INTO offers (shop_id, {', '.join(names)}) VALUES ($1, {places})",  # noqa: S608 - the names are ours
        shop_id,
        *(_value(offer, name) for name in names),
    )


async def save(
    db: Connection, shop_id: UUID, offer: Offer, now: datetime, *, along: Iterable[Statement | None]
) -> Overrides:
    """Write an offer that `load` has locked, as a new revision that is still to be synced.

    The statements in `along` run in the same round trip. Returns the offer's translations.
    """
    places = ", ".join(f"{name} = ${number}" for number, name in enumerate(_WRITTEN, 4))
    statement = Statement(
        f"""
        WITH saved AS (
            UPDATE offers SET {places}, updated_at = $3, revision = revision + 1, sync_error = NULL
            WHERE shop_id = $1 AND id = $2 RETURNING revision
        )
        SELECT revision, coalesce((
            SELECT jsonb_agg(jsonb_build_array(locale, path, value)) FROM offer_translations
            WHERE shop_id = $1 AND offer_id = $2), '[]') AS translations
        FROM saved
        """,  # noqa: S608 - the names are ours
        (shop_id, offer.id, now, *(_value(offer, name) for name in _WRITTEN)),
    )
    for other in along:
        statement = statement.taking_along(other)
    row = await db.fetchrow(statement.text, *statement.parameters)
    if row is None:
        raise RuntimeError("an offer that is locked cannot be gone")
    offer.revision, offer.updated_at, offer.sync_error = row["revision"], now, None
    overrides: Overrides = {}
    for locale, path, value in row["translations"]:
        overrides.setdefault(locale, {})[path] = value
    return overrides


async def page(
    db: Connection, shop_id: UUID, page: Page, *, status: Status | None, name: str | None = None
) -> tuple[list[Offer], int]:
    """Return a page of offers, newest first, and the total number of matching offers.

    Discarded offers are included only if `status` is discarded. `name` matches a part of the name
    or of the internal name.
    """
    where = _where(shop_id, status=status, name=name)
    total = await db.fetchval(f"SELECT count(*) FROM offers o WHERE {where}", *where.parameters)  # noqa: S608 - constant fragments
    rows = await db.fetch(
        f"""
        SELECT {COLUMNS} FROM offers o WHERE {where}
        ORDER BY o.created_at DESC, o.id DESC
        LIMIT {where.bind(page.size)} OFFSET {where.bind(page.offset)}
        """,  # noqa: S608 - constant fragments; every value is a parameter
        *where.parameters,
    )
    return [offer_of(row) for row in rows], total


async def all_of(db: Connection, shop_id: UUID, offer_ids: Sequence[UUID] | None) -> list[Offer]:
    """Load these offers, oldest first.

    If `offer_ids` is None, all offers of the shop that are not discarded are loaded.
    """
    rows = await db.fetch(
        f"""
        SELECT {COLUMNS} FROM offers o WHERE o.shop_id = $1
        AND CASE WHEN $2::uuid[] IS NULL THEN o.discarded_at IS NULL ELSE o.id = ANY($2) END
        ORDER BY o.created_at, o.id
        """,  # noqa: S608 - constants
        shop_id,
        offer_ids,
    )
    return [offer_of(row) for row in rows]


def _where(shop_id: UUID, *, status: Status | None, name: str | None) -> Conditions:
    where = Conditions()
    where.add("o.shop_id = {}", shop_id)
    if status == "discarded":
        where.add("o.discarded_at IS NOT NULL")
    else:
        where.add("o.discarded_at IS NULL")
        where.add_unless_none("o.enabled = {}", None if status is None else status == "enabled")
    where.add_unless_none("(o.name ILIKE {} OR o.internal_name ILIKE {})", containing(name))
    return where


def _value(offer: Offer, name: str) -> Any:
    if name in _MOMENTS:
        return _MOMENTS[name](offer)
    value = getattr(offer, name)
    return stored(value) if name in _STORED else value


def _local(day: CalendarValue | None) -> str | None:
    return days.written(day) if day is not None and days.is_local(day) else None


# A day is kept as it was written, beside the moment that it is in the shop's time zone.
_MOMENTS: Mapping[str, Callable[[Offer], Any]] = {
    "schedule_start": lambda offer: offer.opens_at,
    "schedule_start_local": lambda offer: _local(offer.schedule_start),
    "schedule_end": lambda offer: offer.closes_at,
    "schedule_end_local": lambda offer: _local(offer.schedule_end),
    "deposit_ends_at": lambda offer: offer.deposit_ends_at,
}
