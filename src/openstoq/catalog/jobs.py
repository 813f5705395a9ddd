"""Keep the catalogue up to date: pull it from the shop, and apply changes from webhooks."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from openstoq.catalog import locations, products, pulls, stock
from openstoq.catalog.model import ProductsOpened, StockChanged, VariantReplaced, newest
from openstoq.commerce.inbound import (
    ItemChanged,
    ItemDeleted,
    LevelChanged,
    LocationChanged,
    LocationDeleted,
    ProductChanged,
    ProductDeleted,
)
from openstoq.commerce.port import Commerce, Location, Product, ProductPage
from openstoq.jobs.items import Failed, counts, each, forget, remember
from openstoq.jobs.job import JobSet, Retry
from openstoq.jobs.work import Run, Work
from openstoq.kernel.alone import alone
from openstoq.shops.commerce import asking, commerce_of, patiently
from openstoq.shops.inbound_webhooks.jobs import News
from openstoq.shops.installation import Installed

jobs = JobSet("catalog")

Event = StockChanged | ProductsOpened | VariantReplaced

OVERLAP = timedelta(minutes=60)
# The kinds of items whose failures are kept.
PRODUCT, LOCATION, ITEM = "product", "location", "inventory item"


@jobs.job(cron="*/15 * * * *")
async def pull(run: Run, *, everything: bool = False) -> None:
    """Pull from the shop what has changed since the last pull.

    With `everything`, the whole catalogue is pulled. If the last pull was interrupted, it is
    resumed first; if that was a pull of changes only, the whole catalogue is pulled by another job
    afterwards. A pull also finds changes whose webhook was lost.
    """
    commerce = await commerce_of(run)
    if commerce is None:
        return
    now = run.runtime.clock()
    with asking():
        await _read_locations(run, commerce)
        async with run.work() as work:
            begun = await pulls.begin(
                work.db,
                work.shop_id,
                everything=everything,
                overlap=OVERLAP,
                now=now,
            )
        asked_at = run.runtime.clock()
        async for page in commerce.products(after=begun.cursor, updated_since=begun.updated_since):
            async with run.work() as work:
                await _save_page(work, page, asked_at)
                await pulls.advance(work.db, work.shop_id, page.cursor, len(page.products))
            if run.runtime.stopping.is_set():
                raise Retry("the worker is stopping")
            asked_at = run.runtime.clock()
    async with run.work() as work:
        if begun.updated_since is None:
            # The shop may have deleted these products, with the webhook lost. So each is read.
            for product_id in await products.unseen_since(work.db, work.shop_id, begun.started_at):
                work.enqueue(pull_product.once(), product_id=product_id)
        elif everything:
            # This run resumed an interrupted pull of changes only, so the full pull is still due.
            work.enqueue(pull.once(), everything=True)
        await pulls.finish(work.db, work.shop_id, run.runtime.clock())


@jobs.job()
async def read_locations(run: Run) -> None:
    """Read all locations from the shop, and recalculate the stock that they hold."""
    commerce = await commerce_of(run)
    if commerce is not None:
        with asking():
            await _read_locations(run, commerce)


async def _read_locations(run: Run, commerce: Commerce) -> None:
    now = run.runtime.clock()
    found = await commerce.locations()
    async with run.work() as work:
        await _save_locations(work, found, now)


@jobs.job(cron="25 2 * * *")
async def pull_everything(run: Run) -> None:
    """Pull the whole catalogue, once a night."""
    async with run.work() as work:
        work.enqueue(pull.once(), everything=True)


@jobs.job()
async def pull_product(run: Run, *, product_id: int) -> None:
    """Read one product with its stock from the shop, and save both."""
    commerce = await commerce_of(run)
    if commerce is None:
        return
    failures: dict[int, str] = {}
    with asking(), alone(PRODUCT, product_id, failures):
        await _read_product(run, commerce, product_id)
    if failures and not counts(run):
        raise Failed(failures[product_id])
    async with run.work() as work:
        await _remember(work, PRODUCT, [product_id], failures)


async def _read_product(run: Run, commerce: Commerce, product_id: int) -> None:
    read_at = run.runtime.clock()
    with patiently():
        product = await commerce.product(product_id)
        unreadable: dict[int, str] = {}
        found = [product] if product is not None else []
        levels = await commerce.inventory_levels(_items(found), unreadable)
    async with run.work() as work:
        if product is None:
            await products.delete(work.db, work.shop_id, product_id, read_at)
            return
        await _save(
            work, ProductPage((product,), tuple(levels), None, unreadable), read_at, read_at
        )


async def refresh_stock(run: Run, item_ids: list[int]) -> None:
    """Read the inventory levels of these items from the shop, and publish the stock changes."""
    commerce = await commerce_of(run)
    if commerce is None or not item_ids:
        return
    read_at = run.runtime.clock()
    unreadable: dict[int, str] = {}
    with asking():
        levels = await commerce.inventory_levels(item_ids, unreadable)

    async def record(wanted: Sequence[int]) -> None:
        of_items = set(wanted)
        changes = await stock.record(
            work.db,
            work.shop_id,
            [level for level in levels if level.inventory_item_id in of_items],
            triggered_at=read_at,
            now=read_at,
            complete_items=wanted,
        )
        await _publish(work, changes)

    async with run.work() as work:
        known = [item for item in item_ids if item not in unreadable]
        failures = unreadable | await each(work, ITEM, known, record)
        await _remember(work, ITEM, item_ids, failures)


async def on_installed(work: Work, _: Installed) -> None:
    """Enqueue the first pull of the catalogue."""
    work.enqueue(pull)


async def on_news(work: Work, news: News) -> None:
    """Apply a webhook's change to the stored products and stock."""
    db, shop_id, at, now = work.db, work.shop_id, news.triggered_at, work.runtime.clock()
    changes: Sequence[Event] = []
    match news.change:
        case LevelChanged(level):
            if await locations.is_new(db, shop_id, level.location_id):
                work.enqueue(read_locations.once())
            changes = await stock.record(db, shop_id, [level], triggered_at=at, now=now)
        case ProductChanged():
            changes = await _product_changed(work, news.change, news)
        case ProductDeleted(product_id):
            await products.delete(db, shop_id, product_id, at)
        case ItemChanged(item):
            changes = await stock.save_item(db, shop_id, item, triggered_at=at, now=now)
        case ItemDeleted(item_id):
            changes = await stock.forget_item(db, shop_id, item_id, at)
        case LocationChanged(location):
            # A webhook does not say whether online orders are sent from a location.
            told = replace(location, sells_online=None)
            changes = await locations.save(db, shop_id, [told], changed_at=at)
            work.enqueue(read_locations.once())
        case LocationDeleted(location_id):
            changes = await locations.delete(db, shop_id, location_id, at)
        case _:
            return
    await _publish(work, changes)


