"""A stack: the sandbox shop and everything of ours around it, as processes, and its clients."""

import asyncio
import json
import subprocess
from pathlib import Path
from typing import Any

import asyncpg
import httpx

from openstoq.catalog.jobs import pull
from openstoq.db.pool import Database
from openstoq.jobs.job import Job
from openstoq.jobs.queue import Enqueued, enqueue
from openstoq.kernel.clock import utc_now
from openstoq.kernel.ids import new_id
from openstoq.preorders.orders.jobs import read_markets
from openstoq.shops import store
from openstoq.shops.installation import subscribe
from openstoq.shops.seal import Seal
from tests.e2e.plant import SECRET, Plant, first_line, start
from tests.factories.clients import patient_client
from tests.factories.patience import LEISURELY, PATIENCE, until
from tests.factories.queues import cut_pauses_short
from tests.factories.shops import make_key

DOMAIN = "snowdevil.myshopify.com"
TOKEN = "shpat_sandbox"
# Somebody who is awaited at the bank keeps a charge waiting for as long as it likes.
_AT_WORK = """
    SELECT count(*) FILTER (WHERE status = 'failed') AS failed, count(*) AS left,
           (SELECT last_value FROM queue.pgqueuer_id_seq) AS newest
    FROM queue.pgqueuer
    WHERE NOT (entrypoint = 'preorders.charges.charge' AND status <> 'failed'
               AND (convert_from(payload, 'UTF8')::jsonb->'arguments'->>'payment_id')::uuid IN (
                   SELECT id FROM preorder_payments WHERE status = 'authenticate'))
"""


