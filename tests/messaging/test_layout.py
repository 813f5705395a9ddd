"""Mails in a real browser: whatever is put in them, they are no wider than what shows them."""

import shutil
from dataclasses import replace
from decimal import Decimal

import pytest
from playwright.async_api import async_playwright

from openstoq.messaging.order_mails import Item
from openstoq.messaging.render import optin_request, prepare_alert
from tests.messaging.alerts import FACTS, RECIPIENT
from tests.messaging.order_notices import KINDS, NOTICE, ORDER, every_kind
from tests.messaging.reading import body, parsed

CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")

WORD = "Donaudampfschifffahrtsgesellschaftskapitän" * 6
HEBREW = "כובע צמר"
LONG = replace(
    ORDER,
    shop_name=WORD,
    name=f"#{WORD}",
    currency="IDR",
    items=(Item(title=WORD, variant_title=WORD, quantity=10**6),),
)
# How far what a mail shows reaches beyond the window, and beyond the box of the products.
TOO_WIDE = """() => {
  const root = document.documentElement;
  const edge = element => element.getBoundingClientRect().right;
  const box = document.querySelector('.tint');
  const cells = box ? [...box.querySelectorAll('td')].map(edge) : [];
  return [root.scrollWidth - root.clientWidth, box ? Math.max(0, ...cells) - edge(box) : 0];
}"""


@pytest.fixture
async def show():
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        page = await browser.new_page()
        await page.route("**", lambda route: route.abort())

        async def show(content, width):
            await page.set_viewport_size({"width": width, "height": 700})
            await page.set_content(body(parsed(content), "html"))
            return page

        yield show
        await browser.close()


def _longest():
    mails = every_kind(LONG, words=WORD)
    facts = replace(
        FACTS,
        shop_name=WORD,
        product_title=WORD,
        variant_title=WORD,
        price=Decimal(10**12),
        currency="IDR",
    )
    mails["alert"] = prepare_alert(facts, "de").personal(RECIPIENT)
    mails["optin"] = optin_request(
        NOTICE, shop_name=WORD, product_title=WORD, confirm_url="https://x.example/", locale="fr"
    )
    return mails


@pytest.mark.parametrize("kind", [*KINDS, "alert", "optin"])
async def test_long_words_are_broken(show, kind):
    for width in (320, 375, 1280):
        page = await show(_longest()[kind], width)
        beyond_window, beyond_box = await page.evaluate(TOO_WIDE)
        assert (beyond_window, beyond_box <= 0) == (0, True), width


async def test_titles_from_the_right_stay_where_the_others_are(show):
    items = (
        Item(title=HEBREW, variant_title=HEBREW, quantity=1),
        Item(title="Mug", variant_title=None, quantity=1),
    )
    page = await show(every_kind(replace(ORDER, items=items))["due"], 375)
    titles = page.locator(".tint td.strong[dir]:not([align])")
    aligned = await titles.evaluate_all(
        "all => all.map(one => [getComputedStyle(one).direction, getComputedStyle(one).textAlign])"
    )
    assert aligned == [["rtl", "left"], ["ltr", "left"]]


async def test_a_merchants_words_are_set_from_where_they_are_read(show):
    page = await show(every_kind(ORDER, words=f"{HEBREW}!")["shipping"], 375)
    heading = await page.locator("h1").evaluate("one => getComputedStyle(one).direction")
    assert heading == "rtl"
