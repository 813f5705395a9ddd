"""A date without a time is a day in the shop's time zone, wherever it is sent and shown."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from openstoq.messaging import compose
from openstoq.preorders.offers import store
from openstoq.preorders.offers.plan_group.mapping import plan_group
from openstoq.preorders.offers.rules import schedule_state
from openstoq.preorders.offers.storefront import metafields
from openstoq.preorders.variants.schedule_jobs import follow_zone
from tests.factories.runtimes import make_runtime
from tests.factories.shops import set_zone
from tests.factories.waitlists import run_of
from tests.preorders.zones import (
    AUCKLAND,
    KIRITIMATI,
    NEW_YORK,
    TOKYO,
    Clock,
)

# A zone, and the first moments of 2027-03-15, 2027-03-31 and 2027-04-01 there.
ZONES = [
    (NEW_YORK, "2027-03-15T04:00:00Z", "2027-03-31T04:00:00Z", "2027-04-01T04:00:00Z"),
    (TOKYO, "2027-03-14T15:00:00Z", "2027-03-30T15:00:00Z", "2027-03-31T15:00:00Z"),
    (AUCKLAND, "2027-03-14T11:00:00Z", "2027-03-30T11:00:00Z", "2027-03-31T11:00:00Z"),
    (KIRITIMATI, "2027-03-14T10:00:00Z", "2027-03-30T10:00:00Z", "2027-03-31T10:00:00Z"),
    ("UTC", "2027-03-15T00:00:00Z", "2027-03-31T00:00:00Z", "2027-04-01T00:00:00Z"),
]
every_zone = pytest.mark.parametrize(("zone", "fifteenth", "last", "next_month"), ZONES)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def runtime(database, clock):
    return make_runtime(database, clock=clock)


@pytest.fixture
def at(offer_id):
    return f"/preorders/offers/{offer_id}"


def last_moment_before(moment):
    ticks = datetime.fromisoformat(moment).timestamp() - 1
    return f"{datetime.fromtimestamp(ticks, UTC):%Y-%m-%dT%H:%M:%S}.999999Z"


async def sent(client, method, path, body):
    answer = await client.request(method, path, json=body)
    assert answer.status_code in (200, 202), answer.text
    return answer.json()


async def loaded(database, shop, at):
    async with database.transaction(shop.id) as db:
        return await store.load(db, shop.id, UUID(at.rpartition("/")[2]), lock=False)


def due(day):
    return {"remaining_balance": {"due": "exact_time", "date": day}}


async def with_days(client, at, day="2027-03-15", last="2027-03-31"):
    """Set every date that an offer has."""
    await sent(client, "POST", f"{at}/payments/set_mode", {"mode": "full_and_partial"})
    await sent(client, "PATCH", f"{at}/payments", due(day))
    await sent(client, "POST", f"{at}/shipping/set_delivery_date", {"date": day})
    await sent(client, "POST", f"{at}/schedule", {"start": day, "end": last})
    await sent(client, "PATCH", f"{at}/countdown", {"custom_start_date": day})
    await sent(client, "POST", f"{at}/countdown/set_custom_end_date", {"date": last})


@every_zone
async def test_v2_shows_the_moments_that_days_are_there(
    client, database, shop, at, zone, fifteenth, last, next_month
):
    await set_zone(database, shop, zone)
    await with_days(client, at)
    read = await sent(client, "GET", at, None)
    end = last_moment_before(next_month)
    assert read["payments"]["remaining_balance"]["date"] == fifteenth
    assert read["shipping"]["delivery"]["date"] == fifteenth
    assert read["schedule"] == {"start": fifteenth, "end": end, "state": "upcoming"}
    assert read["countdown"]["custom_start_date"] == fifteenth
    assert read["countdown"]["custom_end_date"] == end
    assert (await sent(client, "GET", f"{at}/countdown", None)) == read["countdown"]
    answered = await sent(client, "PATCH", f"{at}/shipping", {"delivery": {"date": "2027-03-31"}})
    assert answered["delivery"]["date"] == last


@every_zone
async def test_v1_and_v2_mean_the_same_day(
    client, v1, database, shop, zone, fifteenth, last, next_month
):
    await set_zone(database, shop, zone)
    plan = {
        "name": "Drop",
        "billing_type": "exact_time",
        "billing_at": "2027-03-15",
        "billing_checkout_charge_percentage": 20,
        "delivery_type": "exact_time",
        "delivery_at": "2027-03-31",
    }
    answer = await v1.post("/preorders", json={"selling_plan": plan})
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert (made["billing_at"], made["delivery_at"]) == (fifteenth, last)
    at = f"/preorders/offers/{made['id']}"
    read = await sent(client, "GET", at, None)
    assert read["payments"]["remaining_balance"]["date"] == fifteenth
    await sent(client, "POST", f"{at}/shipping/set_delivery_date", {"date": "2027-04-01"})
    shown = (await v1.get(f"/preorders/{made['id']}")).json()
    assert (shown["billing_at"], shown["delivery_at"]) == (fifteenth, next_month)


@every_zone
async def test_shopify_is_told_the_day_and_a_mail_says_it(
    client, database, shop, clock, at, zone, fifteenth, last, next_month
):
    await set_zone(database, shop, zone)
    await with_days(client, at)
    offer = await loaded(database, shop, at)
    partial = plan_group(offer, clock()).plans["partial"]
    assert partial.balance_at == partial.delivered_at == datetime.fromisoformat(fifteenth)
    assert compose.day(partial.balance_at, zone, "en") == "March 15, 2027"


@every_zone
async def test_the_storefront_reads_moments_and_the_end_is_in_the_window(
    client, database, shop, clock, at, zone, fifteenth, last, next_month
):
    await set_zone(database, shop, zone)
    await with_days(client, at)
    await sent(client, "POST", f"{at}/enable", {})
    offer = await loaded(database, shop, at)
    shown = metafields.described(offer, {})
    end = datetime.fromisoformat(last_moment_before(next_month))
    assert shown["schedule"] == {"start": datetime.fromisoformat(fifteenth), "end": end}
    assert shown["countdown"]["custom_end_date"] == last_moment_before(next_month)
    assert shown["countdown"]["custom_start_date"] == fifteenth
    assert shown["payments"]["remaining_balance"]["date"] == fifteenth
    assert shown["shipping"]["delivery"]["date"] == fifteenth
    states = [(end, "active"), (datetime.fromisoformat(next_month), "ended")]
    for moment, state in states:
        assert schedule_state(offer, moment) == state


async def test_a_window_may_be_one_day_long_and_is_not_empty(client, database, shop, clock, at):
    await set_zone(database, shop, NEW_YORK)
    day = {"start": "2027-03-14", "end": "2027-03-14"}
    read = await sent(client, "POST", f"{at}/schedule", day)
    assert read["schedule"]["start"] == "2027-03-14T05:00:00Z"
    assert read["schedule"]["end"] == "2027-03-15T03:59:59.999999Z"
    refused = await client.post(f"{at}/schedule", json={"start": "2027-03-15", "end": "2027-03-14"})
    assert (refused.status_code, refused.json()["errors"]) == (422, ["start must be before end"])
    assert (await sent(client, "GET", at, None))["schedule"] == read["schedule"]


@pytest.mark.parametrize(
    ("zone", "moment"),
    [(NEW_YORK, "2027-03-15T13:30:00Z"), (TOKYO, "2027-03-15T00:30:00Z")],
)
@pytest.mark.parametrize("sent_as", ["2027-03-15T09:30:00", "2027-03-15 09:30"])
async def test_a_time_without_an_offset_is_a_time_there(
    client, v1, database, shop, at, zone, moment, sent_as
):
    await set_zone(database, shop, zone)
    await with_days(client, at, day=sent_as, last="2027-03-15T10:30")
    read = await sent(client, "GET", at, None)
    assert read["payments"]["remaining_balance"]["date"] == moment
    assert read["shipping"]["delivery"]["date"] == read["schedule"]["start"] == moment
    assert (await v1.get(f"/preorders/{read['id']}")).json()["billing_at"] == moment


async def test_a_time_with_an_offset_is_that_moment(client, database, shop, at):
    await set_zone(database, shop, NEW_YORK)
    await with_days(client, at, day="2027-03-15T00:00:00+09:00", last="2027-03-31T00:00:00Z")
    read = await sent(client, "GET", at, None)
    assert read["payments"]["remaining_balance"]["date"] == "2027-03-14T15:00:00Z"
    assert read["schedule"]["end"] == read["countdown"]["custom_end_date"] == "2027-03-31T00:00:00Z"


async def test_days_stay_days_when_the_shop_moves(client, v1, runtime, database, shop, clock, at):
    await set_zone(database, shop, NEW_YORK)
    await with_days(client, at)
    moment = {"date": "2027-03-15T09:00:00Z"}
    await sent(client, "POST", f"{at}/shipping/set_delivery_date", moment)
    await set_zone(database, shop, TOKYO)
    await follow_zone.handler(run_of(runtime, shop))
    read = await sent(client, "GET", at, None)
    assert read["payments"]["remaining_balance"]["date"] == "2027-03-14T15:00:00Z"
    assert read["schedule"]["start"] == "2027-03-14T15:00:00Z"
    assert read["schedule"]["end"] == "2027-03-31T14:59:59.999999Z"
    assert read["shipping"]["delivery"]["date"] == moment["date"]
    assert read["sync"]["state"] == "pending"
    async with database.transaction(shop.id) as db:
        row = await db.fetchrow("SELECT schedule_start, schedule_end, deposit_ends_at FROM offers")
    starts, ends, deposit_ends = (moment.isoformat() for moment in row)
    assert (starts, ends) == ("2027-03-14T15:00:00+00:00", "2027-03-31T15:00:00+00:00")
    assert deposit_ends == "2027-03-15T15:00:00+00:00"


async def test_what_was_read_may_be_sent_back_and_the_day_stays_a_day(
    client, v1, database, shop, at
):
    await set_zone(database, shop, NEW_YORK)
    await with_days(client, at)
    read = await sent(client, "GET", at, None)
    schedule = {name: read["schedule"][name] for name in ("start", "end")}
    await sent(client, "POST", f"{at}/schedule", schedule)
    balance = {"remaining_balance": read["payments"]["remaining_balance"]}
    await sent(client, "PATCH", f"{at}/payments", balance)
    body = {"shipping": read["shipping"], "countdown": read["countdown"]}
    await sent(client, "PATCH", at, body)
    plan = (await v1.get(f"/preorders/{read['id']}")).json()
    days = {name: plan[name] for name in ("billing_at", "delivery_at")}
    assert (await v1.put(f"/preorders/{read['id']}", json={"selling_plan": days})).is_success
    await set_zone(database, shop, TOKYO)
    read = await sent(client, "GET", at, None)
    assert read["payments"]["remaining_balance"]["date"] == "2027-03-14T15:00:00Z"
    assert read["shipping"]["delivery"]["date"] == "2027-03-14T15:00:00Z"
    assert read["schedule"]["start"] == "2027-03-14T15:00:00Z"
    assert read["schedule"]["end"] == "2027-03-31T14:59:59.999999Z"
    assert read["countdown"]["custom_end_date"] == "2027-03-31T14:59:59.999999Z"
