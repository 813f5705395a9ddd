"""Every method of the port's orders against a sandbox shop that sells, holds and charges."""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from openstoq.commerce import inbound
from openstoq.commerce.orders import Mandate, RefundPart
from openstoq.commerce.port import (
    CommerceRefused,
    CommerceUnavailable,
    Plan,
    PlanGroup,
)
from openstoq.commerce.shopify.inbound import ShopifyInbound
from openstoq.kernel.money import Money
from sandbox.site import NORTHWIND, PATIENCE, Receiver, bound_socket, serving

DUE = datetime.now(UTC).replace(microsecond=0) + timedelta(days=30)
DEPOSIT = Plan(
    name="Deposit",
    option="Deposit",
    description=None,
    percent=Decimal(20),
    balance_at=DUE,
)


@pytest.fixture
def shop(connect):
    return connect()


class Checkout:
    """Sells the shop's first variant, as a preorder with a deposit unless told otherwise."""

    def __init__(self, site, shop, domain):
        self.site, self.shop, self.domain = site, shop, domain
        self.plan_id = self.variant_id = None

    async def open(self):
        listed = await self.control("GET", "products")
        product = next(each for each in listed["products"] if each["status"].lower() == "active")
        self.variant_id = product["variants"][0]["id"]
        await self.shop.set_inventory_policies(product["id"], {self.variant_id: "continue"})
        group = PlanGroup(
            name="Preorder", merchant_code="o-1", option_name="Pay", plans={"deposit": DEPOSIT}
        )
        saved = await self.shop.save_plan_group(group, None)
        assert await self.shop.add_to_plan_group(saved.id, [self.variant_id]) == {}
        self.plan_id = saved.plan_ids["deposit"]
        return self

    async def control(self, method, path, body=None, **options):
        return await self.site.control(method, path, body, domain=self.domain, **options)

    def line(self, quantity=1, **more):
        return {
            "variant_id": self.variant_id,
            "plan_id": self.plan_id,
            "quantity": quantity,
        } | more

    async def buy(self, *lines, **more):
        asked = {
            "lines": list(lines) or [self.line()],
            "customer": {"email": "ada@example.com", "name": "Ada Lovelace", "locale": "fr"},
            "country": "CA",
        }
        return await self.control("POST", "orders", asked | more)


@pytest.fixture
async def checkout(site, shop):
    return await Checkout(site, shop, "snowdevil.myshopify.com").open()


async def finished(shop, order_id, reference):
    async with asyncio.timeout(PATIENCE):
        while True:
            found = await shop.payment_status(order_id, reference)
            if found.state != "processing":
                return found
            await asyncio.sleep(0.01)


async def balance(shop, order_id):
    """Return what it takes to charge an order's balance: the card and the schedule."""
    order = await shop.order(order_id)
    (mandate,), (schedule,) = order.mandates, order.schedules
    return mandate, schedule


async def charge(shop, order_id, key="k1"):
    mandate, schedule = await balance(shop, order_id)
    return await shop.charge_mandate(order_id, mandate.id, key=key, schedule_id=schedule.id)


async def test_an_order_is_read_as_it_was_bought(shop, checkout):
    line = checkout.line(3, discount="1.00", properties={"_offer": "7"})
    plain = checkout.line(plan_id=None)
    bought = await checkout.buy(line, plain, shipping="9.90", tags=["vip"])
    found = await shop.order(bought["id"])
    assert (found.id, found.name, found.currency) == (bought["id"], bought["name"], "USD")
    assert (found.email, found.country, found.tags) == ("ada@example.com", "CA", ("vip",))
    assert (found.customer.name, found.customer.locale) == ("Ada Lovelace", "fr")
    assert found.customer.email == "ada@example.com"
    assert found.created_at == datetime.fromisoformat(bought["created_at"])
    assert (found.financial_status, found.fulfillment_status) == ("partially_paid", "unfulfilled")
    for name, told in (
        ("total", "current_total"),
        ("received", "received"),
        ("refunded", "refunded"),
        ("outstanding", "outstanding"),
    ):
        assert getattr(found, name) == Decimal(bought[told]), name
    assert found.total == found.received + found.outstanding
    assert (found.status_url, found.collection_url) == (
        bought["status_url"],
        bought["collection_url"],
    )
    assert found.can_mark_paid is True
    preordered, other = found.lines
    assert (preordered.plan_id, other.plan_id) == (checkout.plan_id, None)
    assert preordered.properties == {"_offer": "7"}
    for line, told in zip(found.lines, bought["lines"], strict=True):
        assert line.id == told["id"]
        assert line.variant_id == checkout.variant_id
        assert (line.quantity, line.current, line.unfulfilled) == (told["quantity"],) * 3
        assert line.unit_price == Decimal(told["unit_price"])
        assert line.total == Decimal(told["total"])
    (schedule,) = found.schedules
    assert (schedule.due_at, schedule.completed_at) == (DUE, None)
    assert schedule.total == schedule.balance_due == found.outstanding
    (card,) = bought["cards"]
    assert found.mandates == (
        Mandate(
            id=f"gid://shopify/PaymentMandate/{card['id']}",
            label="Visa ending with 4242",
            usable=True,
        ),
    )
    (paid,) = found.transactions
    assert (paid.kind, paid.status, paid.amount) == ("sale", "success", found.received)


