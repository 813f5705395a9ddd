"""A stage for benchmarks: PostgreSQL, a shop with one sold-out variant, and our processes."""

import asyncio
import atexit
import base64
import hashlib
import hmac
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen
from uuid import UUID

import asyncpg
import httpx
import psutil

from openstoq.db import embedded
from openstoq.db.migrate import migrate_now
from openstoq.kernel.ids import new_id

DOMAIN = "benchmark.myshopify.com"
SECRET = "a secret of the benchmark's own app"  # noqa: S105 - it guards nothing
VARIANT, PRODUCT, ITEM, LOCATION = 43900910010503, 7891234567890, 5550001, 770001


@dataclass(frozen=True, slots=True)
class Stage:
    """The benchmark's database and shop."""

    url: str
    shop_id: UUID
    folder: Path
    postgres_pid: int

    def environment(self, **settings: str) -> dict[str, str]:
        """Return the environment of one of our processes."""
        return {
            **os.environ,
            "OPENSTOQ_DATABASE_URL": self.url,
            "OPENSTOQ_SECURITY_KEY": "a key of the benchmark, long enough for it",
            "OPENSTOQ_SHOPIFY_CLIENT_SECRET": SECRET,
            "OPENSTOQ_LOG_LEVEL": "warning",
            **settings,
        }

    def run(self, statement: str, *arguments: object) -> list[asyncpg.Record]:
        """Run one statement as the owner of the tables."""

        async def run() -> list[asyncpg.Record]:
            connection = await asyncpg.connect(self.url)
            rows = await connection.fetch(statement, *arguments)
            await connection.close()
            return rows

        return asyncio.run(run())


@contextmanager
def stage() -> Iterator[Stage]:
    """Start an embedded PostgreSQL with a migrated database and a shop."""
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        embedded.start(Path(folder) / "postgres") as server,
    ):
        migrate_now(server.url)
        made = Stage(server.url, new_id(), Path(folder), server.pid)
        made.run(
            "INSERT INTO shops (shop_id, domain, name) VALUES ($1, $2, 'Benchmark')",
            made.shop_id,
            DOMAIN,
        )
        made.run(
            """
            INSERT INTO products (shop_id, id, title, handle, status, updated_at)
            VALUES ($1, $2, 'Alpine Snowboard', 'alpine-snowboard', 'active', now())
            """,
            made.shop_id,
            PRODUCT,
        )
        made.run(
            """
            INSERT INTO variants (shop_id, id, product_id, title, price, inventory_item_id,
                inventory_policy, tracked, position, updated_at, available, sold_out_at)
            VALUES ($1, $2, $3, '158 cm', 499, $4, 'deny', true, 1, now(), 0, now())
            """,
            made.shop_id,
            VARIANT,
            PRODUCT,
            ITEM,
        )
        yield made


def fill(made: Stage, signups: int) -> None:
    """Put `signups` shoppers on the variant's waitlist."""
    made.run(
        """
        WITH people AS (
            INSERT INTO customers (shop_id, id, identity, email, name, created_at, updated_at)
            SELECT $1, gen_random_uuid(), 'email:shopper' || n || '@example.com',
                   'shopper' || n || '@example.com', 'Shopper ' || n, now(), now()
            FROM generate_series(1, $2::integer) n RETURNING id, email
        )
        INSERT INTO signups (shop_id, id, customer_id, channel, contact, variant_id, product_id,
                             quantity, source, created_at, updated_at)
        SELECT $1, gen_random_uuid(), id, 'email', email, $3, $4, 1, 'benchmark',
               now() - interval '1 day', now() FROM people
        """,
        made.shop_id,
        signups,
        VARIANT,
        PRODUCT,
    )
    made.run("VACUUM ANALYZE signups")


def started(command: list[str], environment: dict[str, str]) -> subprocess.Popen[bytes]:
    """Start one of our processes with its output piped; it ends with the benchmark at the latest."""
    process = subprocess.Popen([sys.executable, *command], env=environment, stdout=subprocess.PIPE)
    atexit.register(process.kill)
    return process


def sink(*arguments: str) -> tuple[subprocess.Popen[bytes], int]:
    """Start an SMTP sink and return it with its port."""
    process = started(
        [str(Path(__file__).parent / "sinks" / "smtp_sink.py"), *arguments], {**os.environ}
    )
    return process, int(first_json(process)["port"])


def first_json(process: subprocess.Popen[bytes]) -> dict[str, float]:
    """Return the next line that a process prints, which is JSON."""
    if process.stdout is None:
        raise RuntimeError("its output is not piped")
    answer: dict[str, float] = json.loads(process.stdout.readline())
    return answer


