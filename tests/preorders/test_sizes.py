"""An offer is never larger than what its metafield holds: the change that it would is refused."""

import pytest

from openstoq.preorders.offers.storefront.metafields import TRANSLATABLE_PATHS

# Texts that are told once: those of a cart line are its properties, too.
PATHS = [path for path in TRANSLATABLE_PATHS if path.startswith(("widget.", "countdown."))]
# The longest text that a translation may have; these take four bytes each.
LONG = "🛷" * 2000


@pytest.fixture
async def at(offer_id):
    return f"/preorders/offers/{offer_id}"


async def translated(client, at, locale, paths):
    body = {"locale": locale, "translations": dict.fromkeys(paths, LONG)}
    return await client.post(f"{at}/translations/set_many", json=body)


@pytest.fixture
async def nearly_full(client, at):
    """The offer with translations that leave little room."""
    for locale, paths in (("fr", PATHS), ("es", PATHS[:1])):
        answer = await translated(client, at, locale, paths)
        assert answer.status_code == 202, answer.text
    return at


async def everything(client, at):
    return [(await client.get(path)).json() for path in (at, f"{at}/translations")]


async def test_a_translation_too_many_is_refused_and_the_largest_parts_are_named(
    client, nearly_full
):
    before = await everything(client, nearly_full)
    refused = await translated(client, nearly_full, "de", PATHS[:2])
    assert refused.status_code == 422
    (said,) = refused.json()["errors"]
    assert "has room for 120" in said
    assert "shorten the translations in fr (102 KB), the translations in de (16 KB)" in said
    assert await everything(client, nearly_full) == before


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/advanced/set_custom_css", {"css": "a" * 20_000}),
        ("PATCH", "/advanced", {"custom_css": "a" * 20_000}),
        ("PATCH", "", {"advanced": {"custom_css": "a" * 20_000}}),
        ("POST", "/widget/set_disclaimer_text", {"text": LONG}),
    ],
)
async def test_so_is_any_other_text(client, nearly_full, method, path, body):
    before = await everything(client, nearly_full)
    answer = await client.request(method, f"{nearly_full}{path}", json=body)
    assert answer.status_code == 422
    assert "the translations in fr (102 KB)" in answer.text
    assert await everything(client, nearly_full) == before


async def test_what_was_made_shorter_makes_room(client, nearly_full):
    css = {"custom_css": "a" * 20_000}
    for path in PATHS[:3]:
        body = {"locale": "fr", "field": path}
        answer = await client.post(f"{nearly_full}/translations/unset", json=body)
        assert answer.status_code == 202
    assert (await client.patch(f"{nearly_full}/advanced", json=css)).status_code == 202


async def test_one_that_was_too_large_before_there_was_a_bound_can_be_paused(
    client, database, shop, nearly_full
):
    assert (await client.post(f"{nearly_full}/enable", json={})).status_code == 202
    async with database.transaction(shop.id) as db:
        await db.execute("UPDATE offer_translations SET value = value || value")
    assert (await client.patch(nearly_full, json={"name": "Large"})).status_code == 422
    assert (await client.post(f"{nearly_full}/disable", json={})).status_code == 202
    assert (await client.post(f"{nearly_full}/enable", json={})).status_code == 422
    assert (await client.post(f"{nearly_full}/discard", json={})).status_code == 202


async def test_v1_refuses_it_in_its_own_way(v1, client, nearly_full):
    offer_id = nearly_full.rpartition("/")[2]
    answer = await v1.put(
        f"/preorders/{offer_id}", json={"selling_plan": {"preorder_button_text": LONG}}
    )
    assert answer.status_code == 422
    assert "the translations in fr" in answer.text
