"""Holds and splits, as Shopify was recorded to take and to refuse them."""

import pytest
from starlette.responses import Response

from openstoq.commerce.port import AccessDenied, CommerceRefused, CommerceUnavailable
from tests.commerce.order_answers import ORDER_GID, denied
from tests.commerce.server import answer, throttled

HELD = {"fulfillmentHold": {"id": "gid://shopify/FulfillmentHold/7"}, "userErrors": []}


def refused(mutation, code, message="It went wrong.", field=("id",)):
    error = {"field": list(field), "message": message, "code": code}
    return answer({mutation: {"fulfillmentOrder": None, "userErrors": [error]}})


def holds(*present):
    found = [
        {"id": f"gid://shopify/FulfillmentHold/{number}", "handle": handle} | more
        for number, handle, more in (
            (number, handle, {"heldByRequestingApp": ours}) for number, handle, ours in present
        )
    ]
    return answer({"fulfillmentOrder": {"orderId": ORDER_GID, "fulfillmentHolds": found}})


async def test_a_hold_says_why_and_troubles_nobody(shop, admin):
    admin.replies(answer({"fulfillmentOrderHold": HELD}))
    await shop.hold(4, handle="openstoq-1", note="Ships in March")
    assert admin.requests[0]["variables"] == {
        "id": "gid://shopify/FulfillmentOrder/4",
        "hold": {
            "reason": "OTHER",
            "handle": "openstoq-1",
            "reasonNotes": "Ships in March",
            "notifyMerchant": False,
        },
    }


async def test_some_units_are_held(shop, admin):
    admin.replies(answer({"fulfillmentOrderHold": HELD}))
    await shop.hold(4, handle="openstoq-1", note=None, lines={11: 2, 12: 1})
    hold = admin.requests[0]["variables"]["hold"]
    assert hold["fulfillmentOrderLineItems"] == [
        {"id": "gid://shopify/FulfillmentOrderLineItem/11", "quantity": 2},
        {"id": "gid://shopify/FulfillmentOrderLineItem/12", "quantity": 1},
    ]
    assert "reasonNotes" not in hold


async def test_no_units_are_not_taken_for_all_of_them(shop, admin):
    await shop.hold(4, handle="openstoq-1", note=None, lines={})
    assert admin.requests == []


async def test_a_hold_that_is_there_is_done(shop, admin):
    admin.replies(refused("fulfillmentOrderHold", "DUPLICATE_FULFILLMENT_HOLD_HANDLE"))
    await shop.hold(4, handle="openstoq-1", note=None)
    assert admin.names == ["FulfillmentOrderHold"]


async def test_a_hold_of_some_units_whose_answer_was_lost_is_found(shop, admin):
    admin.replies(
        Response(status_code=502),
        refused("fulfillmentOrderHold", "FULFILLMENT_ORDER_NOT_SPLITTABLE"),
        holds((7, "openstoq-1", True)),
    )
    await shop.hold(4, handle="openstoq-1", note=None, lines={11: 2})
    assert admin.names == ["FulfillmentOrderHold"] * 2 + ["FulfillmentOrderById"]


@pytest.mark.parametrize("present", [[], [(7, "openstoq-2", True)], [(7, "openstoq-1", False)]])
async def test_a_hold_that_is_refused_for_others_is_told(shop, admin, present):
    admin.replies(
        refused("fulfillmentOrderHold", "FULFILLMENT_ORDER_NOT_SPLITTABLE", "Not splittable."),
        holds(*present),
    )
    with pytest.raises(CommerceRefused, match="Not splittable") as caught:
        await shop.hold(4, handle="openstoq-1", note=None, lines={11: 2})
    assert caught.value.refusals[0].code == "FULFILLMENT_ORDER_NOT_SPLITTABLE"


async def test_a_hold_that_was_made_stands_though_a_field_of_it_is_denied(shop, admin):
    errors = [denied("read_apps", "fulfillmentOrderHold", "fulfillmentHold", "heldByApp")]
    admin.replies(answer({"fulfillmentOrderHold": HELD}, errors))
    await shop.hold(4, handle="openstoq-1", note=None)
    assert len(admin.requests) == 1


