"""The plant or the stack of a test, on a database of its own."""

import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.e2e.plant import Plant
from tests.e2e.stack import Stack


@pytest.fixture
def plant(
    database_url: str, tmp_path: Path, processes: list[subprocess.Popen[bytes]]
) -> Iterator[Plant]:
    """A plant without a shop yet, and without processes."""
    built = Plant(database_url, tmp_path, processes)
    yield built
    built.close()


@pytest.fixture
async def stack(
    database_url: str, tmp_path: Path, processes: list[subprocess.Popen[bytes]]
) -> AsyncIterator[Stack]:
    """A stack that is not started yet."""
    built = Stack(database_url, tmp_path, processes)
    yield built
    await built.shut()
    built.close()
