"""`openstoq up`: one process for everything, which other commands find while it runs."""

import os
import subprocess
import sys
from pathlib import Path

import httpx
import psutil

from tests.e2e.plant import reserved_port, start
from tests.factories.clients import patient_client
from tests.factories.patience import PATIENCE, until


async def test_other_commands_find_its_server_while_it_runs(
    tmp_path: Path, processes: list[subprocess.Popen[bytes]]
):
    with reserved_port() as held:
        port = held.getsockname()[1]
        environment = {
            "OPENSTOQ_DATABASE_DATA_DIR": str(tmp_path),
            "OPENSTOQ_SECURITY_KEY": "a key of the tests, long enough to be one",
            "OPENSTOQ_HTTP_PORT": str(port),
            "OPENSTOQ_LOG_LEVEL": "error",
        }
        up = start(["-m", "openstoq", "up"], environment)
        processes.append(up)
        async with patient_client() as http:

            async def ready() -> bool:
                try:
                    return (await http.get(f"http://127.0.0.1:{port}/readyz")).is_success
                except httpx.TransportError:
                    return False

            await until(ready)
        address = tmp_path / "database.url"
        assert address.stat().st_mode & 0o777 == 0o600
        assert "nobody.myshopify.com is not connected" in said(environment)
        family = psutil.Process(up.pid).children(recursive=True)
        up.kill()
        # The file stays behind, and what it says was true until now.
        assert "openstoq up" in said(environment)
        assert address.exists()

        async def gone() -> bool:
            return not any(one.is_running() for one in family)

        await until(gone)
        up.communicate(timeout=PATIENCE)


def said(environment: dict[str, str]) -> str:
    """Return what a command that needs the database complains of."""
    command = [sys.executable, "-m", "openstoq", "shop", "keys", "nobody.myshopify.com"]
    # Wide enough that the sentence stays in one line.
    done = subprocess.run(
        command,
        env=os.environ | environment | {"COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    return done.stderr
