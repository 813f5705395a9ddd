"""The job that sends a wave: it notifies waiting shoppers and can be interrupted at any time."""

from contextlib import suppress
from datetime import timedelta
from uuid import UUID

import structlog

from openstoq.back_in_stock.notifications import rules, waves
from openstoq.back_in_stock.notifications.mails import Letters
from openstoq.back_in_stock.notifications.outbox import WaveOutbox
from openstoq.back_in_stock.templates.failures import note_failures
from openstoq.jobs.job import JobSet, Lane, Retry
from openstoq.jobs.work import Run, Work
from openstoq.messaging.forms import ALERT_MAIL
from openstoq.messaging.mime import mailbox
from openstoq.messaging.port import EmailTransport, RelayUnavailable

log = structlog.get_logger(__name__)

jobs = JobSet("back_in_stock.notifications")

# The shortest delay before a retry, for instance while another run holds the last messages.
SOONEST = timedelta(milliseconds=500)


@jobs.job(attempts=30, lane=Lane.SENDS, apart_by="wave_id")
async def send_wave(run: Run, *, wave_id: UUID) -> None:
    """Send a wave's messages until none is left or the variant is no longer for sale."""
    async with run.work() as work:
        wave = await waves.load(work.db, work.shop_id, wave_id)
        letters = await Letters.load(work)
    if wave is None:
        return
    if letters.shop.uninstalled_at is not None:
        await _finish_or_wait(run, wave, over="uninstalled")
        return
    _check_sender(run, letters.sender, wave_id)
    try:
        outbox = await _send(run, wave, letters)
    except RelayUnavailable as unavailable:
        log.warning("wave.relay_unavailable", wave=str(wave_id), error=str(unavailable))
        raise Retry(str(unavailable), delay=rules.relay_pause(run.attempt)) from unavailable
    if run.runtime.stopping.is_set():
        raise Retry("the worker is stopping")
    await _note_refusals(run, wave, outbox)
    if outbox.has_paused:
        raise Retry("paused: another shop's job waits for the slot")
    await _finish_or_wait(run, wave)


@jobs.job(attempts=30, lane=Lane.SENDS, apart_by="wave_id")
async def send_jointly(run: Run, *, wave_id: UUID) -> None:
    """Help another worker to send a wave: claim and send messages until none is left.

    Each message is claimed, and thus sent, by only one of the workers. A joint sender does not end
    the wave, and does not record that the relay refuses messages. Both are left to `send_wave`,
    which always has a job while the wave goes on.
    """
    async with run.work() as work:
        wave = await waves.load(work.db, work.shop_id, wave_id)
        letters = await Letters.load(work)
    if wave is None or wave.refusals or letters.shop.uninstalled_at is not None:
        return
    # However this run ends, it needs no retry: with its next group, a run that goes on calls another
    # joint sender.
    with suppress(RelayUnavailable):
        await _send(run, wave, letters, is_large=True)


async def _send(
    run: Run, wave: waves.Wave, letters: Letters, *, is_large: bool = False
) -> WaveOutbox:
    """Send the wave's messages that this run can claim.

    Messages are claimed in groups. With each group of full size, the run calls a joint sender, unless
    the relay's refusals stopped the wave's previous run.
    """

    def call_another(work: Work) -> None:
        # One joint sender at most waits for a worker. The next one is called when it has begun, so
        # that all free workers send in the end.
        if not wave.refusals:
            work.enqueue(send_jointly.once(), wave_id=wave.id)

    transport = run.runtime.ports.get(EmailTransport)
    try:
        async with WaveOutbox(
            run, wave, letters, note_group=call_another, is_large=is_large
        ) as outbox:
            await transport.send(outbox)
            while await outbox.resumes():
                await transport.send(outbox)
    finally:
        await note_failures(run, ALERT_MAIL, letters.failures, wave_id=wave.id)
    return outbox


def _check_sender(run: Run, sender: str, wave_id: UUID) -> None:
    """Raise Retry if the configured sender is invalid, because no message can be written then."""
    try:
        mailbox(sender)
    except ValueError as error:
        log.warning("wave.sender_invalid", wave=str(wave_id))
        raise Retry(
            f"OPENSTOQ_MAIL_SENDER: {error}", delay=rules.refusal_pause(run.attempt)
        ) from error


async def _note_refusals(run: Run, wave: waves.Wave, outbox: WaveOutbox) -> None:
    """Record how many runs of the wave in a row were stopped because the relay refused messages.

    Raises Retry if the relay stopped this run.
    """
    verdict, before = outbox.verdict, outbox.refusals_before
    worst = verdict.worst
    if worst is None:
        if before < wave.refusals:
            async with run.work() as work:
                await waves.note_refusals(work.db, work.shop_id, wave.id, 0, None)
        return
    reason = rules.refusal_reason(worst.delivery)
    log.warning(
        "wave.relay_refuses",
        wave=str(wave.id),
        stage=worst.delivery.stage,
        reason=reason,
        messages=len(verdict.relays),
    )
    async with run.work() as work:
        await waves.note_refusals(work.db, work.shop_id, wave.id, before + 1, reason)
    raise Retry(reason, delay=rules.refusal_pause(before, is_quota=verdict.is_quota))


async def _finish_or_wait(run: Run, wave: waves.Wave, over: waves.EndedBy | None = None) -> None:
    """End the wave, or raise Retry with the delay until its next message is due.

    `over` is a reason to end the wave early. If it is None, the wave's own conditions decide, such
    as stock. A wave that ends early still waits for the messages that another run is sending.
    """
    async with run.work(durable=False) as work:
        if not await waves.hold(work.db, work.shop_id, wave):
            # A restock that extended the wave has also enqueued the job that continues it.
            return
        if over is None:
            over = await waves.reason_to_end(work.db, work.shop_id, wave)
        if over is None:
            pause = await waves.next_due_in(work.db, work.shop_id, wave.id)
        else:
            pause = await waves.in_flight_for(work.db, work.shop_id, wave.id)
        if pause is None:
            await waves.finish(
                work.db,
                work.shop_id,
                wave.id,
                ended_by=over or "all_told",
                now=run.runtime.clock(),
            )
            return
    raise Retry("some messages are to be tried again later", delay=max(pause, SOONEST))
