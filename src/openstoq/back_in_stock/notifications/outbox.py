"""The outbox of one run of a wave: it claims messages in groups, and marks each settled message.

At any time, at most UNMARKED messages are handed over but not yet marked. If the worker is killed,
no more than these are sent again.
"""

import asyncio
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from datetime import timedelta
from itertools import zip_longest
from time import monotonic
from types import TracebackType
from typing import Self
from uuid import UUID

from openstoq.back_in_stock.notifications import claims, rules
from openstoq.back_in_stock.notifications.claims import Claimed, Place
from openstoq.back_in_stock.notifications.mails import Letters, Unwritable
from openstoq.back_in_stock.notifications.marker import Marker
from openstoq.back_in_stock.notifications.trial import MOST_PROBES, PROBES, Refusal, Trial, Verdict
from openstoq.back_in_stock.notifications.waves import Wave
from openstoq.db.transient import TRANSIENT
from openstoq.jobs.work import Run, Runtime, Work
from openstoq.kernel.ids import new_id
from openstoq.kernel.metrics import MESSAGES
from openstoq.messaging.port import Delivery, Email, Outbox, Outcome

GROUP = 200
UNMARKED = 64
# A run lasts at least this long before it pauses for another shop's job.
SHORTEST_RUN_SECONDS = 1.0


