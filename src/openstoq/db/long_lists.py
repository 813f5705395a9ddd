"""Lists whose number of rows is kept in the database, so that no request has to count all rows.

The rows are counted in blocks, each of about 1,000 neighbouring rows. Triggers on a list's table
note each change, and `fold_list` adds the changes to the counts of the blocks; see the migration
0039. A short list has no blocks, so its rows are counted when it is read.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from openstoq.db.conditions import Conditions
from openstoq.db.pool import Connection
from openstoq.kernel.paging import Page


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The rows that a caller wants from a list, described in two ways.

    First, `where` selects the rows from the list's table, under the table's alias. The first
    parameter of `where` is the shop's id. The limits `since` and `before` are not part of `where`.

    Second, the other fields select the counts that are kept of these rows; None matches any value.
    Counts are kept by kind, and by variant or product. A row's kind is a text that is made of some
    of its columns, such as its channel and status. If the kept counts cannot tell how many rows
    match `where`, `is_counted` is false, and the rows are counted when the list is read.

    `uncounted` corrects the counts for rows that are wanted although they are not of `kinds`, or
    not wanted although they are. It is empty, or a UNION ALL of such rows as (moment, id, false,
    change). The change is 1 for a row to add to the counts, and -1 for one to subtract.
    """

    where: Conditions
    kinds: Sequence[str] | None = None
    variant_id: int | None = None
    product_id: int | None = None
    since: datetime | None = None
    before: datetime | None = None
    is_counted: bool = True
    uncounted: str = ""


@dataclass(frozen=True, slots=True)
class _Ranges:
    """The blocks that contain the rows of a page.

    `total` is the number of rows on all pages. `skipped` is the number of rows in these blocks that
    are newer than the page, and so belong to earlier pages.
    """

    total: int
    skipped: int
    first_at: Sequence[str]
    first_id: Sequence[UUID]
    end_at: Sequence[str]
    end_id: Sequence[UUID]


