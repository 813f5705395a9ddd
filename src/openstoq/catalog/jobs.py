"""Keeping the catalogue: pulling it from the shop, and taking in what webhooks tell."""

from collections.abc import Iterable
from datetime import datetime

from openstoq.catalog import products, pulls, stock
from openstoq.catalog.model import StockChanged
from openstoq.commerce.inbound import (
    ItemChanged,
    ItemDeleted,
    LevelChanged,
    LocationChanged,
    LocationDeleted,
    ProductChanged,
    ProductDeleted,
)
from openstoq.commerce.port import (
    Product,
    ProductPage,
)
from openstoq.jobs.job import JobSet, Retry
from openstoq.jobs.work import Run, Work
from openstoq.shops.commerce import asking, commerce_of
from openstoq.shops.installation import Installed
from openstoq.shops.webhooks import News

jobs = JobSet("catalog")

OVERLAP_MINUTES = 60


@jobs.job(cron="*/15 * * * *")
async def pull(run: Run, *, everything: bool = False) -> None:
    """Pull what changed since the last pull, or the whole catalogue; go on where one was cut.

    It also finds what a lost webhook would have told.
    """
    commerce = await commerce_of(run)
    if commerce is None:
        return
    now = run.runtime.clock()
    with asking():
        locations = await commerce.locations()
        async with run.work() as work:
            changes = await stock.save_locations(work.db, work.shop_id, locations, changed_at=now)
            await _publish(work, changes)
            begun = await pulls.begin(
                work.db,
                work.shop_id,
                everything=everything,
                overlap_minutes=OVERLAP_MINUTES,
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
            # A lost webhook would have told of their end; each is asked for before it is believed.
            for product_id in await products.unseen_since(work.db, work.shop_id, begun.started_at):
                work.coalesce(pull_product, product_id=product_id)
        elif everything:
            # This run went on with a pull of changes alone, which had been cut short.
            work.coalesce(pull, everything=True)
        await pulls.finish(work.db, work.shop_id, run.runtime.clock())


@jobs.job(cron="25 2 * * *")
async def pull_everything(run: Run) -> None:
    """Pull the whole catalogue once a night."""
    async with run.work() as work:
        work.coalesce(pull, everything=True)


@jobs.job()
async def pull_product(run: Run, *, product_id: int) -> None:
    """Read one product with its stock from the shop."""
    commerce = await commerce_of(run)
    if commerce is None:
        return
    read_at = run.runtime.clock()
    with asking():
        product = await commerce.product(product_id)
        items = _items([product] if product else [])
        levels = await commerce.inventory_levels(items)
    async with run.work() as work:
        if product is None:
            await products.delete(work.db, work.shop_id, product_id, read_at)
            return
        await products.save(work.db, work.shop_id, [product], read_at=read_at)
        changes = await stock.record(
            work.db,
            work.shop_id,
            levels,
            triggered_at=read_at,
            now=read_at,
            complete_items=items,
        )
        await _publish(work, changes)


async def refresh_stock(run: Run, item_ids: list[int]) -> None:
    """Read the levels of some items from the shop, and tell whose stock is another."""
    commerce = await commerce_of(run)
    if commerce is None or not item_ids:
        return
    read_at = run.runtime.clock()
    with asking():
        levels = await commerce.inventory_levels(item_ids)
    async with run.work() as work:
        changes = await stock.record(
            work.db,
            work.shop_id,
            levels,
            triggered_at=read_at,
            now=read_at,
            complete_items=item_ids,
        )
        await _publish(work, changes)


async def on_installed(work: Work, _: Installed) -> None:
    """Have the catalogue read."""
    work.enqueue(pull)


async def on_news(work: Work, news: News) -> None:
    """Take in what a webhook told of products and stock."""
    db, shop_id, at, now = work.db, work.shop_id, news.triggered_at, work.runtime.clock()
    changes: list[StockChanged] = []
    match news.change:
        case LevelChanged(level):
            changes = await stock.record(db, shop_id, [level], triggered_at=at, now=now)
        case ProductChanged():
            changes = await _product_changed(work, news.change, news)
        case ProductDeleted(product_id):
            await products.delete(db, shop_id, product_id, at)
        case ItemChanged(item):
            await stock.save_item(db, shop_id, item, triggered_at=at)
        case ItemDeleted(item_id):
            changes = await stock.forget_item(db, shop_id, item_id, at)
        case LocationChanged(location):
            changes = await stock.save_locations(db, shop_id, [location], changed_at=at)
        case LocationDeleted(location_id):
            changes = await stock.remove_location(db, shop_id, location_id, at)
        case _:
            return
    await _publish(work, changes)


async def _product_changed(work: Work, change: ProductChanged, news: News) -> list[StockChanged]:
    """Write a product, unless the news is old; what it does not tell is read from the shop."""
    product = change.product
    updated_at = product.updated_at or news.triggered_at
    if await products.newer_is_known(work.db, work.shop_id, product.id, updated_at):
        return []
    variant_ids = [variant.id for variant in product.variants]
    unknown = await products.unknown_variants(work.db, work.shop_id, variant_ids)
    if unknown or change.further_variant_ids:
        # A webhook names no address, and no stock item for some variants.
        work.coalesce(pull_product, product_id=product.id)
    if change.further_variant_ids:
        return []
    await products.save(work.db, work.shop_id, [product], read_at=news.triggered_at)
    # The stock of a new variant may have been told before the variant was.
    return await stock.total(work.db, work.shop_id, _items([product]), work.runtime.clock())


async def _save_page(work: Work, page: ProductPage, asked_at: datetime) -> None:
    await products.save(work.db, work.shop_id, page.products, read_at=asked_at)
    changes = await stock.record(
        work.db,
        work.shop_id,
        page.levels,
        triggered_at=asked_at,
        now=work.runtime.clock(),
        complete_items=_items(page.products),
    )
    await _publish(work, changes)


async def _publish(work: Work, changes: Iterable[StockChanged]) -> None:
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
