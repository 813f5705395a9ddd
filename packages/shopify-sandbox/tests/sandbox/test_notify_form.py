"""The "Notify me" form in a real browser: what it sends, and what the page is told."""

import json
import shutil

import pytest
from playwright.async_api import async_playwright
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import JSONResponse
from starlette.routing import Route

from sandbox.site import SNOWDEVIL, bound_socket, running, serving

CHROMIUM = shutil.which("chromium")
LISTEN = """window.heard = [];
for (const name of ["stoq:loaded", "stoq:restock-modal:opened", "stoq:restock-modal:submitted"])
  window.addEventListener(name, () => window.heard.push(name));"""


@pytest.fixture
async def api():
    """Somebody who takes sign-ups, on another origin than the shop."""
    taken = []

    async def intents(request):
        taken.append((request.headers, await request.body()))
        if b"nobody@" in taken[-1][1]:
            return JSONResponse({"errors": ["Email is invalid"]})
        return JSONResponse({"intents": []}, 201)

    app = Starlette(
        routes=[Route("/api/v1/intents.json", intents, methods=["POST"])],
        middleware=[
            Middleware(
                CORSMiddleware, allow_origins=["*"], allow_methods=["*"], allow_headers=["*"]
            )
        ],
    )
    listening, url = bound_socket()
    async with serving(app, listening):
        yield url, taken


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")
async def test_a_shopper_signs_up_on_the_page_of_a_sold_out_variant(api):
    url, taken = api
    async with running(signup_api=url) as site, async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        page = await browser.new_page()
        await page.add_init_script(LISTEN)
        product = next(iter(site.shop().products.values()))
        variant = product.variants[0]
        await page.goto(f"{site.shop().product_url(product)}?variant={variant.id}")
        await page.click("#notify")
        for email, sentence in (
            ("nobody@example.com", "Email is invalid"),
            ("ana@example.com", "Thank you"),
        ):
            await page.fill("#email", email)
            await page.fill("#name", "Ana")
            await page.click("#form button")
            await page.wait_for_function(
                "text => document.getElementById('answer').textContent.includes(text)", arg=sentence
            )
        assert await page.evaluate("window.heard") == [
            "stoq:loaded",
            "stoq:restock-modal:opened",
            "stoq:restock-modal:submitted",
        ]
        await browser.close()
    headers, raw = taken[-1]
    assert headers["X-Shopify-Shop-Domain"] == SNOWDEVIL
    sent = json.loads(raw)
    assert sent["intent"] == {
        "shopify_variant_id": variant.id,
        "shopify_product_id": product.id,
        "channel": "email",
        "quantity": 1,
        "source": "api",
    }
    assert product.id > 2**53
    assert (sent["customer"]["email"], sent["customer"]["name"]) == ("ana@example.com", "Ana")
    assert sent["customer"]["accepts_marketing"] is False
