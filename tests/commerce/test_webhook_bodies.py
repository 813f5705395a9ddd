"""Bodies of deliveries: samples of Shopify's, odd ones, and malformed ones."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from openstoq.commerce.port import InventoryItem, InventoryLevel, Location
from openstoq.commerce.shopify import webhooks
from tests.commerce.webhook_bodies import encoded, sample


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
