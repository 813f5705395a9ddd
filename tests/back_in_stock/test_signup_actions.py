"""What a merchant does with sign-ups through API v2: telling, moving, and the send log."""

from datetime import timedelta

import pytest

from openstoq.back_in_stock.notifications.jobs import send_wave
from openstoq.back_in_stock.notifications.model import NotificationPage, NotificationView
from openstoq.back_in_stock.signups.model import SignupView
from openstoq.catalog import pulls
from openstoq.jobs.queue import waiting_arguments
from openstoq.kernel.ids import new_id
from tests.back_in_stock.asking import SIGNUPS, contacts, errors, listed
from tests.factories.apps import client_of, make_app
from tests.factories.catalogs import (
    NOON,
    PRODUCT,
    VARIANT,
    product,
    save,
    seconds_after_noon,
    variant,
)
from tests.factories.shops import make_key, make_shop
from tests.factories.waitlists import make_signup, rows

pytestmark = pytest.mark.usefixtures("sold_out")

NOTIFICATIONS = "/back_in_stock/notifications"


async def wave_jobs(database, shop):
    async with database.transaction(shop.id) as db:
        return await waiting_arguments(db, shop.id, send_wave.name)


async def test_notify_starts_a_wave_of_one(database, client, shop):
    signup_id = await make_signup(database, shop)
    answer = await client.post(f"{SIGNUPS}/{signup_id}/notify", json={})
    assert answer.status_code == 202
    assert SignupView.model_validate_json(answer.content).sync.state == "pending"
    (wave,) = await rows(database, shop, "waves")
    assert wave["kind"] == "manual"
    assert await wave_jobs(database, shop) == [{"wave_id": str(wave["id"])}]
    again = await client.post(f"{SIGNUPS}/{signup_id}/notify", json={"allow_resend": True})
    assert "on its way" in errors(again, 409)
    assert len(await rows(database, shop, "waves")) == 1


async def test_who_was_notified_is_only_told_again_when_allowed(database, client, shop):
    signup_id = await make_signup(database, shop, notified_at=seconds_after_noon(1))
    assert "allow_resend" in errors(
        await client.post(f"{SIGNUPS}/{signup_id}/notify", json={}), 409
    )
    assert await rows(database, shop, "waves") == []
    answer = await client.post(f"{SIGNUPS}/{signup_id}/notify", json={"allow_resend": True})
    assert answer.status_code == 202


@pytest.mark.parametrize("column", ["unsubscribed_at", "blocked_at"])
async def test_who_may_not_be_told_is_not(database, client, shop, column):
    signup_id = await make_signup(database, shop, **{column: seconds_after_noon(1)})
    answer = await client.post(f"{SIGNUPS}/{signup_id}/notify", json={"allow_resend": True})
    errors(answer, 409)
    assert await rows(database, shop, "waves") == []


async def test_a_channel_without_a_gateway_says_so(database, client, shop):
    signup_id = await make_signup(database, shop, "14155552671", channel="sms")
    answer = await client.post(f"{SIGNUPS}/{signup_id}/notify", json={})
    assert "No gateway for sms" in errors(answer, 409)


async def test_bulk_notify_tells_all(database, client, shop):
    ids = [await make_signup(database, shop, f"{n}@example.com") for n in range(3)]
    body = {"signup_ids": [str(one) for one in (*ids, ids[0])]}
    answer = await client.post(f"{SIGNUPS}/bulk_notify", json=body)
    assert answer.status_code == 200
    assert answer.json() == {"success": [str(one) for one in ids], "failed": []}
    assert len(await wave_jobs(database, shop)) == 1
    assert len(await rows(database, shop, "notifications")) == 3


