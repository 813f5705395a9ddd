"""The pages in a real browser: on a telephone they are no wider than its screen."""

import shutil

import pytest
from playwright.async_api import async_playwright

from sandbox.site import bound_socket, running, serving
from shopify_sandbox.mail.mailbox import Mailbox
from shopify_sandbox.mail.pages import create_mail_app

CHROMIUM = shutil.which("chromium")
WORD = "Donaudampfschifffahrtsgesellschaftskapitän" * 4
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")


@pytest.fixture
async def page():
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        yield await browser.new_page(viewport={"width": 375, "height": 700})
        await browser.close()


async def too_wide(page, url):
    await page.goto(url)
    root = "document.documentElement"
    return await page.evaluate(f"{root}.scrollWidth - {root}.clientWidth")


async def test_the_shop_and_an_order_with_a_long_title(page):
    async with running() as site:
        shop = site.shop()
        product = next(iter(shop.products.values()))
        await site.control("PATCH", f"products/{product.id}", {"title": WORD})
        variant = next(one for one in product.variants if one.available_for_sale)
        body = {
            "lines": [{"variant_id": variant.id}],
            "customer": {"email": f"{WORD[:60]}@a.example"},
        }
        order = await site.control("POST", "orders", body)
        for url in (f"{shop.url}/", shop.product_url(product), order["status_url"]):
            assert await too_wide(page, url) == 0, url


async def test_the_caught_mail_with_a_long_subject(page):
    mailbox = Mailbox()
    listening, url = bound_socket()
    message = f"From: shop@a.example\r\nTo: ana@a.example\r\nSubject: {WORD[:40] * 3}\r\n\r\nx\r\n"
    mailbox.add("shop@a.example", ["ana@a.example"], message.encode())
    async with serving(create_mail_app(mailbox), listening):
        assert await too_wide(page, f"{url}/") == 0
