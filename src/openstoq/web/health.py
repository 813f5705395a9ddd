"""Health pages: liveness and readiness of the process, and its metrics."""

import asyncio
import os
from collections.abc import Iterator

import asyncpg
import structlog
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from openstoq.db.revisions import too_old
from openstoq.db.transient import TRANSIENT
from openstoq.errors import StorageFull, Unavailable
from openstoq.jobs.queue import waiting
from openstoq.jobs.work import Runtime
from openstoq.web import responses
from openstoq.web.middleware import RequestMiddleware
from openstoq.web.routing import words_of

log = structlog.get_logger(__name__)

PATIENCE_SECONDS = 2
_DATABASE_AWAY = (*TRANSIENT, asyncpg.PostgresError)


def routes(runtime: Runtime) -> list[Route]:
    """Return the routes that supervisors and Prometheus poll."""
    health = Health(runtime)
    return [
        Route("/healthz", health.alive),
        Route("/readyz", health.ready),
        Route("/metrics", health.metrics),
    ]


def create_app(runtime: Runtime) -> Starlette:
    """Return an application with only the health pages, for a process that serves nothing else."""
    pages = routes(runtime)
    words = words_of(route.path for route in pages)
    return Starlette(routes=pages, middleware=[Middleware(RequestMiddleware, words=words)])


class Health:
    """The pages about this process and its database."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime

    async def alive(self, request: Request) -> Response:
        """Respond that the process is alive."""
        request.state.face = "health"
        return responses.json({"status": "ok"})

    async def ready(self, request: Request) -> Response:
        """Respond 200 if requests can be served now, or else 503 with the reason."""
        request.state.face = "health"
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                revision = await self._revision()
                takes_writes = await self.runtime.database.takes_writes()
        except _DATABASE_AWAY as error:
            log.warning("readiness.database", error=repr(error))
            return responses.problem(Unavailable("the database does not answer"))
        if self.runtime.stopping.is_set():
            return responses.problem(Unavailable("the process is stopping"))
        if _is_behind(revision):
            return responses.problem(
                Unavailable("the database has not been migrated; run `openstoq migrate`")
            )
        if not takes_writes:
            return responses.problem(StorageFull())
        return responses.json({"status": "ready", "revision": revision})

    async def metrics(self, request: Request) -> Response:
        """Respond with the metrics and the queue's length.

        If several processes share a folder for their metrics, the response covers all of them.
        """
        request.state.face = "health"
        queue = CollectorRegistry()
        try:
            async with (
                asyncio.timeout(PATIENCE_SECONDS),
                self.runtime.database.transaction(None) as db,
            ):
                queue.register(QueuedJobs(await waiting(db)))
        except _DATABASE_AWAY as error:
            # The metrics are most useful while the database is away, so they are sent without the
            # queue's length.
            log.warning("metrics.database", error=repr(error))
        text = await asyncio.to_thread(_counted)
        return Response(text + generate_latest(queue), media_type=CONTENT_TYPE_LATEST)

    async def _revision(self) -> str | None:
        try:
            row = await self.runtime.database.call("SELECT version_num FROM alembic_version")
        except asyncpg.UndefinedTableError:
            return None
        return row["version_num"] if row is not None else None


class QueuedJobs(Collector):
    """A gauge of the number of queued jobs by status.

    `counts` are read beforehand, because `collect` cannot await the database.
    """

    def __init__(self, counts: dict[str, int]) -> None:
        self.counts = counts

    def collect(self) -> Iterator[Metric]:
        """Yield the gauge."""
        gauge = GaugeMetricFamily(
            "openstoq_queued_jobs", "Jobs in the queue, by status.", labels=["status"]
        )
        for status, number in self.counts.items():
            gauge.add_metric([status], number)
        yield gauge


def _counted() -> bytes:
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return generate_latest(REGISTRY)
    every_process = CollectorRegistry()
    MultiProcessCollector(every_process)  # type: ignore[no-untyped-call]  # it has no annotations
    return generate_latest(every_process)


def _is_behind(revision: str | None) -> bool:
    # An unknown revision belongs to a newer release. While hosts are upgraded one by one, the old
    # ones keep serving.
    return revision is None or revision in too_old()