async def test_what_is_to_be_sent_is_read(shop, checkout):
    bought = await checkout.buy(checkout.line(3))
    (one,) = (await shop.order(bought["id"])).fulfillment_orders
    assert (one.status, one.holds) == ("open", ())
    assert {"hold", "split"} <= one.actions
    (units,) = one.lines
    assert (units.line_id, units.variant_id) == (bought["lines"][0]["id"], checkout.variant_id)
    assert (units.total, units.remaining) == (3, 3)


async def test_there_is_no_order_that_was_deleted(shop, checkout):
    bought = await checkout.buy()
    await checkout.control("DELETE", f"orders/{bought['id']}")
    assert await shop.order(bought["id"]) is None


async def test_a_large_order_is_read_to_its_end(shop, checkout):
    bought = await checkout.buy(*[checkout.line(2) for _ in range(60)])
    (one,) = (await shop.order(bought["id"])).fulfillment_orders
    assert len(one.lines) == 60
    for part in one.lines[:11]:
        await shop.split_fulfillment_order(one.id, {part.id: 2})
    found = await shop.order(bought["id"])
    assert [each.id for each in found.lines] == [each["id"] for each in bought["lines"]]
    assert len(found.fulfillment_orders) == 12
    remaining = [part.remaining for each in found.fulfillment_orders for part in each.lines]
    assert remaining == [2] * 60


async def test_an_order_is_read_while_the_shop_throttles_and_fails(site, shop, checkout):
    bought = await checkout.buy()
    for fault in ({"fault": "throttled", "count": 2}, {"fault": "status", "status": 503}):
        await site.control("POST", "faults", fault)
    assert (await shop.order(bought["id"])).id == bought["id"]
    assert (await site.control("GET", "faults"))["graphql"] == []


async def test_what_was_updated_is_found_in_its_order(shop, checkout):
    since = datetime.now(UTC) - timedelta(minutes=1)
    first, second = [(await checkout.buy())["id"] for _ in range(2)]
    pages = [page async for page in shop.orders_updated(since)]
    found = [number for page in pages for number, _ in page.orders]
    assert found == [first, second]
    moments = [moment for page in pages for _, moment in page.orders]
    assert moments == sorted(moments)
    assert moments[0].tzinfo is UTC
    assert pages[-1].cursor is None
    later = [page async for page in shop.orders_updated(datetime.now(UTC) + timedelta(hours=1))]
    assert [page.orders for page in later] == [()]


async def test_tags_are_added_and_taken_off(shop, checkout):
    bought = await checkout.buy(tags=["vip"])
    await shop.tag_order(bought["id"], ["preorder", "vip"])
    await shop.tag_order(bought["id"], ["preorder"])
    assert set((await shop.order(bought["id"])).tags) == {"preorder", "vip"}
    await shop.untag_order(bought["id"], ["preorder", "never"])
    assert (await shop.order(bought["id"])).tags == ("vip",)
    with pytest.raises(CommerceRefused):
        await shop.tag_order(1, ["preorder"])


