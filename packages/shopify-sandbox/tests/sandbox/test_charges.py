"""Charging the card that a shopper left: every card, keys, refusals, and how long it takes."""

import json

import httpx
import pytest

from sandbox.buying import CHARGE, again, charge, deposit_order, gid, status_of
from sandbox.site import NORTHWIND


async def charges_of(site, order):
    found = (await site.control("GET", "charges"))["charges"]
    return [each for each in found if each["order_id"] == order["id"]]


async def test_a_charge_ends_later_and_completes_the_schedule(site):
    await site.control("PATCH", "charges", {"polls": 2})
    order = await deposit_order(site)
    begun = await charge(site, order)
    reference = begun["paymentReferenceId"]
    assert begun["userErrors"] == []
    assert begun["job"]["done"] is False
    assert (await status_of(site, order, reference))["status"] == "PROCESSING"
    assert (await again(site, order))["outstanding"] == order["outstanding"]
    ended = await status_of(site, order, reference)
    assert ended["status"] == "SUCCESS"
    paid = ended["transactions"][0]
    assert (paid["kind"], paid["status"]) == ("SALE", "SUCCESS")
    assert paid["amountSet"]["shopMoney"] == {"amount": "879.92", "currencyCode": "USD"}
    order = await again(site, order)
    assert (order["outstanding"], order["financial_status"]) == ("0.00", "PAID")
    schedule = order["schedules"][0]
    assert schedule["completed_at"] is not None
    assert (schedule["total"], schedule["balance"]) == ("879.92", "0.00")


async def test_a_job_is_asked_after_until_it_is_done(site):
    await site.control("PATCH", "charges", {"polls": 2})
    begun = await charge(site, await deposit_order(site))
    query = "query ($id: ID!) { job(id: $id) { id done } }"
    seen = [
        (await site.graphql(query, {"id": begun["job"]["id"]}))["data"]["job"] for _ in range(2)
    ]
    assert [each["done"] for each in seen] == [False, True]
    answer = await site.graphql(query, {"id": "gid://shopify/Job/none"})
    assert answer["data"]["job"] is None


async def test_the_same_key_is_the_same_charge(site):
    order = await deposit_order(site)
    first, second = await charge(site, order), await charge(site, order)
    await site.idle()
    third = await charge(site, order)
    assert len({each["paymentReferenceId"] for each in (first, second, third)}) == 1
    assert third["job"]["done"] is True
    assert len(await charges_of(site, order)) == 1
    assert (await again(site, order))["received"] == order["total"]


async def test_two_keys_at_once_take_the_money_once(site):
    # The first charge must not be over before the second is asked for.
    await site.control("PATCH", "charges", {"polls": 1})
    order = await deposit_order(site)
    first, second = await charge(site, order, "a"), await charge(site, order, "b")
    seen = [
        (await status_of(site, order, e["paymentReferenceId"]))["status"] for e in (first, second)
    ]
    assert sorted(seen) == ["ERROR", "SUCCESS"]
    assert (await again(site, order))["received"] == order["total"]


@pytest.mark.parametrize(
    ("card", "status", "code"),
    [
        ("declines", "ERROR", "CARD_DECLINED"),
        ("expired", "ERROR", "EXPIRED_CARD"),
        ("declines_2", "RETRYABLE", "INSUFFICIENT_FUNDS"),
    ],
)
async def test_a_declined_card_leaves_a_failed_transaction(site, card, status, code):
    order = await deposit_order(site, card=card)
    begun = await charge(site, order)
    await site.idle()
    ended = await status_of(site, order, begun["paymentReferenceId"])
    assert ended["status"] == status
    assert ended["errorMessage"]
    assert [(e["status"], e["errorCode"]) for e in ended["transactions"]] == [("FAILURE", code)]
    after = await again(site, order)
    assert (after["outstanding"], after["received"]) == (order["outstanding"], order["received"])
    assert after["schedules"][0]["completed_at"] is None


async def test_a_card_declines_so_often_and_then_works(site):
    order = await deposit_order(site, card="declines_2")
    for number in range(3):
        await charge(site, order, f"try {number}")
        await site.idle()
    statuses = [each["status"] for each in await charges_of(site, order)]
    assert statuses == ["RETRYABLE", "RETRYABLE", "SUCCESS"]
    assert (await again(site, order))["outstanding"] == "0.00"