async def test_a_hold_without_permission_is_denied(shop, admin):
    scope = "write_merchant_managed_fulfillment_orders"
    admin.replies(answer({"fulfillmentOrderHold": None}, [denied(scope, "fulfillmentOrderHold")]))
    with pytest.raises(AccessDenied) as caught:
        await shop.hold(4, handle="openstoq-1", note=None)
    assert caught.value.scopes == (scope,)


RELEASED = answer(
    {"fulfillmentOrderReleaseHold": {"fulfillmentOrder": {"id": "x"}, "userErrors": []}}
)


async def test_only_named_holds_are_released(shop, admin):
    admin.replies(RELEASED)
    await shop.release_holds(4, [8, 7, 7])
    assert admin.requests[0]["variables"] == {
        "id": "gid://shopify/FulfillmentOrder/4",
        "holdIds": ["gid://shopify/FulfillmentHold/7", "gid://shopify/FulfillmentHold/8"],
    }


async def test_without_names_nothing_is_asked_for_as_it_would_release_everything(shop, admin):
    await shop.release_holds(4, [])
    assert admin.requests == []


@pytest.mark.parametrize(
    "gone",
    [
        [refused("fulfillmentOrderReleaseHold", "FULFILLMENT_ORDER_NOT_FOUND")],
        [refused("fulfillmentOrderReleaseHold", None), holds((9, "foreign", False))],
        [
            refused("fulfillmentOrderReleaseHold", None),
            answer({"fulfillmentOrder": None}),
        ],
    ],
)
async def test_what_is_gone_needs_no_release(shop, admin, gone):
    admin.replies(*gone)
    await shop.release_holds(4, [7])
    assert len(admin.requests) == len(gone)


async def test_what_is_gone_does_not_keep_the_others(shop, admin):
    admin.replies(
        refused("fulfillmentOrderReleaseHold", None),
        holds((8, "openstoq-1", True), (9, "foreign", False)),
        RELEASED,
    )
    await shop.release_holds(4, [7, 8])
    assert admin.requests[-1]["variables"]["holdIds"] == ["gid://shopify/FulfillmentHold/8"]


async def test_a_hold_that_may_not_be_released_is_told(shop, admin):
    admin.replies(
        refused("fulfillmentOrderReleaseHold", "INVALID_ACCESS", "No access."),
        holds((7, "foreign", False)),
    )
    with pytest.raises(CommerceRefused, match="No access"):
        await shop.release_holds(4, [7])


async def test_units_are_split_off(shop, admin):
    done = {"fulfillmentOrderSplits": [{"fulfillmentOrder": {"id": "x"}}], "userErrors": []}
    admin.replies(answer({"fulfillmentOrderSplit": done}))
    await shop.split_fulfillment_order(4, {11: 2})
    assert admin.requests[0]["variables"]["splits"] == [
        {
            "fulfillmentOrderId": "gid://shopify/FulfillmentOrder/4",
            "fulfillmentOrderLineItems": [
                {"id": "gid://shopify/FulfillmentOrderLineItem/11", "quantity": 2}
            ],
        }
    ]


@pytest.mark.parametrize(
    ("code", "field"),
    [
        (
            "NO_LINE_ITEMS_PROVIDED_TO_SPLIT",
            ["fulfillmentOrderSplits", "0", "fulfillmentOrderLineItems"],
        ),
        ("GREATER_THAN", ["fulfillmentOrderSplits", "0", "fulfillmentOrderLineItems", "0"]),
        ("FULFILLMENT_ORDER_NOT_FOUND", None),
        (None, None),
    ],
)
async def test_a_split_that_is_refused_is_told(shop, admin, code, field):
    error = {"field": field, "message": "Not that.", "code": code}
    done = {"fulfillmentOrderSplits": None, "userErrors": [error]}
    admin.replies(answer({"fulfillmentOrderSplit": done}))
    with pytest.raises(CommerceRefused, match="Not that") as caught:
        await shop.split_fulfillment_order(4, {})
    (refusal,) = caught.value.refusals
    assert (refusal.code, refusal.field) == (code, tuple(field or ()))


@pytest.mark.parametrize("reply", [Response(status_code=502), throttled(requested=10)])
async def test_a_split_is_never_sent_twice(shop, admin, reply):
    admin.replies(reply)
    with pytest.raises(CommerceUnavailable):
        await shop.split_fulfillment_order(4, {11: 2})
    assert admin.names == ["FulfillmentOrderSplit"]
