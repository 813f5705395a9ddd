"""Failures of a shop's own templates: shown to the merchant, and logged."""

from collections.abc import Mapping
from uuid import UUID

import structlog

from openstoq.back_in_stock.templates import store
from openstoq.jobs.work import Run
from openstoq.messaging.forms import MessageKind

log = structlog.get_logger(__name__)


async def note_failures(
    run: Run,
    kind: MessageKind,
    failures: Mapping[tuple[str, str], str],
    *,
    wave_id: UUID | None = None,
) -> None:
    """Note that templates failed and ours were used; log each of them once for a wave."""
    if not failures:
        return
    async with run.work() as work:
        new = await store.note_failures(
            work.db,
            work.shop_id,
            kind,
            failures,
            wave_id=wave_id,
            now=run.runtime.clock(),
        )
    for locale, part in new:
        log.warning(
            "template.failed",
            shop_id=str(run.shop_id),
            wave=str(wave_id) if wave_id is not None else None,
            channel=kind.channel,
            template=kind.purpose,
            locale=locale or None,
            part=part,
            error=failures[locale, part],
        )
