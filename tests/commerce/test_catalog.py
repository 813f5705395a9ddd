"""What the catalogue's readers make of answers that the sandbox shop does not give."""

import pytest

from openstoq.commerce.port import (
    AccessDenied,
    CommerceRefused,
    CommerceUnreadable,
    WebhookChange,
)
from openstoq.commerce.shopify.answers import TooExpensive
from tests.commerce.server import answer

END = {"hasNextPage": False, "endCursor": None}
TOO_DEAR = {"message": "Query cost is 1723.", "extensions": {"code": "MAX_COST_EXCEEDED"}}


def denied(scope, *path):
    return {
        "message": f"Access denied for {path[-1]} field.",
        "extensions": {"code": "ACCESS_DENIED", "requiredAccess": f"`{scope}` access scope."},
        "path": list(path),
    }


def variant(number):
    return {
        "id": f"gid://shopify/ProductVariant/{number}",
        "title": f"Size {number}",
        "sku": None,
        "price": "19.90",
        "compareAtPrice": None,
        "inventoryPolicy": "CONTINUE",
        "position": number,
        "updatedAt": "2026-06-20T14:30:00Z",
        "inventoryItem": {"id": f"gid://shopify/InventoryItem/{number}", "tracked": True},
        "media": {"nodes": [{"preview": {"image": {"url": f"https://cdn.example/{number}"}}}]},
    }


def product(number, *variants, more=False):
    return {
        "id": f"gid://shopify/Product/{number}",
        "title": "Hat",
        "handle": "hat",
        "vendor": "Acme",
        "status": "UNLISTED",
        "onlineStoreUrl": None,
        "updatedAt": "2026-06-20T14:30:00Z",
        "featuredMedia": None,
        "variants": {
            "nodes": list(variants),
            "pageInfo": {"hasNextPage": more, "endCursor": "v1" if more else None},
        },
    }


def products(*nodes, page=END):
    return answer({"products": {"nodes": list(nodes), "pageInfo": page}})


def no_levels(variables):
    nodes = [
        {"id": each, "inventoryLevels": {"nodes": [], "pageInfo": END}} for each in variables["ids"]
    ]
    return answer({"nodes": nodes})


async def test_a_page_that_is_too_dear_is_asked_for_in_halves(shop, admin):
    admin.operations["InventoryLevelsByItem"] = no_levels
    admin.replies(answer(errors=[TOO_DEAR]), answer(errors=[TOO_DEAR]), products(product(1)))
    pages = [page async for page in shop.products(after="c7")]
    assert [each["variables"]["first"] for each in admin.requests] == [50, 25, 12]
    assert {each["variables"]["after"] for each in admin.requests} == {"c7"}
    assert [found.id for found in pages[0].products] == [1]


async def test_a_page_of_one_that_is_too_dear_is_told(shop, admin):
    admin.operations["ProductsPage"] = lambda _: answer(errors=[TOO_DEAR])
    with pytest.raises(TooExpensive):
        await anext(shop.products())
    assert [each["variables"]["first"] for each in admin.requests] == [50, 25, 12, 6, 3, 1]


async def test_levels_that_are_too_dear_are_asked_for_in_halves_and_none_is_lost(shop, admin):
    def at_most_thirty(variables):
        too_many = len(variables["ids"]) > 30
        return answer(errors=[TOO_DEAR]) if too_many else no_levels(variables)

    admin.operations["InventoryLevelsByItem"] = at_most_thirty
    await shop.inventory_levels(range(1, 101), {})
    asked = [
        each
        for request in admin.requests
        if len(request["variables"]["ids"]) <= 30
        for each in request["variables"]["ids"]
    ]
    assert asked == [f"gid://shopify/InventoryItem/{number}" for number in range(1, 101)]


async def test_a_scope_missing_for_stock_is_not_read_as_no_stock(shop, admin):
    admin.replies(
        answer({"nodes": [None]}, [denied("read_inventory", "nodes", 0, "inventoryLevels")])
    )
    with pytest.raises(AccessDenied) as caught:
        await shop.inventory_levels([1], {})
    assert caught.value.scopes == ("read_inventory",)


async def test_a_picture_that_is_denied_costs_only_the_picture(shop, admin):
    without = product(1, variant(1) | {"media": None})
    errors = [denied("read_files", "product", "variants", "nodes", 0, "media")]
    admin.replies(answer({"product": without}, errors))
    found = await shop.product(1)
    assert (found.image_url, found.variants[0].image_url) == (None, None)
    assert found.variants[0].title == "Size 1"