async def test_a_card_pays_half_of_the_first_charge_and_then_all_that_is_left(site):
    order = await deposit_order(site, card="pays_half")
    begun = await charge(site, order)
    await site.idle()
    ended = await status_of(site, order, begun["paymentReferenceId"])
    assert ended["status"] == "PARTIAL_SUCCESS"
    assert ended["errorMessage"] == "The card has insufficient funds."
    told = [
        (each["status"], each["errorCode"], each["amountSet"]["shopMoney"]["amount"])
        for each in ended["transactions"]
    ]
    assert told == [("SUCCESS", None, "439.96"), ("FAILURE", "INSUFFICIENT_FUNDS", "439.96")]
    after = await again(site, order)
    assert (after["outstanding"], after["financial_status"]) == ("439.96", "PARTIALLY_PAID")
    assert after["schedules"][0]["balance"] == "439.96"
    await charge(site, order, "the rest")
    await site.idle()
    assert [each["status"] for each in await charges_of(site, order)][1:] == ["SUCCESS"]
    assert (await again(site, order))["outstanding"] == "0.00"


async def test_a_charge_too_small_to_be_halved_is_declined_whole(site):
    order = await deposit_order(site, card="pays_half", domain=NORTHWIND)
    cent = {"amount": "0.01", "currencyCode": order["currency"]}
    begun = await charge(site, order, amount=cent, domain=NORTHWIND)
    await site.idle()
    ended = await status_of(site, order, begun["paymentReferenceId"], domain=NORTHWIND)
    assert (ended["status"], len(ended["transactions"])) == ("ERROR", 1)
    assert (await again(site, order, domain=NORTHWIND))["received"] == order["received"]


async def test_the_charge_is_made_although_the_answer_is_lost(site):
    order = await deposit_order(site, card="loses_answer")
    with pytest.raises(httpx.RemoteProtocolError):
        await charge(site, order)
    await site.idle()
    found = await charge(site, order)
    assert (await status_of(site, order, found["paymentReferenceId"]))["status"] == "SUCCESS"
    assert len(await charges_of(site, order)) == 1
    assert (await again(site, order))["received"] == order["total"]


@pytest.mark.parametrize(("succeed", "status"), [(True, "SUCCESS"), (False, "ERROR")])
async def test_only_the_shopper_finishes_what_needs_authentication(site, succeed, status):
    order = await deposit_order(site, card="needs_authentication")
    begun = await charge(site, order)
    await site.idle()
    reference = begun["paymentReferenceId"]
    assert (await status_of(site, order, reference))["status"] == "REDIRECT_REQUIRED"
    await site.control("POST", f"orders/{order['id']}/authenticate", {"succeed": succeed})
    assert (await status_of(site, order, reference))["status"] == status
    outstanding = "0.00" if succeed else order["outstanding"]
    assert (await again(site, order))["outstanding"] == outstanding


async def test_a_charge_that_waits_is_void_once_it_was_paid_otherwise(site):
    order = await deposit_order(site, card="needs_authentication")
    begun = await charge(site, order)
    await site.idle()
    paid = await site.control("POST", f"orders/{order['id']}/pay")
    assert paid["received"] == order["total"]
    status = await status_of(site, order, begun["paymentReferenceId"])
    assert status["status"] == "VOIDED"
    await site.control("POST", f"orders/{order['id']}/authenticate", status=422)


async def test_a_cards_name_can_be_changed_and_taken_away(site):
    order = await deposit_order(site, card="declines")
    await charge(site, order, "a")
    await site.idle()
    order = await site.control("PATCH", f"orders/{order['id']}", {"card": "works"})
    await charge(site, order, "b")
    await site.idle()
    assert [e["status"] for e in await charges_of(site, order)] == ["ERROR", "SUCCESS"]
    assert (await deposit_order(site, card="none"))["cards"] == []
    order = await deposit_order(site)
    gone = await site.control("PATCH", f"orders/{order['id']}", {"card": "none"})
    assert gone["cards"] == []
    refused = await charge(site, order)
    assert refused["userErrors"][0]["field"] == ["mandateId"]
    await site.control("PATCH", f"orders/{order['id']}", {"card": "gold"}, status=422)


