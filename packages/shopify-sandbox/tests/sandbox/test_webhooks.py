"""Webhooks: their bodies and headers, and what the courier does when things go wrong."""

import base64
import hashlib
import hmac
import json

import pytest

from sandbox.site import running
from tests.facts.load import webhook_samples


def first_variant(site):
    return next(iter(site.shop().variants.values()))


async def set_stock(site, available, variant=None):
    variant = variant or first_variant(site)
    return await site.control("POST", "stock", {"variant_id": variant.id, "available": available})


def body(taken):
    return json.loads(taken[1])


async def test_a_restock_tells_everything_it_changed_under_one_event_id(site, receiver):
    await site.subscribe(
        receiver.uri,
        "INVENTORY_LEVELS_UPDATE",
        "VARIANTS_IN_STOCK",
        "VARIANTS_OUT_OF_STOCK",
        "PRODUCTS_UPDATE",
        "INVENTORY_ITEMS_UPDATE",
    )
    action = await set_stock(site, 7)
    await site.idle()
    assert sorted(receiver.topics()) == [
        "inventory_levels/update",
        "products/update",
        "variants/in_stock",
    ]
    by_topic = {headers["X-Shopify-Topic"]: (headers, raw) for headers, raw in receiver.taken}
    assert {headers["X-Shopify-Event-Id"] for headers, _ in receiver.taken} == {action["event_id"]}
    assert len({headers["X-Shopify-Webhook-Id"] for headers, _ in receiver.taken}) == 3

    headers, raw = by_topic["inventory_levels/update"]
    signature = base64.b64encode(
        hmac.new(b"sandbox-client-secret", raw, hashlib.sha256).digest()
    ).decode()
    assert headers["X-Shopify-Hmac-Sha256"] == signature
    assert headers["X-Shopify-Shop-Domain"] == "snowdevil.myshopify.com"
    assert headers["X-Shopify-API-Version"] == "2026-07"
    assert headers["X-Shopify-Triggered-At"].endswith("Z")
    assert headers["Content-Type"] == "application/json"
    variant = first_variant(site)
    location = next(iter(site.shop().locations))
    level = json.loads(raw)
    assert (level["inventory_item_id"], level["location_id"], level["available"]) == (
        variant.inventory_item.id,
        location,
        7,
    )
    # Written with the shop's own offset: New York is never on UTC.
    assert level["updated_at"][-6:] in ("-05:00", "-04:00")

    stocked = body(by_topic["variants/in_stock"])
    assert (stocked["id"], stocked["inventory_quantity"], stocked["old_inventory_quantity"]) == (
        variant.id,
        7,
        0,
    )


async def test_only_the_crossing_of_zero_is_in_or_out_of_stock(site, receiver):
    await site.subscribe(receiver.uri, "VARIANTS_IN_STOCK", "VARIANTS_OUT_OF_STOCK")
    for available in (0, 3, 5, 0, -2, 1):
        await set_stock(site, available)
        await site.idle()
    assert receiver.topics() == [
        "variants/in_stock",
        "variants/out_of_stock",
        "variants/in_stock",
    ]


async def test_stock_set_through_graphql_is_announced_too(site, receiver):
    await site.subscribe(receiver.uri, "INVENTORY_LEVELS_UPDATE")
    item = first_variant(site).inventory_item
    location = next(iter(site.shop().locations))
    await site.graphql(
        """mutation ($input: InventorySetQuantitiesInput!) {
          inventorySetQuantities(input: $input) @idempotent(key: "k") { userErrors { code } } }""",
        {
            "input": {
                "name": "available",
                "reason": "restock",
                "quantities": [
                    {
                        "inventoryItemId": f"gid://shopify/InventoryItem/{item.id}",
                        "locationId": f"gid://shopify/Location/{location}",
                        "quantity": 2,
                        "changeFromQuantity": 0,
                    }
                ],
            }
        },
    )
    await site.idle()
    assert [body(each)["available"] for each in receiver.taken] == [2]


@pytest.mark.parametrize("topic", ["products/update", "inventory_levels/update"])
async def test_a_body_has_the_fields_of_shopifys_sample(site, receiver, topic):
    await site.subscribe(receiver.uri, topic.upper().replace("/", "_"))
    await set_stock(site, 4)
    await site.idle()
    ours, theirs = body(receiver.taken[0]), json.loads(webhook_samples()[topic])
    assert ours.keys() == theirs.keys()
    if topic == "products/update":
        assert ours["variants"][0].keys() == theirs["variants"][0].keys()


