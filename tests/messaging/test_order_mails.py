"""The mails of preorder orders: what they say in each language, and what nobody can make them say."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openstoq.messaging import compose
from openstoq.messaging.brand import Brand
from openstoq.messaging.compose import TEMPLATES, money, texts
from tests.messaging.order_notices import (
    KINDS,
    NOTICE,
    NUMBER,
    ORDER,
    PAY,
    WRITTEN,
    asked,
    every_kind,
    said,
)
from tests.messaging.reading import Links, body, parsed

LANGUAGES = sorted(file.stem for file in (TEMPLATES / "locales").glob("*.toml"))


SECTIONS = [
    "order",
    "payment_asked",
    "payment_due",
    "payment_declined",
    "payment_authenticate",
    "balance_received",
    "cancellation_asked",
    "cancellation_exceeded",
    "uncollected",
    "held_again",
]


@pytest.mark.parametrize("kind", KINDS)
def test_the_headers_are_those_of_a_mail_about_an_order(kind):
    message = parsed(every_kind(ORDER)[kind])
    assert message["To"] == "ada@example.com"
    assert message["From"] == "Nordwand <shop@nordwand.example>"
    assert message["Reply-To"] == "hello@nordwand.example"
    assert message["Message-ID"] == f"<{NUMBER}@mail.nordwand.example>"
    assert message["Idempotency-Key"] == str(NUMBER)
    assert message["Date"].datetime == WRITTEN
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["List-Unsubscribe"] is None
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("spoken", LANGUAGES)
def test_each_kind_lists_what_was_ordered_in_each_language(kind, spoken):
    text, html = said(every_kind(replace(ORDER, locale=spoken))[kind])
    assert "2 × Trail Jacket (Blue / M)" in text.splitlines()
    assert "1 × Expedition Mug" in text.splitlines()
    assert f'lang="{spoken}"' in html
    for shown in ("Trail Jacket", "Blue / M", "Expedition Mug", "#1001", "Nordwand"):
        assert shown in html
    assert "None" not in text + html


@pytest.mark.parametrize("section", SECTIONS)
@pytest.mark.parametrize("spoken", LANGUAGES)
def test_each_language_has_every_sentence(spoken, section):
    values = {
        name: name.upper()
        for name in ("shop_name", "order", "name", "amount", "date", "given_reason")
    }
    told, english = texts(spoken, section, values), texts("en", section, values)
    assert told.keys() == english.keys()
    for key, sentence in english.items():
        assert told[key].strip() == told[key] != ""
        for value in values.values():
            assert (value in told[key]) == (value in sentence), key


def test_a_payment_link_says_what_is_to_be_paid_until_when_and_where():
    text, html = said(asked())
    assert parsed(asked())["Subject"] == "Ready to pay: the rest of preorder #1001"
    assert "Hello Ada Lovelace," in text.splitlines()
    assert "Still to pay: €1,249.50" in text.splitlines()
    assert "Due: July 14, 2026" in text.splitlines()
    assert PAY in text.splitlines()
    assert "Deposit received: €250.00" in text.splitlines()
    assert Links(html).found == ["https://nordwand.example", PAY, ORDER.order_url]
    assert "Pay €1,249.50</a>" in html


def test_without_a_due_date_and_a_name_nothing_is_left_of_them():
    text, html = said(asked(replace(ORDER, customer_name=None), due_at=None))
    assert "Hello," in text.splitlines()
    assert "Due" not in text + html


@pytest.mark.parametrize(
    ("locale", "currency", "amount", "shown"),
    [
        ("en", "JPY", "12495", "¥12,495"),
        ("de", "KWD", "12.495", "12,495\xa0KWD"),
        ("en", "KWD", "12.5", "KWD12.500"),
        ("fr", "EUR", "1249.5", "1\u202f249,50\xa0€"),
        ("es", "USD", "80", "80,00\xa0US$"),
        # Babel counts Serbia's money in whole dinars; what is owed is not rounded for that.
        ("en", "RSD", "1249.75", "RSD1,249.75"),
        ("en", "IQD", "1249.125", "IQD1,249.125"),
    ],
)
def test_an_amount_has_the_decimals_of_its_currency(locale, currency, amount, shown):
    order = replace(ORDER, locale=locale, currency=currency)
    text, html = said(asked(order, amount=Decimal(amount)))
    assert any(line.endswith(f": {shown}") for line in text.splitlines())
    assert f">{shown}</td>" in html


@given(st.decimals(min_value=0, max_value=10**9, places=2), st.sampled_from(["EUR", "RSD", "LBP"]))
def test_no_cent_is_rounded_away(amount, currency):
    digits = [sign for sign in money(amount, currency, "en") if sign.isdigit() or sign == "."]
    assert Decimal("".join(digits)) == amount


@pytest.mark.parametrize(
    ("locale", "day"),
    [
        ("de", "14. Juli 2026"),
        ("en-GB", "14 July 2026"),
        ("fr", "14 juillet 2026"),
        ("es-MX", "14 de julio de 2026"),
        # Sentences in English have no dates in Swedish.
        ("sv", "July 14, 2026"),
        (None, "July 14, 2026"),
    ],
)
def test_a_day_is_told_where_the_shop_is_and_in_the_language_of_the_mail(locale, day):
    text, _ = said(asked(replace(ORDER, locale=locale)))
    assert any(line.endswith(f": {day}") for line in text.splitlines())


@pytest.mark.parametrize(
    ("moment", "zone", "told"),
    [
        (datetime(9999, 12, 31, 23, tzinfo=UTC), "Asia/Tokyo", "December 31, 9999"),
        (datetime(1, 1, 1, 1, tzinfo=UTC), "America/New_York", "January 1, 1"),
    ],
)
def test_the_ends_of_the_calendar_are_told_in_utc_where_a_zone_would_cross_them(moment, zone, told):
    assert compose.day(moment, zone, "en") == told


def test_a_time_zone_that_the_machine_does_not_know_is_utc():
    text, _ = said(asked(replace(ORDER, timezone="Atlantis/Capital")))
    assert "Due: July 13, 2026" in text.splitlines()


def test_an_order_mail_has_the_brand_of_its_shop():
    brand = Brand(
        logo_url="https://cdn.example/logo.png", button_color="#FFD400", footer="One\n<Two>"
    )
    for mail in every_kind(ORDER, replace(NOTICE, brand=brand)).values():
        message = parsed(mail)
        assert "https://cdn.example/logo.png" in body(message, "html")
        assert "One<br />\n&lt;Two&gt;" in body(message, "html")
        assert "One\n<Two>" in body(message, "plain")
    assert 'bgcolor="#FFD400"' in body(
        parsed(every_kind(ORDER, replace(NOTICE, brand=brand))["due"]), "html"
    )