async def test_a_picture_that_is_none_is_told_from_one_that_is_not_ready(shop, admin):
    plain = variant(1) | {"media": {"nodes": []}}
    shown = variant(2) | {"media": {"nodes": [{"preview": {"image": None}}]}}
    admin.replies(answer({"product": product(1, plain, shown)}))
    found = await shop.product(1)
    assert [each.image_url for each in found.variants] == ["", None]


async def test_pictures_policy_and_status_are_read(shop, admin):
    admin.replies(answer({"product": product(1, variant(7))}))
    found = await shop.product(1)
    assert (found.status, found.url, found.image_url) == ("unlisted", None, "")
    assert found.variants[0].image_url == "https://cdn.example/7"
    assert found.variants[0].inventory_policy == "continue"
    assert str(found.variants[0].price) == "19.90"


async def test_a_product_deleted_while_it_was_read_keeps_what_was_read(shop, admin):
    admin.replies(answer({"product": product(1, variant(1), more=True)}), answer({"product": None}))
    found = await shop.product(1)
    assert [each.id for each in found.variants] == [1]


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (
            {"product": product(1, variant(1) | {"id": "gid://shopify/ProductVariant/x"})},
            "nodes.0.id",
        ),
        ({"product": product(1, variant(1) | {"price": "free"})}, "price must be a number"),
        ({"product": product(1, variant(1) | {"updatedAt": "once"})}, "RFC 3339"),
        ({"product": product(1, variant(1) | {"inventoryItem": None})}, "inventoryItem.id"),
        ({"product": product(1) | {"variants": [1]}}, "variants must be an object"),
        ({"product": product(1) | {"variants": {"pageInfo": {"hasNextPage": True}}}}, "endCursor"),
    ],
)
async def test_an_answer_of_another_shape_is_told_by_its_field(shop, admin, data, sentence):
    admin.replies(answer(data))
    with pytest.raises(CommerceUnreadable, match=sentence):
        await shop.product(1)


ODD = [
    {"id": "gid://shopify/Product/x"},
    {"id": 2**64},
    {"title": {"a": 1}},
    {"updatedAt": "0001-01-01T00:00:00+14:00"},
    {"tags": "none"},
    {"variants": {"nodes": [variant(7) | {"price": "1e99"}]}},
    {"variants": {"nodes": [variant(7) | {"position": 2**40}]}},
    {"variants": {"nodes": [variant(7) | {"inventoryItem": None}]}},
    {"variants": [1]},
    {"variants": {"pageInfo": {"hasNextPage": True}}},
]


@pytest.mark.parametrize("odd", ODD, ids=str)
async def test_a_product_that_cannot_be_read_keeps_back_no_other_of_its_page(shop, admin, odd):
    admin.operations["InventoryLevelsByItem"] = no_levels
    admin.replies(products(product(1, variant(1)), product(2, variant(2)) | odd, product(3)))
    (page,) = [page async for page in shop.products()]
    assert [found.id for found in page.products] == [1, 3]
    assert page.cursor is None


async def test_an_item_whose_levels_cannot_be_read_is_named_and_not_taken_for_sold_out(shop, admin):
    def levels(variables):
        found = [
            {
                "id": each,
                "inventoryLevels": {
                    "nodes": [
                        {
                            "location": {"id": "gid://shopify/Location/1"},
                            "quantities": [{"name": "available", "quantity": 4}],
                            "updatedAt": "2026-06-20T14:30:00Z",
                        }
                    ],
                    "pageInfo": END,
                },
            }
            for each in variables["ids"]
        ]
        found[1]["inventoryLevels"]["nodes"][0]["quantities"][0]["quantity"] = 2**40
        return answer({"nodes": found})

    admin.operations["InventoryLevelsByItem"] = levels
    unreadable = {}
    found = await shop.inventory_levels([1, 2, 3], unreadable)
    assert [each.inventory_item_id for each in found] == [1, 3]
    assert list(unreadable) == [2]
    assert "whole number" in unreadable[2]


async def test_a_product_with_a_variant_twice_is_named_and_keeps_back_no_other(shop, admin):
    admin.operations["InventoryLevelsByItem"] = no_levels
    rest = {"nodes": [variant(4), variant(4)], "pageInfo": END}
    admin.operations["ProductVariantsPage"] = lambda _: answer({"product": {"variants": rest}})
    admin.replies(
        products(
            product(1, variant(1), variant(2)),
            product(2, variant(3), variant(3)),
            product(3, more=True),
            product(5, variant(5)) | {"id": "x"},
        )
    )
    (page,) = [page async for page in shop.products()]
    assert [found.id for found in page.products] == [1]
    assert sorted(page.malformed) == [2, 3]
    assert "must not have 3 twice" in page.malformed[2]
    assert "must not have 4 twice" in page.malformed[3]


