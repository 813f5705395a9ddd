"""Alerts in every language, whatever their shop and their shopper are called."""

from dataclasses import replace
from decimal import Decimal
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openstoq.messaging.compose import language, texts
from openstoq.messaging.render import (
    prepare_alert,
)
from tests.messaging.alerts import FACTS, LANGUAGES, NUMBER, RECIPIENT, WRITTEN
from tests.messaging.reading import Links, body, parsed


def test_an_alert_has_the_headers_of_a_good_bulk_mail() -> None:
    message = parsed(prepare_alert(FACTS, "en").personal(RECIPIENT))
    assert message["To"] == "ada@example.com"
    assert message["From"] == "Nordwand <shop@nordwand.example>"
    assert message["Reply-To"] == "hello@nordwand.example"
    assert message["Subject"] == "Back in stock: Trail Jacket"
    assert message["Message-ID"] == f"<{NUMBER}@mail.nordwand.example>"
    assert message["List-Unsubscribe"] == "<https://api.example/u/abc?shop=1&x=2>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message["X-Openstoq-Notification"] == message["Idempotency-Key"] == str(NUMBER)
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["MIME-Version"] == "1.0"
    assert message["Date"].datetime == WRITTEN
    assert len(message.keys()) == len({key.lower() for key in message})


def test_an_alert_is_text_and_html_of_which_html_is_the_richer() -> None:
    message = parsed(prepare_alert(FACTS, "en").personal(RECIPIENT))
    assert message.get_content_type() == "multipart/alternative"
    kinds = [part.get_content_type() for part in message.iter_parts()]
    assert kinds == ["text/plain", "text/html"]


@pytest.mark.parametrize("subtype", ["plain", "html"])
def test_both_bodies_say_what_is_back_where_and_for_how_much(subtype: str) -> None:
    said = body(parsed(prepare_alert(FACTS, "en").personal(RECIPIENT)), subtype)
    for words in ("Hello Ada,", "Trail Jacket", "Blue / M", "€1,249.50", "Nordwand", "Unsubscribe"):
        assert words in said


def test_html_links_to_the_product_the_shop_and_the_unsubscription() -> None:
    html = Links(body(parsed(prepare_alert(FACTS, "en").personal(RECIPIENT)), "html"))
    product = (
        "https://nordwand.example/products/trail-jacket?variant=42&utm_source=openstoq"
        f"&utm_medium=email&utm_campaign=back-in-stock&utm_content={NUMBER}"
    )
    assert html.found == [FACTS.shop_url, product, product, RECIPIENT.unsubscribe_url]
    assert [(p["src"], p["alt"]) for p in html.pictures] == [(FACTS.image_url, "Trail Jacket")]
    text = body(parsed(prepare_alert(FACTS, "en").personal(RECIPIENT)), "plain").splitlines()
    assert product in text
    assert f"Unsubscribe: {RECIPIENT.unsubscribe_url}" in text


@pytest.mark.parametrize(
    "url",
    [
        "https://s.example/p",
        "https://s.example/p?",
        "https://s.example/p?a=1&variant=2",
        "https://s.example/p?a=1&",
        "https://s.example/p#reviews",
        "https://s.example/p?a=1#reviews",
        "https://s.example/jacke-für-100%25?a=1",
    ],
)
def test_our_campaign_is_added_to_whatever_the_product_link_has(url: str) -> None:
    prepared = prepare_alert(replace(FACTS, product_url=url), "en")
    link = next(
        line
        for line in body(parsed(prepared.personal(RECIPIENT)), "plain").splitlines()
        if "utm_source" in line
    )
    before, after = urlsplit(url), urlsplit(link)
    assert after.fragment == before.fragment
    assert link.isascii()
    assert "?&" not in link
    assert "&&" not in link
    assert parse_qs(after.query, strict_parsing=True) == parse_qs(before.query) | {
        "utm_source": ["openstoq"],
        "utm_medium": ["email"],
        "utm_campaign": ["back-in-stock"],
        "utm_content": [str(NUMBER)],
    }


def test_without_variant_picture_price_and_name_nothing_is_left_of_them() -> None:
    bare = replace(FACTS, variant_title=None, image_url=None, price=Decimal(0))
    prepared = prepare_alert(bare, "en")
    message = parsed(prepared.personal(replace(RECIPIENT, name=None)))
    html, text = body(message, "html"), body(message, "plain")
    for said in (html, text):
        assert "Hello," in said
        assert "None" not in said
        assert "€" not in said
    assert not Links(html).pictures
    assert "Trail Jacket\n\nShop now:" in text
    assert prepared.text.is_spliced
    assert prepared.html.is_spliced


@pytest.mark.parametrize(
    ("locale", "currency", "price", "shown"),
    [
        ("de", "EUR", "1249.5", "1.249,50\xa0€"),
        ("de-AT", "EUR", "1249.5", "€\xa01.249,50"),
        ("fr", "EUR", "1249.5", "1\u202f249,50\xa0€"),
        ("en-US", "USD", "1249.5", "$1,249.50"),
        ("en", "JPY", "12000", "¥12,000"),
        ("pt-BR", "BRL", "10", "R$\xa010,00"),
        ("en", "KWD", "1.5", "KWD1.500"),
        ("tlh-x-nonsense!", "EUR", "5", "€5.00"),
    ],
)
def test_a_price_is_written_as_its_reader_writes_it(
    locale: str, currency: str, price: str, shown: str
) -> None:
    facts = replace(FACTS, currency=currency, price=Decimal(price))
    message = parsed(prepare_alert(facts, locale).personal(RECIPIENT))
    assert shown in body(message, "html")
    assert shown in body(message, "plain").splitlines()


@pytest.mark.parametrize(
    ("locale", "subject"),
    [
        ("de", "Wieder da: Trail Jacket"),
        ("de-AT", "Wieder da: Trail Jacket"),
        ("de_CH", "Wieder da: Trail Jacket"),
        ("fr-CA", "De retour en stock\u202f: Trail Jacket"),
        ("es", "De nuevo disponible: Trail Jacket"),
        ("sv", "Back in stock: Trail Jacket"),
        ("../en", "Back in stock: Trail Jacket"),
        ("", "Back in stock: Trail Jacket"),
        (None, "Back in stock: Trail Jacket"),
    ],
)
def test_a_locale_falls_back_to_its_language_and_then_to_english(
    locale: str | None, subject: str
) -> None:
    assert parsed(prepare_alert(FACTS, locale).personal(RECIPIENT))["Subject"] == subject


@given(st.text(max_size=30) | st.from_regex(r"[a-z]{2,3}([-_][A-Za-z0-9]{2,4}){0,3}"))
def test_any_locale_has_a_language_of_ours(locale: str) -> None:
    assert language(locale) in LANGUAGES


@pytest.mark.parametrize("section", ["alert", "optin"])
@pytest.mark.parametrize("spoken", LANGUAGES)
def test_each_language_has_every_sentence(spoken: str, section: str) -> None:
    values = {"shop_name": "SHOP", "product_title": "PRODUCT", "name": "NAME"}
    said, english = texts(spoken, section, values), texts("en", section, values)
    assert language(spoken) == spoken
    assert said.keys() == english.keys()
    for key, sentence in english.items():
        assert said[key].strip() == said[key] != ""
        for value in values.values():
            assert (value in said[key]) == (value in sentence)