async def test_a_hold_is_placed_once_and_released_alone(shop, checkout):
    bought = await checkout.buy()
    (one,) = (await shop.order(bought["id"])).fulfillment_orders
    for _ in range(2):
        await shop.hold(one.id, handle="openstoq-1", note="Ships in March")
    await checkout.control(
        "POST", f"fulfillment_orders/{one.id}/holds", {"by": "another_app", "handle": "theirs"}
    )
    (held,) = (await shop.order(bought["id"])).fulfillment_orders
    assert (held.id, held.status) == (one.id, "on_hold")
    ours, theirs = held.holds
    assert (ours.handle, ours.reason, ours.ours) == ("openstoq-1", "other", True)
    assert ours.note == "Ships in March"
    assert theirs.ours is False
    await shop.release_holds(one.id, [])
    await shop.release_holds(one.id, [ours.id])
    (left,) = (await shop.order(bought["id"])).fulfillment_orders
    assert (left.status, left.holds) == ("on_hold", (theirs,))
    await shop.release_holds(one.id, [ours.id])
    await checkout.control("POST", f"fulfillment_orders/{one.id}/release", {})
    await shop.release_holds(one.id, [ours.id, theirs.id])
    (free,) = (await shop.order(bought["id"])).fulfillment_orders
    assert (free.status, free.holds) == ("open", ())


async def test_only_some_units_are_held(shop, checkout):
    bought = await checkout.buy(checkout.line(3), checkout.line(plan_id=None))
    (one,) = (await shop.order(bought["id"])).fulfillment_orders
    wanted = next(each for each in one.lines if each.line_id == bought["lines"][0]["id"])
    for _ in range(2):
        await shop.hold(one.id, handle="openstoq-1", note=None, lines={wanted.id: 3})
    parts = (await shop.order(bought["id"])).fulfillment_orders
    units = {each.status: [(part.line_id, part.remaining) for part in each.lines] for each in parts}
    assert len(parts) == 2
    assert units == {
        "on_hold": [(bought["lines"][0]["id"], 3)],
        "open": [(bought["lines"][1]["id"], 1)],
    }
    assert all(len(each.holds) == (each.status == "on_hold") for each in parts)


async def test_units_are_split_off(shop, checkout):
    bought = await checkout.buy(checkout.line(3))
    (one,) = (await shop.order(bought["id"])).fulfillment_orders
    await shop.split_fulfillment_order(one.id, {one.lines[0].id: 1})
    parts = (await shop.order(bought["id"])).fulfillment_orders
    assert sorted(part.remaining for each in parts for part in each.lines) == [1, 2]
    for wrong in ({}, {one.lines[0].id: 0}, {one.lines[0].id: 9}):
        with pytest.raises(CommerceRefused):
            await shop.split_fulfillment_order(one.id, wrong)
    assert (await shop.order(bought["id"])).fulfillment_orders == parts


async def test_what_is_gone_cannot_be_held_and_needs_no_release(shop):
    with pytest.raises(CommerceRefused) as caught:
        await shop.hold(1, handle="openstoq-1", note=None)
    assert caught.value.refusals[0].code == "FULFILLMENT_ORDER_NOT_FOUND"
    await shop.release_holds(1, [2])


async def test_the_balance_is_charged_once_however_often_it_is_asked_for(shop, checkout):
    bought = await checkout.buy()
    mandate, schedule = await balance(shop, bought["id"])

    async def ask():
        return await shop.charge_mandate(
            bought["id"], mandate.id, key="k1", schedule_id=schedule.id
        )

    references = {await ask(), await ask()}
    (reference,) = references
    ended = await finished(shop, bought["id"], reference)
    assert (ended.state, ended.error) == ("succeeded", None)
    assert await ask() == reference
    order = await shop.order(bought["id"])
    assert (order.financial_status, order.outstanding) == ("paid", Decimal(0))
    assert [each.id for each in order.transactions][1:] == list(ended.transaction_ids)
    assert order.transactions[-1].amount == schedule.balance_due
    assert order.schedules[0].completed_at is not None
    assert order.schedules[0].balance_due == 0
    assert len((await checkout.control("GET", "charges"))["charges"]) == 1


async def test_a_charge_is_asked_after_until_it_ended(shop, checkout):
    bought = await checkout.buy()
    await checkout.control("PATCH", "charges", {"polls": 3})
    reference = await charge(shop, bought["id"])
    states = [(await shop.payment_status(bought["id"], reference)).state for _ in range(4)]
    assert states == ["processing", "processing", "succeeded", "succeeded"]


