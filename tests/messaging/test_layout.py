"""Mails in a real browser: whatever is put in them, they are no wider than what shows them."""

import shutil
from dataclasses import replace
from decimal import Decimal

import pytest
from playwright.async_api import async_playwright

from openstoq.messaging.brand import Brand
from openstoq.messaging.order_mails import Item
from openstoq.messaging.render import optin_request, prepare_alert
from tests.messaging.alerts import FACTS, LANGUAGES, RECIPIENT
from tests.messaging.order_notices import KINDS, NOTICE, ORDER, every_kind
from tests.messaging.reading import body, parsed

CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")

WORD = "Donaudampfschifffahrtsgesellschaftskapitän" * 6
HEBREW = "כובע צמר"
JAPANESE = "ウールのニット帽"
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


# A phone of 2016, the smallest that is still common.
PHONE = {"width": 375, "height": 667}
_PICTURE = '<svg xmlns="http://www.w3.org/2000/svg" width="{}" height="{}"><rect width="9" height="9"/></svg>'


@pytest.fixture
async def show():
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        page = await browser.new_page()

        async def show(content, width, *, picture=None, height=700):
            """Show a mail; all of its pictures have the size `picture`, or cannot be loaded."""

            async def answer(route):
                if picture is None:
                    await route.abort()
                    return
                svg = _PICTURE.format(*picture)
                await route.fulfill(body=svg, content_type="image/svg+xml")

            await page.unroute_all()
            await page.route("**", answer)
            await page.set_viewport_size({"width": width, "height": height})
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


BRANDED = Brand(logo_url="https://cdn.example/logo.png", logo_width=400, footer=WORD)
PICTURES = [(1200, 1200), (600, 1800), (1800, 400), (40, 40), None]


def _box(element):
    return element.evaluate(
        "one => { const b = one.getBoundingClientRect(); "
        "return [b.left, b.right, b.top, b.bottom]; }"
    )


@pytest.mark.parametrize("picture", PICTURES)
@pytest.mark.parametrize(
    "facts",
    [
        FACTS,
        replace(FACTS, brand=BRANDED),
        replace(FACTS, product_title=HEBREW * 20, shop_name=HEBREW * 20),
        replace(FACTS, product_title=JAPANESE * 20, variant_title=JAPANESE * 20),
        replace(
            FACTS,
            product_title=WORD[:255],
            variant_title=WORD[:255],
            shop_name=WORD[:255],
            brand=BRANDED,
        ),
    ],
    ids=["plain", "branded", "hebrew", "japanese", "long"],
)
async def test_the_button_of_an_alert_is_on_the_first_screen_of_a_phone(show, facts, picture):
    content = prepare_alert(facts, "de").personal(RECIPIENT)
    page = await show(content, PHONE["width"], height=PHONE["height"], picture=picture)
    await page.wait_for_function("[...document.images].every(one => one.complete)")
    left, right, _, bottom = await _box(page.locator(".button"))
    assert bottom < PHONE["height"]
    assert left >= 0
    assert right <= PHONE["width"]
    beyond_window, _ = await page.evaluate(TOO_WIDE)
    assert beyond_window == 0


@pytest.mark.parametrize("spoken", LANGUAGES)
async def test_the_buttons_are_on_the_first_screen_in_every_language(show, spoken):
    alert = prepare_alert(FACTS, spoken).personal(RECIPIENT)
    asked = optin_request(
        NOTICE,
        shop_name="Nordwand",
        product_title="Trail Jacket",
        confirm_url="https://x.example/",
        locale=spoken,
        brand=BRANDED,
    )
    for content in (alert, asked):
        page = await show(content, PHONE["width"], height=PHONE["height"], picture=(900, 900))
        *_, bottom = await _box(page.locator(".button"))
        assert bottom < PHONE["height"]


async def test_a_small_picture_is_not_blown_up_and_a_large_one_fits(show):
    content = prepare_alert(FACTS, "en").personal(RECIPIENT)
    for picture, shown in (
        ((40, 40), (40, 40)),
        ((1800, 900), (598, 299)),
        ((500, 1000), (210, 420)),
    ):
        page = await show(content, 1280, picture=picture)
        await page.wait_for_function("[...document.images].every(one => one.complete)")
        left, right, top, bottom = await _box(page.locator(".photo"))
        assert (round(right - left), round(bottom - top)) == shown


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_color_of_a_brand_is_on_the_button_in_light_and_dark(show, scheme):
    facts = replace(FACTS, brand=Brand(button_color="#FFD400"))
    page = await show(prepare_alert(facts, "en").personal(RECIPIENT), 375)
    await page.emulate_media(color_scheme=scheme)
    colors = await page.locator(".button").evaluate(
        "one => [getComputedStyle(one).backgroundColor, "
        "getComputedStyle(one.querySelector('a')).color]"
    )
    assert colors == ["rgb(255, 212, 0)", "rgb(20, 22, 26)"]
