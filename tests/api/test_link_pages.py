"""The pages behind the links in mails: the shopper's language, the product, the way back."""

import re

import pytest

from openstoq.back_in_stock.notifications.links import CONFIRM, UNSUBSCRIBE, link
from openstoq.kernel.ids import new_id
from openstoq.messaging.compose import LANGUAGES, texts
from openstoq.web.storefront import links
from openstoq.web.storefront.pages import browser_language
from tests.factories.apps import client_of, make_app
from tests.factories.catalogs import product, save, variant
from tests.factories.waitlists import make_signup

HEBREW, JAPANESE = "כובע צמר", "ウールの帽子"
SHOP_URL = "https://snowdevil.test"


@pytest.fixture
def app(runtime):
    return make_app(runtime, routes=links.routes(runtime))


@pytest.fixture
async def shopper(app, database, shop):
    async with database.transaction(shop.id) as db:
        await db.execute("UPDATE shops SET name = 'Snow & Devil', url = $1", SHOP_URL)
    await save(database, shop)
    async with client_of(app, base="") as opened:
        yield opened


def sentences(page):
    return re.findall(r"<p dir=\"auto\"[^>]*>(.*?)</p>", page.text)


def way_back(page):
    return re.search(r'<a class="back" dir="auto" href="(.*?)">(.*?)</a>', page.text).groups()


def words(spoken, title):
    shown = texts(spoken, "pages", {"shop_name": "Snow & Devil", "product_title": title})
    return {key: said.replace("&", "&amp;") for key, said in shown.items()}


@pytest.mark.parametrize("spoken", LANGUAGES)
async def test_each_page_is_in_the_language_of_the_signup_and_names_the_product(
    database, runtime, shop, shopper, spoken
):
    signup_id = await make_signup(database, shop, locale=spoken, vouched=False)
    said = words(spoken, "Snowboard")
    for purpose, asks in (
        (CONFIRM, ["confirm_question"]),
        (UNSUBSCRIBE, ["unsubscribe_about", "unsubscribe_question"]),
    ):
        address = link(runtime, purpose, shop.id, signup_id)
        asked = await shopper.get(address)
        assert f'<html lang="{spoken}">' in asked.text
        assert asked.headers["Content-Language"] == spoken
        assert sentences(asked) == [said[key] for key in asks]
        assert "Snowboard" in asked.text
        assert f">{said[f'{purpose}_button']}</button>" in asked.text
        assert way_back(asked) == (f"{SHOP_URL}/products/snowboard", said["back"])
        done = await shopper.post(address)
        assert sentences(done) == [said[f"{purpose}_done"]]
        assert way_back(done) == (f"{SHOP_URL}/products/snowboard", said["back"])


@pytest.mark.parametrize("title", [HEBREW, JAPANESE, '<b>Mug</b> & "co"', "🎿 " * 50])
async def test_a_title_is_shown_as_it_is(database, runtime, shop, shopper, title):
    await save(database, shop, product(variant(), title=title))
    signup_id = await make_signup(database, shop, locale="en")
    asked = await shopper.get(link(runtime, CONFIRM, shop.id, signup_id))
    assert "<b>" not in asked.text
    assert title.strip().split()[0].replace("<", "&lt;").replace(">", "&gt;") in asked.text


async def test_the_language_is_the_shops_if_the_shopper_has_none(database, runtime, shop, shopper):
    async with database.transaction(shop.id) as db:
        await db.execute("UPDATE shops SET locale = 'nl'")
    signup_id = await make_signup(database, shop)
    asked = await shopper.get(link(runtime, CONFIRM, shop.id, signup_id))
    assert '<html lang="nl">' in asked.text
    assert "weer op voorraad is?" in asked.text


@pytest.mark.parametrize(
    "change",
    ["UPDATE products SET status = 'draft'", "UPDATE products SET url = NULL, handle = ''"],
)
async def test_the_way_back_is_the_shop_where_the_product_has_no_page(
    database, runtime, shop, shopper, change
):
    signup_id = await make_signup(database, shop, locale="en")
    async with database.transaction(shop.id) as db:
        await db.execute(change)
    asked = await shopper.get(link(runtime, CONFIRM, shop.id, signup_id))
    assert way_back(asked) == (SHOP_URL, "Back to Snow &amp; Devil")


async def test_a_product_that_we_do_not_know_is_still_asked_about(database, runtime, shop, shopper):
    signup_id = await make_signup(database, shop, locale="fr")
    async with database.transaction(shop.id) as db:
        await db.execute("UPDATE signups SET product_id = 999")
    asked = await shopper.get(link(runtime, CONFIRM, shop.id, signup_id))
    assert "ce produit sera de nouveau en stock" in asked.text
    assert way_back(asked)[0] == SHOP_URL


async def test_a_link_to_nothing_is_answered_in_the_browsers_language(runtime, shop, shopper):
    gone = link(runtime, UNSUBSCRIBE, shop.id, new_id())
    asked = await shopper.get(gone)
    assert (asked.status_code, "<button" in asked.text, "deleted" in asked.text) == (
        200,
        False,
        True,
    )
    wrong = await shopper.get("/confirm/nope", headers={"Accept-Language": "xx, pt-BR;q=0.9"})
    assert wrong.status_code == 404
    assert sentences(wrong) == ["Este link não é válido ou deixou de ser."]
    assert "<button" not in wrong.text


@pytest.mark.parametrize(
    ("accepted", "spoken"),
    [
        ("", "en"), ("de", "de"), ("de-AT,de;q=0.9", "de"), ("sv, JA;q=0.5", "ja"), ("*", "en"),
        ("../en", "en"), (",;,", "en"), ("xx," * 30 + "de", "en"),
    ],
)  # fmt: skip
def test_the_browser_names_its_languages(accepted, spoken):
    assert browser_language(accepted) == spoken


async def test_a_page_has_the_brand_of_the_shop(app, key, database, runtime, shop, shopper):
    async with client_of(app, key) as merchant:
        brand = {"logo_url": "https://cdn.test/logo.png", "button_color": "#FFD400"}
        await merchant.patch("/back_in_stock/brand", json=brand)
    signup_id = await make_signup(database, shop, locale="en")
    asked = await shopper.get(link(runtime, CONFIRM, shop.id, signup_id))
    assert '<img src="https://cdn.test/logo.png" width="140" alt="Snow &amp; Devil">' in asked.text
    assert "background:#FFD400;color:#14161a" in asked.text
    policy = asked.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "img-src https:" in policy


async def test_a_page_shows_nothing_of_the_contact(database, runtime, shop, shopper):
    signup_id = await make_signup(database, shop, "ada.secret@example.com", name="Ada Geheim")
    for purpose in (CONFIRM, UNSUBSCRIBE):
        page = await shopper.get(link(runtime, purpose, shop.id, signup_id))
        assert "secret" not in page.text
        assert "Geheim" not in page.text
