"""The plant of a test, on a database of its own."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.plant import Plant


@pytest.fixture
def plant(
    database_url: str, tmp_path: Path, processes: list[subprocess.Popen[bytes]]
) -> Iterator[Plant]:
    """A plant without a shop yet, and without processes."""
    built = Plant(database_url, tmp_path, processes)
    yield built
    built.close()