def until_ready(address: str) -> None:
    """Wait until an API answers."""
    deadline = time.monotonic() + 30
    while True:
        try:
            with urlopen(f"{address}/readyz", timeout=2):  # noqa: S310 - our own address
                return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def stock_webhook(available: int, *, item: int = ITEM) -> tuple[bytes, dict[str, str]]:
    """Return the body and the headers of a signed webhook about an item's stock."""
    body = json.dumps(
        {
            "inventory_item_id": item,
            "location_id": LOCATION,
            "available": available,
            "updated_at": (datetime.now(UTC) + timedelta(seconds=1)).isoformat(timespec="seconds"),
        }
    ).encode()
    signature = base64.b64encode(hmac.digest(SECRET.encode(), body, hashlib.sha256)).decode()
    return body, {
        "Content-Type": "application/json",
        "X-Shopify-Topic": "inventory_levels/update",
        "X-Shopify-Shop-Domain": DOMAIN,
        "X-Shopify-Hmac-Sha256": signature,
        "X-Shopify-Webhook-Id": str(new_id()),
        "X-Shopify-Triggered-At": datetime.now(UTC).isoformat(),
    }


def restock(address: str, available: int) -> float:
    """Post the signed webhook of a restock; return the time at which it was sent."""
    body, headers = stock_webhook(available)
    request = Request(f"{address}/webhooks/shopify", body, headers)  # noqa: S310 - our own address
    sent_at = time.time()
    with urlopen(request, timeout=10):  # noqa: S310 - our own address
        return sent_at


class Processes(AbstractContextManager["Processes"]):
    """An API, a worker and a relay that counts; they end with the block."""

    def __init__(self, made: Stage, *, api_port: int = 18_400, connections: int = 10) -> None:
        self.relay, port = sink()
        environment = made.environment(
            OPENSTOQ_MAIL_PORT=str(port),
            OPENSTOQ_MAIL_CONNECTIONS=str(connections),
            OPENSTOQ_HTTP_PORT=str(api_port),
        )
        self.address = f"http://127.0.0.1:{api_port}"
        self.api = started(["-m", "openstoq", "serve"], environment)
        self.worker = started(["-m", "openstoq", "worker"], environment)
        until_ready(self.address)
        # A worker that begins to take jobs writes the schedules first.
        while not made.run("SELECT FROM queue.pgqueuer_schedules"):
            time.sleep(0.1)

    def all_sent(self, messages: int) -> dict[str, float]:
        """Wait until the relay has so many messages; return its counts."""
        counts = {"messages": 0.0}
        while counts["messages"] < messages:
            time.sleep(0.1)
            self.relay.send_signal(signal.SIGUSR1)
            counts = first_json(self.relay)
        return counts

    def __exit__(self, *_: object) -> None:
        """End the processes."""
        for process in (self.worker, self.api, self.relay):
            process.terminate()
            process.wait()


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process and of its living children, which waits do not count in."""
    process = psutil.Process(pid)
    return sum(
        one.cpu_times().user + one.cpu_times().system
        for one in (process, *process.children(recursive=True))
    )


def peak_memory_mb(process: subprocess.Popen[bytes]) -> float:
    """Return the peak memory of a process, from /proc."""
    status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
    (line,) = [line for line in status.splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) / 1024


@dataclass(frozen=True, slots=True)
class Demo:
    """A running `openstoq demo`, with the addresses of its parts."""

    where: dict[str, Any]
    url: str

    def api(self) -> httpx.Client:
        """Return a client of API v2 with the shop's key."""
        return httpx.Client(
            base_url=f"{self.where['api']}/api/v2/external",
            headers={"X-Auth-Token": self.where["api_key"]},
            timeout=60,
        )

    def control(self) -> httpx.Client:
        """Return a client of the sandbox shop's control API."""
        return httpx.Client(
            base_url=f"{self.where['sandbox']}/shops/{self.where['shop_domain']}/control",
            headers={"X-Sandbox-Token": self.where["admin_token"]},
            timeout=120,
        )

    def scalar(self, statement: str) -> Any:
        """Return the one value of a statement, as the owner of the tables."""

        async def run() -> Any:
            connection = await asyncpg.connect(self.url)
            value = await connection.fetchval(statement)
            await connection.close()
            return value

        return asyncio.run(run())

    def is_idle(self) -> bool:
        """Return whether no job waits or runs."""
        jobs = "SELECT count(*) FROM queue.pgqueuer WHERE status <> 'failed'"
        return bool(self.scalar(jobs) == 0)


@contextmanager
def demo(port: int = 18_600) -> Iterator[Demo]:
    """Run a demo with its own database."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        arguments = ["demo", "--json", "--data-dir", folder, "--port", str(port)]
        process = started(["-m", "openstoq", *arguments], {**os.environ})
        if process.stdout is None:
            raise RuntimeError("its output is not piped")
        where = json.loads(process.stdout.readline())
        password = (Path(folder) / "postgres" / "password").read_text().strip()
        name = "openstoq"
        try:
            yield Demo(where, f"postgresql://{name}:{password}@127.0.0.1:{port + 4}/{name}")
        finally:
            process.terminate()
            process.wait()