async def _product_changed(work: Work, change: ProductChanged, news: News) -> Sequence[Event]:
    """Save a product as a webhook describes it, unless the catalogue has a newer state.

    If the webhook leaves something out, a job is enqueued that reads the product from the shop. If
    it leaves out whole variants, nothing is saved from the webhook itself.
    """
    product = change.product
    updated_at = product.updated_at or news.triggered_at
    if await products.has_newer(work.db, work.shop_id, product.id, updated_at):
        return []
    variant_ids = [variant.id for variant in product.variants]
    unknown = await products.unknown_variants(work.db, work.shop_id, variant_ids)
    if unknown or change.further_variant_ids:
        # A webhook contains no URL of the product, and lacks the stock items of some variants.
        work.enqueue(pull_product.once(), product_id=product.id)
    if change.further_variant_ids:
        return []
    events = await products.save(work.db, work.shop_id, [product], read_at=news.triggered_at)
    # The stock of a new variant may have arrived before the variant did.
    changes = await stock.total(work.db, work.shop_id, _items([product]), work.runtime.clock())
    return [*changes, *events]


async def _save_page(work: Work, page: ProductPage, asked_at: datetime) -> None:
    """Save a page's products with their stock; a product that fails does not affect the others.

    Two kinds of failures are stored: products that could not be read from the shop, and products
    that could not be saved.
    """
    by_id = {product.id: product for product in newest(page.products, asked_at)}

    async def save(product_ids: Sequence[int]) -> None:
        some = tuple(by_id[product_id] for product_id in product_ids)
        await _save(work, replace(page, products=some), asked_at, work.runtime.clock())

    failures = await each(work, PRODUCT, list(by_id), save)
    await _remember(work, PRODUCT, list(by_id), failures | dict(page.malformed))


async def _save(work: Work, page: ProductPage, read_at: datetime, now: datetime) -> None:
    """Save the products of a page, and the stock levels of their variants."""
    events = await products.save(work.db, work.shop_id, page.products, read_at=read_at)
    items = [item for item in _items(page.products) if item not in page.unreadable]
    theirs = set(items)
    changes = await stock.record(
        work.db,
        work.shop_id,
        [level for level in page.levels if level.inventory_item_id in theirs],
        triggered_at=read_at,
        now=now,
        complete_items=items,
    )
    await _publish(work, [*changes, *events])
    await _remember(work, ITEM, items, page.unreadable)


async def _remember(
    work: Work, kind: str, tried: Sequence[int], failures: Mapping[int, str]
) -> None:
    """Store the failures of items that were tried.

    Earlier failures of the items that succeeded now are deleted.
    """
    db, shop_id = work.db, work.shop_id
    await forget(db, shop_id, kind, [one for one in tried if one not in failures])
    await remember(db, shop_id, kind, failures, work.runtime.clock())


async def _save_locations(work: Work, found: Sequence[Location], now: datetime) -> None:
    by_id = {location.id: location for location in newest(found, now)}

    async def save(location_ids: Sequence[int]) -> None:
        some = [by_id[location_id] for location_id in location_ids]
        changes = await locations.save(work.db, work.shop_id, some, changed_at=now)
        await _publish(work, changes)

    await _remember(work, LOCATION, list(by_id), await each(work, LOCATION, list(by_id), save))


async def _publish(work: Work, changes: Iterable[Event]) -> None:
    for change in changes:
        await work.publish(change)


def _items(found: Iterable[Product]) -> list[int]:
    return sorted(
        {
            variant.inventory_item_id
            for product in found
            for variant in product.variants
            if variant.inventory_item_id is not None
        }
    )
