"""A real PostgreSQL for the whole run, and a migrated database of its own for each test."""

import asyncio
import logging
import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import asyncpg
import hypothesis
import pytest
import structlog

from openstoq.db import embedded
from openstoq.db.migrate import migrate_now
from openstoq.db.pool import Database
from tests.db.recorder import Recorder, recording
from tests.factories.skips import pytest_make_collect_report, pytest_runtest_makereport

__all__ = ["pytest_make_collect_report", "pytest_runtest_makereport"]

# The same examples at every run, and as long as they take; `--hypothesis-profile default` looks
# for new ones.
hypothesis.settings.register_profile(
    "suite",
    deadline=None,
    derandomize=True,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("suite")

# Of each of the processes that share a server.
TEMPLATE = f"openstoq_template_{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"
# Nothing here has to survive a power cut, and databases are made by the thousand.
CARELESS = (
    "fsync = off",
    "full_page_writes = off",
    "synchronous_commit = off",
    "max_wal_size = '256MB'",
)
MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it
ROOM = 2 * 1024**3

# What a test costs, by the dearest fixture that it uses, or by its folder; nobody marks a test by
# hand.
COSTS = {"e2e": {"e2e", "processes"}, "sandbox": {"site"}, "db": {"db", "postgres_url"}}
TESTS = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if not item.path.is_relative_to(TESTS):
            continue
        folder = item.path.relative_to(TESTS).parts[0]
        used = {folder, *getattr(item, "fixturenames", ())}
        cost = next((cost for cost, fixtures in COSTS.items() if fixtures & used), "pure")
        item.add_marker(cost)


@pytest.fixture(autouse=True)
def logging_as_it_was(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Undo what a command in this process did to logging: its stderr may be closed by now."""
    root = logging.getLogger()
    was, level = structlog.get_config() if structlog.is_configured() else None, root.level
    monkeypatch.setattr(logging, "raiseExceptions", logging.raiseExceptions)
    yield
    # pytest's own handlers are another at every phase, and stay.
    ours = structlog.stdlib.ProcessorFormatter
    root.handlers[:] = [one for one in root.handlers if not isinstance(one.formatter, ours)]
    root.setLevel(level)
    if was is None:
        structlog.reset_defaults()
    else:
        structlog.configure(**was)


@pytest.fixture(scope="session", autouse=True)
def recorder() -> Iterator[Recorder]:
    """Record the statements that the application sends, in all tests."""
    recorder = Recorder()
    with recording(recorder):
        yield recorder


@pytest.fixture(autouse=True)
def statements_keep_the_rules(recorder: Recorder) -> Iterator[None]:
    """Fail a test in which the application sends a statement that Citus would refuse or spread."""
    yield
    found = recorder.check()
    assert not found, "\n".join(found)


@pytest.fixture(scope="session")
def postgres_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where the server's files are: in memory, if there is plenty, which is many times faster."""
    if not MEMORY.is_dir() or shutil.disk_usage(MEMORY).free < ROOM:
        yield tmp_path_factory.mktemp("postgres")
        return
    with tempfile.TemporaryDirectory(prefix="openstoq-test-", dir=MEMORY) as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def postgres_url(postgres_folder: Path) -> Iterator[str]:
    """The address of a server: OPENSTOQ_TEST_DATABASE_URL, or an embedded one."""
    given = os.environ.get("OPENSTOQ_TEST_DATABASE_URL")
    if given:
        yield given
        return
    with embedded.start(postgres_folder) as server:
        changes = [f"ALTER SYSTEM SET {change}" for change in CARELESS]
        _run(server.url, *changes, "SELECT pg_reload_conf()")
        yield server.url


def _on(url: str, database: str) -> str:
    return f"{url.rsplit('/', 1)[0]}/{database}"


def _run(url: str, *statements: str) -> None:
    async def run() -> None:
        connection = await asyncpg.connect(url)
        for statement in statements:
            await connection.execute(statement)
        await connection.close()

    # In a thread of its own, because a test's loop may be running in this one.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, run()).result()


@pytest.fixture(scope="session")
def template_url(postgres_url: str) -> str:
    """A migrated database that tests clone."""
    _run(postgres_url, f"DROP DATABASE IF EXISTS {TEMPLATE}", f"CREATE DATABASE {TEMPLATE}")
    url = _on(postgres_url, TEMPLATE)
    migrate_now(url)
    return url


@pytest.fixture
def database_url(postgres_url: str, template_url: str) -> Iterator[str]:
    """A database of this test's own."""
    name = f"test_{uuid4().hex}"
    _run(postgres_url, f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY FILE_COPY")
    yield _on(postgres_url, name)
    _run(postgres_url, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A pool on this test's database."""
    pool = await Database.connect(database_url, size=5)
    yield pool
    await pool.close()


@pytest.fixture
def processes() -> Iterator[list[subprocess.Popen[bytes]]]:
    """Processes that a test starts; what still runs at its end is killed."""
    started: list[subprocess.Popen[bytes]] = []
    yield started
    for process in started:
        if process.poll() is None:
            process.kill()
            with suppress(subprocess.TimeoutExpired):
                process.wait(10)
