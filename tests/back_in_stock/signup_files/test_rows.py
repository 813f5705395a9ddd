"""What a row says, in the ways in which apps write it, and the sentence if it cannot be read."""

from datetime import UTC, datetime

import pytest

from openstoq.back_in_stock.signup_files.rules import UnreadableRowError, is_waiting, row_of
from tests.back_in_stock.signup_files.files import NOW

PLAIN = {"variant_id": "11", "contact": "ada@example.com"}


def row(**cells):
    return row_of(
        {name: text for name, text in (PLAIN | cells).items() if text},
        line=2,
        zone="Europe/Berlin",
        country="DE",
        now=NOW,
    )


@pytest.mark.parametrize(
    ("cells", "contact"),
    [
        ({}, "email:ada@example.com"),
        ({"contact": "Ada@Example.COM"}, "email:ada@example.com"),
        ({"contact": "", "email": "ada@example.com", "phone": "+49 1512 3456789"}, "email:ada@example.com"),
        ({"channel": "SMS", "contact": "+49 1512 3456789"}, "sms:+4915123456789"),
        ({"contact": "01512 3456789"}, "sms:+4915123456789"),
        ({"contact": "", "phone": "0151 23456789", "country": "DE"}, "sms:+4915123456789"),
        ({"contact": "", "phone": "090-1234-5678", "calling_code": "81"}, "sms:+819012345678"),
        ({"contact": "", "phone": "(415) 555-2671", "country": "us"}, "sms:+14155552671"),
        ({"channel": "push", "contact": "token-1"}, "push:token-1"),
    ],
)  # fmt: skip
def test_contacts(cells, contact):
    assert row(**cells).contact.identity == contact


def test_a_row_keeps_every_contact():
    found = row(contact="", email="ada@example.com", phone="0151 23456789", channel="sms")
    assert (found.contact.channel, found.email, found.phone) == (
        "sms", "ada@example.com", "+4915123456789",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-05-31", datetime(2026, 5, 30, 22, tzinfo=UTC)),
        ("2026/05/31", datetime(2026, 5, 30, 22, tzinfo=UTC)),
        ("2026-05-31 09:30", datetime(2026, 5, 31, 7, 30, tzinfo=UTC)),
        ("2026-05-31 09:30:00 UTC", datetime(2026, 5, 31, 9, 30, tzinfo=UTC)),
        ("2026-05-31T09:30:00.123456Z", datetime(2026, 5, 31, 9, 30, 0, 123456, tzinfo=UTC)),
        ("2026-05-31 09:30:00 -0400", datetime(2026, 5, 31, 13, 30, tzinfo=UTC)),
        ("", None),
    ],
)
def test_moments(text, moment):
    assert row(signed_up_at=text).signed_up_at == moment


@pytest.mark.parametrize(
    ("cells", "sentence"),
    [
        ({"contact": "ada@"}, "email is not valid"),
        ({"contact": "ada @example.com"}, "email is not valid"),
        ({"contact": "@SUM(A1)"}, "email is not valid"),
        ({"contact": "12345"}, "phone is not valid"),
        ({"contact": ""}, "neither an e-mail address nor a phone"),
        ({"channel": "fax"}, "channel must be email, sms or push; it is 'fax'"),
        ({"channel": "sms", "contact": "ada@example.com"}, "phone is not valid"),
        ({"variant_id": ""}, "neither variant_id nor sku"),
        ({"variant_id": "x"}, "variant_id must be a Shopify id"),
        ({"variant_id": "4.2345E+13"}, "rounded by a spreadsheet"),
        ({"variant_id": "gid://shopify/Product/1"}, "must be the id of a ProductVariant"),
        ({"variant_id": "9" * 30}, "variant_id must be a Shopify id"),
        ({"quantity": "0"}, "quantity must be from 1"),
        ({"quantity": "two"}, "quantity must be a whole number; it is 'two'"),
        ({"quantity": "-1"}, "quantity must be a whole number"),
        ({"quantity": "1" * 400}, "quantity must be a whole number"),
        ({"optin_confirmed": "maybe"}, "optin_confirmed must be true or false"),
        ({"accepts_marketing": "2"}, "accepts_marketing must be true or false"),
        ({"signed_up_at": "31.05.2026"}, "signed_up_at must be a date such as"),
        ({"signed_up_at": "05/31/2026"}, "signed_up_at must be a date such as"),
        ({"signed_up_at": "2026-05-3"}, "signed_up_at must be a date such as"),
        ({"signed_up_at": "2099-01-01"}, "must lie between 2000 and today"),
        ({"signed_up_at": "0001-01-01"}, "must lie between 2000 and today"),
        ({"name": "a\x00b"}, "name must be one line"),
        ({"name": "x" * 300}, "name may have 255 characters; it has 300"),
        ({"sku": "a\nb"}, "sku must be one line"),
    ],
)
def test_what_cannot_be_read_says_why(cells, sentence):
    with pytest.raises(UnreadableRowError, match=sentence):
        row(**cells)


def test_a_sentence_shows_no_more_than_a_part_of_a_cell():
    with pytest.raises(UnreadableRowError) as caught:
        row(quantity="\x1b[31m" + "x" * 10_000)
    assert len(str(caught.value)) < 200
    assert "\x1b" not in str(caught.value)


def test_an_unknown_language_or_country_is_left_out():
    found = row(language="klingon-x", country="Atlantis")
    assert (found.locale, found.country) == (None, None)
    assert row(language="pt_br", country="br").locale == "pt-BR"


@pytest.mark.parametrize(
    ("cells", "waits"),
    [
        ({}, True),
        ({"status": "Pending"}, True),
        ({"status": "unsubscribed"}, False),
        ({"status": "notified"}, False),
        ({"notified_at": "2026-05-31"}, False),
        ({"notified_at": "Never"}, True),
    ],
)
def test_who_waits(cells, waits):
    assert is_waiting(PLAIN | cells) is waits


def test_an_unknown_status_is_a_problem():
    with pytest.raises(UnreadableRowError, match=r"status must be pending .* it is 'odd'"):
        is_waiting({"status": "odd"})
