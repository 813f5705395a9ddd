"""Orders that are told in disorder end as the newest reading has them."""

from datetime import timedelta
from itertools import permutations

import pytest

from openstoq.catalog import markets
from openstoq.commerce.orders import Market
from openstoq.preorders.orders.intake import take_in
from tests.factories.shop_orders import PLACED, bought, line, sell

PLAN = 900


def readings(variant):
    """The same order, read three times: twice within the second of its last change."""
    wanted = line(1, variant, plan_id=PLAN)
    later = PLACED + timedelta(seconds=5)
    orders = (
        bought(1, wanted, tags=("oldest",)),
        bought(1, wanted, tags=("middle",), updated_at=later),
        bought(1, wanted, tags=("newest",), updated_at=later),
    )
    return [(later + timedelta(microseconds=nth), order) for nth, order in enumerate(orders)]


@pytest.mark.parametrize("order", list(permutations(range(3))))
async def test_the_newest_reading_has_blocks(client, database, runtime, shop, catalogue, order):
    await sell(client, database, shop, catalogue, PLAN)
    told = readings(catalogue[0])
    for nth in order:
        read_at, reading = told[nth]
        async with runtime.work(shop.id, request_id="test") as work:
            taken = await take_in.take_in(work, reading, read_at=read_at)
    assert taken.facts.snapshot.tags == ("newest",)


async def test_a_market_told_twice_is_as_it_was_told_last(database, shop):
    told = [
        Market(id=5, name="Europe", active=False, countries=("DE",)),
        Market(id=6, name="Japan", active=True, countries=("JP",)),
        Market(id=5, name="Europe", active=True, countries=("DE", "FR")),
    ]
    async with database.transaction(shop.id) as db:
        await markets.save_markets(db, shop.id, told, ())
        found = [await markets.market_of(db, shop.id, country) for country in ("FR", "JP")]
    assert found == [5, 6]