@pytest.mark.parametrize(
    ("step", "field"), [("pay", "paymentScheduleId"), ("cancel", "id"), ("mark_paid", None)]
)
async def test_what_owes_nothing_is_not_charged(site, step, field):
    order = await deposit_order(site)
    await site.control("POST", f"orders/{order['id']}/{step}")
    before = await again(site, order)
    refused = await charge(site, order)
    assert refused["paymentReferenceId"] is None
    assert refused["userErrors"][0]["code"] == "ORDER_MANDATE_PAYMENT_ERROR_CODE"
    assert refused["userErrors"][0]["field"] == [field or "paymentScheduleId"]
    assert await again(site, order) == before
    assert await charges_of(site, order) == []


async def test_an_order_that_was_cancelled_meanwhile_is_not_charged(site):
    await site.control("PATCH", "charges", {"polls": 1})
    order = await deposit_order(site)
    begun = await charge(site, order)
    await site.control("POST", f"orders/{order['id']}/cancel", {"refund": False})
    ended = await status_of(site, order, begun["paymentReferenceId"])
    assert ended["status"] == "ERROR"
    assert ended["transactions"][0]["errorCode"] == "CANCELLED_PAYMENT"
    assert (await again(site, order))["received"] == order["received"]


async def test_an_amount_is_charged_only_for_shops_on_plus(site):
    amount = {"amount": "100.00", "currencyCode": "USD"}
    order = await deposit_order(site)
    refused = await charge(site, order, schedule=None, amount=amount)
    assert refused["userErrors"][0]["field"] == ["amount"]
    plus = await deposit_order(site, domain=NORTHWIND)
    options = {"domain": NORTHWIND}
    for wrong in (
        {"amount": "1", "currencyCode": "USD"},
        {"amount": "9999", "currencyCode": "EUR"},
    ):
        refused = await charge(site, plus, schedule=None, amount=wrong, **options)
        assert refused["userErrors"][0]["field"] == ["amount"]
    rest = {"amount": "10.00", "currencyCode": "EUR"}
    begun = await charge(site, plus, schedule=None, amount=rest, **options)
    assert begun["userErrors"] == []
    await site.control("POST", "idle", domain=NORTHWIND)
    after = await again(site, plus, **options)
    owed = f"{float(plus['outstanding']) - 10:.2f}"
    assert after["outstanding"] == after["schedules"][0]["balance"] == owed
    assert after["schedules"][0]["total"] == plus["outstanding"]
    assert after["schedules"][0]["completed_at"] is None


async def test_other_orders_cards_schedules_and_references_are_not_found(site):
    order, other = await deposit_order(site), await deposit_order(site)
    foreign = gid("PaymentSchedule", other["schedules"][0]["id"])
    assert (await charge(site, order, schedule=foreign))["userErrors"]
    card = gid("PaymentMandate", other["cards"][0]["id"])
    assert (await charge(site, order, card=card))["userErrors"][0]["field"] == ["mandateId"]
    begun = await charge(site, order)
    assert await status_of(site, other, begun["paymentReferenceId"]) is None
    variables = {"id": gid("Order", 1), "card": card, "key": "k"}
    answer = await site.graphql(CHARGE, variables)
    errors = answer["data"]["orderCreateMandatePayment"]["userErrors"]
    assert errors[0]["message"] == "Order does not exist"


async def test_a_charge_is_told_of(site, receiver):
    order = await deposit_order(site)
    topics = ("ORDERS_PAID", "ORDERS_UPDATED", "ORDER_TRANSACTIONS_CREATE")
    await site.subscribe(receiver.uri, *topics)
    await charge(site, order)
    await site.idle()
    told = {h["X-Shopify-Topic"]: json.loads(body) for h, body in receiver.taken}
    assert set(told) == {"orders/paid", "orders/updated", "order_transactions/create"}
    assert told["orders/paid"]["financial_status"] == "paid"
    assert told["order_transactions/create"]["amount"] == order["outstanding"]
    assert told["order_transactions/create"]["order_id"] == order["id"]
