"""An offer's texts in other languages, through the v2 API."""

import pytest

from openstoq.kernel.places import locale_tag, readable

PATH = "widget.button.text"


@pytest.fixture
def at(offer_id):
    return f"/preorders/offers/{offer_id}/translations"


async def overrides(client, at):
    return (await client.get(at)).json()["translations"]


async def test_texts_are_set_unset_and_cleared_by_locale(client, at):
    assert PATH in (await client.get(at)).json()["translatable_fields"]
    one = {"locale": "fr", "field": PATH, "value": "Précommander"}
    assert (await client.post(f"{at}/set", json=one)).status_code == 202
    many = {"locale": "pt-BR", "translations": {PATH: "Reservar", "widget.badge.text": "Pré"}}
    assert (await client.post(f"{at}/set_many", json=many)).status_code == 202
    assert await overrides(client, at) == {
        "fr": {PATH: "Précommander"},
        "pt-BR": many["translations"],
    }
    gone = {"locale": "pt-BR", "field": PATH}
    assert (await client.post(f"{at}/unset", json=gone)).status_code == 202
    assert (await client.post(f"{at}/clear_locale", json={"locale": "fr"})).status_code == 202
    assert await overrides(client, at) == {"pt-BR": {"widget.badge.text": "Pré"}}


@pytest.mark.parametrize(
    ("locale", "field", "named"), [("fr", "widget.wobble", "widget.wobble"), ("xx", PATH, "xx")]
)
async def test_set_many_is_all_or_nothing_and_names_what_is_unknown(
    client, at, locale, field, named
):
    body = {"locale": locale, "translations": {"widget.badge.text": "Good", field: "Bad"}}
    answer = await client.post(f"{at}/set_many", json=body)
    assert answer.status_code == 422
    assert named in answer.text
    assert await overrides(client, at) == {}


@pytest.mark.parametrize(
    ("written", "asked"),
    [
        ("zh-TW", "zh-Hant-TW"), ("zh-Hant-TW", "zh-TW"), ("zh-CN", "zh-Hans-CN"), ("zh-HK", "zh_hk"),
        ("sr-RS", "sr-Cyrl-RS"), ("iw", "he"), ("he", "iw-IL"), ("tl", "fil"), ("in", "id-ID"),
        ("pt_BR", "pt-br"), ("no-NO", "no"), ("pa-PK", "pa-Arab-PK"),
    ],
)  # fmt: skip
async def test_a_text_is_found_by_every_name_of_its_language(client, at, written, asked):
    """Whichever form it is written, asked for or removed in."""
    one = {"locale": written, "field": PATH, "value": "Text"}
    assert (await client.post(f"{at}/set", json=one)).status_code == 202
    (stored,) = await overrides(client, at)
    assert stored == locale_tag(written) in readable(asked)
    again = {"locale": stored, "field": PATH, "value": "Other"}
    assert (await client.post(f"{at}/set", json=again)).status_code == 202
    assert await overrides(client, at) == {stored: {PATH: "Other"}}
    assert (await client.post(f"{at}/clear_locale", json={"locale": written})).status_code == 202
    assert await overrides(client, at) == {}


WIDGET = "widget.billing_widget.title"
FULL = "payments.options.full.billing_title"
PARTIAL = "payments.options.partial.billing_title"


@pytest.mark.parametrize(("sent", "other"), [(WIDGET, FULL), (FULL, WIDGET)])
async def test_translations_of_shared_copy_are_shared(client, at, sent, other):
    one = {"locale": "fr", "field": sent, "value": "Payer tout"}
    assert (await client.post(f"{at}/set", json=one)).status_code == 202
    assert await overrides(client, at) == {"fr": {sent: "Payer tout", other: "Payer tout"}}
    gone = {"locale": "fr", "field": other}
    assert (await client.post(f"{at}/unset", json=gone)).status_code == 202
    assert await overrides(client, at) == {}


async def test_one_text_has_one_translation(client, at):
    many = {"locale": "fr", "translations": {WIDGET: "Payer", FULL: "Payez"}}
    refused = await client.post(f"{at}/set_many", json=many)
    assert refused.json()["errors"] == [f"{WIDGET} and {FULL} are one text; send one value for it"]
    assert await overrides(client, at) == {}
    same = {"locale": "fr", "translations": {WIDGET: "Payer", FULL: "Payer", PARTIAL: "Acompte"}}
    assert (await client.post(f"{at}/set_many", json=same)).status_code == 202
    assert (await overrides(client, at))["fr"] == same["translations"]


async def test_another_first_option_brings_its_translations_along(client, at, offer_id):
    mode = f"/preorders/offers/{offer_id}/payments/set_mode"
    texts = {"locale": "fr", "translations": {FULL: "Payer", PARTIAL: "Acompte"}}
    assert (await client.post(f"{at}/set_many", json=texts)).status_code == 202
    more = {"locale": "de", "translations": {FULL: "Alles"}}
    assert (await client.post(f"{at}/set_many", json=more)).status_code == 202
    assert (await client.post(mode, json={"mode": "partial"})).status_code == 202
    found = await overrides(client, at)
    assert (found["fr"][WIDGET], WIDGET in found["de"]) == ("Acompte", False)
    one = {"locale": "de", "field": WIDGET, "value": "Anzahlung"}
    assert (await client.post(f"{at}/set", json=one)).json()["translations"]["de"] == {
        FULL: "Alles",
        PARTIAL: "Anzahlung",
        WIDGET: "Anzahlung",
    }
    assert (await client.post(mode, json={"mode": "full_and_partial"})).status_code == 202
    found = await overrides(client, at)
    assert (found["fr"][WIDGET], found["de"][WIDGET]) == ("Payer", "Alles")
