"""Orders at a point of sale and of companies: as the Admin API and webhooks tell of them."""

import json

import pytest

from sandbox.buying import plan, variant_with

ORIGIN = """query ($id: ID!) { order(id: $id) {
  sourceName
  retailLocation { id name fulfillsOnlineOrders address { countryCode } }
  purchasingEntity {
    __typename
    ... on Customer { email: displayName }
    ... on PurchasingCompany { company { id name } location { id name } }
  }
} }"""


async def buy(site, variant, quantity=1, *, status=200, plan_id=None, **facts):
    lines = [{"variant_id": variant.id, "quantity": quantity, "plan_id": plan_id}]
    return await site.control("POST", "orders", {"lines": lines, **facts}, status=status)


async def origin(site, order):
    told = await site.graphql(ORIGIN, {"id": f"gid://shopify/Order/{order['id']}"})
    return told["data"]["order"]


def place(site, online=True):
    """A location of the shop, which fulfills online orders or does not."""
    found = next(iter(site.shop().locations.values()))
    found.fulfills_online_orders = online
    return found


@pytest.fixture
async def news(site, receiver):
    """The last body of orders/create."""
    await site.subscribe(receiver.uri, "ORDERS_CREATE")

    async def news():
        await site.idle()
        return json.loads(receiver.taken[-1][1])

    return news


async def test_an_order_of_the_online_store(site, news):
    order = await buy(site, variant_with(site), customer={"email": "ana@example.com"})
    assert await origin(site, order) == {
        "sourceName": "web",
        "retailLocation": None,
        "purchasingEntity": {"__typename": "Customer", "email": "ana@example.com"},
    }
    told = await news()
    assert (told["source_name"], told["location_id"], told["company"]) == ("web", None, None)
    guest = await buy(site, variant_with(site))
    assert (await origin(site, guest))["purchasingEntity"] is None


async def test_an_order_at_a_point_of_sale(site, news):
    there = place(site)
    order = await buy(site, variant_with(site), point_of_sale={"location_id": there.id})
    told = await origin(site, order)
    assert told["sourceName"] == "pos"
    assert told["retailLocation"] == {
        "id": f"gid://shopify/Location/{there.id}",
        "name": there.name,
        "fulfillsOnlineOrders": True,
        "address": {"countryCode": there.country_code},
    }
    body = await news()
    assert (body["source_name"], body["location_id"]) == ("pos", there.id)
    (parcel,) = site.shop().orders[order["id"]].fulfillment_orders
    assert (parcel.location, parcel.status) == (there, "OPEN")


async def test_staff_sell_what_is_not_there_and_take_it_from_their_own_stock(site):
    there, variant = place(site, online=False), variant_with(site)
    level = variant.inventory_item.levels[there.id]
    others = [one.available for one in variant.inventory_item.levels.values() if one is not level]
    variant.inventory_policy = "DENY"
    left, online = level.available, variant.sellable_online_quantity
    await buy(site, variant, left + 2, point_of_sale={"location_id": there.id})
    assert level.available == -2
    assert variant.sellable_online_quantity == online
    kept = [one.available for one in variant.inventory_item.levels.values() if one is not level]
    assert kept == others


async def test_what_is_carried_out_is_fulfilled_at_once(site):
    order = await buy(site, variant_with(site), point_of_sale={"carried_out": True})
    assert order["fulfillment_status"] == "FULFILLED"


async def test_an_order_of_a_company(site, news):
    first = await buy(site, variant_with(site), company={"name": "Acme", "location": "Lyon"})
    second = await buy(site, variant_with(site), company={"name": "Acme"})
    told = [(await origin(site, each))["purchasingEntity"] for each in (first, second)]
    assert [each["__typename"] for each in told] == ["PurchasingCompany"] * 2
    assert [each["location"]["name"] for each in told] == ["Lyon", "Acme"]
    assert told[0]["company"] == told[1]["company"]
    assert told[0]["location"]["id"] != told[1]["location"]["id"]
    again = await buy(site, variant_with(site), company={"name": "Acme", "location": "Lyon"})
    assert (await origin(site, again))["purchasingEntity"] == told[0]
    body = await news()
    assert body["source_name"] == "web"
    assert f"gid://shopify/Company/{body['company']['id']}" == told[0]["company"]["id"]


@pytest.mark.parametrize("where", [{"point_of_sale": {}}, {"company": {"name": "Acme"}}])
async def test_selling_plans_are_sold_online_only(site, where):
    variant = variant_with(site)
    plan_id = await plan(site, variant)
    await buy(site, variant, plan_id=plan_id, status=422, **where)
    assert site.shop().orders == {}


async def test_a_closed_or_unknown_location_is_refused(site):
    there = place(site)
    there.is_active = False
    for number in (there.id, 1):
        await buy(site, variant_with(site), point_of_sale={"location_id": number}, status=422)
    assert site.shop().orders == {}
