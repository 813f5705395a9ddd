"""Deliveries: their signature, their headers, and what each topic says changed."""

import base64
import hashlib
import hmac
from datetime import UTC, datetime

import pytest

from openstoq.commerce import inbound
from openstoq.commerce.shopify import webhooks
from openstoq.commerce.shopify.inbound import ShopifyInbound
from openstoq.commerce.shopify.subscriptions import TOPICS
from openstoq.errors import BadRequest
from tests.commerce.webhook_bodies import encoded, sample

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


FULFILLMENT_ORDER = inbound.FulfillmentOrderChanged((1,))


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
    "fulfillment_orders/merged": inbound.FulfillmentOrderChanged((1, 2)),
    "fulfillment_orders/moved": inbound.FulfillmentOrderChanged((2, 1)),
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
            inbound.FulfillmentOrderChanged((7,)),
        ),
        (
            "fulfillment_orders/split",
            {
                "fulfillment_order": {"id": "gid://shopify/FulfillmentOrder/7", "status": "open"},
                "remaining_fulfillment_order": {"id": "gid://shopify/FulfillmentOrder/8"},
            },
            inbound.FulfillmentOrderChanged((7,)),
        ),
        (
            "fulfillment_orders/merged",
            {
                "merge_intents": [{"fulfillment_order_id": 6}, {"fulfillment_order_id": 7}],
                "fulfillment_order_merges": {
                    "fulfillment_order": {"id": "gid://shopify/FulfillmentOrder/7"}
                },
            },
            inbound.FulfillmentOrderChanged((7, 6)),
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
