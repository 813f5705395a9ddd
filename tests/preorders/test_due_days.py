"""A due day that has passed is not set, and an offer that has one sells no deposit."""

import json
from datetime import timedelta

import pytest

from openstoq.config import Limits, Security, Settings
from openstoq.preorders.offers import store
from openstoq.preorders.offers.plan_group.jobs import sync_offer
from openstoq.preorders.offers.plan_group.mapping import plan_group
from openstoq.preorders.offers.storefront import metafields
from openstoq.preorders.offers.storefront.jobs import sync_storefront
from openstoq.preorders.variants.schedule_jobs import find_moments, follow_schedules
from openstoq.web.storefront import carts, offers
from tests.factories.apps import client_of, make_app
from tests.factories.deliveries import waiting
from tests.factories.runtimes import make_runtime
from tests.factories.shop_orders import sell
from tests.factories.shops import set_zone
from tests.factories.waitlists import run_of
from tests.preorders.carts import PLAN, codes, wants
from tests.preorders.zones import AUCKLAND, KIRITIMATI, NEW_YORK, TOKYO, Clock

DAY = "2027-03-15"
# A zone, and the last moment of DAY there.
LAST_MOMENTS = [
    (NEW_YORK, "2027-03-16T03:59:59Z"),
    (TOKYO, "2027-03-15T14:59:59Z"),
    (AUCKLAND, "2027-03-15T10:59:59Z"),
    (KIRITIMATI, "2027-03-15T09:59:59Z"),
]
every_zone = pytest.mark.parametrize(("zone", "last"), LAST_MOMENTS)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def runtime(database, clock):
    limits = Limits(points=100_000, address_points=100_000)
    settings = Settings(security=Security(key="k" * 32), limits=limits)
    return make_runtime(database, settings=settings, clock=clock)


@pytest.fixture
async def shopper(runtime, shop):
    app = make_app(runtime, routes=[*carts.routes(runtime), *offers.routes(runtime)])
    async with client_of(app, base="") as opened:
        opened.headers["X-Shopify-Shop-Domain"] = shop.domain
        yield opened


@pytest.fixture
def at(offer_id):
    return f"/preorders/offers/{offer_id}"


def due(day, **more):
    return {"remaining_balance": {"due": "exact_time", "date": day, **more}}


async def sent(client, method, path, body):
    answer = await client.request(method, path, json=body)
    assert answer.status_code in (200, 202), answer.text
    return answer.json()


async def refused(client, method, path, body, status=422):
    answer = await client.request(method, path, json=body)
    assert answer.status_code == status, answer.text
    (sentence,) = answer.json()["errors"]
    return sentence


async def set_mode(client, at, mode):
    return await sent(client, "POST", f"{at}/payments/set_mode", {"mode": mode})


@every_zone
async def test_today_there_may_still_be_set_and_yesterday_is_refused(
    client, v1, database, shop, clock, at, zone, last
):
    await set_zone(database, shop, zone)
    await set_mode(client, at, "full_and_partial")
    clock.set(last)
    await sent(client, "PATCH", f"{at}/payments", due(DAY))
    await sent(client, "PATCH", f"{at}/payments", due("2027-03-16"))
    clock.now += timedelta(seconds=1)
    before = await sent(client, "GET", at, None)
    said = (
        f"payments.remaining_balance.date must not be in the past, but {DAY} in the shop's time "
        f"zone, {zone} has passed; send a later date"
    )
    own = said.removeprefix("payments.")
    assert await refused(client, "PATCH", f"{at}/payments", due(DAY)) == own
    assert await refused(client, "PATCH", at, {"payments": due(DAY)}) == said
    at_v1 = f"/preorders/{at.rpartition('/')[2]}"
    body = {"selling_plan": {"billing_type": "exact_time", "billing_at": DAY}}
    for answer in (await v1.put(at_v1, json=body), await v1.post("/preorders", json=named(body))):
        assert answer.status_code == 422
        (sentence,) = answer.json()["errors"]["billing_at"]
        assert sentence == said.partition(" ")[2]
    assert await sent(client, "GET", at, None) == before


def named(body):
    return {"selling_plan": {**body["selling_plan"], "name": "Drop"}}


async def test_a_moment_in_the_past_is_refused_in_the_same_way(client, clock, at):
    clock.set("2027-03-15T12:00:00Z")
    await set_mode(client, at, "partial")
    await sent(client, "PATCH", f"{at}/payments", due("2027-03-15T12:00:01Z"))
    said = await refused(client, "PATCH", f"{at}/payments", due("2027-03-15T12:00:00Z"))
    assert "2027-03-15T12:00:00Z has passed" in said
    said = await refused(client, "PATCH", f"{at}/payments", due("2027-03-15T11:59"))
    assert "2027-03-15T11:59:00 in the shop's time zone, UTC has passed" in said