class Stack(Plant):
    """A plant whose shop is a sandbox; `ask` is our API, `control` a merchant in the shop."""

    def __init__(self, url: str, folder: Path, processes: list[subprocess.Popen[bytes]]) -> None:
        super().__init__(url, folder, processes)
        self._http = patient_client(most=20)

    async def open(self, *, apis: int = 1, workers: int = 1, currency: str = "USD") -> None:
        """Start everything, connect the shop, and wait until it is pulled and subscribed."""
        sandbox = self._keep(
            start(
                [
                    *("-m", "shopify_sandbox", "--allow-http", "--currency", currency),
                    *("--retry-scale", "0.001"),
                    # A subscription whose deliveries keep failing is deleted.
                    *("--answer-timeout", str(PATIENCE)),
                ],
                {"SANDBOX_CLIENT_SECRET": SECRET},
            )
        )
        where = json.loads(await first_line(sandbox))
        self.sandbox, self.mail = where["sandbox"], where["mail"]
        self.smtp_port = int(where["smtp"].rpartition(":")[2])
        self.database = await Database.connect(self.url, size=3)
        await self._connect_shop()
        self.apis = [await self.start_api() for _ in range(apis)]
        self.workers = [self.add_worker() for _ in range(workers)]
        await self.control("PATCH", "throttle", maximum=100_000, restore_rate=10_000)
        for job in (subscribe, pull, read_markets):
            await self.enqueue(job)
        await self.settled()

    async def shut(self) -> None:
        """Close what the test's own process holds."""
        await self._http.aclose()
        if hasattr(self, "database"):
            await self.database.close()

    def add_worker(self) -> subprocess.Popen[bytes]:
        """Start another worker."""
        return self.start_worker(self.smtp_port)

    async def _connect_shop(self) -> None:
        shop_id = new_id()
        async with self.database.transaction(shop_id) as db:
            await store.save(
                db,
                shop_id,
                domain=DOMAIN,
                name="Snowdevil",
                now=utc_now(),
                api_url=f"{self.sandbox}/shops/{DOMAIN}",
                access_token=Seal(self._environment()["OPENSTOQ_SECURITY_KEY"]).close(TOKEN),
            )
            await db.execute("UPDATE shops SET rate_points = 1000000")
            shop = await store.load(db, shop_id)
        assert shop is not None
        self.shop = shop
        self.key = await make_key(self.database, shop)

    # Clients.

    async def try_(self, method: str, path: str, **body: Any) -> httpx.Response:
        """Send a request to our v2 API."""
        return await self._http.request(
            method,
            f"{self.address}/api/v2/external{path}",
            json=body if method != "GET" else None,
            headers={"X-Auth-Token": self.key},
        )

    async def ask(self, method: str, path: str, **body: Any) -> Any:
        """Send a request to our v2 API that has to succeed."""
        answer = await self.try_(method, path, **body)
        assert answer.is_success, f"{method} {path} {body}: {answer.text}"
        return answer.json()

    async def insist(self, path: str, **body: Any) -> Any:
        """Post to our v2 API until it answers, as a client does whose server is killed."""
        headers = {"X-Auth-Token": self.key, "Idempotency-Key": str(new_id())}

        async def answered() -> httpx.Response | None:
            try:
                answer = await self._http.post(
                    f"{self.address}/api/v2/external{path}", json=body, headers=headers
                )
            except httpx.TransportError:
                return None
            return None if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE else answer

        answer = await until(answered)
        assert answer is not None
        assert answer.is_success, f"{path} {body}: {answer.text}"
        return answer.json()

    async def control(self, method: str, path: str, **body: Any) -> Any:
        """Do in the shop what a merchant or a shopper does."""
        answer = await self._http.request(
            method,
            f"{self.sandbox}/shops/{DOMAIN}/control/{path}",
            json=body if method != "GET" else None,
            headers={"X-Sandbox-Token": "sandbox-control"},
        )
        assert answer.is_success, f"{method} {path} {body}: {answer.text}"
        return answer.json()

    async def mails(self, prefix: str) -> list[tuple[str, str]]:
        """Return recipient and Message-ID of every mail to an address that begins so."""
        caught = (await self._http.get(f"{self.mail}/messages", params={"limit": 10_000})).json()
        return [
            (one["to"][0], one["headers"]["Message-ID"])
            for one in caught
            if one["to"][0].startswith(prefix)
        ]

    # Jobs.

    async def enqueue(self, job: Job[Any], **arguments: Any) -> None:
        """Have a job done for the shop, as the schedule would."""
        wanted = Enqueued(
            job=job.name, shop_id=self.shop.id, arguments=arguments, request_id="test"
        )
        async with self.database.transaction(None) as db:
            await enqueue(db, [wanted])

    async def settled(self) -> None:
        """Wait until the shop has told everything and nothing is left to be done for it.

        The last job may have done something in the shop that is still to be told. So no job may
        have come while the shop told the rest.
        """

        async def at_work() -> asyncpg.Record:
            (row,) = await self.query(_AT_WORK)
            assert row["failed"] == 0, await self.query("SELECT * FROM queue.pgqueuer")
            return row

        async def is_settled() -> bool:
            async with self.database.transaction(None) as db:
                await cut_pauses_short(db)
            before = await at_work()
            await self.control("POST", "idle", timeout=PATIENCE)
            after = await at_work()
            return bool(
                before["left"] == after["left"] == 0 and before["newest"] == after["newest"]
            )

        try:
            await until(is_settled, every=LEISURELY)
        except TimeoutError:
            left = await self.query(
                "SELECT entrypoint, status, attempts, execute_after - now() AS until,"
                " convert_from(payload, 'UTF8') AS payload FROM queue.pgqueuer"
            )
            raise AssertionError([dict(row) for row in left]) from None

    # Offers.

    async def variants(self, *prices: str, product: str = "Snowboard") -> list[int]:
        """Make a product that is sold out, with a variant of each price; wait until it is known."""
        made = await self.control(
            "POST",
            "products",
            title=product,
            options=["Size"],
            variants=[
                {"options": [str(number)], "price": price, "available": 0}
                for number, price in enumerate(prices)
            ],
        )
        await self.settled()
        return [one["id"] for one in made["variants"]]

    async def offer(self, variants: list[int], **documents: Any) -> "Offer":
        """Make an enabled offer of these variants; `documents` are patched."""
        made = await self.ask("POST", "/preorders/offers", name="Drop")
        at = f"/preorders/offers/{made['id']}"
        deposit = documents.pop("deposit", None)
        if deposit is not None:
            await self.ask("POST", f"{at}/payments/set_mode", mode="full_and_partial")
            await self.ask("POST", f"{at}/payments/set_deposit_percent", percent=deposit)
        for name, document in documents.items():
            await self.ask("PATCH", f"{at}/{name}", **document)
        await self.ask("POST", f"{at}/products/add_variants", variant_ids=variants)
        await self.ask("POST", f"{at}/enable", update_inventory_policy=True)
        return Offer(self, at, made["id"], variants)


class Offer:
    """An offer of a stack's shop."""

    def __init__(self, stack: Stack, at: str, offer_id: str, variants: list[int]) -> None:
        self.at, self.id, self.variants = at, offer_id, variants
        self._stack = stack

    async def plan(self, option: str) -> int:
        """Return the selling plan that sells it, in full or with a deposit."""
        shopify = (await self._stack.ask("GET", self.at))["shopify"]
        plan: int = shopify[f"{option}_plan_id"]
        return plan


async def gathered(*asked: Any, at_once: int = 8, return_exceptions: bool = False) -> list[Any]:
    """Await all of these, so many at a time, and return what they return."""
    free = asyncio.Semaphore(at_once)

    async def one(wanted: Any) -> Any:
        async with free:
            return await wanted

    waiting = (one(each) for each in asked)
    return await asyncio.gather(*waiting, return_exceptions=return_exceptions)
