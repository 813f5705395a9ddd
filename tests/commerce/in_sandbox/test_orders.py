"""The port's orders against a sandbox shop: read, held, split, told of."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from openstoq.commerce import inbound
from openstoq.commerce.orders import Mandate
from openstoq.commerce.port import (
    CommerceRefused,
)
from openstoq.commerce.shopify.inbound import ShopifyInbound
from sandbox.site import Receiver, bound_socket, serving
from tests.commerce.in_sandbox.checkout import DUE, refund


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
    assert schedule.balance_due == found.outstanding
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


async def test_markets_are_read(site, shop):
    made = await site.control("POST", "markets", {"name": "Alps", "countries": ["AT", "CH"]})
    await site.control("PATCH", f"markets/{made['id']}", {"enabled": False})
    told = {
        (each["id"], each["name"], each["enabled"], tuple(each["countries"]))
        for each in (await site.control("GET", "markets"))["markets"]
    }
    found = await shop.markets({})
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
    assert heard["fulfillment_holds/added"] == [inbound.FulfillmentOrderChanged((one.id,))]
    assert heard["markets/delete"] == [inbound.MarketsChanged()]
