"""Asking for the storefront while a run writes it: what the run had read of it does not count."""

from openstoq.preorders.offers import storefront_store as marks
from openstoq.preorders.offers.storefront_sync import LEASES


async def test_who_asks_while_a_run_is_at_work_has_it_followed_by_one_more(database, shop):
    async with database.transaction(shop.id) as db:
        await marks.know_shop(db, shop.id)
        assert await LEASES.claim(db, shop.id, shop.id) == "claimed"
    async with database.transaction(shop.id) as db:
        assert await LEASES.claim(db, shop.id, shop.id) == "held"
        assert await marks.ask_again(db, shop.id)
    async with database.transaction(shop.id) as db:
        assert await marks.leave(db, shop.id)
    async with database.transaction(shop.id) as db:
        # The run is over: who asks now has to write it.
        assert not await marks.ask_again(db, shop.id)
        assert await LEASES.claim(db, shop.id, shop.id) == "claimed"
        assert not await marks.leave(db, shop.id)


async def test_what_is_forgotten_while_a_run_writes_something_else_stays_forgotten(database, shop):
    async with database.transaction(shop.id) as db:
        await marks.know_shop(db, shop.id)
        await marks.mark_shop(db, shop.id, {"offers": "a", "texts": "b", "old": "c"})
        await marks.mark_shop(db, shop.id, {"offers": marks.UNKNOWN, "old": marks.UNKNOWN})
        await marks.forget_shop(db, shop.id)
        await marks.mark_shop(db, shop.id, {"offers": "d"}, gone=["old"])
        assert await marks.written_on_shop(db, shop.id) == {"offers": "d", "texts": marks.UNKNOWN}
