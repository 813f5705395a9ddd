"""Connect a shop: store its token encrypted, subscribe to its webhooks, read its facts."""

from dataclasses import asdict, dataclass

from openstoq.commerce.inbound import Inbound, ShopChanged, Uninstalled
from openstoq.commerce.port import ShopConnector, ShopCredentials
from openstoq.jobs.job import JobSet
from openstoq.jobs.work import Run, Runtime, Work
from openstoq.kernel.ids import new_id
from openstoq.shops import store
from openstoq.shops.commerce import patiently
from openstoq.shops.connection import connect
from openstoq.shops.inbound_webhooks.jobs import News
from openstoq.shops.seal import Seal

jobs = JobSet("shops")

WEBHOOK_PATH = "/webhooks/shopify"


@dataclass(frozen=True, slots=True)
class Installed:
    """A shop was connected, for the first time or again; its catalogue is still to be read."""


@dataclass(frozen=True, slots=True)
class ZoneChanged:
    """The shop's time zone has changed, so its days now begin and end at other moments."""


async def install(
    runtime: Runtime,
    *,
    domain: str,
    access_token: str,
    client_secret: str | None,
    api_url: str | None,
) -> str:
    """Connect a shop, or connect it again, and return a new API key.

    The shop's facts are read first, so that nothing is stored if the token is wrong.
    """
    seal = runtime.ports.get(Seal)
    facts = await runtime.ports.get(ShopConnector)(
        ShopCredentials(domain, access_token, api_url)
    ).shop()
    known = await store.shop_of_domain(runtime.database, domain)
    shop_id = known.id if known is not None else new_id()
    now = runtime.clock()
    async with runtime.work(shop_id, request_id=f"install-{new_id()}") as work:
        await store.save(
            work.db,
            shop_id,
            domain=domain,
            name=domain.split(".", maxsplit=1)[0],
            now=now,
            api_url=api_url,
            access_token=seal.close(access_token),
            client_secret=seal.close(client_secret) if client_secret else None,
        )
        await store.save_facts(work.db, shop_id, asdict(facts), now)
        if known is not None and known.timezone != facts.timezone:
            await work.publish(ZoneChanged())
        await work.publish(Installed())
        return await store.add_key(work.db, shop_id, name="first", now=now)


async def on_installed(work: Work, _: Installed) -> None:
    """Enqueue the subscription to the shop's webhooks."""
    work.enqueue(subscribe)


@jobs.job(cron="10 */6 * * *")
async def subscribe(run: Run) -> None:
    """Subscribe to the shop's webhooks, and repair subscriptions that were changed elsewhere."""
    async with run.work() as work:
        shop = await store.load(work.db, work.shop_id)
    if shop is None or shop.uninstalled_at is not None:
        return
    address = run.runtime.settings.http.public_url.rstrip("/") + WEBHOOK_PATH
    topics = run.runtime.ports.get(Inbound).topics
    with patiently():
        await connect(run.runtime, shop).ensure_webhooks(topics, address)


@jobs.job()
async def read_facts(run: Run) -> None:
    """Update the shop's name, addresses, currency and other facts from the platform."""
    async with run.work() as work:
        shop = await store.load(work.db, work.shop_id)
    if shop is None or shop.sealed_access_token is None:
        return
    with patiently():
        facts = await connect(run.runtime, shop).shop()
    async with run.work() as work:
        await store.save_facts(work.db, work.shop_id, asdict(facts), run.runtime.clock())
        if facts.timezone != shop.timezone:
            await work.publish(ZoneChanged())


async def on_news(work: Work, news: News) -> None:
    """Handle a webhook about the shop itself."""
    match news.change:
        case Uninstalled():
            await store.mark_uninstalled(work.db, work.shop_id, news.triggered_at)
        case ShopChanged():
            work.enqueue(read_facts.once())
        case _:
            return
