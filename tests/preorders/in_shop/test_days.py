"""Days in a shop in New York: in its plans and metafields, in mails, and once it moves or they pass."""

from datetime import datetime, timedelta
from email import message_from_bytes, policy
from uuid import UUID

from openstoq.kernel.clock import utc_now
from openstoq.preorders.variants.schedule_jobs import follow_schedules
from openstoq.shops.installation import read_facts
from tests.factories.sandboxed import (
    accepted,
    all_jobs_done,
    plan_groups,
    run,
    shop_metafields,
    variant_in_shop,
)

DAY, THERE, IN_UTC = "2099-03-15", "2099-03-15T04:00:00+00:00", "2099-03-15T00:00:00+00:00"


def moments_of(plan):
    billing, delivery = plan["billing_policy"], plan["delivery_policy"]
    due = billing["remaining_balance_charge_exact_time"]
    return [datetime.fromisoformat(one) for one in (due, delivery["fulfillment_exact_time"])]


async def partial_plan(site):
    ((_, partial),) = [group["plans"] for group in await plan_groups(site)]
    return partial


async def revision(database, shop):
    async with database.transaction(shop.id) as db:
        return await db.fetchval("SELECT revision FROM offers")


async def dated(client, database, offer):
    balance = {"remaining_balance": {"due": "exact_time", "date": DAY}}
    answer = await client.patch(f"{offer}/payments", json=balance)
    assert answer.status_code == 202, answer.text
    await accepted(client, f"{offer}/shipping/set_delivery_date", date=DAY)
    await accepted(client, f"{offer}/schedule", end="2099-03-31")
    await all_jobs_done(database)


async def test_a_shop_that_tells_its_time_zone_has_its_days_there(
    market, runtime, shop, site, client, database, offer, variants, plans
):
    await dated(client, database, offer)
    assert moments_of(await partial_plan(site)) == [datetime.fromisoformat(IN_UTC)] * 2
    await run(runtime, shop, read_facts)
    await all_jobs_done(database)
    assert moments_of(await partial_plan(site)) == [datetime.fromisoformat(THERE)] * 2
    shown = (await shop_metafields(site))["selling_plans"]["offers"][offer.rpartition("/")[2]]
    assert shown["payments"]["remaining_balance"]["date"] == "2099-03-15T04:00:00Z"
    assert shown["schedule"]["end"] == "2099-04-01T03:59:59.999999+00:00"
    assert (await client.get(offer)).json()["sync"]["state"] == "synced"
    before = await revision(database, shop)
    await run(runtime, shop, read_facts)
    await all_jobs_done(database)
    assert await revision(database, shop) == before


async def test_the_mail_names_the_due_day_of_the_shop(
    market, runtime, shop, client, database, offer, variants, plans
):
    await run(runtime, shop, read_facts)
    await dated(client, database, offer)
    order = await market.place((variants[0], plans["partial"], 1))
    assert (await market.read(order))["payments"]["balance"]["due_at"] == "2099-03-15T04:00:00Z"
    await market.ask(order, "payments/send_collection_url")
    message = message_from_bytes(market.relay.taken[-1].content, policy=policy.default)
    text = message.get_body(("plain",)).get_content()
    assert "March 15, 2099" in text
    assert "March 14" not in text


async def pass_due_day(database, shop, offer):
    """Time passes: the due day is over since a second."""
    over = utc_now() - timedelta(seconds=1)
    async with database.transaction(shop.id) as db:
        await db.execute(
            """
            UPDATE offers SET deposit_ends_at = $2, payments = jsonb_set(
                payments, '{remaining_balance,date}', to_jsonb($3::text))
            WHERE id = $1
            """,
            UUID(offer.rpartition("/")[2]),
            over,
            over.isoformat(),
        )


async def test_the_deposit_leaves_the_shop_once_its_due_day_has_passed(
    runtime, shop, site, client, database, offer, variants, plans
):
    await dated(client, database, offer)
    await pass_due_day(database, shop, offer)
    await run(runtime, shop, follow_schedules)
    await all_jobs_done(database)
    (group,) = await plan_groups(site)
    assert [plan["id"] for plan in group["plans"]] == [plans["full"]]
    assert group["variant_ids"] == sorted(variants[:3])
    offer_id = offer.rpartition("/")[2]
    shown = (await shop_metafields(site))["selling_plans"]["offers"][offer_id]
    assert shown["selling_plan_ids"] == {"full": plans["full"], "partial": None}
    assert shown["payments"]["options"]["partial"] is None
    read = (await client.get(offer)).json()
    assert (read["sync"]["state"], read["payments"]["mode"]) == ("synced", "full_and_partial")
    assert "the deposit is no longer sold" in read["sync"]["warning"]
    await dated(client, database, offer)
    assert len((await plan_groups(site))[0]["plans"]) == 2
    assert (await client.get(offer)).json()["sync"] == {
        "state": "synced", "error": None, "warning": None,
    }  # fmt: skip


async def test_an_offer_of_a_deposit_alone_leaves_the_shop_and_returns(
    runtime, shop, site, client, database, offer, variants, plans
):
    await accepted(client, f"{offer}/payments/set_mode", mode="partial")
    await dated(client, database, offer)
    await pass_due_day(database, shop, offer)
    await run(runtime, shop, follow_schedules)
    await all_jobs_done(database)
    (group,) = await plan_groups(site)
    assert group["variant_ids"] == []
    assert (await shop_metafields(site))["selling_plans"]["offers"] == {}
    metafields, _ = await variant_in_shop(site, variants[0])
    assert metafields == {}
    listed = (await client.get(f"{offer}/products/variants")).json()["variants"]
    assert {one["sync"]["state"] for one in listed} == {"synced"}
    await dated(client, database, offer)
    (group,) = await plan_groups(site)
    assert group["variant_ids"] == sorted(variants[:3])
    metafields, _ = await variant_in_shop(site, variants[0])
    assert "selling_plan_ids" in metafields
