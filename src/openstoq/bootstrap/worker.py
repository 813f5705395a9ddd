"""The process that runs jobs."""

import socket
from asyncio import create_task
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from openstoq.bootstrap.runtime import runtime
from openstoq.bootstrap.servers import on_signals, server_of
from openstoq.bootstrap.settings import SettingsError, database_url
from openstoq.config import Settings
from openstoq.jobs.work import Runtime
from openstoq.jobs.worker import Worker
from openstoq.registry import JOBS
from openstoq.shops import store as shops
from openstoq.web import health


async def work(settings: Settings) -> None:
    """Run jobs until SIGTERM or SIGINT, then wait for the running jobs to end."""
    async with runtime(settings, statement_seconds=settings.database.job_seconds) as opened:
        listen = settings.database.listen_url
        url = listen.get_secret_value() if listen else database_url(settings)
        worker = Worker(
            opened, JOBS, url=url, forget=[shops.forget_spent_points, shops.forget_requests]
        )
        on_signals(worker.stop)
        async with _watchable(opened):
            await worker.run()


@asynccontextmanager
async def _watchable(opened: Runtime) -> AsyncIterator[None]:
    """Serve the worker's own /metrics and /healthz while the block runs, if a port is set.

    They are served by the event loop that runs the jobs, so a worker that hangs stops responding.
    """
    host, port = opened.settings.worker.metrics_host, opened.settings.worker.metrics_port
    if port is None:
        yield
        return
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening = socket.create_server((host, port), family=family)
    except OSError as error:
        raise SettingsError(
            f"the worker's metrics cannot be served on port {port} of {host} ({error.strerror}): "
            "set OPENSTOQ_WORKER_METRICS_PORT to a port of its own for each worker"
        ) from error
    server = server_of(
        opened.settings,
        health.create_app(opened),
        lifespan="off",
        timeout_graceful_shutdown=1,
    )
    serving = create_task(server.serve([listening]))
    try:
        yield
    finally:
        server.stop()
        await serving
