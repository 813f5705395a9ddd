"""Marking as paid, paying back and cancelling, as Shopify answers."""

from dataclasses import replace
from decimal import Decimal

import pytest
from starlette.responses import Response

from openstoq.commerce.orders import Refund, RefundPart
from openstoq.commerce.port import (
    CommerceRefused,
    CommerceUnavailable,
)
from tests.commerce.order_answers import ORDER, ORDER_GID, shop_money
from tests.commerce.server import answer, coded


def order_stands(*, paid=False, cancelled=None):
    return answer({"order": {"fullyPaid": paid, "cancelledAt": cancelled}})


def not_marked():
    error = {"field": ["id"], "message": "Order cannot be marked as paid."}
    return answer({"orderMarkAsPaid": {"order": None, "userErrors": [error]}})


async def test_an_order_is_marked_as_paid(shop, admin):
    admin.replies(answer({"orderMarkAsPaid": {"order": {"id": ORDER_GID}, "userErrors": []}}))
    await shop.mark_paid(ORDER)
    assert admin.requests[0]["variables"] == {"input": {"id": ORDER_GID}}


async def test_an_order_that_is_paid_is_left(shop, admin):
    admin.replies(not_marked(), order_stands(paid=True))
    await shop.mark_paid(ORDER)
    assert admin.names == ["OrderMarkAsPaid", "OrderStanding"]


@pytest.mark.parametrize(
    "stands",
    [
        order_stands(),
        order_stands(paid=True, cancelled="2026-06-20T14:30:00Z"),
        answer({"order": None}),
    ],
)
async def test_an_order_that_cannot_be_marked_is_told(shop, admin, stands):
    admin.replies(not_marked(), stands)
    with pytest.raises(CommerceRefused, match="cannot be marked as paid"):
        await shop.mark_paid(ORDER)


def payment(number, ours, theirs):
    return {
        "id": f"gid://shopify/OrderTransaction/{number}",
        "amountSet": {"shopMoney": {"amount": ours}, "presentmentMoney": {"amount": theirs}},
    }


def currencies(*payments, theirs="CAD"):
    return answer(
        {
            "order": {
                "currencyCode": "CAD",
                "presentmentCurrencyCode": theirs,
                "transactions": list(payments),
            }
        }
    )


def refunded(amount="20.0"):
    made = {"id": "gid://shopify/Refund/5", "totalRefundedSet": shop_money(amount)}
    return answer({"refundCreate": {"refund": made, "userErrors": []}})


def part(number, amount):
    return RefundPart(transaction_id=number, gateway="shopify_payments", amount=Decimal(amount))


async def refund(shop, *parts, key="k1"):
    return await shop.refund(ORDER, parts, key=key, note="Changed mind", notify=True)


async def test_parts_of_payments_are_paid_back(shop, admin):
    admin.replies(currencies(payment(11, "20.0", "20.0"), payment(12, "80.0", "80.0")), refunded())
    assert await refund(shop, part(11, 5), part(12, 15)) == Refund(5, Decimal(20))
    sent = admin.requests[1]
    assert "@idempotent(key: $key)" in sent["query"]
    assert sent["variables"]["key"] == "k1"
    assert sent["variables"]["input"] == {
        "orderId": ORDER_GID,
        "note": "Changed mind",
        "notify": True,
        "transactions": [
            {
                "orderId": ORDER_GID,
                "parentId": f"gid://shopify/OrderTransaction/{number}",
                "kind": "REFUND",
                "gateway": "shopify_payments",
                "amount": amount,
            }
            for number, amount in ((11, "5.00"), (12, "15.00"))
        ],
    }


async def test_money_goes_back_in_the_currency_that_it_came_in(shop, admin):
    paid = (payment(11, "20.0", "2223"), payment(12, "80.0", "8889"))
    admin.replies(currencies(*paid, theirs="JPY"), refunded())
    await refund(shop, part(11, 20), part(12, 40))
    sent = admin.requests[1]["variables"]["input"]
    assert sent["currency"] == "JPY"
    assert [each["amount"] for each in sent["transactions"]] == ["2223", "4445"]


@pytest.mark.parametrize(
    ("paid", "shown", "parts"),
    [
        ("10.00", "11.11", ["3.33", "3.33", "3.34"]),
        ("0.03", "0.05", ["0.01", "0.01", "0.01"]),
        ("99.99", "14811", ["33.33", "33.33", "33.33"]),
        ("20.01", "6.147", ["0.01", "19.99", "0.01"]),
    ],
)
async def test_refunds_of_one_payment_add_up_to_it_in_the_shoppers_currency(
    shop, admin, paid, shown, parts
):
    theirs = {"14811": "JPY", "6.147": "KWD"}.get(shown, "EUR")
    before, sent = Decimal(0), []
    for number, amount in enumerate(parts):
        admin.replies(currencies(payment(11, paid, shown), theirs=theirs), refunded())
        await refund(shop, replace(part(11, amount), before=before), key=f"k{number}")
        before += Decimal(amount)
        sent.append(Decimal(admin.requests[-1]["variables"]["input"]["transactions"][0]["amount"]))
    assert sum(sent) == Decimal(shown)


