"""A plant: a shop in a database, and the real processes of an installation around it."""

import asyncio
import base64
import hashlib
import hmac
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any

import asyncpg
import httpx
import psutil

from openstoq.db.pool import Database
from openstoq.kernel.ids import new_id
from tests.factories import catalogs
from tests.factories.clients import patient_client
from tests.factories.patience import LEISURELY, PATIENCE, until
from tests.factories.shops import make_key, make_shop
from tests.factories.waitlists import make_waitlist

SINK = Path(__file__).parents[2] / "benchmarks" / "sinks" / "smtp_sink.py"
SECRET = "the client secret of the tests' own app"
# What a killed sender may repeat: what it had handed over without a mark, and what was on its wires.
UNMARKED, CONNECTIONS = 64, 10
# A variant's number and its item's are one apart, so the next variant's are further on.
ITEMS_APART = 10


def reserved_port() -> socket.socket:
    """Hold a port at which nobody answers; a server of ours can still be started on it."""
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind(("127.0.0.1", 0))
    return held


def start(
    arguments: list[str],
    environment: dict[str, str],
    *files: int,
    errors: IO[bytes] | None = None,
) -> subprocess.Popen[bytes]:
    """Start a Python process whose output can be read; `errors` takes what it logs."""
    return subprocess.Popen(
        [sys.executable, *arguments],
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=errors,
        pass_fds=files,
    )


async def first_line(process: subprocess.Popen[bytes]) -> bytes:
    """Return the next line that a process prints."""
    assert process.stdout is not None
    async with asyncio.timeout(PATIENCE):
        return await asyncio.to_thread(process.stdout.readline)


def signature(body: bytes) -> str:
    """Sign a webhook's body as the shop's platform does."""
    return base64.b64encode(hmac.digest(SECRET.encode(), body, hashlib.sha256)).decode()


