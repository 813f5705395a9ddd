"""Orders out of answers as Shopify gives them."""

from decimal import Decimal

from openstoq.commerce.orders import (
    FulfillmentLine,
    FulfillmentOrder,
    Hold,
    Mandate,
    OrderCustomer,
    OrderLine,
    PaymentSchedule,
    Transaction,
)
from tests.commerce.order_answers import (
    ORDER,
    ORDER_GID,
    fulfillment_line,
    fulfillment_order,
    line,
    nodes,
    order,
    shop_money,
)
from tests.commerce.order_replies import MOMENT, order_reply
from tests.commerce.server import answer


async def test_an_order_is_read_with_all_that_it_tells(shop, admin):
    admin.replies(
        order_reply(
            order(
                cancelledAt="2026-06-20T14:30:00Z",
                cancelReason="CUSTOMER",
                closedAt="2026-06-20T14:30:00Z",
            )
        )
    )
    found = await shop.order(ORDER)
    assert admin.requests[0]["variables"] == {"id": ORDER_GID}
    assert (found.id, found.name, found.test, found.tags) == (ORDER, "#1001", False, ("preorder",))
    assert found.created_at == found.cancelled_at == found.closed_at == MOMENT
    assert found.updated_at == MOMENT.replace(minute=31)
    assert found.cancel_reason == "customer"
    assert (found.email, found.phone, found.locale) == ("ada@example.com", None, "en-CA")
    assert (found.country, found.currency) == ("CA", "CAD")
    assert (found.financial_status, found.fulfillment_status) == ("partially_paid", "on_hold")
    assert found.can_mark_paid is True
    assert (found.original_total, found.total) == (Decimal(110), Decimal(100))
    assert found.received == Decimal(20)
    assert (found.refunded, found.outstanding) == (Decimal(0), Decimal(80))
    assert found.status_url == "https://shop.example/orders/1"
    assert found.collection_url is None
    assert found.customer == OrderCustomer(
        id=9, name="Ada Lovelace", email="ada@example.com", phone=None, locale="en"
    )
    assert (found.schedules, found.mandates, found.transactions) == ((), (), ())


async def test_a_line_is_worth_what_is_left_of_all_discounts(shop, admin):
    reduced = line(
        1,
        discountAllocations=[
            {"allocatedAmountSet": shop_money("9.99")},
            {"allocatedAmountSet": shop_money("0.01")},
        ],
    )
    plain = line(2, sellingPlan=None, variant=None, product=None, customAttributes=[])
    admin.replies(order_reply(order(lineItems=nodes(reduced, plain))))
    first, second = (await shop.order(ORDER)).lines
    assert first == OrderLine(
        id=1,
        title="Coat",
        variant_title="Red",
        sku="COAT-1",
        variant_id=3,
        product_id=2,
        plan_id=5,
        quantity=3,
        current=2,
        unfulfilled=1,
        unit_price=Decimal("33.33"),
        total=Decimal("89.99"),
        properties={"_offer": "7", "gift": ""},
    )
    assert (second.plan_id, second.variant_id, second.product_id) == (None, None, None)
    assert (second.total, second.properties) == (Decimal("99.99"), {})


async def test_payments_are_read(shop, admin):
    def sale(number, **more):
        return {
            "id": f"gid://shopify/OrderTransaction/{number}",
            "kind": "SALE",
            "status": "SUCCESS",
            "amountSet": shop_money("20.0"),
            "gateway": "shopify_payments",
            "parentTransaction": None,
            "processedAt": "2026-06-20T14:30:00Z",
            "errorCode": None,
        } | more

    refunded = sale(
        12,
        kind="REFUND",
        status="FAILURE",
        parentTransaction={"id": "gid://shopify/OrderTransaction/11"},
        errorCode="CARD_DECLINED",
    )
    admin.replies(order_reply(order(transactions=[sale(11), refunded])))
    paid, failed = (await shop.order(ORDER)).transactions
    assert paid == Transaction(
        id=11,
        kind="sale",
        status="success",
        amount=Decimal(20),
        gateway="shopify_payments",
        parent_id=None,
        processed_at=MOMENT,
    )
    assert (failed.kind, failed.status, failed.parent_id) == ("refund", "failure", 11)
    assert failed.error_code == "card_declined"


