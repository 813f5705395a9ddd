"""The embedded PostgreSQL of a command: start it, keep it running, and finally stop it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import structlog

from openstoq.db import embedded
from openstoq.db.embedded import EmbeddedServer, EmbeddedServerError

log = structlog.get_logger(__name__)

LOOK_SECONDS = 0.5
TRY_AGAIN_SECONDS = 5.0


@asynccontextmanager
async def embedded_server(folder: Path, *, port: int = 0) -> AsyncIterator[EmbeddedServer]:
    """Run a server on `folder` while the block runs, and restart it if it dies."""
    starting = asyncio.create_task(asyncio.to_thread(embedded.start, folder, port=port))
    try:
        server = await asyncio.shield(starting)
    except asyncio.CancelledError:
        # The thread cannot be cancelled, so wait for the server that it starts and stop it.
        with suppress(EmbeddedServerError):
            (await starting).stop()
        raise
    keeping = asyncio.create_task(_keep(server))
    try:
        yield server
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
        await asyncio.to_thread(server.stop)


async def _keep(server: EmbeddedServer) -> None:
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        if server.runs:
            continue
        log.warning("embedded_server.ended", port=server.port)
        reviving = asyncio.create_task(asyncio.to_thread(server.revive))
        try:
            await asyncio.shield(reviving)
        except (EmbeddedServerError, OSError) as error:
            log.warning("embedded_server.not_revived", error=str(error))
            await asyncio.sleep(TRY_AGAIN_SECONDS)
        except asyncio.CancelledError:
            await asyncio.gather(reviving, return_exceptions=True)
            raise