async def test_a_charge_whose_answer_was_lost_was_made_once(shop, checkout):
    bought = await checkout.buy(card="loses_answer")
    reference = await charge(shop, bought["id"])
    assert (await finished(shop, bought["id"], reference)).state == "succeeded"
    order = await shop.order(bought["id"])
    assert order.received == order.total
    assert len(order.transactions) == 2


async def test_a_charge_is_made_once_though_its_caller_gave_up(site, shop, checkout):
    bought = await checkout.buy()
    mandate, schedule = await balance(shop, bought["id"])
    await site.control("POST", "faults", {"fault": "status", "status": 503, "count": 12})
    asked = {"key": "k1", "schedule_id": schedule.id}
    with pytest.raises(CommerceUnavailable):
        await shop.charge_mandate(bought["id"], mandate.id, **asked)
    reference = await shop.charge_mandate(bought["id"], mandate.id, **asked)
    assert (await finished(shop, bought["id"], reference)).state == "succeeded"
    assert len((await shop.order(bought["id"])).transactions) == 2


@pytest.mark.parametrize("card", ["declines", "declines_1"])
async def test_a_card_that_declines_fails_with_a_reason(shop, checkout, card):
    bought = await checkout.buy(card=card)
    before = await shop.order(bought["id"])
    ended = await finished(shop, bought["id"], await charge(shop, bought["id"]))
    assert ended.state == "failed"
    assert ended.error.endswith(".")
    after = await shop.order(bought["id"])
    assert after.outstanding == before.outstanding
    failed = after.transactions[-1]
    assert (failed.kind, failed.status) == ("sale", "failure")
    assert failed.error_code == ("card_declined" if card == "declines" else "insufficient_funds")


async def test_a_card_that_declined_once_is_charged_with_another_key(shop, checkout):
    bought = await checkout.buy(card="declines_1")
    first = await charge(shop, bought["id"])
    await finished(shop, bought["id"], first)
    assert await charge(shop, bought["id"]) == first
    second = await charge(shop, bought["id"], key="k2")
    assert second != first
    assert (await finished(shop, bought["id"], second)).state == "succeeded"


async def test_a_card_that_needs_its_owner_waits_for_him(shop, checkout):
    bought = await checkout.buy(card="needs_authentication")
    reference = await charge(shop, bought["id"])
    assert (await finished(shop, bought["id"], reference)).state == "authenticate"
    await checkout.control("POST", f"orders/{bought['id']}/authenticate", {})
    assert (await shop.payment_status(bought["id"], reference)).state == "succeeded"


async def test_an_expired_card_is_told_as_of_no_use(shop, checkout):
    bought = await checkout.buy(card="expired")
    mandate, _ = await balance(shop, bought["id"])
    assert mandate.usable is False
    ended = await finished(shop, bought["id"], await charge(shop, bought["id"]))
    assert ended.state == "failed"


async def test_an_amount_is_charged_where_the_plan_allows_one(site, connect, shop, checkout):
    bought = await checkout.buy()
    mandate, _ = await balance(shop, bought["id"])
    amount = Money(Decimal(1), "USD")
    with pytest.raises(CommerceRefused, match="Plus"):
        await shop.charge_mandate(bought["id"], mandate.id, key="k1", amount=amount)
    plus = connect(domain=NORTHWIND)
    assert (await plus.shop()).is_plus
    sold = await (await Checkout(site, plus, NORTHWIND).open()).buy()
    mandate, schedule = await balance(plus, sold["id"])
    one_euro = Money(Decimal(1), "EUR")
    reference = await plus.charge_mandate(sold["id"], mandate.id, key="k1", amount=one_euro)
    assert (await finished(plus, sold["id"], reference)).state == "succeeded"
    order = await plus.order(sold["id"])
    assert order.outstanding == order.schedules[0].balance_due == schedule.balance_due - 1


async def test_a_charge_that_cannot_be_begun_is_refused(shop, checkout):
    bought = await checkout.buy()
    _, schedule = await balance(shop, bought["id"])
    with pytest.raises(CommerceRefused, match="Mandate") as caught:
        await shop.charge_mandate(
            bought["id"], "gid://shopify/PaymentMandate/1", key="k1", schedule_id=schedule.id
        )
    assert caught.value.refusals[0].code == "ORDER_MANDATE_PAYMENT_ERROR_CODE"
    assert len((await shop.order(bought["id"])).transactions) == 1