def instrument(number, name, **fields):
    return {
        "id": f"gid://shopify/PaymentMandate/{number}",
        "paymentInstrument": {"__typename": name} | fields,
    }


async def test_what_was_left_to_be_charged_is_read_with_whether_it_can_be(shop, admin):
    methods = [
        instrument("a1", "VaultCreditCard", brand="visa", lastDigits="4242", expired=False),
        instrument("a2", "VaultCreditCard", brand="AmEx", lastDigits="0005", expired=True),
        instrument("a3", "VaultPaypalBillingAgreement", inactive=False),
        instrument("a4", "VaultPaypalBillingAgreement", inactive=True),
        instrument("a5", "BankAccount"),
    ]
    details = {
        "additionalPaymentCollectionUrl": "https://shop.example/pay",
        "vaultedPaymentMethods": methods,
    }
    admin.replies(order_reply(order(paymentCollectionDetails=details)))
    found = await shop.order(ORDER)
    assert found.collection_url == "https://shop.example/pay"
    assert found.mandates == (
        Mandate(id="gid://shopify/PaymentMandate/a1", label="Visa ending with 4242", usable=True),
        Mandate(id="gid://shopify/PaymentMandate/a2", label="AmEx ending with 0005", usable=False),
        Mandate(id="gid://shopify/PaymentMandate/a3", label="PayPal", usable=True),
        Mandate(id="gid://shopify/PaymentMandate/a4", label="PayPal", usable=False),
        Mandate(id="gid://shopify/PaymentMandate/a5", label="Another payment method", usable=True),
    )


def schedule(number, currency, balance, **more):
    return {
        "id": f"gid://shopify/PaymentSchedule/{number}",
        "dueAt": "2026-06-20T14:30:00Z",
        "completedAt": None,
        "balanceDue": {"amount": balance, "currencyCode": currency},
    } | more


async def test_what_is_due_later_is_read(shop, admin):
    terms = {
        "paymentSchedules": nodes(
            schedule(1, "CAD", "0.0", completedAt="2026-06-20T14:30:00Z"),
            schedule(2, "CAD", "80.0", dueAt=None),
        )
    }
    admin.replies(order_reply(order(paymentTerms=terms)))
    assert (await shop.order(ORDER)).schedules == (
        PaymentSchedule(id=1, due_at=MOMENT, completed_at=MOMENT, balance_due=Decimal(0)),
        PaymentSchedule(id=2, due_at=None, completed_at=None, balance_due=Decimal(80)),
    )


async def test_what_is_due_in_the_shoppers_currency_is_told_in_the_shops(shop, admin):
    outstanding = {
        "shopMoney": {"amount": "80.0"},
        "presentmentMoney": {"amount": "8889", "currencyCode": "JPY"},
    }
    terms = {"paymentSchedules": nodes(schedule(1, "JPY", "8889"))}
    admin.replies(order_reply(order(paymentTerms=terms, totalOutstandingSet=outstanding)))
    (found,) = (await shop.order(ORDER)).schedules
    assert found.balance_due == Decimal("80.00")


