"""Deliveries: their signature, their headers and their bodies."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from facts.load import webhook_samples
from openstoq.commerce import inbound
from openstoq.commerce.port import InventoryItem, InventoryLevel, Location
from openstoq.commerce.shopify import webhooks
from openstoq.commerce.shopify.inbound import ShopifyInbound
from openstoq.commerce.shopify.subscriptions import TOPICS
from openstoq.errors import BadRequest

BODY = b'{"id": 271878346596884015}'
SHOPIFY = ShopifyInbound()
HEADERS = {
    "X-Shopify-Topic": "inventory_levels/update",
    "X-Shopify-Shop-Domain": "Snowdevil.myshopify.com",
    "X-Shopify-Webhook-Id": "b54557e4-bdd9-4b37-8a5f-bf7d70bcd043",
    "X-Shopify-Event-Id": "98880550-7158-44d4-b7cd-2c97c8a091b5",
    "X-Shopify-Triggered-At": "2026-06-20T14:30:00.123456789Z",
    "X-Shopify-API-Version": "2026-07",
    "X-Shopify-Name": "stock",
}


def sign(body, secret):
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def encoded(value):
    return json.dumps(value).encode()


def sample(topic):
    return webhook_samples()[topic]


def test_the_current_and_the_previous_secret_sign():
    for secret in ("new", "old"):
        assert webhooks.verify(BODY, sign(BODY, secret), ["new", "old"])


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "x",
        "é",
        sign(BODY, "other"),
        sign(BODY + b" ", "new"),
        sign(BODY, "new").rstrip("="),
        sign(BODY, "new") + "=",
        sign(BODY, ""),
        hmac.new(b"new", BODY, hashlib.sha256).hexdigest(),
    ],
)
def test_nothing_else_does(header):
    assert not webhooks.verify(BODY, header, ["new", "old", ""])
    assert not webhooks.verify(BODY, sign(BODY, "new"), [])


def test_headers_are_read_in_any_case():
    for headers in (HEADERS, {name.upper(): value for name, value in HEADERS.items()}):
        assert webhooks.delivery(headers) == inbound.Delivery(
            topic="inventory_levels/update",
            shop_domain="snowdevil.myshopify.com",
            webhook_id="b54557e4-bdd9-4b37-8a5f-bf7d70bcd043",
            event_id="98880550-7158-44d4-b7cd-2c97c8a091b5",
            triggered_at=datetime(2026, 6, 20, 14, 30, 0, 123456, UTC),
            api_version="2026-07",
            name="stock",
        )


def test_what_only_newer_deliveries_carry_may_be_missing():
    needed = {name: HEADERS[name] for name in list(HEADERS)[:3]}
    got = webhooks.delivery(needed)
    assert (got.event_id, got.triggered_at, got.api_version, got.name) == (None,) * 4


def test_every_missing_header_is_named():
    with pytest.raises(BadRequest) as caught:
        webhooks.delivery({"X-Shopify-Event-Id": "x", "X-Shopify-Webhook-Id": "  "})
    assert caught.value.messages == [
        "The header X-Shopify-Topic is missing.",
        "The header X-Shopify-Shop-Domain is missing.",
        "The header X-Shopify-Webhook-Id is missing.",
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-Shopify-Shop-Domain", "evil.example"),
        ("X-Shopify-Shop-Domain", "a.myshopify.com.evil.example"),
        ("X-Shopify-Webhook-Id", "x" * 300),
        ("X-Shopify-Triggered-At", "yesterday"),
    ],
)
def test_a_wrong_header_is_named(name, value):
    with pytest.raises(BadRequest, match=name):
        webhooks.delivery(HEADERS | {name: value})


@pytest.mark.parametrize("topic", [*TOPICS, *webhooks.PRIVACY_TOPICS])
def test_shopifys_own_samples_are_read(topic):
    stands_in = {
        "locations/activate": "locations/update",
        "locations/deactivate": "locations/update",
        "locations/delete": "products/delete",
        "markets/create": "markets/update",
        "markets/delete": "products/delete",
    }
    body = sample(stands_in.get(topic, topic))
    assert SHOPIFY.change(topic, body) is not None


ORDER = inbound.OrderChanged(820982911946154508)
FULFILLMENT_ORDER = inbound.FulfillmentOrderChanged(1)
HEARD = {
    "orders/cancelled": ORDER,
    "orders/create": ORDER,
    "orders/delete": inbound.OrderDeleted(820982911946154508),
    "orders/edited": ORDER,
    "orders/fulfilled": ORDER,
    "orders/paid": ORDER,
    "orders/partially_fulfilled": ORDER,
    "orders/updated": ORDER,
    "refunds/create": ORDER,
    "order_transactions/create": ORDER,
    "fulfillments/create": ORDER,
    "fulfillments/update": ORDER,
    "fulfillment_holds/added": FULFILLMENT_ORDER,
    "fulfillment_holds/released": FULFILLMENT_ORDER,
    "fulfillment_orders/cancelled": FULFILLMENT_ORDER,
    "fulfillment_orders/hold_released": FULFILLMENT_ORDER,
    "fulfillment_orders/merged": FULFILLMENT_ORDER,
    "fulfillment_orders/moved": inbound.FulfillmentOrderChanged(2),
    "fulfillment_orders/order_routing_complete": FULFILLMENT_ORDER,
    "fulfillment_orders/placed_on_hold": FULFILLMENT_ORDER,
    "fulfillment_orders/rescheduled": FULFILLMENT_ORDER,
    "fulfillment_orders/scheduled_fulfillment_order_ready": FULFILLMENT_ORDER,
    "fulfillment_orders/split": FULFILLMENT_ORDER,
    "payment_schedules/due": inbound.PaymentScheduleDue(606405506930370084, 706405506930370084),
    "markets/update": inbound.MarketsChanged(),
}


@pytest.mark.parametrize("topic", HEARD)
def test_a_sample_of_what_is_told_of_orders(topic):
    assert SHOPIFY.change(topic, sample(topic)) == HEARD[topic]


@pytest.mark.parametrize(
    ("topic", "told", "change"),
    [
        ("orders/create", {"id": "gid://shopify/Order/9007199254740993"}, 9007199254740993),
        ("orders/paid", {"id": 5, "line_items": [], "order_number": 1001}, 5),
        ("orders/edited", {"order_edit": {"id": 1, "order_id": 5}}, 5),
        ("refunds/create", {"id": 1, "order_id": 5}, 5),
        ("order_transactions/create", {"id": 1, "order_id": "5", "kind": "sale"}, 5),
        ("fulfillments/update", {"id": 1, "order_id": 5, "status": "success"}, 5),
    ],
)
def test_what_is_told_of_an_order_names_the_order(topic, told, change):
    assert SHOPIFY.change(topic, encoded(told)) == inbound.OrderChanged(change)


@pytest.mark.parametrize(
    ("topic", "told", "change"),
    [
        (
            "fulfillment_holds/added",
            {
                "fulfillment_order": {"id": "gid://shopify/FulfillmentOrder/7"},
                "fulfillment_hold": {"id": "gid://shopify/FulfillmentHold/8"},
            },
            inbound.FulfillmentOrderChanged(7),
        ),
        (
            "fulfillment_orders/split",
            {
                "fulfillment_order": {"id": "gid://shopify/FulfillmentOrder/7", "status": "open"},
                "remaining_fulfillment_order": {"id": "gid://shopify/FulfillmentOrder/8"},
            },
            inbound.FulfillmentOrderChanged(7),
        ),
        (
            "fulfillment_orders/merged",
            {
                "merge_intents": [{"fulfillment_order_id": 6}, {"fulfillment_order_id": 7}],
                "fulfillment_order_merges": {
                    "fulfillment_order": {"id": "gid://shopify/FulfillmentOrder/7"}
                },
            },
            inbound.FulfillmentOrderChanged(7),
        ),
        (
            "payment_schedules/due",
            {"id": 7, "balance_due": "80.00"},
            inbound.PaymentScheduleDue(7, None),
        ),
        ("orders/delete", {"id": 7}, inbound.OrderDeleted(7)),
        ("markets/create", {"id": 7, "status": "active"}, inbound.MarketsChanged()),
        ("markets/delete", {"id": 7}, inbound.MarketsChanged()),
    ],
)
def test_what_else_is_told_around_orders(topic, told, change):
    assert SHOPIFY.change(topic, encoded(told)) == change


@pytest.mark.parametrize(
    ("topic", "told", "sentence"),
    [
        ("orders/create", {}, "id must be a Shopify id"),
        ("orders/edited", {"id": 5}, "order_edit.order_id"),
        ("refunds/create", {"id": 5}, "order_id"),
        ("fulfillments/create", {"id": 5, "order_id": None}, "order_id"),
        ("fulfillment_orders/split", {"fulfillment_order": None}, "fulfillment_order.id"),
        ("fulfillment_orders/split", {"fulfillment_order": 7}, "must be an object"),
        (
            "fulfillment_orders/merged",
            {"fulfillment_order_merges": []},
            "fulfillment_order_merges must be an object",
        ),
        ("payment_schedules/due", {"payment_terms_id": 7}, "id must be a Shopify id"),
    ],
)
def test_what_names_no_order_is_told_by_its_field(topic, told, sentence):
    with pytest.raises(ValueError, match=sentence):
        SHOPIFY.change(topic, encoded(told))


def test_a_topic_that_says_nothing_to_us_is_passed_over():
    assert SHOPIFY.change("carts/update", b"{}") is None


def test_a_sample_of_a_level():
    assert webhooks.inventory_level(sample("inventory_levels/update")) == InventoryLevel(
        inventory_item_id=271878346596884015,
        location_id=24826418,
        available=10,
        updated_at=datetime(2022, 1, 1, tzinfo=UTC),
    )
    gone = webhooks.disconnected_level(sample("inventory_levels/disconnect"))
    assert gone == InventoryLevel(271878346596884015, 24826418, 0, None, active=False)


def test_a_sample_of_a_product():
    change = webhooks.product(sample("products/update"))
    assert change.product.id == 788032119674292922
    assert change.product.status == "active"
    assert change.product.url is None
    assert [each.title for each in change.product.variants] == ["Small", "Medium"]
    assert change.product.variants[0].price == Decimal("19.99")
    assert change.product.variants[0].inventory_item_id is None
    assert change.product.variants[0].tracked is None
    assert change.further_variant_ids == ()


def test_a_sample_of_a_privacy_request():
    for topic in ("customers/data_request", "customers/redact"):
        asked = webhooks.privacy_request(sample(topic))
        assert (asked.shop_id, asked.customer_id) == (954889, 191167)
        assert (asked.email, asked.phone) == ("john@example.com", "555-625-1199")
        assert asked.order_ids == (299938, 280263, 220458)
    whole_shop = webhooks.privacy_request(sample("shop/redact"))
    assert (whole_shop.shop_id, whole_shop.customer_id, whole_shop.order_ids) == (954889, None, ())


def test_levels_are_read_from_text_nulls_and_what_is_missing():
    told = {"inventory_item_id": "9007199254740993", "location_id": "gid://shopify/Location/7"}
    for available, expected in (("-3", -3), (None, 0), (4.0, 4), (-2, -2)):
        got = webhooks.inventory_level(encoded(told | {"available": available}))
        assert got == InventoryLevel(9007199254740993, 7, expected, None)
    assert webhooks.inventory_level(encoded(told)).available == 0


def test_variants_beyond_the_first_hundred_are_named():
    told = {
        "id": 1,
        "variants": [{"id": 11}],
        "variant_gids": [
            {"admin_graphql_api_id": f"gid://shopify/ProductVariant/{each}"}
            for each in (11, 12, 13)
        ],
    }
    change = webhooks.product(encoded(told))
    assert [each.id for each in change.product.variants] == [11]
    assert change.further_variant_ids == (12, 13)


def test_pictures_of_a_product_and_its_variants():
    told = {
        "id": 1,
        "image": {"id": 5, "src": "https://cdn.example/5"},
        "images": [
            {"id": 5, "src": "https://cdn.example/5"},
            {"id": 6, "src": "https://cdn.example/6"},
        ],
        "variants": [
            {"id": 12, "image_id": None, "position": 2},
            {"id": 11, "image_id": 6, "position": 1, "inventory_policy": "continue"},
        ],
    }
    product = webhooks.product(encoded(told)).product
    assert product.image_url == "https://cdn.example/5"
    assert [each.image_url for each in product.variants] == ["https://cdn.example/6", ""]
    assert [each.inventory_policy for each in product.variants] == ["continue", "deny"]


@pytest.mark.parametrize(
    ("told", "picture"),
    [
        ({"image": None, "images": []}, ""),
        ({"image": None}, ""),
        ({"images": []}, ""),
        ({"images": [{"id": 6, "src": "https://cdn.example/6"}]}, "https://cdn.example/6"),
        ({}, None),
    ],
)
def test_a_picture_that_is_gone_is_told_from_one_that_is_not_spoken_of(told, picture):
    product = webhooks.product(encoded({"id": 1} | told)).product
    assert product.image_url == picture


def test_a_variants_picture_that_is_gone_is_told_from_one_that_is_not_spoken_of():
    variants = [{"id": 11, "image_id": None}, {"id": 12}, {"id": 13, "image_id": 404}]
    product = webhooks.product(encoded({"id": 1, "variants": variants})).product
    assert [each.image_url for each in product.variants] == ["", None, None]


def test_items_and_locations_with_nothing_but_an_id():
    assert webhooks.inventory_item(b'{"id": 3}') == InventoryItem(3, None, None, None)
    assert webhooks.location(b'{"id": 3}') == Location(3, "", active=True)
    assert webhooks.location(b'{"id": 3, "active": false}').active is False
    assert webhooks.inventory_item(b'{"id": 3, "tracked": "false"}').tracked is False


@pytest.mark.parametrize(
    ("read", "told", "sentence"),
    [
        (webhooks.deleted_id, {}, "id must be a Shopify id"),
        (webhooks.deleted_id, {"id": 2**63}, "id must be a Shopify id"),
        (webhooks.deleted_id, {"id": 10**40}, "id must be a Shopify id"),
        (webhooks.deleted_id, {"id": 1.5}, "id must be a Shopify id"),
        (webhooks.deleted_id, [], "the body must be an object"),
        (webhooks.deleted_id, None, "the body must be an object"),
        (webhooks.inventory_level, {"location_id": 1}, "inventory_item_id"),
        (webhooks.inventory_level, {"inventory_item_id": 1}, "location_id"),
        (
            webhooks.inventory_level,
            {"inventory_item_id": 1, "location_id": 2, "available": "many"},
            "available must be a number",
        ),
        (
            webhooks.inventory_level,
            {"inventory_item_id": 1, "location_id": 2, "available": 1.5},
            "available must be a whole number",
        ),
        (
            webhooks.inventory_level,
            {"inventory_item_id": 1, "location_id": 2, "available": 2**40},
            "available must be a whole number",
        ),
        (
            webhooks.inventory_level,
            {"inventory_item_id": 1, "location_id": 2, "updated_at": 5},
            "updated_at must be an RFC 3339 time",
        ),
        (webhooks.product, {"id": 1, "variants": {}}, "variants must be a list"),
        (webhooks.product, {"id": 1, "variants": [7]}, "variants.0 must be an object"),
        (webhooks.product, {"id": 1, "variants": [{"id": "x"}]}, "variants.0.id"),
        (webhooks.product, {"id": 1, "title": []}, "title must be a text"),
        (webhooks.product, {"id": 1, "variants": [{"id": 2, "price": "1e999"}]}, "price"),
        (webhooks.product, {"id": 1, "variants": [{"id": 2, "price": "NaN"}]}, "price"),
        (webhooks.product, {"id": 1, "variant_gids": [{}]}, "variant_gids.0.admin_graphql_api_id"),
        (webhooks.inventory_item, {"id": 1, "tracked": "perhaps"}, "tracked must be true or false"),
        (
            webhooks.privacy_request,
            {"shop_id": 1, "customer": "john"},
            "customer must be an object",
        ),
        (webhooks.privacy_request, {"shop_id": 1, "orders_to_redact": ["x"]}, "orders_to_redact.0"),
    ],
)
def test_a_malformed_body_is_told_by_its_field(read, told, sentence):
    with pytest.raises(ValueError, match=sentence):
        read(encoded(told))


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff", b'{"id": NaN}', b'"\\ud800"', b"[" * 100_000, b"1" * 5000]
)
def test_a_body_that_is_not_json_is_a_value_error(body):
    with pytest.raises(ValueError, match="the body must be"):
        webhooks.deleted_id(body)


def test_a_text_never_carries_a_nul():
    assert webhooks.location(b'{"id": 3, "name": "Aspen\\u0000Shop"}').name == "AspenShop"
