"""A variant of an offer, looked at from every side: the shop, the cart and the product page."""

import pytest

from openstoq.catalog.jobs import pull_product
from openstoq.web.storefront import carts, offers
from sandbox.site import SNOWDEVIL
from tests.factories.apps import client_of, make_app
from tests.factories.sandboxed import accepted, all_jobs_done, run, variant_in_shop


@pytest.fixture
async def storefront(runtime, shop):
    routes = [*carts.routes(runtime), *offers.routes(runtime)]
    async with client_of(make_app(runtime, routes=routes), base="") as opened:
        opened.headers["X-Shopify-Shop-Domain"] = shop.domain
        yield opened


class Counter:
    """Sells the first variant, and looks at it from every side."""

    def __init__(self, site, client, database, runtime, shop, storefront, offer, plans, variant):
        self.site, self.client, self.database = site, client, database
        self.runtime, self.shop, self.storefront = runtime, shop, storefront
        self.offer, self.plans, self.variant = offer, plans, variant

    async def provide(self, provider):
        await accepted(self.client, f"{self.offer}/inventory/set_provider", provider=provider)
        return await self.policy()

    async def limit(self, total=None, most=None):
        answer = await self.client.patch(f"{self.offer}/limits", json={"total": {"max": total}})
        assert answer.status_code == 202
        at = f"{self.offer}/products/variants/{self.variant}"
        assert (await self.client.patch(at, json={"max_count": most})).status_code == 202

    async def stock(self, available):
        """Set what is left to sell online, and have the catalogue hear of it."""
        record = self.site.shop().variants[self.variant]
        for place in record.inventory_item.levels:
            body = {"variant_id": self.variant, "location_id": place, "available": 0}
            await self.site.control("POST", "stock", body)
        first = next(iter(record.inventory_item.levels))
        body = {"variant_id": self.variant, "location_id": first, "available": available}
        await self.site.control("POST", "stock", body)
        await self.hear()

    async def hear(self):
        product = self.site.shop().variants[self.variant].product
        await run(self.runtime, self.shop, pull_product, product_id=product.id)
        await all_jobs_done(self.database)

    async def policy(self):
        await all_jobs_done(self.database)
        return (await variant_in_shop(self.site, self.variant))[1]

    async def cart(self, quantity):
        """The codes of what is wrong with a cart of so many units."""
        line = {"variant_id": self.variant, "quantity": quantity}
        cart = {"lines": [line | {"selling_plan_id": self.plans["full"]}]}
        told = (await self.storefront.post(carts.PATH, json=cart)).json()
        return [one["code"] for one in told["problems"]]

    async def is_shown_sold_out(self):
        """What our route tells the product page, and what the shop's page itself says."""
        told = await self.storefront.get(offers.PATH, params={"variant_id": self.variant})
        record = self.site.shop().variants[self.variant]
        page = await self.site.http.get(
            f"{self.site.url}/shops/{SNOWDEVIL}/products/{record.product.handle}?variant={self.variant}"
        )
        return told.json()["sold_out"], "<button disabled>Sold out</button>" in page.text


@pytest.fixture
async def counter(site, client, database, runtime, shop, storefront, offer, plans, variants):
    return Counter(site, client, database, runtime, shop, storefront, offer, plans, variants[0])
