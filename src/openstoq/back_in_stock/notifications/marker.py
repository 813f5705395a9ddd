"""The marker of one run: it writes the outcome of each message after the message was sent.

A mark is the stored outcome of a message. A message without a mark is sent again, although the
relay already has it. A mark that cannot be written must therefore not prevent other marks from
being written.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from time import monotonic
from uuid import UUID

import structlog

from openstoq.back_in_stock.notifications import marks
from openstoq.back_in_stock.notifications.marks import Mark
from openstoq.back_in_stock.notifications.waves import Wave
from openstoq.db.transient import TRANSIENT
from openstoq.jobs.items import each
from openstoq.jobs.work import Run, Work
from openstoq.kernel.faults import is_of_item
from openstoq.messaging.unmarked import Share

log = structlog.get_logger(__name__)

MARK_AT = 32
MARK_SECONDS = 0.05
GIVE_UP_MARKING_SECONDS = 20.0
UNWRITABLE = "openstoq could not store the details of this message's outcome; see openstoq's log"


class Marker:
    """The queue of the marks that a run still has to write; they are written in groups.

    Until its mark is written, a message counts as unmarked in `share`, the run's part of the
    budget of unmarked messages.
    """

    def __init__(self, run: Run, wave: Wave, run_id: UUID, share: Share) -> None:
        self.has_to_end = False
        """True if the wave had to end when marks were last written, for instance as sold out."""
        self._run, self._wave, self._run_id, self._share = run, wave, run_id, share
        self._settled: list[Mark] = []
        self._writing = 0
        self._has_ended = False
        self._changed = asyncio.Event()
        self._many = asyncio.Event()

    @property
    def unmarked(self) -> int:
        """The number of marks that are not written yet."""
        return len(self._settled) + self._writing

    def add(self, mark: Mark) -> None:
        """Queue a mark to be written soon."""
        self._settled.append(mark)
        self._share.hold()
        self._changed.set()
        if len(self._settled) >= MARK_AT:
            self._many.set()

    def end(self) -> None:
        """Make `run` return once every queued mark is written."""
        self._has_ended = True
        self._changed.set()
        self._many.set()

    async def run(self) -> None:
        """Write marks until `end` is called and none is left.

        A write that fails with a transient error is retried for GIVE_UP_MARKING_SECONDS. After
        that time, or if retrying cannot help, the error is raised.
        """
        while not self._has_ended or self._settled:
            await self._changed.wait()
            self._changed.clear()
            if len(self._settled) < MARK_AT and not self._has_ended:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._many.wait(), MARK_SECONDS)
            self._many.clear()
            if self._settled:
                await self._write()

    async def _write(self) -> None:
        settled, self._settled = self._settled, []
        self._writing = len(settled)
        began, is_apart = monotonic(), False
        while True:
            try:
                async with self._run.work() as work:
                    await (self._mark_apart if is_apart else self._mark)(work, settled)
                break
            except Exception as error:
                # TRANSIENT includes asyncpg's error for a bad argument, so is_of_item is first.
                if is_of_item(error) and not is_apart:
                    is_apart = True
                    continue
                # Retry a transient error here: another run would send all these messages again.
                if is_of_item(error) or not isinstance(error, TRANSIENT):
                    raise
                if monotonic() - began > GIVE_UP_MARKING_SECONDS:
                    log.warning("wave.marks_lost", messages=self.unmarked, error=str(error))
                    # This ends the run, which would otherwise hand over messages it cannot mark.
                    raise
                await asyncio.sleep(0.2)
        self._writing = 0
        self._share.release(len(settled))

    async def _mark(self, work: Work, group: Sequence[Mark]) -> None:
        now = self._run.runtime.clock()
        # A slow relay may need minutes for a group, so the statement checks the stock, too.
        self.has_to_end = not await marks.write(
            work.db, work.shop_id, self._wave, self._run_id, group, now=now
        )

    async def _mark_apart(self, work: Work, group: Sequence[Mark]) -> None:
        """Write the marks of a group separately, so that one bad mark does not prevent the others.

        If a mark cannot be written, a second attempt leaves the relay's reply out. The stored error
        of the message is then UNWRITABLE, or None if the message was sent.
        """
        failed = await self._mark_each(work, {mark.id: mark for mark in group})
        plain = {
            mark.id: replace(mark, error=None if mark.status == "sent" else UNWRITABLE)
            for mark in group
            if mark.id in failed
        }
        await self._mark_each(work, plain)

    async def _mark_each(self, work: Work, by_id: Mapping[UUID, Mark]) -> Mapping[UUID, str]:
        async def mark(ids: Sequence[UUID]) -> None:
            await self._mark(work, [by_id[number] for number in ids])

        return await each(work, "message's mark", list(by_id), mark)
