"""Orders that are refused, that come page by page, and their tags and markets."""

from datetime import UTC, datetime

import pytest
import structlog
from starlette.responses import Response

from openstoq.commerce.orders import (
    Market,
    OrderPage,
)
from openstoq.commerce.port import (
    AccessDenied,
    CommerceRefused,
    CommerceUnavailable,
    CommerceUnreadable,
)
from tests.commerce.order_answers import (
    ORDER,
    ORDER_GID,
    denied,
    fulfillment_line,
    fulfillment_order,
    line,
    nodes,
    order,
    shop_money,
)
from tests.commerce.order_replies import MOMENT, order_reply
from tests.commerce.server import answer, throttled


async def test_there_may_be_no_such_order(shop, admin):
    admin.replies(order_reply(None))
    assert await shop.order(1) is None


HOLD = {"id": "gid://shopify/FulfillmentHold/5", "reason": "OTHER"}
SALE = {"id": "gid://shopify/OrderTransaction/5", "amountSet": shop_money("20.0")}
DUE = {
    "id": "gid://shopify/PaymentSchedule/5",
    "balanceDue": {"amount": "80.0", "currencyCode": "CAD"},
}


@pytest.mark.parametrize(
    "told",
    [
        {"lineItems": nodes(line(5), line(5))},
        {"transactions": [SALE, SALE]},
        {"paymentTerms": {"paymentSchedules": nodes(DUE, DUE)}},
        {"fulfillmentOrders": nodes(fulfillment_order(5), fulfillment_order(5))},
        {
            "fulfillmentOrders": nodes(
                fulfillment_order(1, fulfillment_line(5), fulfillment_line(5))
            )
        },
        {"fulfillmentOrders": nodes(fulfillment_order(1, fulfillmentHolds=[HOLD, HOLD]))},
    ],
    ids=lambda told: next(iter(told)),
)
async def test_an_order_that_has_something_twice_cannot_be_read(shop, admin, told):
    admin.replies(order_reply(order(**told)))
    with pytest.raises(CommerceUnreadable, match="must not have 5 twice"):
        await shop.order(ORDER)


async def test_what_shopify_grants_on_request_is_not_needed_to_read_an_order(shop, admin):
    without = order(
        email=None,
        customer=None,
        shippingAddress=None,
        paymentTerms=None,
        paymentCollectionDetails={
            "additionalPaymentCollectionUrl": None,
            "vaultedPaymentMethods": None,
        },
    )
    errors = [
        denied("read_customers", "order", "customer"),
        denied("read_customers", "order", "email"),
        denied("read_payment_terms", "order", "paymentTerms"),
        denied(
            "read_payment_mandate",
            *("order", "paymentCollectionDetails", "vaultedPaymentMethods"),
        ),
    ]
    admin.replies(order_reply(without, errors))
    with structlog.testing.capture_logs() as logged:
        found = await shop.order(ORDER)
    assert (found.customer, found.email, found.country) == (None, None, None)
    assert (found.schedules, found.mandates) == ((), ())
    assert [each.id for each in found.lines] == [1]
    assert [each["scopes"] for each in logged] == [
        ["read_customers", "read_payment_mandate", "read_payment_terms"]
    ]


@pytest.mark.parametrize("field", ["fulfillmentOrders", "lineItems", "transactions"])
async def test_an_order_is_not_read_as_if_it_lacked_what_is_denied(shop, admin, field):
    admin.replies(order_reply(order() | {field: None}, [denied("read_some", "order", field)]))
    with pytest.raises(AccessDenied) as caught:
        await shop.order(ORDER)
    assert caught.value.scopes == ("read_some",)


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("createdAt", None, "order.createdAt must be an RFC 3339 time"),
        ("totalReceivedSet", None, "totalReceivedSet.shopMoney.amount must be a number"),
        ("transactions", {"nodes": []}, "transactions must be a list"),
        ("lineItems", nodes(line(1) | {"id": "x"}), "lineItems.nodes.0.id"),
    ],
)
async def test_an_order_of_another_shape_is_told_by_its_field(shop, admin, field, value, sentence):
    admin.replies(order_reply(order() | {field: value}))
    with pytest.raises(CommerceUnreadable, match=sentence):
        await shop.order(ORDER)


async def test_an_order_waits_for_its_points(shop, admin, clock):
    admin.replies(throttled(requested=173, available=73, rate=50), order_reply(order()))
    assert (await shop.order(ORDER)).id == ORDER
    assert clock.slept == [2.0]


