"""The outbox of one run of a wave: it hands claimed messages over, and has their outcomes stored.

A message whose outcome is not stored yet is called unmarked. The process has a budget that limits
how many messages may be handed over and still unmarked. If the worker is killed, no more than
these are sent again.
"""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from time import monotonic
from types import TracebackType
from typing import Self
from uuid import UUID

from openstoq.back_in_stock.notifications import rules
from openstoq.back_in_stock.notifications.claims import Claimed
from openstoq.back_in_stock.notifications.mails import Letters, Unwritable
from openstoq.back_in_stock.notifications.marker import Marker
from openstoq.back_in_stock.notifications.supply import Supply
from openstoq.back_in_stock.notifications.trial import MOST_PROBES, PROBES, Refusal, Trial, Verdict
from openstoq.back_in_stock.notifications.waves import Wave
from openstoq.db.transient import TRANSIENT
from openstoq.jobs.work import Run, Runtime, Work
from openstoq.kernel.ids import new_id
from openstoq.kernel.metrics import MESSAGES
from openstoq.messaging.port import Delivery, Email, Outbox, Outcome
from openstoq.messaging.unmarked import Share, UnmarkedBudget

# A run lasts at least this long before it pauses for another shop's job.
SHORTEST_RUN_SECONDS = 1.0

_COUNTERS = {outcome: MESSAGES.labels("email", outcome.value) for outcome in Outcome}


def _note_nothing(_: Work) -> None:
    """Do nothing about a claimed group: the default of `note_group`."""


class WaveOutbox(Outbox):
    """The messages of one run, which a transport takes one by one.

    `note_group` is called after each claim that returned a group of full size, in the transaction
    of the claim. If the wave is known to be large, `is_large`, the first group has the full size.
    """

    def __init__(
        self,
        run: Run,
        wave: Wave,
        letters: Letters,
        *,
        note_group: Callable[[Work], None] = _note_nothing,
        is_large: bool = False,
    ) -> None:
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
        self._handed_over: dict[UUID, Claimed] = {}
        self._budget = self._runtime.ports.get(UnmarkedBudget)
        self._share: Share
        self._marker: Marker
        self._supply = Supply(
            run,
            wave,
            self.run_id,
            letters,
            may_claim=lambda: self._may_hand_over and not self._is_probing,
            note_group=note_group,
            is_large=is_large,
        )
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        self._share = self._budget.join()
        self._marker = Marker(self._run, self._wave, self.run_id, self._share)
        self._tasks = [
            asyncio.create_task(self._marker.run()),
            asyncio.create_task(self._supply.renew()),
        ]
        self._tasks[0].add_done_callback(lambda _: self._share.room.set())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Store the remaining outcomes; requeue the claimed messages that were not handed over."""
        try:
            await self._mark_rest(is_cut=kind is not None or self._is_over)
        finally:
            self._share.leave()
        with suppress(*TRANSIENT):
            await self._supply.give_back()

    async def _mark_rest(self, *, is_cut: bool) -> None:
        """Judge the refusals that are still open, and write the marks that are not written yet."""
        verdict = self._trial.close(is_cut=is_cut)
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

    @property
    def refusals_before(self) -> int:
        """The number of runs in a row that the relay stopped before this run.

        It is 0 once the relay has accepted a message of this run.
        """
        return 0 if self._trial.accepted else self._wave.refusals

    async def resumes(self) -> bool:
        """Return whether there is more to send.

        Call it only when the outcome of every message that was handed over is recorded.

        When nearly all messages are refused, a probe decides: a few messages from elsewhere on the
        waitlist. If the relay accepts enough of the probe, the refusals are the recipients' fault,
        and the wave goes on. If the relay accepts only some of it, a larger probe follows, up to
        MOST_PROBES messages, because nearly all of the list may be dead addresses. If the
        relay says that our quota is used up, there is nothing to find out, and no probe is sent.
        """
        if self._is_over or not self._trial.is_doubtful or self._trial.is_out_of_quota:
            return False
        if self._is_probing:
            self._is_probing = False
            self._mark_final(self._trial.judge())
            if not self._draws_more:
                self._supply.reopen()
                return self._may_hand_over
            self._probes = min(2 * self._probes, MOST_PROBES)
        await self._supply.give_back()
        self._trial.probe()
        self._is_probing = await self._supply.draw(self._probes)
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
            if not self._may_hand_over or not await self._supply.fill():
                return None
            if not self._share.has_room:
                self._share.room.clear()
                await self._share.room.wait()

    def next_nowait(self) -> Email | None:
        """Return a claimed message if one may be handed over now, or None."""
        self._pause_if_crowded()
        while self._supply and self._share.has_room and self._may_hand_over:
            claimed = self._supply.take()
            try:
                email = self._letters.email(claimed)
            except Unwritable as reason:
                self._settle(claimed, Delivery(Outcome.REJECTED, str(reason)))
                continue
            self._handed_over[claimed.id] = claimed
            self._share.hold()
            self._trial.take(claimed.id)
            return email
        return None

    def record(self, email: Email, delivery: Delivery) -> None:
        """Take the outcome of a message from the transport; it is stored once it is final."""
        claimed = self._handed_over.pop(email.id)
        # Its mark counts from now on. A refused message is no longer with the relay, so another may
        # go out in its place.
        self._share.release(1)
        self._settle(claimed, delivery)

    def _settle(self, claimed: Claimed, delivery: Delivery) -> None:
        _COUNTERS[delivery.outcome].inc()
        if delivery.is_refusal:
            self._mark_final(self._trial.hear(claimed, delivery))
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