async def test_a_day_that_is_no_due_day_may_be_any(client, clock, at):
    clock.set("2027-04-01T00:00:00Z")
    await set_mode(client, at, "partial")
    waits = {"remaining_balance": {"due": "time_after_checkout", "days": 30, "date": DAY}}
    await sent(client, "PATCH", f"{at}/payments", waits)
    await sent(client, "PATCH", f"{at}/payments", due(DAY, auto_collect_on_fulfillment=True))
    later = {"remaining_balance": {"auto_collect_on_fulfillment": False}}
    assert "has passed" in await refused(client, "PATCH", f"{at}/payments", later)
    await sent(client, "POST", f"{at}/shipping/set_delivery_date", {"date": DAY})


@pytest.fixture
async def passed(client, clock, at):
    """An offer whose due day has passed while it was paused, with a deposit and the full price."""
    await set_mode(client, at, "full_and_partial")
    await sent(client, "PATCH", f"{at}/payments", due(DAY))
    clock.set("2027-04-01T00:00:00Z")
    return at


async def test_enabling_is_refused_until_the_due_day_or_the_deposit_is_changed(client, v1, passed):
    said = await refused(client, "POST", f"{passed}/enable", {}, status=409)
    assert said == (
        f"payments.remaining_balance.date is {DAY} in the shop's time zone, UTC, which has passed, "
        "so no deposit can be sold; set a later date, or sell the offer without a deposit"
    )
    at_v1 = f"/preorders/{passed.rpartition('/')[2]}"
    answer = await v1.put(at_v1, json={"selling_plan": {"enabled": True}})
    assert answer.status_code == 422
    assert answer.json()["errors"]["billing_at"] == [said.partition(" ")[2]]
    assert (await sent(client, "GET", passed, None))["enabled"] is False
    await set_mode(client, passed, "full")
    await sent(client, "POST", f"{passed}/enable", {})
    assert "no deposit can be sold" in await refused(
        client, "POST", f"{passed}/payments/set_mode", {"mode": "partial"}, status=409
    )
    body = {"option_type": "partial"}
    await refused(client, "POST", f"{passed}/payments/enable_option", body, status=409)
    await sent(client, "PATCH", f"{passed}/payments", due("2027-04-01"))
    await set_mode(client, passed, "partial")


async def test_an_offer_with_a_passed_due_day_may_be_changed_otherwise(client, v1, passed):
    await sent(client, "PATCH", passed, {"name": "Drop", "payments": due(DAY)})
    await sent(client, "POST", f"{passed}/disable", {})
    answer = await v1.put(
        f"/preorders/{passed.rpartition('/')[2]}", json={"selling_plan": {"name": "Other"}}
    )
    assert answer.status_code == 200, answer.text


async def offer_of(database, shop, offer_id):
    async with database.transaction(shop.id) as db:
        return await store.load(db, shop.id, offer_id, lock=False)


async def selling(client, database, shop, catalogue, mode):
    offer_id = await sell(client, database, shop, catalogue, PLAN)
    at = f"/preorders/offers/{offer_id}"
    await set_mode(client, at, mode)
    await sent(client, "PATCH", f"{at}/payments", due(DAY))
    async with database.transaction(shop.id) as db:
        await db.execute(
            "INSERT INTO offer_plans (shop_id, plan_id, offer_id, option) "
            "VALUES ($1, $2, $3, 'partial')",
            shop.id,
            PLAN + 1,
            offer_id,
        )
        await db.execute("UPDATE preorder_variants SET synced_revision = revision")
    return offer_id


@every_zone
async def test_the_deposit_is_sold_until_the_last_moment_of_the_due_day(
    client, database, shop, shopper, clock, catalogue, zone, last
):
    await set_zone(database, shop, zone)
    offer_id = await selling(client, database, shop, catalogue, "full_and_partial")
    at = f"/preorders/offers/{offer_id}"
    variant = catalogue[0]
    for after, sold in ((0, True), (1, False)):
        clock.set(last)
        clock.now += timedelta(seconds=after)
        offer = await offer_of(database, shop, offer_id)
        options = ["full", "partial"] if sold else ["full"]
        assert list(plan_group(offer, clock()).plans) == options
        (shown,) = metafields.on_shop([offer], {}, clock())
        entry = json.loads(shown.value)["offers"][str(offer_id)]
        assert (entry["payments"]["options"]["partial"] is not None) is sold
        assert (entry["line_item_properties"]["partial"] is not None) is sold
        told = await shopper.get("/api/storefront/preorders", params={"variant_id": variant})
        payments = told.json()["offer"]["payments"]
        assert (payments["options"]["partial"] is not None) is sold
        assert payments["mode"] == ("full_and_partial" if sold else "full")
        full, partial = wants(variant), wants(variant, plan=PLAN + 1)
        assert await codes(shopper, full) == []
        closed = [] if sold else [("not_available", variant, 0)]
        assert await codes(shopper, partial) == closed
        read = await sent(client, "GET", at, None)
        warning = None if sold else (
            f"payments.remaining_balance.date is {DAY} in the shop's time zone, {zone}, which has "
            "passed, so the deposit is no longer sold; set a later date"
        )  # fmt: skip
        assert read["sync"]["warning"] == read["products"]["sync"]["warning"] == warning
        (listed,) = (await sent(client, "GET", "/preorders/offers", None))["offers"]
        assert listed["sync"]["warning"] == warning
    assert read["payments"]["options"]["partial"] is not None


