"""Webhooks as a network brings them: repeated, out of order, forged; and another shop's key."""

from openstoq.db.pool import Database
from tests.e2e.plant import Plant, signature
from tests.factories.clients import patient_client
from tests.factories.shops import make_key, make_shop


async def test_a_delivery_that_comes_twice_starts_one_wave(plant: Plant):
    await plant.open_shop(signups=5)
    relay = await plant.start_relay()
    await plant.start_api()
    body = plant.stock_news(10)
    answers = [await plant.deliver(body, **{"X-Shopify-Webhook-Id": "one"}) for _ in range(2)]
    plant.start_worker(relay.port)
    await plant.all_told(5)
    late = await plant.deliver(body, **{"X-Shopify-Webhook-Id": "one"})
    same_news = await plant.deliver(body)
    await plant.idle()
    assert [answer.status_code for answer in [*answers, late, same_news]] == [200] * 4
    assert await plant.count("waves") == 1
    assert len(relay.taken()) == len(set(relay.taken())) == 5


async def test_a_restock_that_is_over_when_it_arrives_tells_nobody(plant: Plant):
    await plant.open_shop(signups=5)
    relay = await plant.start_relay()
    await plant.start_api()
    plant.start_worker(relay.port)
    back, gone_again = plant.stock_news(10), plant.stock_news(0)
    assert (await plant.deliver(gone_again)).status_code == 200
    await plant.idle()
    assert (await plant.deliver(back)).status_code == 200
    await plant.idle()
    assert await plant.count("webhook_deliveries WHERE done_at IS NOT NULL") == 2
    assert await plant.count("variants WHERE available = 0") == 1
    assert await plant.count("waves") == 0
    assert relay.taken() == []
    # The same shop does hear of the next restock.
    await plant.stock_becomes(3)
    await plant.all_told(5)
    assert len(relay.taken()) == 5


async def test_what_is_not_the_shops_is_refused_and_leaves_no_trace(plant: Plant):
    await plant.open_shop(signups=1)
    await plant.start_api()
    body = plant.stock_news(10)
    forged = await plant.deliver(body, **{"X-Shopify-Hmac-Sha256": "c2lnbmVkIGJ5IG5vYm9keQ=="})
    changed = await plant.deliver(body + b" ", **{"X-Shopify-Hmac-Sha256": signature(body)})
    unsigned = await plant.deliver(body, **{"X-Shopify-Hmac-Sha256": ""})
    unknown = await plant.deliver(body, **{"X-Shopify-Shop-Domain": "nobody.myshopify.com"})
    assert [one.status_code for one in (forged, changed, unsigned)] == [401] * 3
    assert unknown.status_code == 404
    assert await plant.count("webhook_deliveries") == await plant.count("queue.pgqueuer") == 0


async def test_another_shops_key_does_not_reach_a_signup(plant: Plant):
    await plant.open_shop(signups=1)
    database = await Database.connect(plant.url, size=1)
    other = await make_key(database, await make_shop(database, "northwind.myshopify.com"))
    await database.close()
    await plant.start_api()
    (signup,) = await plant.query("SELECT * FROM signups")
    path = f"/api/v2/external/back_in_stock/signups/{signup['id']}"
    async with patient_client(base_url=plant.address) as http:
        own = await http.get(path, headers={"X-Auth-Token": plant.key})
        read = await http.get(path, headers={"X-Auth-Token": other})
        sent = await http.post(f"{path}/notify", headers={"X-Auth-Token": other})
        v1 = await http.get(f"/api/v1/intents/{signup['id']}", headers={"X-Auth-Token": other})
    assert own.status_code == 200
    assert [one.status_code for one in (read, sent, v1)] == [404] * 3
    assert await plant.query("SELECT * FROM signups") == [signup]
    assert await plant.count("queue.pgqueuer") == 0