async def test_a_refund_whose_answer_was_lost_is_repeated_as_the_very_same(shop, admin):
    concurrent = answer({"refundCreate": None}, [coded("IDEMPOTENCY_CONCURRENT_REQUEST")])
    admin.replies(
        currencies(payment(11, "20.0", "20.0")), Response(status_code=502), concurrent, refunded()
    )
    assert await refund(shop, part(11, 20)) == Refund(5, Decimal(20))
    assert admin.bodies[1] == admin.bodies[2] == admin.bodies[3]


UNDER_WAY = {
    "field": None,
    "message": "This request is currently in progress, please try again.",
}


@pytest.mark.parametrize(
    "reply",
    [
        answer({"refundCreate": None}, [coded("IDEMPOTENCY_CONCURRENT_REQUEST")]),
        answer({"refundCreate": {"refund": None, "userErrors": [UNDER_WAY]}}),
    ],
)
async def test_a_refund_that_is_under_way_is_to_be_asked_for_again(shop, admin, reply):
    admin.operations = {
        "OrderCurrencies": currencies(payment(11, "20.0", "20.0")),
        "RefundCreate": reply,
    }
    with pytest.raises(CommerceUnavailable, match="RefundCreate"):
        await refund(shop, part(11, 20))


@pytest.mark.parametrize(
    "code", ["IDEMPOTENCY_KEY_PARAMETER_MISMATCH", "IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED"]
)
async def test_a_key_that_was_used_for_another_refund_is_refused(shop, admin, code):
    admin.replies(
        currencies(payment(11, "20.0", "20.0")),
        answer({"refundCreate": None}, [coded(code, "The key was used.")]),
    )
    with pytest.raises(CommerceRefused, match="The key was used") as caught:
        await refund(shop, part(11, 20))
    assert caught.value.refusals[0].code == code


async def test_a_refund_of_a_payment_that_is_not_there_is_not_sent(shop, admin):
    admin.replies(currencies(payment(11, "20.0", "20.0")), answer({"order": None}))
    with pytest.raises(CommerceRefused, match="no payment 12"):
        await refund(shop, part(12, 20))
    with pytest.raises(CommerceRefused, match="no order"):
        await refund(shop, part(11, 20))
    assert admin.names == ["OrderCurrencies"] * 2


async def test_a_refund_that_shopify_declines_is_told_though_it_tells_the_order(shop, admin):
    declined = {
        "refund": None,
        "userErrors": [{"field": None, "message": "Refund amount exceeds what was paid"}],
    }
    admin.replies(currencies(payment(11, "20.0", "20.0")), answer({"refundCreate": declined}))
    with pytest.raises(CommerceRefused, match="exceeds what was paid") as caught:
        await refund(shop, part(11, 30))
    assert caught.value.refusals[0].code is None


async def cancel(shop):
    await shop.cancel_order(ORDER, reason="customer", note="By mail", notify=False, restock=True)


async def test_an_order_is_cancelled_without_paying_back(shop, admin):
    done = {"job": {"id": "gid://shopify/Job/x"}, "orderCancelUserErrors": []}
    admin.replies(answer({"orderCancel": done}))
    await cancel(shop)
    assert admin.requests[0]["variables"] == {
        "orderId": ORDER_GID,
        "reason": "CUSTOMER",
        "restock": True,
        "notify": False,
        "note": "By mail",
    }
    assert "originalPaymentMethodsRefund: false" in admin.requests[0]["query"]


def not_cancelled():
    error = {"field": ["orderId"], "message": "Cannot cancel.", "code": "INVALID"}
    return answer({"orderCancel": {"job": None, "orderCancelUserErrors": [error]}})


async def test_an_order_that_is_cancelled_is_left(shop, admin):
    admin.replies(not_cancelled(), order_stands(cancelled="2026-06-20T14:30:00Z"))
    await cancel(shop)
    assert admin.names == ["OrderCancel", "OrderStanding"]


async def test_an_order_that_cannot_be_cancelled_is_told(shop, admin):
    admin.replies(not_cancelled(), order_stands())
    with pytest.raises(CommerceRefused, match="Cannot cancel") as caught:
        await cancel(shop)
    assert caught.value.refusals[0].code == "INVALID"