async def test_an_offer_of_a_deposit_alone_sells_nothing_after_its_due_day(
    client, database, shop, shopper, clock, catalogue
):
    offer_id = await selling(client, database, shop, catalogue, "partial")
    variant = catalogue[0]
    assert await codes(shopper, wants(variant, plan=PLAN + 1)) == []
    clock.set("2027-03-16T00:00:00Z")
    assert await codes(shopper, wants(variant, plan=PLAN + 1)) == [("not_available", variant, 0)]
    told = await shopper.get("/api/storefront/preorders", params={"variant_id": variant})
    assert told.json()["offer"] is None
    offer = await offer_of(database, shop, offer_id)
    (shown,) = metafields.on_shop([offer], {}, clock())
    assert shown.value == '{"offers":{},"more":[]}'
    # Shopify has no group without plans, so the variants are taken out of it instead.
    assert list(plan_group(offer, clock()).plans) == ["partial"]
    at = f"/preorders/offers/{offer_id}"
    assert (
        "so the offer is no longer sold" in (await sent(client, "GET", at, None))["sync"]["warning"]
    )
    offers_of_variant = await sent(client, "GET", f"/preorders/product_variants/{variant}", None)
    assert [one["id"] for one in offers_of_variant["offers"]] == [str(offer_id)]
    await sent(client, "PATCH", f"{at}/payments", due("2027-03-16"))
    assert await codes(shopper, wants(variant, plan=PLAN + 1)) == []


async def test_a_due_day_that_passes_is_followed_once(
    client, runtime, database, shop, clock, catalogue
):
    offer_id = await selling(client, database, shop, catalogue, "full_and_partial")
    jobs = [sync_offer.name, sync_storefront.name]

    async def news(moment):
        clock.set(moment)
        async with database.transaction(shop.id) as db:
            await db.execute("DELETE FROM queue.pgqueuer")
            await db.execute("UPDATE offers SET synced_revision = revision")
            await db.execute("UPDATE preorder_variants SET synced_revision = revision")
        await follow_schedules.handler(run_of(runtime, shop))
        async with database.transaction(shop.id) as db:
            changed = await db.fetch(
                "SELECT variant_id FROM preorder_variants WHERE revision > synced_revision "
                "ORDER BY variant_id"
            )
            is_behind = await db.fetchval("SELECT revision > synced_revision FROM offers")
        asked = [await waiting(runtime, shop, name) for name in jobs]
        return [row["variant_id"] for row in changed], is_behind, [len(one) for one in asked]

    assert await news("2027-03-15T23:59:59Z") == ([], False, [0, 0])
    assert await news("2027-03-16T00:00:00Z") == (catalogue, True, [1, 1])
    assert await news("2027-03-16T00:05:00Z") == ([], False, [0, 0])
    at = f"/preorders/offers/{offer_id}"
    await sent(client, "PATCH", f"{at}/payments", due("2027-03-20"))
    assert await news("2027-03-20T12:00:00Z") == ([], False, [0, 0])
    assert await news("2027-03-22T12:00:00Z") == (catalogue, True, [1, 1])


async def test_an_offer_from_before_learns_its_moments_at_night(
    client, runtime, database, shop, clock, catalogue
):
    await selling(client, database, shop, catalogue, "full_and_partial")
    async with database.transaction(shop.id) as db:
        await db.execute("UPDATE offers SET deposit_ends_at = NULL, synced_revision = revision")
    for is_behind in (True, False):
        async with runtime.work(shop.id, request_id="test") as work:
            await find_moments(work, everything=False)
        async with database.transaction(shop.id) as db:
            row = await db.fetchrow(
                "SELECT deposit_ends_at::text AS ends, revision > synced_revision AS behind "
                "FROM offers"
            )
            await db.execute("UPDATE offers SET synced_revision = revision")
        assert (row["ends"], row["behind"]) == ("2027-03-16 00:00:00+00", is_behind)