async def test_a_charge_that_nobody_began_has_not_failed(shop, checkout):
    bought = await checkout.buy()
    assert (await shop.payment_status(bought["id"], "never")).state == "processing"


async def test_an_order_is_marked_as_paid_once(shop, checkout):
    bought = await checkout.buy()
    for _ in range(2):
        await shop.mark_paid(bought["id"])
    order = await shop.order(bought["id"])
    assert (order.financial_status, order.can_mark_paid) == ("paid", False)
    assert (order.outstanding, order.received) == (Decimal(0), order.total)
    assert len(order.transactions) == 2
    with pytest.raises(CommerceRefused):
        await shop.mark_paid(1)


async def test_a_cancelled_order_is_not_taken_for_paid(shop, checkout):
    bought = await checkout.buy()
    await checkout.control("POST", f"orders/{bought['id']}/cancel", {"refund": False})
    with pytest.raises(CommerceRefused):
        await shop.mark_paid(bought["id"])


async def refund(shop, order_id, amount, *, key="r1"):
    paid = (await shop.order(order_id)).transactions[0]
    part = RefundPart(transaction_id=paid.id, gateway=paid.gateway, amount=Decimal(amount))
    return await shop.refund(order_id, [part], key=key, note="Changed mind", notify=False)


async def test_a_deposit_is_paid_back_once_for_each_key(shop, checkout):
    bought = await checkout.buy(checkout.line(2))
    before = await shop.order(bought["id"])
    first = await refund(shop, bought["id"], "1.50")
    assert first.amount == Decimal("1.50")
    assert await refund(shop, bought["id"], "1.50") == first
    after = await shop.order(bought["id"])
    assert (after.refunded, after.received) == (Decimal("1.50"), before.received)
    back = after.transactions[-1]
    assert (back.kind, back.status, back.amount) == ("refund", "success", Decimal("1.50"))
    assert back.parent_id == before.transactions[0].id
    second = await refund(shop, bought["id"], "0.50", key="r2")
    assert second.id != first.id
    assert (await shop.order(bought["id"])).refunded == Decimal("2.00")
    assert [line.current for line in after.lines] == [2]


async def test_a_refund_under_a_key_that_was_another_is_refused(shop, checkout):
    bought = await checkout.buy()
    await refund(shop, bought["id"], "1.50")
    with pytest.raises(CommerceRefused, match="same idempotency key"):
        await refund(shop, bought["id"], "1.60")
    assert (await shop.order(bought["id"])).refunded == Decimal("1.50")


async def test_no_more_is_paid_back_than_was_paid(shop, checkout):
    bought = await checkout.buy()
    received = (await shop.order(bought["id"])).received
    with pytest.raises(CommerceRefused):
        await refund(shop, bought["id"], received + 1)
    assert (await shop.order(bought["id"])).refunded == Decimal(0)


async def test_a_refund_whose_answer_was_lost_is_made_once(site, shop, checkout):
    bought = await checkout.buy()
    await site.control("POST", "faults", {"fault": "close", "count": 2})
    await refund(shop, bought["id"], "1.50")
    assert (await shop.order(bought["id"])).refunded == Decimal("1.50")


async def test_an_order_is_cancelled_once_and_keeps_its_money(shop, checkout):
    bought = await checkout.buy()
    received = (await shop.order(bought["id"])).received

    async def cancel(order_id):
        await shop.cancel_order(
            order_id, reason="customer", note="By mail", notify=False, restock=True
        )

    await cancel(bought["id"])
    await checkout.site.idle()
    order = await shop.order(bought["id"])
    assert (order.cancel_reason, order.cancelled_at is None) == ("customer", False)
    assert (order.received, order.refunded) == (received, Decimal(0))
    assert [line.current for line in order.lines] == [0]
    await cancel(bought["id"])
    assert (await shop.order(bought["id"])).cancelled_at == order.cancelled_at
    with pytest.raises(CommerceRefused) as caught:
        await cancel(1)
    assert caught.value.refusals[0].code == "NOT_FOUND"


