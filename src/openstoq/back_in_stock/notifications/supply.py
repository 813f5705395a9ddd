"""The supply of one run of a wave: messages that are claimed before the relay can take them.

Messages are claimed in groups. The next group is claimed while messages of the last group are still
being sent. Otherwise the relay would have to wait for each claim, and in the time of one claim it
could take dozens of messages.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from itertools import zip_longest
from uuid import UUID

from openstoq.back_in_stock.notifications import claims
from openstoq.back_in_stock.notifications.claims import Claimed, Place
from openstoq.back_in_stock.notifications.mails import Letters
from openstoq.back_in_stock.notifications.waves import Wave
from openstoq.db.transient import TRANSIENT
from openstoq.jobs.work import Run, Work

# The first group is small, because most waves are: each message of a group costs a new id, whether or
# not there is a message. Each further group is twice as large as the last, up to GROUP.
FIRST_GROUP, GROUP = 25, 200
# The next group is claimed once no more messages than this are left.
AHEAD = GROUP // 2


@dataclass(frozen=True, slots=True)
class _Walk:
    """The place on the waitlist that a run's claims have reached, in its first or second walk."""

    place: Place | None = None
    is_second: bool = False


class Supply:
    """The claimed messages of one run that were not handed over yet.

    `note_group` is called when a claim returns a group of full size, in the transaction of the
    claim, because more messages probably remain. `may_claim` returns whether the run may still
    claim.
    """

    def __init__(
        self,
        run: Run,
        wave: Wave,
        run_id: UUID,
        letters: Letters,
        *,
        may_claim: Callable[[], bool],
        note_group: Callable[[Work], None],
        is_large: bool,
    ) -> None:
        self._run, self._wave, self._run_id, self._letters = run, wave, run_id, letters
        self._may_claim, self._note_group = may_claim, note_group
        self._ready: deque[Claimed] = deque()
        self._is_drained = False
        self._group = GROUP if is_large else FIRST_GROUP
        self._walk = _Walk()
        self._claiming: asyncio.Task[None] | None = None

    def __bool__(self) -> bool:
        """Return whether a claimed message is ready."""
        return bool(self._ready)

    def take(self) -> Claimed:
        """Return the next message; raise IndexError if none is ready."""
        claimed = self._ready.popleft()
        if len(self._ready) <= AHEAD and not self._is_drained and self._may_claim():
            self._start()
        return claimed

    async def fill(self) -> bool:
        """Wait until a message is ready; return whether one is.

        Once a claim has found fewer messages than it asked for, no further claim is made until
        `reopen` is called.
        """
        while not self._ready and not self._is_drained and self._may_claim():
            # A lane that is cancelled must not cancel the claim that other lanes wait for.
            await asyncio.shield(self._start())
        return bool(self._ready)

    async def draw(self, limit: int) -> bool:
        """Claim up to `limit` messages from random places on the waitlist.

        If there are none, messages whose next attempt is due are claimed instead. Returns whether
        any message was claimed. The caller must have called `give_back` before.
        """
        async with self._run.work(durable=self._must_remember) as work:
            group: list[Claimed] = []
            if self._wave.kind == "restock":
                group = await claims.claim_anywhere(
                    work.db,
                    work.shop_id,
                    self._wave,
                    run_id=self._run_id,
                    limit=limit,
                    now=self._run.runtime.clock(),
                    lease=self._lease,
                )
            if not group:
                group = await self._claim_due(work, limit)
            await self._letters.prepare(work, group)
        self._ready.extend(group)
        return bool(group)

    def reopen(self) -> None:
        """Allow further claims, although the last claim found fewer messages than it asked for."""
        self._is_drained = False

    async def give_back(self) -> None:
        """Wait for a running claim to end, and requeue the messages that were not handed over."""
        if self._claiming is not None:
            await asyncio.wait([self._claiming])
        if not self._ready:
            return
        async with self._run.work(durable=False) as work:
            await claims.give_back(
                work.db, work.shop_id, self._run_id, [claimed.id for claimed in self._ready]
            )
        self._ready.clear()

    async def renew(self) -> None:
        """Extend the leases of the run's messages regularly, until the task is cancelled."""
        while True:
            await asyncio.sleep(self._lease.total_seconds() / 3)
            with suppress(*TRANSIENT):
                async with self._run.work(durable=False) as work:
                    await claims.renew(
                        work.db, work.shop_id, self._wave.id, self._run_id, self._lease
                    )

    @property
    def _must_remember(self) -> bool:
        """Return whether a claim must survive a crash of PostgreSQL.

        If the shop holds messages of unknown outcome, the claim is the only trace of a message that
        the relay may have.
        """
        return self._letters.unknown_outcome == "hold"

    @property
    def _lease(self) -> timedelta:
        return timedelta(seconds=self._run.runtime.settings.worker.lease_seconds)

    def _start(self) -> asyncio.Task[None]:
        if self._claiming is None:
            self._claiming = asyncio.create_task(self._claim())
            self._claiming.add_done_callback(self._end)
        return self._claiming

    def _end(self, claiming: asyncio.Task[None]) -> None:
        self._claiming = None
        if not claiming.cancelled():
            # A lane that waits for this claim raises its error. If none waits, the error is dropped:
            # the next claim raises its own.
            claiming.exception()

    async def _claim(self) -> None:
        size, walk = self._group, self._walk
        async with self._run.work(durable=self._must_remember) as work:
            if self._wave.kind == "restock" and self._wave.refusals:
                # Messages refused before must not crowd out shoppers not yet notified.
                wanted = size // 2
                new, walk = await self._claim_new(work, wanted)
                due = await self._claim_due(work, size - len(new))
                is_last = len(new) < wanted and len(new) + len(due) < size
                group = [one for pair in zip_longest(new, due) for one in pair if one is not None]
            else:
                group = await self._claim_due(work, size)
                if self._wave.kind == "restock" and len(group) < size:
                    new, walk = await self._claim_new(work, size - len(group))
                    group += new
                is_last = len(group) < size
            await self._letters.prepare(work, group)
            if size == GROUP and not is_last:
                self._note_group(work)
        # Only now is it certain that these messages are claimed.
        self._walk, self._is_drained, self._group = walk, is_last, min(2 * size, GROUP)
        self._ready.extend(group)

    async def _claim_due(self, work: Work, limit: int) -> list[Claimed]:
        return await claims.claim_due(
            work.db,
            work.shop_id,
            self._wave,
            run_id=self._run_id,
            limit=limit,
            now=self._run.runtime.clock(),
            lease=self._lease,
        )

    async def _claim_new(self, work: Work, limit: int) -> tuple[list[Claimed], _Walk]:
        """Claim up to `limit` waiting signups; fewer are returned only if no more can be claimed.

        Also returns how far the run has then walked.
        """
        claimed: list[Claimed] = []
        walk = self._walk
        while True:
            new, place = await claims.claim_new(
                work.db,
                work.shop_id,
                self._wave,
                run_id=self._run_id,
                after=walk.place,
                limit=limit - len(claimed),
                now=self._run.runtime.clock(),
                lease=self._lease,
                untried=not walk.is_second,
            )
            claimed += new
            if len(claimed) == limit or walk.is_second:
                return claimed, _Walk(place, walk.is_second)
            # The first walk skipped rows that other runs held, and signups whose message failed in
            # an earlier restock, which come last. A second walk from the start finds them.
            walk = _Walk(None, is_second=True)
