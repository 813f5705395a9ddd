"""Where an order was placed, by whom, and what was left then, out of answers as Shopify gives them."""

import pytest

from openstoq.commerce.orders import PointOfSale
from tests.commerce.order_answers import ORDER, denied, line, nodes, order
from tests.commerce.order_replies import order_reply


@pytest.mark.parametrize(
    ("told", "place", "by_company", "country"),
    [
        ({"sourceName": "web"}, None, False, "CA"),
        ({"sourceName": "pos"}, PointOfSale(sells_online=True), False, "CA"),
        (
            {"sourceName": "POS", "retailLocation": None},
            PointOfSale(sells_online=True),
            False,
            "CA",
        ),
        (
            {
                "sourceName": "pos",
                "shippingAddress": None,
                "retailLocation": {
                    "fulfillsOnlineOrders": False,
                    "address": {"countryCode": "FR"},
                },
            },
            PointOfSale(sells_online=False),
            False,
            "FR",
        ),
        ({"purchasingEntity": {"__typename": "Customer"}}, None, False, "CA"),
        ({"purchasingEntity": {"__typename": "PurchasingCompany"}}, None, True, "CA"),
        ({"purchasingEntity": None}, None, False, "CA"),
    ],
)
async def test_where_an_order_was_placed_and_by_whom(shop, admin, told, place, by_company, country):
    admin.replies(order_reply(order(**told)))
    found = await shop.order(ORDER)
    assert (found.point_of_sale, found.by_company) == (place, by_company)
    assert found.country == country


async def test_an_order_is_read_without_the_permission_to_see_who_bought_it(shop, admin):
    refused = denied("read_customers", "order", "purchasingEntity")
    admin.replies(order_reply(order(), [refused]))
    assert (await shop.order(ORDER)).by_company is False


@pytest.mark.parametrize(
    ("variant", "left"),
    [
        ({"id": "gid://shopify/ProductVariant/3", "sellableOnlineQuantity": -2}, -2),
        ({"id": "gid://shopify/ProductVariant/3", "sellableOnlineQuantity": 0}, 0),
        (None, None),
    ],
)
async def test_a_line_tells_what_is_left_to_sell_online(shop, admin, variant, left):
    admin.replies(order_reply(order(lineItems=nodes(line(1, variant=variant)))))
    (one,) = (await shop.order(ORDER)).lines
    assert one.left_online == left
