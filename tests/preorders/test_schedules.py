"""A window that opens or closes: the variants whose offers apply in another order from then on."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from openstoq.preorders.offers import store
from openstoq.preorders.offers.attachments import resolve
from openstoq.preorders.variants.schedule_jobs import follow_schedules
from tests.factories.apps import client_of, make_app
from tests.factories.runtimes import make_runtime
from tests.factories.shops import make_shop
from tests.factories.waitlists import run_of

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


class Shop:
    """A shop whose clock is set, and whose variants are in step with their offers at first."""

    def __init__(self, database, shop, client, now):
        self.database, self.shop, self.client, self.now = database, shop, client, now

    async def selling(self, variants, *, start=None, end=None, enabled=True):
        made = (await self.client.post("/preorders/offers", json={})).json()
        at = f"/preorders/offers/{made['id']}"
        async with self.database.transaction(self.shop.id) as db:
            offer = await store.load(db, self.shop.id, UUID(made["id"]), lock=True)
            await resolve.attach(db, self.shop.id, offer, variants, self.now[0])
        sides = {"start": start, "end": end}
        window = {name: at.isoformat() for name, at in sides.items() if at is not None}
        if window:
            answer = await self.client.post(f"{at}/schedule", json=window)
            assert answer.status_code == 202, answer.text
        if enabled:
            await self.client.post(f"{at}/enable", json={})
        return at

    async def written(self):
        """All variants were written as they are now."""
        async with self.database.transaction(self.shop.id) as db:
            await db.execute("UPDATE preorder_variants SET synced_revision = revision")

    async def news(self, runtime, at):
        """The variants to write after the job has run at that time."""
        self.now[0] = at
        await follow_schedules.handler(run_of(runtime, self.shop))
        async with self.database.transaction(self.shop.id) as db:
            rows = await db.fetch(
                "SELECT variant_id FROM preorder_variants WHERE revision > synced_revision "
                "ORDER BY variant_id"
            )
        await self.written()
        return [row["variant_id"] for row in rows]


@pytest.fixture
def now():
    return [NOON]


@pytest.fixture
def runtime(database, now):
    return make_runtime(database, clock=lambda: now[0])


@pytest.fixture
async def there(database, shop, key, runtime, now):
    async with client_of(make_app(runtime), key) as client:
        yield Shop(database, shop, client, now)


async def test_each_turn_of_a_window_is_news_once(there, runtime, catalogue):
    await there.selling(catalogue, start=NOON + HOUR, end=NOON + 2 * HOUR)
    await there.selling(catalogue[:2])
    await there.written()
    shared = catalogue[:2]
    expected = [(0.9, []), (1, shared), (1.5, []), (2, shared), (2.1, []), (9, [])]
    for hours, variants in expected:
        assert await there.news(runtime, NOON + hours * HOUR) == variants, hours


async def test_turns_that_passed_while_no_job_ran_are_news(there, runtime, catalogue):
    await there.selling(catalogue, start=NOON + HOUR, end=NOON + 2 * HOUR)
    await there.selling(catalogue)
    await there.written()
    assert await there.news(runtime, NOON + 9 * HOUR) == catalogue
    assert await there.news(runtime, NOON + 10 * HOUR) == []


async def test_a_paused_offers_window_is_none_of_its_variants_affair(there, runtime, catalogue):
    await there.selling(catalogue, start=NOON + HOUR, enabled=False)
    await there.selling(catalogue, start=NOON + HOUR)
    await there.written()
    assert await there.news(runtime, NOON + 2 * HOUR) == []


async def test_reset_metafields_stay_clear(there, runtime, catalogue):
    await there.selling(catalogue, start=NOON + HOUR)
    await there.selling(catalogue)
    variant = f"/preorders/product_variants/{catalogue[0]}"
    await there.client.post(f"{variant}/reset_metafields", json={})
    await there.written()
    assert await there.news(runtime, NOON + 2 * HOUR) == catalogue[1:]


async def test_another_shops_windows_are_left_alone(there, runtime, database, catalogue):
    await there.selling(catalogue, start=NOON + HOUR)
    await there.selling(catalogue)
    await there.written()
    there.now[0] = NOON + 2 * HOUR
    other = await make_shop(database, "other.myshopify.com")
    await follow_schedules.handler(run_of(runtime, other))
    assert await there.news(runtime, NOON + 2 * HOUR) == catalogue