class Relay:
    """An SMTP sink that notes the Message-ID of everything it takes."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, log: Path) -> None:
        self.process, self.port = process, port
        self._log = log

    def taken(self) -> list[bytes]:
        """Return the Message-IDs of all messages taken so far, in order."""
        whole, _, _ = self._log.read_bytes().rpartition(b"\n")
        return whole.split()

    def repeats(self) -> int:
        """Count the messages that were taken before."""
        taken = self.taken()
        return len(taken) - len(set(taken))

    async def has_taken(self, number: int) -> None:
        """Wait until so many messages were taken."""

        async def enough() -> bool:
            return len(self.taken()) >= number

        await until(enough)

    async def stopped_at(self, number: int) -> None:
        """Wait until it has stopped, as it was started to do when it has taken so many."""

        async def stopped() -> bool:
            status = psutil.Process(self.process.pid).status()
            return len(self.taken()) >= number and status == psutil.STATUS_STOPPED

        await until(stopped)

    def go_on(self) -> None:
        """Have it go on after it has stopped."""
        self.process.send_signal(signal.SIGCONT)

    def is_used_by(self, process: subprocess.Popen[bytes]) -> bool:
        """Whether a process has a connection to this relay."""
        return any(
            one.raddr and one.raddr.port == self.port
            for one in psutil.Process(process.pid).net_connections("tcp")
        )


class Plant:
    """One shop with a sold-out variant, and API, workers and relay as processes of their own."""

    def __init__(self, url: str, folder: Path, processes: list[subprocess.Popen[bytes]]) -> None:
        self.url, self.folder, self.processes = url, folder, processes
        # Held open here, so that an API that is killed and started again keeps its address.
        self.listening = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.address = f"http://127.0.0.1:{self.listening.getsockname()[1]}"
        self._told = datetime.now(UTC)

    async def open_shop(self, *, signups: int, variants: int = 1) -> None:
        """Make the shop, its key, sold-out variants, and `signups` shoppers who wait for each."""
        database = await Database.connect(self.url, size=2)
        self.shop = await make_shop(database)
        self.key = await make_key(database, self.shop)
        numbers = range(variants)
        made = [catalogs.variant(catalogs.VARIANT + ITEMS_APART * number) for number in numbers]
        await catalogs.save(database, self.shop, catalogs.product(*made))
        sold_out = [
            catalogs.level(0, item=catalogs.ITEM + ITEMS_APART * number) for number in numbers
        ]
        await catalogs.record(database, self.shop, *sold_out)
        for one in made:
            await make_waitlist(
                database,
                self.shop,
                signups,
                variant_id=one.id,
                name="shopper" if one is made[0] else f"of{one.id}-",
            )
        await database.close()

    async def query(self, statement: str, *arguments: Any) -> list[asyncpg.Record]:
        """Run a statement as the owner of all tables, on a connection of its own."""
        connection = await asyncpg.connect(self.url)
        try:
            return await connection.fetch(statement, *arguments)
        finally:
            await connection.close()

    async def count(self, where: str) -> int:
        """Count the rows of `where`, a table and maybe a condition."""
        (row,) = await self.query(f"SELECT count(*) FROM {where}")  # noqa: S608 - a test's own words
        return int(row[0])

    # Processes.

    def begin_api(
        self, *, errors: IO[bytes] | None = None, **settings: str
    ) -> subprocess.Popen[bytes]:
        """Start an API without waiting for it; `errors` takes what it logs."""
        descriptor = self.listening.fileno()
        return self._keep(
            start(
                ["-m", "openstoq", "serve", "--fd", str(descriptor)],
                self._environment() | settings,
                descriptor,
                errors=errors,
            )
        )

    async def start_api(
        self, *, errors: IO[bytes] | None = None, **settings: str
    ) -> subprocess.Popen[bytes]:
        """Start an API and wait until it is ready."""
        api = self.begin_api(errors=errors, **settings)
        async with patient_client() as http:

            async def ready() -> bool:
                return (await http.get(f"{self.address}/readyz")).is_success

            await until(ready)
        return api

    def start_worker(
        self, relay_port: int, *, errors: IO[bytes] | None = None, **settings: str
    ) -> subprocess.Popen[bytes]:
        """Start a worker that hands its mails to a relay; `errors` takes what it logs."""
        environment = self._environment() | {"OPENSTOQ_MAIL_PORT": str(relay_port)} | settings
        return self._keep(start(["-m", "openstoq", "worker"], environment, errors=errors))

    async def start_relay(
        self, *, port: int = 0, delay_ms: float = 0, stop_at: Iterable[int] = ()
    ) -> Relay:
        """Start a relay that takes everything, each message in so many milliseconds.

        It stops when it has taken so many of `stop_at`, each time until it is told to go on.
        """
        log = self.folder / f"relay-{new_id()}.log"
        arguments = ["--port", str(port), "--log", str(log), "--delay-ms", str(delay_ms)]
        arguments += ["--stop-at", *map(str, stop_at)]
        process = self._keep(start([str(SINK), *arguments], {}))
        taken_port = json.loads(await first_line(process))["port"]
        return Relay(process, taken_port, log)

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """End a process as the kernel does when memory runs out."""
        process.send_signal(signal.SIGKILL)
        process.wait(PATIENCE)

    def _keep(self, process: subprocess.Popen[bytes]) -> subprocess.Popen[bytes]:
        self.processes.append(process)
        return process

    def _environment(self) -> dict[str, str]:
        return {
            "OPENSTOQ_DATABASE_URL": self.url,
            "OPENSTOQ_SECURITY_KEY": "a key of the tests, long enough to be one",
            "OPENSTOQ_SHOPIFY_CLIENT_SECRET": SECRET,
            "OPENSTOQ_HTTP_PUBLIC_URL": self.address,
            "OPENSTOQ_MAIL_SENDER": "alerts@openstoq.example",
            # Longer than a test leaves its relay stopped.
            "OPENSTOQ_MAIL_TIMEOUT_SECONDS": str(2 * PATIENCE),
            # However busy the machine is, nothing is too slow.
            "OPENSTOQ_DATABASE_READ_SECONDS": str(PATIENCE),
            "OPENSTOQ_DATABASE_WRITE_SECONDS": str(PATIENCE),
            "OPENSTOQ_SHOPIFY_TIMEOUT_SECONDS": str(PATIENCE),
            "OPENSTOQ_LOG_LEVEL": "warning",
        }

    def close(self) -> None:
        """Kill what still runs and give the address back."""
        for process in self.processes:
            if process.poll() is None:
                self.kill(process)
            if process.stdout is not None:
                process.stdout.close()
        self.listening.close()

    # What the shop tells.

    def stock_news(self, available: int, number: int = 0) -> bytes:
        """Write the body of a webhook about a variant's stock, later than the last one."""
        self._told += timedelta(seconds=1)
        news = {
            "inventory_item_id": catalogs.ITEM + ITEMS_APART * number,
            "location_id": catalogs.LOCATION,
            "available": available,
            "updated_at": self._told.isoformat(timespec="seconds"),
        }
        return json.dumps(news).encode()

    async def deliver(self, body: bytes, **headers: str) -> httpx.Response:
        """Post a webhook, signed unless the `headers` say otherwise."""
        sent = {
            "Content-Type": "application/json",
            "X-Shopify-Topic": "inventory_levels/update",
            "X-Shopify-Shop-Domain": self.shop.domain,
            "X-Shopify-Hmac-Sha256": signature(body),
            "X-Shopify-Webhook-Id": str(new_id()),
            "X-Shopify-Event-Id": str(new_id()),
            "X-Shopify-Triggered-At": datetime.now(UTC).isoformat(),
        }
        async with patient_client() as http:
            return await http.post(
                f"{self.address}/webhooks/shopify", content=body, headers=sent | headers
            )

    async def stock_becomes(self, available: int, number: int = 0) -> None:
        """Tell of a change of a variant's stock, and see that the news was taken."""
        response = await self.deliver(self.stock_news(available, number))
        assert response.status_code == 200

    # What is waited for.

    async def all_told(self, signups: int) -> None:
        """Wait until so many signups are notified and no wave is left unfinished."""

        async def done() -> bool:
            (row,) = await self.query(
                """
                SELECT (SELECT count(*) FROM signups WHERE notified_at IS NOT NULL) AS told,
                       (SELECT count(*) FROM waves WHERE finished_at IS NULL) AS unfinished,
                       (SELECT count(*) FROM waves) AS waves
                """
            )
            return bool(row["waves"] and row["told"] >= signups and not row["unfinished"])

        await until(done, every=LEISURELY)

    async def idle(self) -> None:
        """Wait until the queue is empty."""

        async def empty() -> bool:
            return await self.count("queue.pgqueuer") == 0

        await until(empty, every=LEISURELY)
