"""A product page in a real browser, which asks before its checkout whether the cart is acceptable."""

import shutil

import pytest
from playwright.async_api import async_playwright

from openstoq.web.storefront import carts
from sandbox.site import SNOWDEVIL, bound_socket, running, serving
from tests.factories.apps import make_app
from tests.factories.sandboxed import accepted, all_jobs_done

CHROMIUM = shutil.which("chromium")
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine"),
]


@pytest.fixture
async def site(runtime):
    """A sandbox whose pages ask our API, which is on another origin."""
    listening, url = bound_socket()
    async with (
        serving(make_app(runtime, routes=carts.routes(runtime)), listening),
        running(signup_api=url) as site,
    ):
        yield site


@pytest.fixture
async def page():
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        yield await browser.new_page(locale="fr-FR")
        await browser.close()


async def press(page, quantity):
    await page.evaluate("document.querySelector('form.buy details').open = true")
    await page.fill("#quantity", str(quantity))
    await page.click("#buy")


async def refused(page, sentence):
    await page.wait_for_function(
        "text => document.getElementById('refusal').textContent === text", arg=sentence
    )


async def test_a_shopper_is_told_before_the_checkout(site, client, database, offer, variants, page):
    await accepted(client, f"{offer}/limits/set_max_per_order", max=2)
    answer = await client.patch(f"{offer}/checkout", json={"terms": {"enabled": True}})
    assert answer.status_code == 202
    await accepted(client, f"{offer}/disable")
    await accepted(client, f"{offer}/enable", update_inventory_policy=True)
    await all_jobs_done(database)
    shop = site.shop(SNOWDEVIL)
    variant = shop.variants[variants[0]]
    await page.goto(f"{shop.product_url(variant.product)}?variant={variant.id}")
    await press(page, 3)
    terms = "Acceptez les conditions de la précommande avant de continuer."
    await refused(page, f"{terms} Vous pouvez en commander au plus 2.")
    await page.check("#terms input")
    await press(page, 3)
    await refused(page, "Vous pouvez en commander au plus 2.")
    assert shop.orders == {}
    async with page.expect_navigation():
        await press(page, 2)
    (order,) = shop.orders.values()
    assert order.lines[0].quantity == 2
    assert order.lines[0].selling_plan_id is not None


async def test_a_line_without_a_plan_names_its_offer(site, client, database, variants, page):
    made = await accepted(client, "/preorders/offers", name="Detached")
    at = f"/preorders/offers/{made['id']}"
    await accepted(client, f"{at}/advanced/detach_from_shopify_selling_plan")
    await accepted(client, f"{at}/products/add_variants", variant_ids=variants[:1])
    await accepted(client, f"{at}/limits/set_max_per_order", max=1)
    await accepted(client, f"{at}/enable", update_inventory_policy=True)
    await all_jobs_done(database)
    shop = site.shop(SNOWDEVIL)
    variant = shop.variants[variants[0]]
    await page.goto(f"{shop.product_url(variant.product)}?variant={variant.id}")
    await press(page, 2)
    await refused(page, "Vous pouvez en commander au plus 1.")
    async with page.expect_navigation():
        await press(page, 1)
    (order,) = shop.orders.values()
    assert order.lines[0].properties["_openstoq_offer"] == made["id"]


@pytest.mark.parametrize("width", [320, 375, 1280])
async def test_the_page_of_a_preorder_is_no_wider_than_its_window(
    site, client, database, offer, variants, page, width
):
    words = "Donaudampfschifffahrtsgesellschaftskapitän" * 4
    shipping = {"display": {"shipping_text": words}}
    assert (await client.patch(f"{offer}/shipping", json=shipping)).status_code == 202
    await all_jobs_done(database)
    shop = site.shop(SNOWDEVIL)
    variant = shop.variants[variants[0]]
    await page.set_viewport_size({"width": width, "height": 700})
    await page.goto(f"{shop.product_url(variant.product)}?variant={variant.id}")
    await page.evaluate("document.querySelector('form.buy details').open = true")
    assert words in await page.text_content(".metafields")
    root = "document.documentElement"
    assert await page.evaluate(f"{root}.scrollWidth - {root}.clientWidth") == 0
