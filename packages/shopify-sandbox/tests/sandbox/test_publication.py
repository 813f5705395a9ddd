"""What shoppers can open and buy: publication, places that sell online, variants made again."""

import json

import pytest

from sandbox.site import Receiver, bound_socket, serving

PRODUCT = """query ($id: ID!) { product(id: $id) {
  status onlineStoreUrl publishedAt
  variants(first: 5) { nodes {
    id sku title availableForSale inventoryQuantity sellableOnlineQuantity inventoryItem { tracked }
  } }
} }"""
LOCATIONS = "{ locations(first: 5) { nodes { id fulfillsOnlineOrders } } }"


@pytest.fixture
async def tote(site):
    """A product of one variant, of which the first location has three."""
    (found,) = [p for p in site.shop().products.values() if p.handle == "canvas-tote"]
    await site.control("POST", "stock", {"variant_id": found.variants[0].id, "available": 3})
    return found


@pytest.fixture
async def receiver(site):
    listening, url = bound_socket()
    receiver = Receiver()
    async with serving(receiver.app, listening):
        await site.subscribe(f"{url}/hooks", "PRODUCTS_UPDATE", "LOCATIONS_UPDATE")
        yield receiver


async def asked(site, product):
    answer = await site.graphql(PRODUCT, {"id": f"gid://shopify/Product/{product.id}"})
    return answer["data"]["product"]


async def told(site, receiver):
    await site.idle()
    return json.loads(receiver.taken[-1][1])


async def statuses(site, product):
    """What the page and the checkout answer."""
    page = await site.http.get(site.shop().product_url(product))
    form = {"variant_id": product.variants[0].id, "email": "ana@example.com", "country": "US"}
    bought = await site.http.post(f"{site.shop().url}/checkout", data=form)
    return page.status_code, bought.status_code


@pytest.mark.parametrize(
    "change",
    [
        {"status": "DRAFT"},
        {"status": "ARCHIVED"},
        {"published": False},
        {"published_at": "2999-01-01T00:00:00Z"},
    ],
)
async def test_nobody_can_open_what_is_not_published(site, tote, receiver, change):
    await site.control("PATCH", f"products/{tote.id}", change)
    answer = await asked(site, tote)
    assert answer["onlineStoreUrl"] is None
    assert answer["variants"]["nodes"][0]["sellableOnlineQuantity"] == 3
    assert await statuses(site, tote) == (404, 422)
    assert tote.title not in (await site.http.get(f"{site.shop().url}/")).text
    body = await told(site, receiver)
    assert body["status"] == answer["status"].lower()
    assert (body["published_at"] is None) == (answer["publishedAt"] is None)

    await site.control("PATCH", f"products/{tote.id}", {"status": "ACTIVE"} | again(change))
    assert (await asked(site, tote))["onlineStoreUrl"] == site.shop().product_url(tote)
    assert await statuses(site, tote) == (200, 303)
    assert (await told(site, receiver))["published_at"] is not None


def again(change):
    """The change that publishes a product which another change took away."""
    if "published_at" in change:
        return {"published_at": "2020-01-01T00:00:00+02:00"}
    return {"published": True} if "published" in change else {}


async def test_a_product_is_published_unless_it_is_made_otherwise(site):
    hidden = {"title": "Hidden", "published": False}
    assert not (await site.control("POST", "products", hidden))["is_open"]
    assert (await site.control("POST", "products", {"title": "Shown"}))["is_open"]
    later = {"title": "Later", "published_at": "2999-01-01T00:00:00Z"}
    made = await site.control("POST", "products", later)
    assert (made["is_open"], made["published_at"]) == (False, "2999-01-01T00:00:00.000Z")
    naive = {"title": "Naive", "published_at": "2999-01-01T00:00:00"}
    refused = await site.control("POST", "products", naive, status=422)
    assert "with its offset" in str(refused)


async def test_stock_that_no_online_order_gets_counts_in_the_total_alone(site, tote, receiver):
    first, *_ = site.shop().locations.values()
    await site.control("PATCH", f"locations/{first.id}", {"fulfills_online_orders": False})
    (variant,) = (await asked(site, tote))["variants"]["nodes"]
    assert (variant["inventoryQuantity"], variant["sellableOnlineQuantity"]) == (3, 0)
    assert not variant["availableForSale"]
    flags = [
        n["fulfillsOnlineOrders"]
        for n in (await site.graphql(LOCATIONS))["data"]["locations"]["nodes"]
    ]
    assert flags == [False, True]
    # As at Shopify, the webhook does not say it.
    assert "fulfills_online_orders" not in await told(site, receiver)


async def test_a_location_is_opened_for_the_counter_alone(site):
    made = await site.control(
        "POST", "locations", {"name": "Counter", "fulfills_online_orders": False}
    )
    assert made["fulfills_online_orders"] is False


async def test_what_is_not_tracked_can_always_be_bought(site, tote):
    variant = tote.variants[0]
    await site.control("POST", "stock", {"variant_id": variant.id, "available": 0})
    await site.control("PATCH", f"variants/{variant.id}", {"tracked": False})
    (shown,) = (await asked(site, tote))["variants"]["nodes"]
    assert (shown["inventoryItem"]["tracked"], shown["availableForSale"]) == (False, True)
    assert await statuses(site, tote) == (200, 303)


async def test_a_variant_made_again_is_another_one(site, tote, receiver):
    old = tote.variants[0]
    await site.control("DELETE", f"variants/{old.id}")
    rows = {"variants": [{"options": ["Default Title"], "sku": old.sku, "available": 2}]}
    (made,) = (await site.control("POST", f"products/{tote.id}/variants", rows))["variants"]
    assert (made["sku"], made["title"]) == (old.sku, old.title)
    assert made["id"] != old.id
    assert made["inventory_item_id"] != old.inventory_item.id
    assert [each["id"] for each in (await told(site, receiver))["variants"]] == [made["id"]]