class WaveOutbox(Outbox):
    """The messages of one run, which a transport takes one by one."""

    def __init__(self, run: Run, wave: Wave, letters: Letters) -> None:
        self.run_id = new_id()
        self.owner = run.shop_id
        self._run, self._wave, self._letters = run, wave, letters
        self.verdict = Verdict([], [], [])
        """The verdict on the run's refusals, known once the run has ended."""
        self.has_paused = False
        """True if the run paused for another shop's job although it had more to send."""
        self._began = monotonic()
        self._trial = Trial()
        self._is_probing = False
        self._probes = min(PROBES << min(wave.refusals, 8), MOST_PROBES)
        self._ready: deque[Claimed] = deque()
        self._handed_over: dict[UUID, Claimed] = {}
        self._place: Place | None = None
        self._has_walked = False
        self._claiming = asyncio.Lock()
        self._room = asyncio.Event()
        self._marker = Marker(run, wave, self.run_id, self._room)
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        self._tasks = [
            asyncio.create_task(self._marker.run()),
            asyncio.create_task(self._renew()),
        ]
        self._tasks[0].add_done_callback(lambda _: self._room.set())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Mark the settled messages, and requeue the claimed messages that were not handed over."""
        verdict = self._trial.close(is_cut=kind is not None or self._is_over)
        self.verdict = verdict
        self._mark_final(verdict.final)
        now = self._runtime.clock()
        pause = rules.refusal_pause(self.refusals_before, is_quota=verdict.is_quota)
        for one in verdict.relays:
            self._marker.add(rules.mark_of_relay(one.claimed, one.delivery, pause=pause, now=now))
        for one in verdict.undecided:
            self._marker.add(rules.mark_of_relay(one.claimed, one.delivery, now=now))
        self._marker.end()
        marker, renewer = self._tasks
        renewer.cancel()
        (broken, _) = await asyncio.gather(marker, renewer, return_exceptions=True)
        if isinstance(broken, BaseException):
            raise broken
        if self._ready:
            with suppress(*TRANSIENT):
                await self._give_back()

    @property
    def refusals_before(self) -> int:
        """The number of consecutive runs stopped by the relay; 0 once it has accepted a message."""
        return 0 if self._trial.accepted else self._wave.refusals

    async def resumes(self) -> bool:
        """Return whether there is more to send; call it when all messages handed over are settled.

        When nearly all messages are refused, a probe decides: a few messages from elsewhere on the
        waitlist. If the relay accepts enough of the probe, the refusals are the recipients' fault,
        and the wave goes on. If the relay accepts only some of it, a larger probe follows, up to
        MOST_PROBES, because nearly all of the list may be dead addresses. If the relay says that
        our quota is used up, there is nothing to find out, and no probe is sent.
        """
        if self._is_over or not self._trial.is_doubtful or self._trial.is_out_of_quota:
            return False
        if self._is_probing:
            self._is_probing = False
            self._mark_final(self._trial.judge())
            if not self._draws_more:
                return self._may_hand_over
            self._probes = min(2 * self._probes, MOST_PROBES)
        if self._ready:
            await self._give_back()
        self._trial.probe()
        self._is_probing = await self._claim_probes()
        return self._is_probing

    @property
    def _draws_more(self) -> bool:
        is_last = self._probes == MOST_PROBES or self._run.is_crowded()
        return self._trial.is_doubtful and self._trial.has_served_probe and not is_last

    async def next(self) -> Email | None:
        """Return the next message, as soon as one may be handed over.

        Returns None if the run has no message to hand over, or must not hand over any more.
        """
        while True:
            email = self.next_nowait()
            if email is not None:
                return email
            if self._tasks[0].done():
                # The marker has failed: a message handed over now could not be marked.
                return None
            if self._unmarked >= UNMARKED:
                self._room.clear()
                await self._room.wait()
                continue
            async with self._claiming:
                if not self._may_hand_over or (self._is_probing and not self._ready):
                    return None
                if not self._ready and not await self._claim():
                    return None

    def next_nowait(self) -> Email | None:
        """Return a claimed message if one may be handed over now, or None."""
        self._pause_if_crowded()
        while self._ready and self._unmarked < UNMARKED and self._may_hand_over:
            claimed = self._ready.popleft()
            try:
                email = self._letters.email(claimed)
            except Unwritable as reason:
                self._settle(claimed, Delivery(Outcome.REJECTED, str(reason)))
                continue
            self._handed_over[claimed.id] = claimed
            self._trial.take(claimed.id)
            return email
        return None

    def record(self, email: Email, delivery: Delivery) -> None:
        """Settle a message by its delivery result, which the marker stores once it is final."""
        self._settle(self._handed_over.pop(email.id), delivery)

    def _settle(self, claimed: Claimed, delivery: Delivery) -> None:
        MESSAGES.labels("email", delivery.outcome.value).inc()
        if delivery.is_refusal:
            self._mark_final(self._trial.hear(claimed, delivery))
            # A refused message is no longer with the relay, so another may go out in its place.
            self._room.set()
            return
        self._mark(claimed, delivery)
        if delivery.outcome is Outcome.ACCEPTED:
            self._mark_final(self._trial.hear(claimed, delivery))
        else:
            self._trial.drop(claimed.id)

    def _mark_final(self, refusals: Iterable[Refusal]) -> None:
        for refusal in refusals:
            self._mark(refusal.claimed, refusal.delivery)

    def _mark(self, claimed: Claimed, delivery: Delivery) -> None:
        """Pass the outcome of a message to the marker, which writes it."""
        self._marker.add(
            rules.mark_of(
                claimed,
                delivery,
                unknown_outcome=self._letters.unknown_outcome,
                is_alone=rules.is_alone(
                    claimed, accepted=self._trial.accepted, now=self._runtime.clock()
                ),
            )
        )

    @property
    def _runtime(self) -> Runtime:
        return self._run.runtime

    @property
    def _is_over(self) -> bool:
        """Return whether the run must end: its wave must end, it paused, or the worker stops."""
        return self._marker.has_to_end or self.has_paused or self._runtime.stopping.is_set()

    def _pause_if_crowded(self) -> None:
        """Make the run end early if a job of another shop is waiting for this run's slot.

        A run pauses only once it has enough replies to judge refusals. If runs could pause before,
        refusals might never be judged.
        """
        has_run = monotonic() - self._began >= SHORTEST_RUN_SECONDS
        if has_run and self._trial.is_conclusive and self._run.is_crowded():
            self.has_paused = True

    @property
    def _may_hand_over(self) -> bool:
        return not self._is_over and (self._is_probing or not self._trial.is_doubtful)

    @property
    def _unmarked(self) -> int:
        return len(self._handed_over) + self._marker.unmarked

    @property
    def _lease(self) -> timedelta:
        return timedelta(seconds=self._runtime.settings.worker.lease_seconds)

    async def _claim(self) -> bool:
        """Claim the next group of messages; return whether there was one."""
        async with self._run.work() as work:
            if self._wave.kind == "restock" and self._wave.refusals:
                # Messages refused before must not crowd out shoppers not yet notified.
                new = await self._claim_new(work, GROUP // 2)
                due = await self._claim_due(work, GROUP - len(new))
                group = [one for pair in zip_longest(new, due) for one in pair if one is not None]
            else:
                group = await self._claim_due(work, GROUP)
                if self._wave.kind == "restock" and len(group) < GROUP:
                    group += await self._claim_new(work, GROUP - len(group))
            await self._letters.prepare(work, group)
        self._ready.extend(group)
        return bool(group)

    async def _claim_probes(self) -> bool:
        """Claim a few messages from elsewhere on the waitlist; return whether there were any."""
        async with self._run.work() as work:
            group: list[Claimed] = []
            if self._wave.kind == "restock":
                group = await claims.claim_anywhere(
                    work.db,
                    work.shop_id,
                    self._wave,
                    run_id=self.run_id,
                    limit=self._probes,
                    now=self._runtime.clock(),
                    lease=self._lease,
                )
            if not group:
                group = await self._claim_due(work, self._probes)
            await self._letters.prepare(work, group)
        self._ready.extend(group)
        return bool(group)

    async def _claim_due(self, work: Work, limit: int) -> list[Claimed]:
        return await claims.claim_due(
            work.db,
            work.shop_id,
            self._wave,
            run_id=self.run_id,
            limit=limit,
            now=self._runtime.clock(),
            lease=self._lease,
        )

    async def _claim_new(self, work: Work, limit: int) -> list[Claimed]:
        while True:
            new, place = await claims.claim_new(
                work.db,
                work.shop_id,
                self._wave,
                run_id=self.run_id,
                after=self._place,
                limit=limit,
                now=self._runtime.clock(),
                lease=self._lease,
                untried=not self._has_walked,
            )
            if new or self._has_walked:
                self._place = place
                return new
            # The first walk skipped rows that other runs held, and signups whose message failed in
            # an earlier restock, which come last. A second walk from the start finds them.
            self._place, self._has_walked = None, True

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(self._lease.total_seconds() / 3)
            with suppress(*TRANSIENT):
                async with self._run.work() as work:
                    await claims.renew(
                        work.db, work.shop_id, self._wave.id, self.run_id, self._lease
                    )

    async def _give_back(self) -> None:
        async with self._run.work() as work:
            await claims.give_back(
                work.db, work.shop_id, self.run_id, [claimed.id for claimed in self._ready]
            )
        self._ready.clear()