async def test_bulk_notify_says_who_is_not_told(database, client, shop):
    mine = await make_signup(database, shop)
    told = await make_signup(database, shop, "told@example.com", notified_at=seconds_after_noon(1))
    other = await make_shop(database, "other.myshopify.com")
    foreign = await make_signup(database, other, variant_id=VARIANT)
    body = {"signup_ids": [str(one) for one in (told, mine, foreign)]}
    answer = await client.post(f"{SIGNUPS}/bulk_notify", json=body)
    assert answer.status_code == 207
    assert answer.json()["success"] == [str(mine)]
    failed = {one["signup_id"]: one["error"] for one in answer.json()["failed"]}
    assert "Already notified" in failed[str(told)]
    assert "in this shop" in failed[str(foreign)]
    assert [row["signup_id"] for row in await rows(database, shop, "notifications")] == [mine]
    assert await rows(database, other, "notifications") == []


async def test_bulk_notify_may_send_again(database, client, shop):
    told = await make_signup(database, shop, notified_at=seconds_after_noon(1))
    body = {"signup_ids": [str(told)], "allow_resend": True}
    assert (await client.post(f"{SIGNUPS}/bulk_notify", json=body)).status_code == 200


# Transfer


OTHER = {
    "from_shopify_variant_id": VARIANT,
    "to_shopify_variant_id": VARIANT + 1,
    "to_shopify_product_id": PRODUCT,
}
STATES = {
    "pending": {},
    "notified": {"notified_at": seconds_after_noon(1)},
    "unsubscribed": {"unsubscribed_at": seconds_after_noon(1)},
    "blocked": {"blocked_at": seconds_after_noon(1)},
}


@pytest.mark.parametrize(
    ("scope", "moved"),
    [
        ({}, {"pending"}),
        ({"scope": "pending"}, {"pending"}),
        ({"scope": "notified"}, {"notified"}),
        ({"scope": "all"}, set(STATES)),
    ],
)
async def test_the_scope_says_who_moves(database, client, shop, scope, moved):
    for name, columns in STATES.items():
        await make_signup(database, shop, f"{name}@example.com", **columns)
    answer = await client.post(f"{SIGNUPS}/transfer", json=OTHER | scope)
    assert answer.json() == {"transferred_count": len(moved), "dropped_count": 0}
    now_there = await contacts(client, variant_id=VARIANT + 1)
    assert set(now_there) == {f"{name}@example.com" for name in moved}


async def test_who_waits_for_the_target_already_is_dropped(database, client, shop):
    await make_signup(database, shop)
    await make_signup(database, shop, "bob@example.com")
    await make_signup(database, shop, variant_id=VARIANT + 1)
    await make_signup(database, shop, market_id=5)
    answer = await client.post(f"{SIGNUPS}/transfer", json=OTHER)
    assert answer.json() == {"transferred_count": 2, "dropped_count": 1}
    assert len(await contacts(client, variant_id=VARIANT + 1)) == 3
    assert await contacts(client, variant_id=VARIANT) == []


async def test_a_notified_one_of_the_target_drops_nobody(database, client, shop):
    await make_signup(database, shop)
    await make_signup(database, shop, variant_id=VARIANT + 1, notified_at=seconds_after_noon(1))
    answer = await client.post(f"{SIGNUPS}/transfer", json=OTHER | {"scope": "all"})
    assert answer.json() == {"transferred_count": 1, "dropped_count": 0}


async def test_only_those_of_the_named_product_move(database, client, shop):
    await make_signup(database, shop)
    body = OTHER | {"from_shopify_product_id": PRODUCT + 1}
    answer = await client.post(f"{SIGNUPS}/transfer", json=body)
    assert answer.json() == {"transferred_count": 0, "dropped_count": 0}


async def test_whose_message_is_under_way_stays(database, client, shop):
    await make_signup(database, shop, wave_id=new_id())
    answer = await client.post(f"{SIGNUPS}/transfer", json=OTHER)
    assert answer.json() == {"transferred_count": 0, "dropped_count": 0}


async def test_a_variant_is_not_transferred_to_itself(client):
    body = OTHER | {"to_shopify_variant_id": VARIANT}
    assert "another variant" in errors(await client.post(f"{SIGNUPS}/transfer", json=body), 422)


