"""The adapter pulls a sandbox shop's whole catalogue, however badly the shop behaves."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from openstoq.commerce.port import (
    AccessDenied,
    CommerceRefused,
    InventoryLevel,
    Product,
    WebhookChange,
)
from openstoq.commerce.shopify.batches import Batches
from openstoq.commerce.shopify.subscriptions import TOPICS
from sandbox.site import SNOWDEVIL

HOOKS = "https://stoq.example/webhooks/shopify"


async def pull(shop, **options):
    pages = [page async for page in shop.products(**options)]
    products = {product.id: product for page in pages for product in page.products}
    levels = {level for page in pages for level in page.levels}
    return products, levels, pages


async def truth(site):
    listed = await site.control("GET", "products")
    return {product["id"]: product for product in listed["products"]}


def assert_same(product: Product, told: dict):
    assert product.title == told["title"]
    assert product.handle == told["handle"]
    assert product.vendor == told["vendor"]
    assert product.status == told["status"].lower()
    assert product.url == told["url"]
    assert product.image_url == told["picture"]
    assert product.updated_at == datetime.fromisoformat(told["updated_at"])
    assert [variant.id for variant in product.variants] == [each["id"] for each in told["variants"]]
    for variant, each in zip(product.variants, told["variants"], strict=True):
        was = each["compare_at_price"]
        assert variant.product_id == product.id
        assert variant.title == each["title"]
        assert variant.sku == each["sku"]
        assert variant.price == Decimal(each["price"])
        assert variant.compare_at_price == (None if was is None else Decimal(was))
        assert variant.inventory_item_id == each["inventory_item_id"]
        assert variant.inventory_policy == each["inventory_policy"].lower()
        assert variant.tracked == each["tracked"]


def stock_of(levels, told):
    expected = {
        (variant["inventory_item_id"], level["location_id"], level["available"])
        for product in told.values()
        for variant in product["variants"]
        for level in variant["stock"]
    }
    found = {(each.inventory_item_id, each.location_id, each.available) for each in levels}
    return found, expected


async def test_the_whole_catalogue_is_pulled_while_the_shop_throttles_and_fails(shop, site):
    seeded = next(iter(await truth(site)))
    await site.control("POST", f"products/{seeded}/variants", {"count": 300, "price": "10"})
    await site.control("PATCH", "throttle", {"maximum": 400, "restore_rate": 8000})
    for fault in (
        {"fault": "throttled", "count": 2},
        {"fault": "status", "status": 503},
        {"fault": "status", "status": 429},
        {"fault": "close"},
    ):
        await site.control("POST", "faults", fault)
    products, levels, pages = await pull(shop)
    told = await truth(site)
    assert products.keys() == told.keys()
    assert max(len(product.variants) for product in products.values()) > 300
    for number, product in products.items():
        assert_same(product, told[number])
    found, expected = stock_of(levels, told)
    assert found == expected
    assert [page.cursor for page in pages][-1] is None
    assert (await site.control("GET", "faults"))["graphql"] == []


async def test_a_pull_goes_on_where_it_was_cut(shop, site):
    await site.control("PATCH", "throttle", {"maximum": 60, "restore_rate": 8000})
    first = None
    async for page in shop.products():
        first = page
        break
    assert first.cursor is not None
    rest, _, _ = await pull(shop, after=first.cursor)
    assert len(first.products) + len(rest) == len(await truth(site))
    assert not rest.keys() & {product.id for product in first.products}


async def test_a_pull_since_some_moment_finds_what_changed(shop, site):
    nothing, _, pages = await pull(shop, updated_since=datetime.now(UTC) + timedelta(hours=1))
    assert nothing == {}
    assert [page.cursor for page in pages] == [None]
    everything, _, _ = await pull(shop, updated_since=datetime.now(UTC) - timedelta(hours=1))
    assert everything.keys() == (await truth(site)).keys()


async def test_one_product_and_some_variants(shop, site):
    told = await truth(site)
    number = next(iter(told))
    assert number > 2**53
    product = await shop.product(number)
    assert_same(product, told[number])
    assert await shop.product(1) is None
    asked = [variant.id for variant in product.variants]
    assert await shop.variants([*asked, 1]) == list(product.variants)
    assert await shop.variants([]) == []


async def test_an_item_with_many_locations_is_read_to_the_end(shop, site):
    told = await truth(site)
    variant = next(iter(told.values()))["variants"][0]
    for number in range(20):
        made = await site.control("POST", "locations", {"name": f"Shed {number}"})
        await site.control(
            "POST",
            "stock",
            {"variant_id": variant["id"], "available": number, "location_id": made["id"]},
        )
    levels = await shop.inventory_levels([variant["inventory_item_id"]], {})
    assert len({level.location_id for level in levels}) == len(levels) == 22
    assert (
        sum(level.available for level in levels) == sum(range(20)) + variant["inventory_quantity"]
    )


async def test_a_disconnected_level_does_not_come_back(shop, site):
    told = await truth(site)
    variant = next(iter(told.values()))["variants"][1]
    kept, gone = (level["location_id"] for level in variant["stock"])
    await site.control("POST", f"variants/{variant['id']}/disconnect", {"location_id": gone})
    levels = await shop.inventory_levels([variant["inventory_item_id"], 1], {})
    assert [level.location_id for level in levels] == [kept]
    assert isinstance(levels[0], InventoryLevel)
    assert levels[0].updated_at.tzinfo is UTC


async def test_a_closed_location_is_told_as_inactive(shop, site):
    before = await shop.locations()
    assert all(location.active for location in before)
    await site.control("PATCH", f"locations/{before[0].id}", {"is_active": False})
    after = {location.id: location.active for location in await shop.locations()}
    assert after == {before[0].id: False, before[1].id: True}


async def test_the_facts_of_the_shop(shop, site):
    facts = await shop.shop()
    assert (facts.name, facts.domain) == ("Snowdevil", SNOWDEVIL)
    assert (facts.currency, facts.timezone) == ("USD", "America/New_York")
    assert facts.country == "US"
    assert (facts.plan, facts.is_plus) == ("Basic", False)
    assert facts.url.startswith(site.url)


async def test_a_wrong_token_is_denied(connect):
    with pytest.raises(AccessDenied, match=SNOWDEVIL):
        await connect("shpat_wrong").shop()


async def uris(site):
    listed = await site.control("GET", "subscriptions")
    return sorted((each["topic"], each["uri"]) for each in listed["subscriptions"])


async def test_subscriptions_are_made_once(shop, site):
    changes = await shop.ensure_webhooks(TOPICS, HOOKS)
    assert changes == [WebhookChange(topic, "created") for topic in TOPICS]
    made = await uris(site)
    assert len(made) == len(TOPICS)
    assert {uri for _, uri in made} == {HOOKS}
    assert await shop.ensure_webhooks(TOPICS, HOOKS) == []
    assert await uris(site) == made


async def test_subscriptions_follow_the_app_and_leave_others_alone(shop, site):
    foreign = "https://other.example/inbox"
    await site.subscribe(foreign, "SHOP_UPDATE", "PRODUCTS_UPDATE")
    await shop.ensure_webhooks(["shop/update"], HOOKS)
    moved = HOOKS.replace("stoq.example", "new.example")
    changes = await shop.ensure_webhooks(["shop/update", "products/update"], moved)
    assert changes == [
        WebhookChange("shop/update", "updated"),
        WebhookChange("products/update", "created"),
    ]
    listed = [uri for _, uri in await uris(site)]
    assert sorted(listed) == sorted([foreign, foreign, moved, moved])


async def test_a_narrowed_subscription_is_widened(shop, site):
    await site.subscribe(HOOKS, "PRODUCTS_UPDATE", includeFields=["id"])
    changes = await shop.ensure_webhooks(["products/update"], HOOKS)
    assert changes == [WebhookChange("products/update", "updated")]
    assert await shop.ensure_webhooks(["products/update"], HOOKS) == []


async def test_an_address_that_the_shop_refuses_is_told_with_its_reason(shop, site):
    with pytest.raises(CommerceRefused, match="internal domain") as caught:
        await shop.ensure_webhooks(["shop/update"], "https://shop.myshopify.com/webhooks")
    assert caught.value.refusals[0].field == ("webhookSubscription", "callbackUrl")
    assert await uris(site) == []


def test_batches_fit_what_their_ids_cost():
    batches = Batches([str(number) for number in range(1000)])
    assert len(batches.next()) == 50
    batches.done(18.0)
    assert len(batches.next()) == 250
    batches.halve()
    assert len(batches.next()) == 125
    batches.done(900.0)
    batches.done(18.0)
    assert len(batches.next()) == 125
    asked = 50 + 125 + 125
    while ids := batches.next():
        assert ids[0] == str(asked)
        asked += len(ids)
        batches.done(None)
    assert asked == 1000
