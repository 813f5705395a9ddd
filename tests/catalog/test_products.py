"""Products as the shop tells them: by pulls, which know all, and by webhooks, which do not."""

from decimal import Decimal

import pytest

from openstoq.catalog import products
from openstoq.catalog.jobs import on_news, pull_product
from openstoq.catalog.model import StockChanged
from openstoq.commerce.inbound import ProductChanged, ProductDeleted
from openstoq.shops.inbound_webhooks.jobs import News
from tests.factories.catalogs import (
    ITEM,
    PRODUCT,
    VARIANT,
    level,
    product,
    record,
    save,
    seconds_after_noon,
    variant,
    variant_row,
)


async def product_row(database, shop):
    async with database.transaction(shop.id) as db:
        return await db.fetchrow(
            "SELECT * FROM products WHERE shop_id = $1 AND id = $2", shop.id, PRODUCT
        )


async def hear(runtime, shop, change, seconds):
    """Take in news, and return what it calls for besides."""
    async with runtime.work(shop.id, request_id="test") as work:
        await on_news(work, News(change, seconds_after_noon(seconds)))
        return [(effect.job, effect.arguments) for effect in work.effects]


def told_by_webhook(*variants, seconds=5, **changes):
    """The product as a webhook tells it, with its variants' ids and little else."""
    silent = {"price": None, "inventory_item_id": None, "tracked": None, "image_url": None}
    return product(
        *(variant(number, updated_at=seconds_after_noon(seconds), **silent) for number in variants),
        url=None,
        image_url=None,
        updated_at=seconds_after_noon(seconds),
        **changes,
    )


async def test_an_older_state_never_overwrites(database, shop):
    await save(database, shop, product(title="New", updated_at=seconds_after_noon(10)))
    await save(
        database, shop, product(variant(title="Old"), title="Old", updated_at=seconds_after_noon(5))
    )
    assert (await product_row(database, shop))["title"] == "New"
    assert (await variant_row(database, shop))["title"] == "Blue / 154"


async def test_of_two_states_of_one_second_the_later_one_stays(database, runtime, shop):
    both = product(variant(), variant(VARIANT + 1), updated_at=seconds_after_noon(5))
    await save(database, shop, both, read_at=seconds_after_noon(5.8))
    created = ProductChanged(told_by_webhook(VARIANT, title="Created"), ())
    await hear(runtime, shop, created, 5.1)
    assert (await product_row(database, shop))["title"] == "Snowboard"
    assert (await variant_row(database, shop, VARIANT + 1))["deleted_at"] is None
    renamed = ProductChanged(told_by_webhook(VARIANT, VARIANT + 1, title="Renamed"), ())
    await hear(runtime, shop, renamed, 5.9)
    assert (await product_row(database, shop))["title"] == "Renamed"


async def test_what_a_webhook_does_not_tell_stays(database, runtime, shop):
    await save(database, shop)
    change = ProductChanged(told_by_webhook(VARIANT, title="Renamed"), ())
    assert await hear(runtime, shop, change, 5) == []
    told, row = await product_row(database, shop), await variant_row(database, shop)
    assert told["title"] == "Renamed"
    assert told["url"] == "https://snowdevil.test/products/snowboard"
    assert told["image_url"] == "https://cdn.test/board.png"
    assert row["price"] == Decimal("129.9000")
    assert (row["inventory_item_id"], row["tracked"]) == (ITEM, True)
    assert row["image_url"] == "https://cdn.test/blue.png"


async def test_an_address_ends_with_the_handle_it_is_made_of(database, runtime, shop):
    await save(database, shop)
    renamed = ProductChanged(told_by_webhook(VARIANT, handle="splitboard"), ())
    await hear(runtime, shop, renamed, 5)
    row = await product_row(database, shop)
    assert (row["handle"], row["url"]) == ("splitboard", None)
    read = product(
        handle="splitboard", url="https://snowdevil.test/b", updated_at=seconds_after_noon(9)
    )
    await save(database, shop, read, read_at=seconds_after_noon(9))
    assert (await product_row(database, shop))["url"] == "https://snowdevil.test/b"


async def test_a_webhook_of_an_unknown_variant_has_the_product_read(runtime, shop):
    change = ProductChanged(told_by_webhook(VARIANT), ())
    assert await hear(runtime, shop, change, 5) == [(pull_product.name, {"product_id": PRODUCT})]


async def test_variants_that_a_webhook_only_names_are_not_deleted(database, runtime, shop):
    await save(database, shop, product(variant(), variant(VARIANT + 1)))
    change = ProductChanged(told_by_webhook(VARIANT), (VARIANT + 1,))
    assert await hear(runtime, shop, change, 5) == [(pull_product.name, {"product_id": PRODUCT})]
    assert (await variant_row(database, shop, VARIANT + 1))["deleted_at"] is None


async def test_stock_that_was_told_before_its_variant_counts(database, shop, runtime):
    heard = []

    async def listen(_, change):
        heard.append(change)

    runtime.subscribers[StockChanged] = (listen,)
    await record(database, shop, level(5))
    await hear(runtime, shop, ProductChanged(product(), ()), 5)
    assert (await variant_row(database, shop))["available"] == 5
    assert heard == [StockChanged(VARIANT, PRODUCT, None, 5)]