async def test_a_variant_that_moved_to_the_next_page_meanwhile_is_read(shop, admin):
    rest = {"nodes": [variant(1), variant(2)], "pageInfo": END}
    admin.operations["ProductVariantsPage"] = lambda _: answer({"product": {"variants": rest}})
    admin.operations["ProductById"] = lambda _: answer(
        {"product": product(7, variant(1), more=True)}
    )
    found = await shop.product(7)
    assert {each.id for each in found.variants} == {1, 2}


async def test_an_item_with_a_location_twice_is_named_and_keeps_back_no_other(shop, admin):
    def levels(variables):
        told = [
            {"location": {"id": "gid://shopify/Location/1"}, "quantities": []},
            {"location": {"id": "gid://shopify/Location/2"}, "quantities": []},
        ]
        of_item = {1: told, 2: [*told, told[0]]}
        found = [
            {"id": each, "inventoryLevels": {"nodes": of_item[int(each[-1])], "pageInfo": END}}
            for each in variables["ids"]
        ]
        return answer({"nodes": found})

    admin.operations["InventoryLevelsByItem"] = levels
    unreadable = {}
    found = await shop.inventory_levels([1, 2], unreadable)
    assert [(each.inventory_item_id, each.location_id) for each in found] == [(1, 1), (1, 2)]
    assert "must not have 1 twice" in unreadable[2]


async def test_a_location_or_variant_that_cannot_be_read_keeps_back_no_other(shop, admin):
    nodes = [{"id": f"gid://shopify/Location/{n}", "name": "x"} for n in (1, 2, 3)]
    nodes[1]["isActive"] = "perhaps"
    admin.replies(answer({"locations": {"nodes": nodes, "pageInfo": END}}))
    assert [found.id for found in await shop.locations()] == [1, 3]
    owner = {"product": {"id": "gid://shopify/Product/9"}}
    admin.replies(
        answer({"nodes": [variant(1) | owner, variant(2) | {"product": None}, variant(3) | owner]})
    )
    assert [found.id for found in await shop.variants([1, 2, 3])] == [1, 3]


async def test_a_subscription_that_is_already_there_counts_as_done(shop, admin):
    taken = {
        "userErrors": [
            {
                "field": ["webhookSubscription", "callbackUrl"],
                "message": "Address for this topic has already been taken",
            }
        ],
        "webhookSubscription": None,
    }
    admin.replies(
        answer({"webhookSubscriptions": {"nodes": [], "pageInfo": END}}),
        answer({"webhookSubscriptionCreate": taken}),
    )
    assert await shop.ensure_webhooks(["shop/update"], "https://stoq.example/hooks") == []


@pytest.mark.parametrize(
    "refusal",
    [
        answer(
            {
                "webhookSubscriptionCreate": {
                    "webhookSubscription": None,
                    "userErrors": [
                        {
                            "field": ["webhookSubscription"],
                            "message": "This app is not approved to subscribe to webhook topics "
                            "containing protected customer data.",
                        }
                    ],
                }
            }
        ),
        answer(
            {"webhookSubscriptionCreate": None},
            [denied("read_orders", "webhookSubscriptionCreate")],
        ),
    ],
)
async def test_a_topic_that_is_denied_does_not_keep_back_the_others(shop, admin, refusal):
    done = {"webhookSubscriptionCreate": {"webhookSubscription": {"id": "x"}, "userErrors": []}}
    admin.replies(
        answer({"webhookSubscriptions": {"nodes": [], "pageInfo": END}}), refusal, answer(done)
    )
    changes = await shop.ensure_webhooks(["orders/create", "shop/update"], "https://a.example/h")
    assert changes == [
        WebhookChange("orders/create", "denied"),
        WebhookChange("shop/update", "created"),
    ]


async def test_an_address_that_is_refused_is_told_at_once(shop, admin):
    refused = {
        "webhookSubscription": None,
        "userErrors": [
            {"field": ["webhookSubscription", "callbackUrl"], "message": "Address is invalid"}
        ],
    }
    admin.replies(
        answer({"webhookSubscriptions": {"nodes": [], "pageInfo": END}}),
        answer({"webhookSubscriptionCreate": refused}),
    )
    with pytest.raises(CommerceRefused, match="Address is invalid"):
        await shop.ensure_webhooks(["orders/create", "shop/update"], "https://a.example/h")
    assert admin.names == ["WebhookSubscriptionsPage", "WebhookSubscriptionCreate"]