async def test_markets_are_read(site, shop):
    made = await site.control("POST", "markets", {"name": "Alps", "countries": ["AT", "CH"]})
    await site.control("PATCH", f"markets/{made['id']}", {"enabled": False})
    told = {
        (each["id"], each["name"], each["enabled"], tuple(each["countries"]))
        for each in (await site.control("GET", "markets"))["markets"]
    }
    found = await shop.markets()
    assert {(each.id, each.name, each.active, each.countries) for each in found} == told
    assert (made["id"], "Alps", False, ("AT", "CH")) in told


ORDER_TOPICS = (
    "FULFILLMENTS_CREATE",
    "FULFILLMENT_HOLDS_ADDED",
    "FULFILLMENT_HOLDS_RELEASED",
    "FULFILLMENT_ORDERS_HOLD_RELEASED",
    "FULFILLMENT_ORDERS_PLACED_ON_HOLD",
    "FULFILLMENT_ORDERS_SPLIT",
    "MARKETS_CREATE",
    "MARKETS_DELETE",
    "MARKETS_UPDATE",
    "ORDERS_CANCELLED",
    "ORDERS_CREATE",
    "ORDERS_DELETE",
    "ORDERS_EDITED",
    "ORDERS_FULFILLED",
    "ORDERS_PAID",
    "ORDERS_UPDATED",
    "ORDER_TRANSACTIONS_CREATE",
    "PAYMENT_SCHEDULES_DUE",
    "REFUNDS_CREATE",
)


@pytest.fixture
async def receiver():
    listening, url = bound_socket()
    receiver = Receiver()
    receiver.uri = f"{url}/hooks"
    async with serving(receiver.app, listening):
        yield receiver
        receiver.hang.set()


async def test_all_that_the_shop_tells_of_orders_is_understood(site, shop, checkout, receiver):
    await site.subscribe(receiver.uri, *ORDER_TOPICS)
    sent, cancelled, deleted = [
        (await checkout.buy(checkout.line(3), checkout.line()))["id"] for _ in range(3)
    ]
    before = await shop.order(sent)
    (one,) = before.fulfillment_orders
    schedule = before.schedules[0].id
    await shop.hold(one.id, handle="openstoq-1", note=None)
    (held,) = (await shop.order(sent)).fulfillment_orders
    await shop.release_holds(one.id, [held.holds[0].id])
    await shop.split_fulfillment_order(one.id, {one.lines[0].id: 1})
    line = before.lines[0].id
    await checkout.control("POST", f"orders/{sent}/edit", {"lines": [{"id": line, "quantity": 2}]})
    await checkout.control("POST", f"orders/{sent}/due", {})
    await refund(shop, sent, "0.50")
    await shop.mark_paid(sent)
    await checkout.control("POST", f"orders/{sent}/fulfill", {})
    await shop.cancel_order(cancelled, reason="staff", note=None, notify=False, restock=True)
    await checkout.control("DELETE", f"orders/{deleted}")
    market = await site.control("POST", "markets", {"name": "Alps", "countries": ["AT"]})
    await site.control("PATCH", f"markets/{market['id']}", {"name": "The Alps"})
    await site.control("DELETE", f"markets/{market['id']}")
    await site.idle()
    heard = {}
    for headers, body in receiver.taken:
        delivery = ShopifyInbound().delivery(headers)
        change = ShopifyInbound().change(delivery.topic, body)
        heard.setdefault(delivery.topic, []).append(change)
    assert {topic.replace("/", "_").upper() for topic in heard} == set(ORDER_TOPICS)
    assert {topic: heard[topic][0] for topic in ("orders/delete", "payment_schedules/due")} == {
        "orders/delete": inbound.OrderDeleted(deleted),
        "payment_schedules/due": inbound.PaymentScheduleDue(
            schedule, heard["payment_schedules/due"][0].payment_terms_id
        ),
    }
    assert heard["orders/cancelled"] == [inbound.OrderChanged(cancelled)]
    for topic in ("orders/edited", "refunds/create", "orders/paid", "fulfillments/create"):
        assert inbound.OrderChanged(sent) in heard[topic], topic
    assert heard["fulfillment_holds/added"] == [inbound.FulfillmentOrderChanged(one.id)]
    assert heard["markets/delete"] == [inbound.MarketsChanged()]