async def test_older_news_is_not_taken_in(database, runtime, shop):
    await save(database, shop, product(title="New", updated_at=seconds_after_noon(10)))
    change = ProductChanged(told_by_webhook(VARIANT, VARIANT + 1, title="Old"), ())
    assert await hear(runtime, shop, change, 20) == []
    assert (await product_row(database, shop))["title"] == "New"


async def test_a_missing_variant_is_deleted_and_comes_back(database, shop):
    both = (variant(), variant(VARIANT + 1))
    await save(database, shop, product(*both))
    await save(
        database,
        shop,
        product(variant(), updated_at=seconds_after_noon(1)),
        read_at=seconds_after_noon(1),
    )
    assert (await variant_row(database, shop, VARIANT + 1))["deleted_at"] == seconds_after_noon(1)
    assert (await variant_row(database, shop))["deleted_at"] is None
    async with database.transaction(shop.id) as db:
        asked = [VARIANT, VARIANT + 1]
        assert await products.unknown_variants(db, shop.id, asked) == [VARIANT + 1]
    await save(database, shop, product(*both, updated_at=seconds_after_noon(2)))
    assert (await variant_row(database, shop, VARIANT + 1))["deleted_at"] is None


async def test_a_deleted_product_takes_its_variants_along(database, runtime, shop):
    await save(database, shop)
    await hear(runtime, shop, ProductDeleted(PRODUCT), 9)
    assert (await product_row(database, shop))["deleted_at"] == seconds_after_noon(9)
    assert (await variant_row(database, shop))["deleted_at"] == seconds_after_noon(9)


async def test_news_from_before_its_deletion_does_not_bring_a_product_back(database, runtime, shop):
    await save(database, shop)
    await hear(runtime, shop, ProductDeleted(PRODUCT), 9)
    assert await hear(runtime, shop, ProductChanged(told_by_webhook(VARIANT), ()), 5) == []
    await save(
        database, shop, product(updated_at=seconds_after_noon(5)), read_at=seconds_after_noon(5)
    )
    assert (await product_row(database, shop))["deleted_at"] == seconds_after_noon(9)
    assert (await variant_row(database, shop))["deleted_at"] == seconds_after_noon(9)


async def test_the_same_product_twice_on_a_page_is_written_once(database, shop):
    await save(database, shop, product(title="A"), product(title="B"))
    assert (await product_row(database, shop))["title"] == "B"


async def test_the_newest_state_of_a_product_on_a_page_is_written(database, shop):
    newer, older = (
        product(title="New", updated_at=seconds_after_noon(5)),
        product(title="Old", updated_at=seconds_after_noon(1)),
    )
    await save(database, shop, newer, older, read_at=seconds_after_noon(6))
    assert (await product_row(database, shop))["title"] == "New"


async def test_a_variant_twice_in_a_product_is_written_once(database, shop):
    twice = product(variant(title="A"), variant(title="B"), variant(VARIANT + 1))
    await save(database, shop, twice)
    assert (await variant_row(database, shop))["title"] == "B"
    assert (await variant_row(database, shop, VARIANT + 1))["deleted_at"] is None


async def test_a_variant_in_two_products_of_a_page_is_in_the_newer_one(database, shop):
    newer = product(
        variant(title="New", updated_at=seconds_after_noon(5)), updated_at=seconds_after_noon(5)
    )
    older = product(
        variant(title="Old", product_id=PRODUCT + 1),
        id=PRODUCT + 1,
        updated_at=seconds_after_noon(1),
    )
    await save(database, shop, newer, older, read_at=seconds_after_noon(6))
    row = await variant_row(database, shop)
    assert (row["title"], row["product_id"], row["deleted_at"]) == ("New", PRODUCT, None)


async def test_a_webhook_that_names_a_variant_twice_is_heard(database, runtime, shop):
    await save(database, shop)
    change = ProductChanged(told_by_webhook(VARIANT, VARIANT, title="Renamed"), ())
    await hear(runtime, shop, change, 5)
    assert (await product_row(database, shop))["title"] == "Renamed"


@pytest.mark.parametrize("known", [True, False])
async def test_news_of_a_product_without_variants(database, runtime, shop, known):
    if known:
        await save(database, shop)
    change = ProductChanged(product(variants=(), updated_at=seconds_after_noon(5)), ())
    assert await hear(runtime, shop, change, 5) == []
    assert (await product_row(database, shop))["updated_at"] == seconds_after_noon(5)


async def test_what_a_whole_pull_did_not_show_is_unseen(database, shop):
    await save(database, shop, product(updated_at=seconds_after_noon(0)))
    async with database.transaction(shop.id) as db:
        assert await products.unseen_since(db, shop.id, seconds_after_noon(0)) == []
        assert await products.unseen_since(db, shop.id, seconds_after_noon(3600)) == [10]
    await products_deleted(database, shop)
    async with database.transaction(shop.id) as db:
        assert await products.unseen_since(db, shop.id, seconds_after_noon(3600)) == []


async def products_deleted(database, shop):
    async with database.transaction(shop.id) as db:
        await products.delete(db, shop.id, 10, seconds_after_noon(1))
