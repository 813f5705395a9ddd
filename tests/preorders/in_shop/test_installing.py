"""A shop that is connected: everything that openstoq has to know of it is read at once."""

from openstoq.shops.installation import install
from openstoq.shops.store import shop_of_domain
from sandbox.site import SNOWDEVIL
from tests.factories.sandboxed import Workplace, all_jobs_done


async def test_products_and_markets_are_read_and_webhooks_subscribed(
    runtime, database, database_url, site
):
    await site.control("POST", "markets", {"name": "Alps", "countries": ["AT", "CH"]})
    key = await install(
        runtime,
        domain=SNOWDEVIL,
        access_token="shpat_sandbox",
        client_secret=None,
        api_url=f"{site.url}/shops/{SNOWDEVIL}",
    )
    assert key.startswith("stoq_api_key_")
    place = Workplace(runtime, database_url)
    place.start()
    try:
        await all_jobs_done(database)
    finally:
        await place.stop()
    shop = await shop_of_domain(database, SNOWDEVIL)
    assert (shop.name, shop.country, shop.contact_email) == ("Snowdevil", "US", "owner@example.com")
    async with database.transaction(shop.id) as db:
        products = await db.fetchval("SELECT count(*) FROM products")
        countries = await db.fetch("SELECT unnest(countries) AS country FROM markets")
    assert products == len((await site.control("GET", "products"))["products"])
    assert {"AT", "CH"} <= {row["country"] for row in countries}
    assert (await site.control("GET", "subscriptions"))["subscriptions"]