async def test_the_life_of_a_product_is_announced(site, receiver):
    await site.subscribe(
        receiver.uri,
        "PRODUCTS_CREATE",
        "PRODUCTS_UPDATE",
        "PRODUCTS_DELETE",
        "INVENTORY_ITEMS_CREATE",
        "INVENTORY_ITEMS_UPDATE",
        "INVENTORY_ITEMS_DELETE",
        "INVENTORY_LEVELS_CONNECT",
        "INVENTORY_LEVELS_DISCONNECT",
    )
    seen = []

    async def act(method, path, payload=None):
        before = len(receiver.taken)
        answer = await site.control(method, path, payload)
        await site.idle()
        seen.append(sorted(receiver.topics()[before:]))
        return answer

    product = await act("POST", "products", {"title": "New Hat"})
    variant = product["variants"][0]["id"]
    await act("PATCH", f"products/{product['id']}", {"title": "Newer Hat"})
    await act("PATCH", f"variants/{variant}", {"sku": "HAT", "price": "12.5"})
    location = product["variants"][0]["stock"][1]["location_id"]
    await act("POST", f"variants/{variant}/disconnect", {"location_id": location})
    await act("DELETE", f"products/{product['id']}")
    connects = ["inventory_levels/connect"] * 2
    assert seen == [
        ["inventory_items/create", *connects, "products/create"],
        ["products/update"],
        ["inventory_items/update", "products/update"],
        ["inventory_levels/disconnect"],
        ["inventory_items/delete", "products/delete"],
    ]


async def test_the_life_of_a_location_is_announced(site, receiver):
    topics = ("CREATE", "UPDATE", "ACTIVATE", "DEACTIVATE", "DELETE")
    await site.subscribe(receiver.uri, *(f"LOCATIONS_{each}" for each in topics))
    await site.subscribe(receiver.uri, "INVENTORY_LEVELS_DISCONNECT", "VARIANTS_OUT_OF_STOCK")
    first = next(iter(site.shop().locations))
    await site.control("DELETE", f"locations/{first}", status=422)
    await site.control("POST", "locations", {"name": "Third"})
    await site.control("PATCH", f"locations/{first}", {"name": "Elsewhere"})
    await site.idle()
    assert sorted(receiver.topics()) == ["locations/create", "locations/update"]
    receiver.taken.clear()
    await site.control("PATCH", f"locations/{first}", {"is_active": False})
    await site.idle()
    assert sorted(receiver.topics()) == ["locations/deactivate", "locations/update"]
    receiver.taken.clear()
    await site.control("DELETE", f"locations/{first}")
    await site.idle()
    assert receiver.topics().count("locations/delete") == 1
    assert receiver.topics().count("inventory_levels/disconnect") == len(site.shop().items)
    assert first not in site.shop().locations


async def test_a_subscription_may_want_some_fields_only(site, receiver):
    await site.subscribe(receiver.uri, "PRODUCTS_UPDATE", includeFields=["id", "title"])
    await set_stock(site, 3)
    await site.idle()
    assert body(receiver.taken[0]) == {"id": 9107199254741993, "title": "Alpine Snowboard"}


async def test_a_delivery_is_tried_again_under_the_same_id(site, receiver):
    await site.subscribe(receiver.uri, "INVENTORY_LEVELS_UPDATE")
    receiver.answers.extend([500, 404, 302])
    await set_stock(site, 3)
    await site.idle()
    assert len(receiver.taken) == 4
    assert len({headers["X-Shopify-Webhook-Id"] for headers, _ in receiver.taken}) == 1
    assert len({raw for _, raw in receiver.taken}) == 1
    (delivery,) = (await site.control("GET", "deliveries"))["deliveries"]
    assert delivery["state"] == "delivered"
    assert [each["status"] for each in delivery["attempts"]] == [500, 404, 302, 200]


async def test_an_address_that_never_answers_loses_its_subscription(site, receiver):
    await site.subscribe(receiver.uri, "INVENTORY_LEVELS_UPDATE", "PRODUCTS_UPDATE")
    await site.control(
        "POST", "faults", {"on": "webhooks", "fault": "drop", "topic": "products/update"}
    )
    receiver.answers.extend([500] * 9)
    await set_stock(site, 3)
    await site.idle()
    assert len(receiver.taken) == 9
    left = (await site.control("GET", "subscriptions"))["subscriptions"]
    assert [each["topic"] for each in left] == ["products/update"]
    failed = await site.control("GET", "deliveries?state=failed")
    assert failed["total_count"] == 1


async def test_an_answer_that_takes_too_long_is_a_failure(receiver):
    async with running(answer_timeout=1.0) as site:
        await site.subscribe(receiver.uri, "INVENTORY_LEVELS_UPDATE")
        receiver.answers.append("hang")
        await set_stock(site, 3)
        await site.idle()
        (delivery,) = (await site.control("GET", "deliveries"))["deliveries"]
        first, second = delivery["attempts"]
        assert first["status"] is None
        assert "Timeout" in first["error"]
        assert second["status"] == 200


async def test_a_refused_connection_is_a_failure(site):
    await site.subscribe("http://127.0.0.1:1/", "INVENTORY_LEVELS_UPDATE")
    await set_stock(site, 3)
    await site.idle()
    (delivery,) = (await site.control("GET", "deliveries"))["deliveries"]
    assert delivery["state"] == "failed"
    assert all("ConnectError" in each["error"] for each in delivery["attempts"])