@dataclass(frozen=True, slots=True)
class LongList:
    """A list of the rows of `table`, sorted by the time in the column `at`.

    `alias` is the table's alias in conditions.
    """

    table: str
    alias: str
    at: str

    async def page(
        self, db: Connection, chosen: Chosen, page: Page, *, shown: str
    ) -> tuple[Any, int]:
        """Return a page of rows, newest first, and the number of rows on all pages.

        `shown` is a subquery that turns the page's rows into one value, such as a JSON array. It
        reads the rows from {rows}, and has to sort them itself.
        """
        row = await self._counted(db, chosen, page, shown)
        if row["total"] is not None:
            return row["shown"], row["total"]
        ranges = await self._ranges(db, chosen, page)
        return await self._within(db, chosen, page, ranges, shown), ranges.total

    async def page_of_many(
        self, db: Connection, chosen: Chosen, page: Page, *, shown: str
    ) -> tuple[Any, int]:
        """Return a page of rows, newest first, and the number of rows as far as they were read.

        The list is read from its newest row to the first row after the page, if there is one. So on
        the last page, the number is that of all rows. On any earlier page, it is one more than the
        rows up to the page's end. For an empty page, it is 0. This is only fast for conditions that
        many rows meet.
        """
        where = self._timed(chosen)
        upto = f"""(SELECT * FROM {self._from} WHERE {where} ORDER BY {self._newest_first}
                   LIMIT {where.bind(page.size + 1)} OFFSET {where.bind(page.offset)})"""  # noqa: S608 - constant fragments
        rows = f"""(SELECT * FROM upto {self.alias} ORDER BY {self._newest_first}
                   LIMIT {where.bind(page.size)})"""  # noqa: S608 - constant fragments
        row = await db.fetchrow(
            f"""
            WITH upto AS MATERIALIZED {upto}
            SELECT (SELECT count(*) FROM upto) AS found, ({shown.replace("{rows}", rows)}) AS shown
            """,  # noqa: S608 - constant fragments
            *where.parameters,
        )
        if row is None:
            raise RuntimeError("an aggregate returned no row")
        return row["shown"], page.offset + row["found"] if row["found"] else 0

    async def has_blocks(self, db: Connection, shop_id: UUID) -> bool:
        """Return whether the shop's list is so long that its rows are counted in blocks."""
        return bool(await db.fetchval(f"SELECT {self._has_blocks}", shop_id))

    async def _counted(self, db: Connection, chosen: Chosen, page: Page, shown: str) -> Any:
        """Count the rows, and return a record with their number `total` and the page `shown`.

        Both are None if the number of these rows is kept in blocks; then nothing is counted.
        """
        where = self._timed(chosen)
        unless = (
            f"WHEN {self._has_blocks} THEN NULL" if chosen.is_counted else "WHEN false THEN NULL"
        )
        rows = f"""(SELECT * FROM {self._from} WHERE {where} ORDER BY {self._newest_first}
                   LIMIT {where.bind(page.size)} OFFSET {where.bind(page.offset)})"""  # noqa: S608 - constant fragments
        return await db.fetchrow(
            f"""
            SELECT CASE {unless} ELSE (SELECT count(*) FROM {self._from} WHERE {where}) END AS total,
                   CASE {unless} ELSE ({shown.replace("{rows}", rows)}) END AS shown
            """,  # noqa: S608 - constant fragments
            *where.parameters,
        )

    async def _ranges(self, db: Connection, chosen: Chosen, page: Page) -> _Ranges:
        """Find the blocks that contain the rows of a page, and the number of rows on all pages."""
        where = self._timed(chosen, is_indexed=False)
        series, part = self._series(chosen)
        of_changes, of_kinds = where.sharing(), where.sharing()
        of_changes.add_unless_none("c.variant_id = {}", chosen.variant_id)
        of_changes.add_unless_none("c.product_id = {}", chosen.product_id)
        of_changes.add_unless_none("c.kind = ANY({}::text[])", chosen.kinds)
        of_kinds.add_unless_none("b.kind = ANY({}::text[])", chosen.kinds)
        whole, overlapping = where.sharing(), where.sharing()
        whole.add_unless_none("first_at >= {}", chosen.since)
        whole.add_unless_none("end_at < {}", chosen.before)
        overlapping.add_unless_none("end_at >= {}", chosen.since)
        overlapping.add_unless_none("first_at < {}", chosen.before)
        rest = f"""(SELECT count(*) FROM {self._from} WHERE {where}
            AND {self._key} >= (first_at, first_id) AND {self._key} < (end_at, end_id))"""  # noqa: S608 - constant fragments
        start, end = where.bind(page.offset), where.bind(page.offset + page.size)
        row = await db.fetchrow(
            f"""
            WITH events AS (
                SELECT b.first_at AS at, b.first_id AS id, true AS begins,
                       coalesce(sum(b.rows) FILTER (WHERE {of_kinds}), 0) AS rows
                FROM list_blocks b
                WHERE b.shop_id = $1 AND b.series = {where.bind(series)}
                  AND b.part = {where.bind(part)}
                GROUP BY b.first_at, b.first_id
                UNION ALL
                SELECT '-infinity', '00000000-0000-0000-0000-000000000000', true, 0
                UNION ALL
                SELECT c.at, c.id, false, c.change FROM list_changes c
                WHERE c.shop_id = $1 AND c.list = {where.bind(self.table)} AND {of_changes}
                {chosen.uncounted}
            ), numbered AS (
                SELECT *, count(*) FILTER (WHERE begins) OVER (
                    ORDER BY at, id, begins DESC ROWS UNBOUNDED PRECEDING) AS block
                FROM events
            ), blocks AS (
                SELECT min(at) AS first_at, (array_agg(id) FILTER (WHERE begins))[1] AS first_id,
                       sum(rows) AS rows
                FROM numbered GROUP BY block
            ), bounded AS (
                SELECT *, lead(first_at, 1, 'infinity') OVER w AS end_at,
                       lead(first_id, 1, 'ffffffff-ffff-ffff-ffff-ffffffffffff') OVER w AS end_id
                FROM blocks WINDOW w AS (ORDER BY first_at, first_id)
            ), counted AS (
                SELECT first_at, first_id, end_at, end_id,
                       (CASE WHEN {whole} THEN rows ELSE {rest} END)::bigint AS rows
                FROM bounded WHERE {overlapping}
            ), summed AS (
                SELECT *, sum(rows) OVER (ORDER BY first_at DESC, first_id DESC) AS upto FROM counted
            ), chosen AS (
                SELECT * FROM summed WHERE rows > 0 AND upto > {start} AND upto - rows < {end}
            )
            SELECT (SELECT coalesce(sum(rows), 0)::bigint FROM summed) AS total,
                   coalesce(min(upto - rows), 0)::bigint AS before,
                   array_agg(first_at::text) AS first_at, array_agg(first_id) AS first_id,
                   array_agg(end_at::text) AS end_at, array_agg(end_id) AS end_id
            FROM chosen
            """,  # noqa: S608 - constant fragments
            *where.parameters,
        )
        if row is None:
            raise RuntimeError("an aggregate returned no row")
        return _Ranges(
            row["total"],
            page.offset - row["before"],
            *(row[name] or [] for name in ("first_at", "first_id", "end_at", "end_id")),
        )

    async def _within(
        self, db: Connection, chosen: Chosen, page: Page, ranges: _Ranges, shown: str
    ) -> Any:
        where = self._timed(chosen, is_indexed=False)
        chosen_rows = str(where)
        rows = f"""(
            SELECT {self.alias}.* FROM unnest(
                {where.bind(ranges.first_at)}::text[]::timestamptz[],
                {where.bind(ranges.first_id)}::uuid[],
                {where.bind(ranges.end_at)}::text[]::timestamptz[],
                {where.bind(ranges.end_id)}::uuid[]
            ) r(first_at, first_id, end_at, end_id)
            CROSS JOIN LATERAL (
                SELECT * FROM {self._from} WHERE {chosen_rows}
                  AND {self._key} >= (r.first_at, r.first_id) AND {self._key} < (r.end_at, r.end_id)
                ORDER BY {self._newest_first} LIMIT {where.bind(ranges.skipped + page.size)}
            ) {self.alias}
            ORDER BY {self._newest_first}
            LIMIT {where.bind(page.size)} OFFSET {where.bind(max(ranges.skipped, 0))})"""  # noqa: S608 - constant fragments
        return await db.fetchval(f"SELECT ({shown.replace('{rows}', rows)})", *where.parameters)

    def _timed(self, chosen: Chosen, *, is_indexed: bool = True) -> Conditions:
        """Return the conditions on the list's table, including those on time.

        Without `is_indexed`, the conditions on time have a form that PostgreSQL cannot look up in
        an index. It is for statements that read the rows between two keys. Such a statement is
        faster if PostgreSQL uses the index only for these keys.
        """
        where = chosen.where.copy()
        form = "{}.{} {} {{}}" if is_indexed else "({}.{} {} {{}}) IS TRUE"
        where.add_unless_none(form.format(self.alias, self.at, ">="), chosen.since)
        where.add_unless_none(form.format(self.alias, self.at, "<"), chosen.before)
        return where

    def _series(self, chosen: Chosen) -> tuple[str, int]:
        if chosen.variant_id is not None:
            return f"{self.table}/variant", chosen.variant_id
        if chosen.product_id is not None:
            return f"{self.table}/product", chosen.product_id
        return self.table, 0

    @property
    def _from(self) -> str:
        return f"{self.table} {self.alias}"

    @property
    def _key(self) -> str:
        return f"({self.alias}.{self.at}, {self.alias}.id)"

    @property
    def _newest_first(self) -> str:
        return f"{self.alias}.{self.at} DESC, {self.alias}.id DESC"

    @property
    def _has_blocks(self) -> str:
        return (
            f"EXISTS (SELECT FROM list_blocks k WHERE k.shop_id = $1 AND k.series = '{self.table}')"
        )
