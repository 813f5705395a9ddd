"""Embedded servers that tests start, and who runs them."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from openstoq.db import embedded
from openstoq.db.embedded import EmbeddedServer

SOURCE = Path(__file__).resolve().parents[2] / "src"


START = """
import sys
from pathlib import Path
from openstoq.db import embedded
server = embedded.start(Path(sys.argv[1]))
print(server.url, server.pid, flush=True)
sys.stdin.read()
server.stop()
"""


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("embedded") / "data"


@pytest.fixture
def server(data_dir: Path) -> Iterator[EmbeddedServer]:
    with embedded.start(data_dir) as running:
        yield running


async def ask(url: str, *statements: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        for statement in statements[:-1]:
            await connection.execute(statement)
        return await connection.fetchval(statements[-1])
    finally:
        await connection.close()


@contextlib.contextmanager
def started_elsewhere(
    data_dir: Path, *path: Path | str, python: str = sys.executable, **options: object
) -> Iterator[tuple[subprocess.Popen[str], str, int]]:
    """Start a server from another process, with `path` as the only places to import from."""
    child = subprocess.Popen(
        [python, "-c", START, str(data_dir)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd="/",
        env={"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(map(str, path))},
        **options,  # type: ignore[call-overload] - they are Popen's own
    )
    with child:
        url, pid = child.stdout.readline().split()
        yield child, url, int(pid)


def site_packages() -> Path:
    return Path(asyncpg.__file__).parents[1]