async def test_a_shop_that_is_away_is_told_so(shop, admin):
    admin.replies(*[Response(status_code=502)] * 4)
    with pytest.raises(CommerceUnavailable, match="HTTP 502"):
        await shop.order(ORDER)


async def test_what_was_updated_is_read_page_by_page_and_from_where_it_was_left(shop, admin):
    def page(asked):
        number = int(asked["after"] or 0)
        node = {"id": f"gid://shopify/Order/{number + 1}", "updatedAt": "2026-06-20T14:30:00Z"}
        after = str(number + 1) if number < 2 else None
        return answer({"orders": nodes(node, after=after)})

    admin.operations["OrdersUpdatedPage"] = page
    pages = [each async for each in shop.orders_updated(MOMENT)]
    assert pages == [
        OrderPage(((1, MOMENT),), "1"),
        OrderPage(((2, MOMENT),), "2"),
        OrderPage(((3, MOMENT),), None),
    ]
    assert {each["variables"]["query"] for each in admin.requests} == {
        "updated_at:>='2026-06-20T14:30:00.000Z'"
    }
    rest = [each async for each in shop.orders_updated(MOMENT, after="1")]
    assert [number for each in rest for number, _ in each.orders] == [2, 3]


async def test_tags_are_added_and_taken_off(shop, admin):
    done = {"node": {"id": ORDER_GID}, "userErrors": []}
    admin.replies(answer({"tagsAdd": done}), answer({"tagsRemove": done}))
    await shop.tag_order(ORDER, ["preorder", "late"])
    await shop.untag_order(ORDER, ["late"])
    await shop.tag_order(ORDER, [])
    await shop.untag_order(ORDER, ())
    assert admin.names == ["OrderTagsAdd", "OrderTagsRemove"]
    assert [each["variables"]["tags"] for each in admin.requests] == [
        ["preorder", "late"],
        ["late"],
    ]


async def test_a_tag_that_is_refused_is_told(shop, admin):
    refused = {"node": None, "userErrors": [{"field": ["id"], "message": "Order does not exist"}]}
    admin.replies(answer({"tagsAdd": refused}))
    with pytest.raises(CommerceRefused, match="Order does not exist"):
        await shop.tag_order(1, ["preorder"])


async def test_markets_are_read_with_all_their_countries(shop, admin):
    def market(number, status, *codes, after=None):
        regions = nodes(*[{"code": code} for code in codes], {}, after=after)
        return {
            "id": f"gid://shopify/Market/{number}",
            "name": f"Market {number}",
            "status": status,
            "conditions": {"regionsCondition": {"regions": regions}},
        }

    rest = {"conditions": {"regionsCondition": {"regions": nodes({"code": "FR"})}}}
    stores = market(3, "ACTIVE") | {"conditions": None}
    admin.replies(
        answer({"markets": nodes(market(1, "ACTIVE", "DE", "AT", after="r2"), after="m1")}),
        answer({"market": rest}),
        answer({"markets": nodes(market(2, "DRAFT", "US"), stores)}),
    )
    assert await shop.markets({}) == [
        Market(id=1, name="Market 1", active=True, countries=("DE", "AT", "FR")),
        Market(id=2, name="Market 2", active=False, countries=("US",)),
        Market(id=3, name="Market 3", active=True, countries=()),
    ]
    assert admin.requests[1]["variables"] == {
        "id": "gid://shopify/Market/1",
        "first": 250,
        "after": "r2",
    }
    assert admin.requests[2]["variables"]["after"] == "m1"


async def test_a_market_that_cannot_be_read_is_named_and_keeps_back_no_other(shop, admin):
    def market(number, regions):
        return {
            "id": f"gid://shopify/Market/{number}",
            "name": f"Market {number}",
            "status": "ACTIVE",
            "conditions": {"regionsCondition": {"regions": regions}},
        }

    admin.replies(
        answer({"markets": nodes(market(1, nodes({"code": "DE"})), market(2, "all"))}),
    )
    unreadable = {}
    assert [found.id for found in await shop.markets(unreadable)] == [1]
    assert list(unreadable) == [2]


async def test_an_order_of_a_page_that_cannot_be_read_keeps_back_no_other(shop, admin):
    rows = [{"id": f"gid://shopify/Order/{n}", "updatedAt": "2026-06-20T14:30:00Z"} for n in (1, 2)]
    rows[0]["updatedAt"] = "once"
    admin.replies(answer({"orders": nodes(*rows)}))
    since = datetime(2026, 6, 1, tzinfo=UTC)
    (page,) = [page async for page in shop.orders_updated(since, after=None)]
    assert [order_id for order_id, _ in page.orders] == [2]