@pytest.mark.parametrize(
    ("target", "named"),
    [
        ({"to_shopify_variant_id": 999}, "to_shopify_variant_id"),
        ({"to_shopify_product_id": PRODUCT + 1}, "to_shopify_product_id"),
    ],
)
async def test_signups_move_only_to_a_variant_of_the_shop(database, client, shop, target, named):
    await save(database, shop, product(variant(VARIANT), variant(VARIANT + 1)))
    async with database.transaction(shop.id) as db:
        await pulls.begin(db, shop.id, everything=True, overlap=timedelta(minutes=0), now=NOON)
        await pulls.finish(db, shop.id, NOON)
    await make_signup(database, shop)
    answer = await client.post(f"{SIGNUPS}/transfer", json=OTHER | target)
    assert errors(answer, 422).startswith(named)
    assert len(await contacts(client, variant_id=VARIANT)) == 1


# Notifications


async def test_the_send_log_is_listed_and_read(database, client, shop):
    ids = [await make_signup(database, shop, f"{n}@example.com") for n in range(3)]
    await client.post(f"{SIGNUPS}/bulk_notify", json={"signup_ids": [str(one) for one in ids]})
    answer = await client.get(NOTIFICATIONS)
    page = NotificationPage.model_validate_json(answer.content)
    assert page.meta.total_count == 3
    assert {one.signup_id for one in page.notifications} == set(ids)
    one = page.notifications[0]
    assert (one.status, one.attempts, one.variant.title) == ("queued", 0, "Blue / 154")
    read = await client.get(f"{NOTIFICATIONS}/{one.id}")
    assert NotificationView.model_validate_json(read.content) == one


async def test_the_send_log_is_filtered(database, client, shop):
    ids = [await make_signup(database, shop, f"{n}@example.com") for n in range(2)]
    await client.post(f"{SIGNUPS}/bulk_notify", json={"signup_ids": [str(one) for one in ids]})
    async with database.transaction(shop.id) as db:
        await db.execute(
            """
            UPDATE notifications SET status = 'blocked', blocked_reason = 'unsubscribed',
                variant_id = 999, product_id = 998, created_at = $2 WHERE signup_id = $1
            """,
            ids[0],
            seconds_after_noon(-86_400),
        )

    async def found(**query):
        answer = await client.get(NOTIFICATIONS, params=query)
        page = NotificationPage.model_validate_json(answer.content)
        return [one.signup_id for one in page.notifications]

    assert await found() == [ids[1], ids[0]]
    assert await found(status="blocked") == [ids[0]]
    assert await found(status="sent") == []
    assert await found(variant_id=999) == [ids[0]]
    assert await found(product_id=PRODUCT) == [ids[1]]
    assert await found(channel="sms") == []
    assert await found(**{"from": "2026-07-01"}) == [ids[1]]
    assert await found(to="2026-06-30") == [ids[0]]
    assert await found(per_page=1, page=2) == [ids[0]]


async def test_another_shops_rows_are_not_there(database, runtime, client, shop):
    signup_id = await make_signup(database, shop)
    await client.post(f"{SIGNUPS}/{signup_id}/notify", json={})
    (notification,) = await rows(database, shop, "notifications")
    other = await make_shop(database, "other.myshopify.com")
    async with client_of(make_app(runtime), await make_key(database, other)) as stranger:
        assert (await listed(stranger)).meta.total_count == 0
        for method, path in (
            ("GET", f"{SIGNUPS}/{signup_id}"),
            ("DELETE", f"{SIGNUPS}/{signup_id}"),
            ("POST", f"{SIGNUPS}/{signup_id}/notify"),
            ("GET", f"{NOTIFICATIONS}/{notification['id']}"),
        ):
            assert (await stranger.request(method, path)).status_code == 404
        body = {"signup_ids": [str(signup_id)]}
        assert (await stranger.post(f"{SIGNUPS}/bulk_delete", json=body)).status_code == 404
        moved = await stranger.post(f"{SIGNUPS}/transfer", json=OTHER)
        assert moved.json()["transferred_count"] == 0
    assert len(await rows(database, shop, "signups")) == 1
