"""Charging a kept card, as Shopify answers."""

import asyncio
from decimal import Decimal

import pytest
from starlette.responses import Response

from openstoq.commerce.orders import PaymentStatus
from openstoq.commerce.port import (
    AccessDenied,
    CommerceRefused,
    CommerceUnavailable,
    CommerceUnreadable,
    ShopCredentials,
)
from openstoq.commerce.shopify.adapter import ShopifyConnector
from openstoq.commerce.shopify.throttle import Patience
from openstoq.kernel.money import Money
from tests.commerce.order_answers import ORDER, ORDER_GID, denied
from tests.commerce.server import DOMAIN, TOKEN, answer, coded, throttled

MANDATE = "gid://shopify/PaymentMandate/0123abcd"


def begun(reference="ref-1"):
    done = {"paymentReferenceId": reference, "userErrors": []}
    return answer({"orderCreateMandatePayment": done})


async def test_the_whole_of_a_schedule_is_charged(shop, admin):
    admin.replies(begun())
    assert await shop.charge_mandate(ORDER, MANDATE, key="k1", schedule_id=6) == "ref-1"
    assert admin.requests[0]["variables"] == {
        "id": ORDER_GID,
        "mandateId": MANDATE,
        "key": "k1",
        "paymentScheduleId": "gid://shopify/PaymentSchedule/6",
    }
    assert "autoCapture: true" in admin.requests[0]["query"]


@pytest.mark.parametrize(
    ("amount", "sent"),
    [
        (Money(Decimal(80), "CAD"), {"amount": "80.00", "currencyCode": "CAD"}),
        (Money(Decimal(8889), "JPY"), {"amount": "8889", "currencyCode": "JPY"}),
        (Money(Decimal("1.25"), "KWD"), {"amount": "1.250", "currencyCode": "KWD"}),
    ],
)
async def test_an_amount_is_charged(shop, admin, amount, sent):
    admin.replies(begun())
    await shop.charge_mandate(ORDER, MANDATE, key="k1", amount=amount)
    variables = admin.requests[0]["variables"]
    assert variables["amount"] == sent
    assert "paymentScheduleId" not in variables


@pytest.mark.parametrize(
    "reply",
    [
        Response(status_code=500),
        Response('{"data": {', headers={"Content-Length": "4000"}),
        answer({"orderCreateMandatePayment": None}, [coded("INTERNAL_SERVER_ERROR")]),
        throttled(requested=10),
    ],
)
async def test_a_charge_whose_answer_was_lost_is_repeated_as_the_very_same(shop, admin, reply):
    admin.replies(reply, begun())
    assert await shop.charge_mandate(ORDER, MANDATE, key="k1", schedule_id=6) == "ref-1"
    first, second = admin.bodies
    assert first == second


async def test_a_charge_that_never_answers_is_left_to_be_repeated_with_its_key(http, admin, clock):
    taken = []

    async def charged_and_silent(variables):
        taken.append(variables["key"])
        await asyncio.Event().wait()

    admin.operations["OrderChargeMandate"] = charged_and_silent
    patience = Patience(attempts=2, answer=2.0, now=lambda: clock.now, sleep=clock.sleep)
    shop = ShopifyConnector(http, patience)(ShopCredentials(DOMAIN, TOKEN, admin.url))
    with pytest.raises(CommerceUnavailable, match="OrderChargeMandate"):
        await shop.charge_mandate(ORDER, MANDATE, key="k1", schedule_id=6)
    assert set(taken) == {"k1"}


async def test_a_charge_without_a_reference_is_no_charge_that_one_could_follow(shop, admin):
    admin.replies(begun(reference=None))
    with pytest.raises(CommerceUnreadable, match="paymentReferenceId"):
        await shop.charge_mandate(ORDER, MANDATE, key="k1", schedule_id=6)


async def test_a_charge_that_is_refused_is_told(shop, admin):
    error = {
        "field": ["mandateId"],
        "message": "The mandate is not valid.",
        "code": "ORDER_MANDATE_PAYMENT_ERROR_CODE",
    }
    refused = {"paymentReferenceId": None, "userErrors": [error]}
    admin.replies(answer({"orderCreateMandatePayment": refused}))
    with pytest.raises(CommerceRefused, match="mandate is not valid") as caught:
        await shop.charge_mandate(ORDER, MANDATE, key="k1", schedule_id=6)
    assert caught.value.refusals[0].code == "ORDER_MANDATE_PAYMENT_ERROR_CODE"


async def test_a_charge_that_is_not_permitted_is_denied(shop, admin):
    admin.replies(
        answer(
            {"orderCreateMandatePayment": None},
            [denied("write_payment_mandate", "orderCreateMandatePayment")],
        )
    )
    with pytest.raises(AccessDenied) as caught:
        await shop.charge_mandate(ORDER, MANDATE, key="k1", schedule_id=6)
    assert caught.value.scopes == ("write_payment_mandate",)


def standing(status, message=None, translated=None, transactions=()):
    found = {
        "status": status,
        "errorMessage": message,
        "translatedErrorMessage": translated,
        "transactions": [{"id": f"gid://shopify/OrderTransaction/{each}"} for each in transactions],
    }
    return answer({"orderPaymentStatus": found})


@pytest.mark.parametrize(
    ("told", "state"),
    [
        ("SUCCESS", "succeeded"),
        ("CAPTURED", "succeeded"),
        ("PURCHASED", "succeeded"),
        ("AUTHORIZED", "succeeded"),
        ("REFUNDED", "succeeded"),
        ("ERROR", "failed"),
        ("VOIDED", "failed"),
        ("RETRYABLE", "failed"),
        ("REDIRECT_REQUIRED", "authenticate"),
        ("INITIATED", "processing"),
        ("PENDING", "processing"),
        ("PROCESSING", "processing"),
        ("UNKNOWN", "processing"),
        ("PARTIAL_SUCCESS", "partial"),
        ("SOMETHING_NEW", "processing"),
    ],
)
async def test_every_status_of_a_charge_means_something(shop, admin, told, state):
    admin.replies(standing(told, transactions=[3]))
    found = await shop.payment_status(ORDER, "ref-1")
    assert found.state == state
    assert found.transaction_ids == (3,)
    assert (found.error is not None) == (state in ("failed", "partial"))
    assert admin.requests[0]["variables"] == {"id": ORDER_GID, "reference": "ref-1"}


async def test_a_failure_says_why_in_the_shops_language_if_it_can(shop, admin):
    admin.replies(
        standing("RETRYABLE", message="Card declined."),
        standing("ERROR", message="Card declined.", translated="Karte abgelehnt."),
    )
    assert await shop.payment_status(ORDER, "r") == PaymentStatus(
        state="failed", error="Card declined."
    )
    assert (await shop.payment_status(ORDER, "r")).error == "Karte abgelehnt."


async def test_a_charge_that_is_not_known_yet_has_not_failed(shop, admin):
    admin.replies(answer({"orderPaymentStatus": None}))
    assert await shop.payment_status(ORDER, "r") == PaymentStatus(state="processing")


async def test_a_status_that_cannot_be_read_is_not_taken_for_one(shop, admin):
    admin.replies(
        answer({"orderPaymentStatus": None}, [denied("read_payment_mandate", "orderPaymentStatus")])
    )
    with pytest.raises(AccessDenied):
        await shop.payment_status(ORDER, "r")