async def test_fulfillment_orders_are_read_with_who_holds_them(shop, admin):
    held = fulfillment_order(
        4,
        status="ON_HOLD",
        fulfillAt="2026-06-20T14:30:00Z",
        supportedActions=[{"action": "RELEASE_HOLD"}],
        fulfillmentHolds=[
            {
                "id": "gid://shopify/FulfillmentHold/7",
                "handle": "openstoq-1",
                "reason": "OTHER",
                "reasonNotes": "Preorder",
                "heldByRequestingApp": True,
            },
            {
                "id": "gid://shopify/FulfillmentHold/8",
                "handle": None,
                "reason": "HIGH_RISK_OF_FRAUD",
                "reasonNotes": None,
                "heldByRequestingApp": False,
            },
        ],
    )
    admin.replies(order_reply(order(fulfillmentOrders=nodes(held))))
    assert (await shop.order(ORDER)).fulfillment_orders == (
        FulfillmentOrder(
            id=4,
            status="on_hold",
            location="Aspen",
            fulfill_at=MOMENT,
            holds=(
                Hold(id=7, handle="openstoq-1", reason="other", note="Preorder", ours=True),
                Hold(id=8, handle=None, reason="high_risk_of_fraud", note=None, ours=False),
            ),
            lines=(FulfillmentLine(id=4, line_id=1, variant_id=None, total=3, remaining=2),),
            actions=frozenset({"release_hold"}),
        ),
    )


async def test_every_line_and_fulfillment_order_is_read_however_many_pages_there_are(shop, admin):
    lines = [line(number) for number in range(1, 71)]
    parts = [fulfillment_line(number) for number in range(1, 121)]
    first = [fulfillment_order(number) for number in range(1, 10)]
    tenth = fulfillment_order(10, *parts[:50], after="p50")
    last = fulfillment_order(11, *parts[:50], after="p50")

    def further_lines(asked):
        assert asked == {"id": ORDER_GID, "first": 250, "after": "l50"}
        return order_reply({"lineItems": nodes(*lines[50:])})

    def further_parts(asked):
        start = int(asked["after"].removeprefix("p"))
        stop = start + 50
        after = f"p{stop}" if stop < len(parts) else None
        return answer({"fulfillmentOrder": {"lineItems": nodes(*parts[start:stop], after=after)}})

    admin.operations = {
        "OrderById": order_reply(
            order(
                lineItems=nodes(*lines[:50], after="l50"),
                fulfillmentOrders=nodes(*first, tenth, after="f10"),
            )
        ),
        "OrderLinesPage": further_lines,
        "OrderFulfillmentOrdersPage": order_reply({"fulfillmentOrders": nodes(last)}),
        "FulfillmentOrderLinesPage": further_parts,
    }
    found = await shop.order(ORDER)
    assert [each.id for each in found.lines] == list(range(1, 71))
    assert [each.id for each in found.fulfillment_orders] == list(range(1, 12))
    assert [len(each.lines) for each in found.fulfillment_orders] == [1] * 9 + [120, 120]
    assert len({each.id for each in found.fulfillment_orders[-1].lines}) == 120
    asked = [each["variables"] for each in admin.requests]
    assert {each["id"] for each in asked[-4:]} == {
        "gid://shopify/FulfillmentOrder/10",
        "gid://shopify/FulfillmentOrder/11",
    }


async def test_what_two_pages_of_an_order_show_is_there_once(shop, admin):
    """The pages shift when the order changes between two of them."""
    changed = fulfillment_line(1) | {"remainingQuantity": 0}
    first = fulfillment_order(10, fulfillment_line(1), after="p1")
    admin.operations = {
        "OrderById": order_reply(
            order(
                lineItems=nodes(line(1), line(2), after="l2"),
                fulfillmentOrders=nodes(first, after="f1"),
            )
        ),
        "OrderLinesPage": order_reply({"lineItems": nodes(line(2, currentQuantity=0), line(3))}),
        "OrderFulfillmentOrdersPage": order_reply({"fulfillmentOrders": nodes(first)}),
        "FulfillmentOrderLinesPage": answer(
            {"fulfillmentOrder": {"lineItems": nodes(changed, fulfillment_line(2))}}
        ),
    }
    found = await shop.order(ORDER)
    assert [(each.id, each.current) for each in found.lines] == [(1, 2), (2, 0), (3, 2)]
    (part,) = found.fulfillment_orders
    assert [(each.id, each.remaining == 0) for each in part.lines] == [(1, True), (2, False)]
