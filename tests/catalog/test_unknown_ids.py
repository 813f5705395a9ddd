"""Ids of locations that name nothing in the shop, as far as its locations were read."""

from openstoq.catalog import locations, unknown_ids
from openstoq.commerce.port import Location
from tests.factories.catalogs import LOCATION, seconds_after_noon

HERE = Location(LOCATION, "Here", active=True)


async def problems(db, shop, *ids):
    return await unknown_ids.problems(db, shop.id, "locations", ids, field="locations")


async def test_a_deleted_location_is_none_of_the_shop(database, shop):
    async with database.transaction(shop.id) as db:
        there = Location(LOCATION + 1, "There", active=True)
        await locations.save(db, shop.id, [HERE, there], changed_at=seconds_after_noon(0))
        assert await problems(db, shop, HERE.id, there.id) == []
        await locations.delete(db, shop.id, there.id, seconds_after_noon(1))
        (problem,) = await problems(db, shop, HERE.id, there.id)
    assert problem.endswith(f"has no {there.id}")


async def test_an_inactive_location_is_still_one_of_the_shop(database, shop):
    async with database.transaction(shop.id) as db:
        inactive = Location(LOCATION, "Here", active=False)
        await locations.save(db, shop.id, [inactive], changed_at=seconds_after_noon(0))
        assert await problems(db, shop, LOCATION) == []


async def test_old_news_of_a_deleted_location_does_not_bring_it_back(database, shop):
    async with database.transaction(shop.id) as db:
        await locations.save(db, shop.id, [HERE], changed_at=seconds_after_noon(0))
        await locations.delete(db, shop.id, LOCATION, seconds_after_noon(9))
        await locations.save(db, shop.id, [HERE], changed_at=seconds_after_noon(5))
        assert len(await problems(db, shop, LOCATION)) == 1
        await locations.save(db, shop.id, [HERE], changed_at=seconds_after_noon(10))
        assert await problems(db, shop, LOCATION) == []


async def test_news_of_one_location_says_nothing_of_the_others(database, shop):
    told = Location(LOCATION, "Here", active=True, sells_online=None)
    async with database.transaction(shop.id) as db:
        await locations.save(db, shop.id, [told], changed_at=seconds_after_noon(0))
        await locations.delete(db, shop.id, LOCATION + 1, seconds_after_noon(0))
        assert await problems(db, shop, LOCATION, LOCATION + 2) == []
        assert len(await problems(db, shop, LOCATION + 1)) == 1
        await locations.save(db, shop.id, [HERE], changed_at=seconds_after_noon(1))
        assert len(await problems(db, shop, LOCATION + 2)) == 1