async def test_duplicates_on_demand_have_the_same_webhook_id(site, receiver):
    await site.subscribe(receiver.uri, "INVENTORY_LEVELS_UPDATE")
    await site.control("POST", "faults", {"on": "webhooks", "fault": "duplicate"})
    await set_stock(site, 3)
    await set_stock(site, 4)
    await site.idle()
    ids = [headers["X-Shopify-Webhook-Id"] for headers, _ in receiver.taken]
    assert (len(ids), len(set(ids))) == (3, 2)


async def test_what_was_delivered_can_be_sent_again(site, receiver):
    await site.subscribe(receiver.uri, "INVENTORY_LEVELS_UPDATE")
    await set_stock(site, 3)
    await site.idle()
    webhook_id = receiver.taken[0][0]["X-Shopify-Webhook-Id"]
    await site.control("POST", f"deliveries/{webhook_id}/redeliver")
    await site.idle()
    assert [headers["X-Shopify-Webhook-Id"] for headers, _ in receiver.taken] == [webhook_id] * 2
    await site.control("POST", "deliveries/none/redeliver", status=404)


async def test_held_deliveries_come_in_the_wrong_order(site, receiver):
    await site.subscribe(receiver.uri, "INVENTORY_LEVELS_UPDATE")
    await site.control("POST", "faults", {"on": "webhooks", "fault": "hold", "count": 3})
    for available in (1, 2, 3):
        await set_stock(site, available)
    await site.idle()
    assert receiver.taken == []
    released = await site.control("POST", "faults/release", {"reverse": True})
    assert released == {"released": 3}
    await site.idle()
    assert [body(each)["available"] for each in receiver.taken] == [3, 2, 1]


async def test_a_dropped_delivery_never_comes(site, receiver):
    await site.subscribe(receiver.uri, "INVENTORY_LEVELS_UPDATE")
    await site.control("POST", "faults", {"on": "webhooks", "fault": "drop"})
    await set_stock(site, 1)
    await set_stock(site, 2)
    await site.idle()
    assert [body(each)["available"] for each in receiver.taken] == [2]


async def test_a_signature_is_forged_on_demand(site, receiver):
    await site.subscribe(receiver.uri, "INVENTORY_LEVELS_UPDATE")
    await site.control("POST", "faults", {"on": "webhooks", "fault": "corrupt_signature"})
    await set_stock(site, 1)
    await site.idle()
    headers, raw = receiver.taken[0]
    good = base64.b64encode(hmac.new(b"sandbox-client-secret", raw, hashlib.sha256).digest())
    assert headers["X-Shopify-Hmac-Sha256"] != good.decode()


async def test_an_uninstalled_app_is_told_once_and_shut_out(site, receiver):
    await site.subscribe(receiver.uri, "APP_UNINSTALLED", "INVENTORY_LEVELS_UPDATE")
    await site.control("POST", "uninstall")
    await set_stock(site, 9)
    await site.idle()
    assert receiver.topics() == ["app/uninstalled"]
    assert body(receiver.taken[0])["myshopify_domain"] == "snowdevil.myshopify.com"
    assert (await site.post("{ shop { id } }")).status_code == 401
    await site.control("POST", "install")
    assert (await site.graphql("{ webhookSubscriptions(first: 9) { nodes { id } } }"))["data"] == {
        "webhookSubscriptions": {"nodes": []}
    }


async def test_privacy_topics_go_where_the_app_is_configured_for_them(receiver):
    async with running(compliance_url=receiver.uri) as site:
        for topic in ("customers/data_request", "customers/redact", "shop/redact"):
            asked = {"topic": topic}
            if topic != "shop/redact":
                asked |= {"customer": {"id": 1, "email": "a@example.com"}, "orders": [5]}
            await site.control("POST", "compliance", asked)
            await site.idle()
        assert receiver.topics() == ["customers/data_request", "customers/redact", "shop/redact"]
        request, redact, shop = map(body, receiver.taken)
        assert request["orders_requested"] == redact["orders_to_redact"] == [5]
        assert shop == {"shop_id": site.shop().id, "shop_domain": "snowdevil.myshopify.com"}


async def test_plain_http_addresses_are_refused_unless_allowed():
    async with running(allow_http=False) as site:
        answer = await site.graphql(
            """mutation { webhookSubscriptionCreate(
              topic: SHOP_UPDATE, webhookSubscription: {uri: "http://example.com/"}) {
                webhookSubscription { id } userErrors { field message } } }"""
        )
        assert answer["data"]["webhookSubscriptionCreate"] == {
            "webhookSubscription": None,
            "userErrors": [
                {
                    "field": ["webhookSubscription", "callbackUrl"],
                    "message": "Address protocol http:// is not supported",
                }
            ],
        }
