"""The relay is away, refuses some, or the variant sells out while it is still taking mails."""

import json

from tests.e2e.plant import Plant, first_line, reserved_port, start
from tests.factories.clients import patient_client
from tests.factories.patience import until


async def test_a_relay_that_comes_back_gets_every_message(plant: Plant):
    await plant.open_shop(signups=100)
    await plant.start_api()
    with reserved_port() as held:
        port = held.getsockname()[1]
        worker = plant.start_worker(port)
        await plant.stock_becomes(10)

        async def tried() -> bool:
            return await plant.count("notifications WHERE status = 'queued' AND error <> ''") > 0

        await until(tried)
        assert await plant.count("signups WHERE notified_at IS NOT NULL") == 0
        relay = await plant.start_relay(port=port)
        await plant.all_told(100)
    assert len(relay.taken()) == len(set(relay.taken())) == 100
    assert await plant.count("notifications WHERE status <> 'sent'") == 0
    assert worker.poll() is None


async def test_refused_and_put_off_addresses_cost_their_own_message_only(plant: Plant):
    await plant.open_shop(signups=60)
    catcher = start(["-m", "shopify_sandbox"], {})
    plant.processes.append(catcher)
    where = json.loads(await first_line(catcher))
    await plant.start_api()
    async with patient_client(base_url=where["mail"]) as mail:
        for fault in (
            {"fault": "refuse", "pattern": "^shopper[1-5]@"},
            {"fault": "later", "pattern": "^shopper1[0-4]@", "count": 5},
        ):
            assert (await mail.post("/faults", json=fault)).is_success
        plant.start_worker(int(where["smtp"].rsplit(":", 1)[1]))
        await plant.stock_becomes(10)

        async def settled() -> bool:
            rows = "notifications WHERE status IN ('sent', 'failed') OR error <> ''"
            return await plant.count(rows) == 60

        await until(settled)
        refused = await plant.query("SELECT * FROM notifications WHERE status = 'failed'")
        put_off = await plant.query("SELECT * FROM notifications WHERE status = 'queued'")
        assert {row["contact"] for row in refused} == {
            f"shopper{n}@example.com" for n in range(1, 6)
        }
        assert all(row["error"].startswith("550") and row["attempts"] == 1 for row in refused)
        assert {row["contact"] for row in put_off} == {
            f"shopper{n}@example.com" for n in range(10, 15)
        }
        assert all(row["error"].startswith("451") and row["attempts"] == 1 for row in put_off)
        assert await plant.count("signups WHERE notified_at IS NOT NULL") == 50
        assert await plant.count("signups WHERE blocked_reason LIKE '550%'") == 5

        # Half a minute passes, as far as PostgreSQL can tell.
        await plant.query(
            "UPDATE notifications SET next_attempt_at = now() WHERE status = 'queued'"
        )
        await plant.query("UPDATE queue.pgqueuer SET execute_after = now() WHERE status = 'queued'")
        await plant.all_told(55)
        caught = [to for message in (await mail.get("/messages")).json() for to in message["to"]]
    assert sorted(caught) == sorted(
        f"shopper{n}@example.com" for n in range(1, 61) if not 1 <= n <= 5
    )


async def test_sold_out_again_stops_the_wave_and_the_next_restock_tells_the_rest(plant: Plant):
    signups = 1_500
    await plant.open_shop(signups=signups)
    relay = await plant.start_relay(delay_ms=20, stop_at=[200])
    await plant.start_api()
    plant.start_worker(relay.port)
    await plant.stock_becomes(50)
    await relay.stopped_at(200)
    await plant.stock_becomes(0)

    async def known() -> bool:
        return await plant.count("variants WHERE available = 0") == 1

    await until(known)
    relay.go_on()
    await plant.idle()
    first = relay.taken()
    assert 200 <= len(first) == len(set(first)) < signups
    assert await plant.count("waves WHERE ended_by = 'sold_out'") == 1
    assert await plant.count("notifications") == len(first)
    told = "signups WHERE notified_at IS NOT NULL"
    assert await plant.count(told) == len(first)
    assert await plant.count("signups WHERE wave_id IS NOT NULL OR blocked_at IS NOT NULL") == 0
    # The oldest were told.
    (row,) = await plant.query(
        """
        SELECT (SELECT max(created_at) FROM signups WHERE notified_at IS NOT NULL)
             < (SELECT min(created_at) FROM signups WHERE notified_at IS NULL)
        """
    )
    assert row[0]

    await plant.stock_becomes(50)
    await plant.all_told(signups)
    assert len(relay.taken()) == len(set(relay.taken())) == signups
    assert await plant.count("waves WHERE ended_by = 'all_told'") == 1
    assert await plant.count("signups WHERE notifications_sent <> 1") == 0
