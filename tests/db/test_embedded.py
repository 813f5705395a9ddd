"""The embedded server, as root and as an ordinary user, on folders of every kind."""

import os
import signal
import socket
import stat
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from openstoq.db import embedded
from openstoq.db.embedded import EmbeddedServer, EmbeddedServerError, cluster
from openstoq.db.embedded.binaries import account_for, find_binaries
from tests.db.embedded_servers import (
    SOURCE,
    ask,
    data_dir,
    server,
    site_packages,
    started_elsewhere,
)
from tests.factories.patience import wait_until

__all__ = ["data_dir", "server"]


def is_gone(pid: int) -> bool:
    # A container may have no process that reaps orphans, so a zombie counts as gone.
    try:
        return ") Z " in Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True


def sleep_as(**options: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(["sleep", "60"], cwd="/", **options)


async def test_a_first_start_makes_a_durable_utf8_database(server: EmbeddedServer) -> None:
    shown = {
        name: await ask(server.url, f"SHOW {name}")
        for name in ("server_encoding", "data_checksums", "fsync", "full_page_writes", "timezone")
    }
    assert shown == {
        "server_encoding": "UTF8",
        "data_checksums": "on",
        "fsync": "on",
        "full_page_writes": "on",
        "timezone": "UTC",
    }
    assert await ask(server.url, "SELECT current_database()") == "openstoq"
    assert await ask(server.url, "SELECT upper('é ő')") == "É Ő"


async def test_it_listens_on_loopback_only(server: EmbeddedServer) -> None:
    assert await ask(server.url, "SHOW listen_addresses") == "127.0.0.1"
    assert await ask(server.url, "SHOW unix_socket_directories") == ""


async def test_a_restart_keeps_the_data(data_dir: Path) -> None:
    with embedded.start(data_dir) as first:
        await ask(first.url, "CREATE TABLE kept AS SELECT 7 AS number", "SELECT 1")
    with embedded.start(data_dir) as second:
        assert await ask(second.url, "SELECT number FROM kept") == 7
        assert urlsplit(second.url).password == urlsplit(first.url).password


async def test_an_immediate_stop_loses_nothing_committed(data_dir: Path) -> None:
    first = embedded.start(data_dir)
    await ask(first.url, "CREATE TABLE committed AS SELECT 8 AS number", "SELECT 1")
    first.kill()
    with embedded.start(data_dir, port=first.port) as second:
        assert second.url == first.url
        assert await ask(second.url, "SELECT number FROM committed") == 8


async def test_a_server_that_was_killed_is_revived_on_its_port(data_dir: Path) -> None:
    assert embedded.is_running(data_dir) is False
    with embedded.start(data_dir) as server:
        await ask(server.url, "CREATE TABLE revived (n integer)", "SELECT 1")
        before = server.pid
        os.kill(before, signal.SIGKILL)
        wait_until(lambda: not server.runs)
        server.revive()
        assert server.runs
        assert server.pid != before
        assert embedded.is_running(data_dir) is True
        assert await ask(server.url, "SELECT count(*) FROM revived") == 0
    assert embedded.is_running(data_dir) is False


async def test_stop_is_clean_and_may_be_repeated(data_dir: Path) -> None:
    server = embedded.start(data_dir)
    idle = await asyncpg.connect(server.url)
    server.stop()
    server.stop()
    assert is_gone(server.pid)
    assert not (data_dir / "cluster" / "postmaster.pid").exists()
    assert "database system is shut down" in (data_dir / "postgres.log").read_text()[-200:]
    idle.terminate()


async def test_a_wrong_password_is_refused(server: EmbeddedServer) -> None:
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(server.url, password="wrong")


async def test_the_password_is_private_and_replaced_when_lost(data_dir: Path) -> None:
    with embedded.start(data_dir) as first:
        pass
    file = data_dir / "password"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    file.unlink()
    with embedded.start(data_dir) as second:
        assert urlsplit(second.url).password != urlsplit(first.url).password
        assert await ask(second.url, "SELECT 1") == 1


async def test_a_second_start_on_the_folder_is_refused(
    server: EmbeddedServer, data_dir: Path
) -> None:
    with pytest.raises(EmbeddedServerError, match=rf"process {os.getpid()}\) runs its server on"):
        embedded.start(data_dir)
    assert await ask(server.url, "SELECT 1") == 1


async def test_the_server_ends_when_its_openstoq_is_killed(data_dir: Path) -> None:
    with started_elsewhere(data_dir, SOURCE, site_packages()) as (child, url, pid):
        await ask(url, "CREATE TABLE survivor AS SELECT 9 AS number", "SELECT 1")
        child.kill()
        child.wait()
        # At once, so that the old server may still be stopping.
        with embedded.start(data_dir) as server:
            assert is_gone(pid)
            assert await ask(server.url, "SELECT number FROM survivor") == 9


async def test_a_stale_pid_file_is_no_obstacle(data_dir: Path) -> None:
    server = embedded.start(data_dir)
    folder = data_dir / "cluster"
    account = account_for(folder)
    os.kill(server.pid, signal.SIGKILL)
    server.stop()
    # By now the process id is that of a stranger, run by the same user.
    options = {} if account is None else {"user": account.uid, "group": account.gid}
    stranger = sleep_as(**options)
    try:
        lines = (folder / "postmaster.pid").read_text().splitlines()
        lines[0] = str(stranger.pid)
        (folder / "postmaster.pid").write_text("\n".join(lines) + "\n")
        with embedded.start(data_dir) as again:
            assert await ask(again.url, "SELECT 1") == 1
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


async def test_a_server_started_by_hand_is_left_alone(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    embedded.start(data_dir).stop()
    account = account_for(data_dir / "cluster")
    process, _ = cluster.Cluster(data_dir, find_binaries(account), account).launch(0)
    try:
        monkeypatch.setattr(cluster, "SECONDS_FOR_A_LEFTOVER", 0.1)
        with pytest.raises(EmbeddedServerError, match=r"stop it with `kill -INT \d+`"):
            embedded.start(data_dir)
        assert process.poll() is None
    finally:
        cluster.dismiss_watcher(process)
        process.send_signal(signal.SIGINT)
        process.wait()


def test_a_taken_port_is_named(data_dir: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(EmbeddedServerError, match=f"Port {port} of 127.0.0.1 is taken"):
            embedded.start(data_dir, port=port)


def test_data_of_another_major_version_is_left_alone(data_dir: Path) -> None:
    embedded.start(data_dir).stop()
    version = data_dir / "cluster" / "PG_VERSION"
    own = version.read_text()
    version.write_text("14\n")
    try:
        with pytest.raises(EmbeddedServerError, match=r"is of PostgreSQL 14 .* restore the dump"):
            embedded.start(data_dir)
    finally:
        version.write_text(own)


def test_a_broken_setting_is_quoted_from_the_log(data_dir: Path) -> None:
    embedded.start(data_dir).stop()
    settings = data_dir / "cluster" / "postgresql.conf"
    own = settings.read_text()
    settings.write_text(own + "max_connections = many\n")
    try:
        with pytest.raises(EmbeddedServerError, match=r'(?s)log .* says: .*"max_connections"'):
            embedded.start(data_dir)
    finally:
        settings.write_text(own)
    embedded.start(data_dir).stop()


async def test_an_interrupted_making_is_begun_anew(tmp_path: Path) -> None:
    half_made = tmp_path / "cluster.new"
    half_made.mkdir()
    (half_made / "PG_VERSION").write_text("18\n")
    with embedded.start(tmp_path) as server:
        assert await ask(server.url, "SELECT 1") == 1
    assert not half_made.exists()
