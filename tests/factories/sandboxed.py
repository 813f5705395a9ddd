"""A shop in a running sandbox, a worker that does every job of ours for it, and an offer in it."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from openstoq.catalog.jobs import pull
from openstoq.commerce.inbound import Inbound
from openstoq.commerce.port import ShopConnector
from openstoq.commerce.shopify.adapter import ShopifyConnector
from openstoq.commerce.shopify.inbound import ShopifyInbound
from openstoq.commerce.shopify.throttle import Patience
from openstoq.db.pool import Database
from openstoq.jobs.job import Job
from openstoq.jobs.queue import waiting
from openstoq.jobs.work import Runtime
from openstoq.jobs.worker import Worker
from openstoq.messaging.port import EmailTransport
from openstoq.preorders.offers.plan_group import jobs as plan_group_jobs
from openstoq.preorders.offers.storefront import jobs as storefront_jobs
from openstoq.registry import JOBS, SUBSCRIBERS
from openstoq.shops.model import Shop
from sandbox.site import SNOWDEVIL, Site, running
from tests.factories.apps import client_of, make_app
from tests.factories.clients import patient_client
from tests.factories.patience import PATIENCE, until
from tests.factories.queues import cut_pauses_short
from tests.factories.relays import Relay
from tests.factories.runtimes import make_runtime
from tests.factories.shops import install_shop, make_key

ATTEMPTS = 4


async def short_pause(seconds: float) -> None:
    await asyncio.sleep(min(seconds, 0.02))


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with running() as site:
        # Points are not what these tests are about, and a new order takes a hundred of them.
        await site.control("PATCH", "throttle", {"maximum": 100_000, "restore_rate": 10_000})
        yield site


@pytest.fixture
async def runtime(database: Database) -> AsyncIterator[Runtime]:
    async with patient_client() as http:
        connector = ShopifyConnector(
            http, Patience(attempts=ATTEMPTS, longest=1.0, answer=PATIENCE, sleep=short_pause)
        )
        ports: dict[Any, object] = {
            ShopConnector: connector,
            Inbound: ShopifyInbound(),
            EmailTransport: Relay(),
        }
        yield make_runtime(database, ports=ports, subscribers=SUBSCRIBERS)


@pytest.fixture
async def shop(database: Database, site: Site) -> Shop:
    return await install_shop(database, f"{site.url}/shops/{SNOWDEVIL}", "shpat_sandbox")


class Workplace:
    """Where a worker does every job of ours, none on a schedule, while there is one."""

    def __init__(self, runtime: Runtime, url: str) -> None:
        self.runtime, self.url = runtime, url

    def start(self) -> None:
        own = replace(self.runtime, stopping=asyncio.Event())
        self.worker = Worker(own, [replace(job, cron=None) for job in JOBS], url=self.url)
        self.work = asyncio.create_task(self.worker.run())

    async def stop(self) -> None:
        self.worker.stop()
        await asyncio.wait_for(self.work, PATIENCE)


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have every change of an offer followed by a run at once, however soon after another."""
    for module in (plan_group_jobs, storefront_jobs):
        monkeypatch.setattr(module, "LEASES", replace(module.LEASES, lasts=timedelta(0)))


@pytest.fixture
async def worker(
    runtime: Runtime, database: Database, database_url: str, shop: Shop, at_once: None
) -> AsyncIterator[Workplace]:
    place = Workplace(runtime, database_url)
    place.start()
    try:
        await run(runtime, shop, pull)
        await all_jobs_done(database)
        yield place
    finally:
        await place.stop()


async def run(runtime: Runtime, shop: Shop, job: Job[...], **arguments: Any) -> None:
    async with runtime.work(shop.id, request_id="test") as work:
        work.enqueue(job, **arguments)


async def all_jobs_done(database: Database) -> None:
    """Wait until no job waits or runs, and none failed."""

    async def is_idle() -> bool:
        async with database.transaction(None) as db:
            await cut_pauses_short(db)
            counts = await waiting(db)
        assert not counts.get("failed"), counts
        return not any(counts.values())

    await until(is_idle, every=0.03)


@pytest.fixture
async def client(
    runtime: Runtime, database: Database, shop: Shop
) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(make_app(runtime), await make_key(database, shop)) as opened:
        await give_points(database, shop)
        yield opened


async def give_points(database: Database, shop: Shop) -> None:
    async with database.transaction(shop.id) as db:
        await db.execute("UPDATE shops SET rate_points = 1000000")


async def accepted(client: httpx.AsyncClient, path: str, **body: Any) -> dict[str, Any]:
    answer = await client.post(path, json=body)
    assert answer.status_code == 202, answer.text
    made: dict[str, Any] = answer.json()
    return made


@pytest.fixture
async def variants(site: Site, worker: Workplace) -> list[int]:
    listed = await site.control("GET", "products")
    return [variant["id"] for product in listed["products"] for variant in product["variants"]]


@pytest.fixture
async def offer(client: httpx.AsyncClient, database: Database, variants: list[int]) -> str:
    """An enabled offer with a deposit that sells the first three variants."""
    made = await accepted(client, "/preorders/offers", name="Drop")
    at = f"/preorders/offers/{made['id']}"
    await accepted(client, f"{at}/payments/set_mode", mode="full_and_partial")
    await accepted(client, f"{at}/payments/set_deposit_percent", percent=30)
    await accepted(client, f"{at}/products/add_variants", variant_ids=variants[:3])
    await accepted(client, f"{at}/enable")
    await all_jobs_done(database)
    return at


async def plan_groups(site: Site) -> list[dict[str, Any]]:
    told = await site.control("GET", "selling_plan_groups")
    groups: list[dict[str, Any]] = told["selling_plan_groups"]
    return groups


async def variant_in_shop(site: Site, variant: int) -> tuple[dict[str, Any], str]:
    """What a theme knows of a variant: its metafields read, and its inventory policy."""
    told = await site.control("GET", f"variants/{variant}/preorder")
    return {one["key"]: one["value"] for one in told["metafields"]}, told["inventory_policy"]


async def shop_metafields(site: Site) -> dict[str, Any]:
    told = (await site.control("GET", "metafields"))["metafields"]
    return {one["key"]: json.loads(one["value"]) for one in told}
