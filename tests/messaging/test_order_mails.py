"""The mails of preorder orders: what they say in each language, and what nobody can make them say."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.reading import Links, assert_fit_for_the_wire, body, parsed
from openstoq.messaging import compose
from openstoq.messaging.compose import TEMPLATES, money, texts
from openstoq.messaging.notices import Notice
from openstoq.messaging.order_mails import (
    Decline,
    Item,
    OrderFacts,
    cancellation,
    payment_request,
    receipt,
    shipping_update,
    uncollected,
)

NUMBER = UUID("01890a5d-ac96-774b-bcce-b302099a8057")
WRITTEN = datetime(2026, 7, 1, 12, 30, 15, tzinfo=UTC)
NOTICE = Notice(
    id=NUMBER,
    written_at=WRITTEN,
    sender="shop@nordwand.example",
    sender_name="Nordwand",
    recipient="ada@example.com",
    message_id_domain="mail.nordwand.example",
)
ORDER = OrderFacts(
    shop_name="Nordwand",
    shop_url="https://nordwand.example",
    locale="en",
    timezone="Europe/Berlin",
    name="#1001",
    customer_name="Ada Lovelace",
    currency="EUR",
    items=(
        Item(title="Trail Jacket", variant_title="Blue / M", quantity=2),
        Item(title="Expedition Mug", variant_title=None, quantity=1),
    ),
)
PAY = "https://pay.example/collect?order=1&key=a"
# Midnight in Berlin, and still the day before in UTC.
DAY = datetime(2026, 7, 13, 22, 30, tzinfo=UTC)
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
]


def asked(order=ORDER, notice=NOTICE, **changes):
    facts = {"why": "asked", "amount": Decimal("1249.5"), "due_at": DAY, "pay_url": PAY}
    return payment_request(notice, order, **facts | changes)


def every_kind(order, notice=NOTICE, words="Words"):
    """One mail of each kind, with what a merchant or a provider says in it."""
    declined = Decline("declined", DAY)
    return {
        "asked": asked(order, notice),
        "due": asked(order, notice, why="due"),
        "declined": asked(order, notice, why="declined", decline=declined),
        "authenticate": asked(order, notice, why="authenticate"),
        "received": receipt(notice, order, amount=Decimal(80)),
        "cancelled": cancellation(notice, order, why="asked", reason=words, refund=Decimal(20)),
        "exceeded": cancellation(notice, order, why="exceeded", reason=None, refund=Decimal(20)),
        "shipping": shipping_update(notice, order, subject=words, header=words, description=words),
        "uncollected": uncollected(
            notice, order, amount=Decimal(80), error=words, order_url="https://shop.example/1"
        ),
    }


KINDS = sorted(every_kind(ORDER))


def said(content):
    """Both bodies, after making sure that the message is well-formed."""
    assert_fit_for_the_wire(content)
    message = parsed(content)
    return body(message, "plain"), body(message, "html")


@pytest.mark.parametrize("kind", KINDS)
def test_the_headers_are_those_of_a_mail_about_an_order(kind):
    message = parsed(every_kind(ORDER)[kind])
    assert message["To"] == "ada@example.com"
    assert message["From"] == "Nordwand <shop@nordwand.example>"
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
    assert parsed(asked())["Subject"] == "The rest of your preorder #1001 can be paid now"
    assert "Hello Ada Lovelace," in text.splitlines()
    assert "Still to pay: €1,249.50" in text.splitlines()
    assert "Due: July 14, 2026" in text.splitlines()
    assert PAY in text.splitlines()
    assert Links(html).found == ["https://nordwand.example", PAY]
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


@pytest.mark.parametrize(
    ("cause", "sentence"),
    [
        ("declined", "your bank or card provider declined the payment"),
        ("expired", "the card that you left with us has expired"),
        ("funds", "there was not enough money available"),
    ],
)
def test_a_declined_payment_says_why_and_when_it_is_tried_again(cause, sentence):
    text, html = said(asked(why="declined", decline=Decline(cause, DAY)))
    for shown in (text, html):
        assert sentence in shown
        assert "We will try again on July 14, 2026." in shown
    last, _ = said(asked(why="declined", decline=Decline(cause, None)))
    assert sentence in last
    assert "We will not try again." in last
    assert PAY in last.splitlines()


def test_one_who_has_to_confirm_a_payment_is_led_to_its_page():
    text, html = said(asked(why="authenticate", amount=Decimal(80)))
    assert "your bank wants you to confirm the payment" in text
    assert "Confirm €80.00</a>" in html
    assert PAY in Links(html).found


def test_a_receipt_names_the_amount_and_asks_for_nothing():
    text, html = said(receipt(NOTICE, ORDER, amount=Decimal(80)))
    assert "Paid: €80.00" in text.splitlines()
    assert Links(html).found == ["https://nordwand.example"]


def test_a_cancellation_gives_the_merchants_reason_and_the_refund():
    text, html = said(
        cancellation(NOTICE, ORDER, why="asked", reason="The mill burnt down", refund=Decimal(20))
    )
    assert "The reason: The mill burnt down" in text.splitlines()
    assert "Refund: €20.00" in text.splitlines()
    assert "You get €20.00 back." in html


@pytest.mark.parametrize(
    ("reason", "sentence"),
    [
        ("customer", "was cancelled, as you wished."),
        ("INVENTORY", "we cannot deliver your preorder"),
        ("declined", "because it could not be paid"),
    ],
)
def test_the_platforms_words_become_sentences(reason, sentence):
    text, html = said(cancellation(NOTICE, ORDER, why="asked", reason=reason, refund=Decimal(0)))
    assert sentence in text
    assert "The reason" not in text
    assert "€" not in text + html


@pytest.mark.parametrize("reason", ["fraud", "Staff", "OTHER", None, " \r\n "])
def test_a_shopper_is_not_told_of_suspicions(reason):
    text, html = said(cancellation(NOTICE, ORDER, why="asked", reason=reason, refund=Decimal(0)))
    assert "your preorder at Nordwand was cancelled." in text.splitlines()
    assert "reason" not in text.lower()
    assert "fraud" not in (text + html).lower()


def test_who_went_over_a_limit_is_told_so_and_not_how_much_there_is():
    mail = cancellation(
        NOTICE, ORDER, why="exceeded", reason="at most 3 are left", refund=Decimal(20)
    )
    text, html = said(mail)
    assert "went over the number that one can order at Nordwand" in text
    assert "Refund: €20.00" in text.splitlines()
    assert "3 are left" not in text + html


def test_a_shipping_update_is_the_merchants_text_line_by_line():
    mail = shipping_update(
        NOTICE,
        replace(ORDER, locale="de"),
        subject="Your preorder has shipped",
        header="Good <b>news</b>!",
        description="On the way\r\nto {{ name }} & co.\r\n\r\n\r\nYours,\n<script>alert(1)</script>",
    )
    text, html = said(mail)
    assert parsed(mail)["Subject"] == "Your preorder has shipped"
    assert "On the way\nto {{ name }} & co.\n\nYours,\n<script>alert(1)</script>\n" in text
    assert "On the way<br>to {{ name }} &amp; co.</p>" in html
    assert ">Yours,<br>&lt;script&gt;alert(1)&lt;/script&gt;</p>" in html
    assert "Good &lt;b&gt;news&lt;/b&gt;!</h1>" in html
    assert "Hallo" not in text
    assert "weil du bei Nordwand vorbestellt hast" in text


def test_the_merchant_is_told_what_was_said_and_what_can_be_done():
    link = "https://nordwand.myshopify.com/admin/orders/1001"
    mail = uncollected(
        NOTICE, ORDER, amount=Decimal(80), error="Your card was declined.", order_url=link
    )
    text, html = said(mail)
    assert "Hello," in text.splitlines()
    assert "What went wrong: Your card was declined." in text.splitlines()
    assert "Still to pay: €80.00" in text.splitlines()
    assert link in Links(html).found
    silent, _ = said(uncollected(NOTICE, ORDER, amount=Decimal(80), error=None, order_url=link))
    assert "went wrong" not in silent


EVIL = "<script>alert('1')</script> {{ shop_url }} & \"co\""


@pytest.mark.parametrize("kind", KINDS)
def test_html_and_liquid_in_values_are_text(kind):
    order = replace(
        ORDER,
        shop_name=EVIL,
        name=EVIL,
        customer_name=EVIL,
        items=(Item(title=EVIL, variant_title=EVIL, quantity=1),),
    )
    text, html = said(every_kind(order, words=EVIL)[kind])
    assert "<script" not in html
    assert f"1 × {EVIL} ({EVIL})" in text.splitlines()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "tail",
    ["\r\nBcc: eve@example.com", "\nBcc: eve@example.com", "\rBcc: e", "\0x", "\u2028Bcc: e"],
)
def test_no_value_can_add_a_header(kind, tail):
    order = replace(
        ORDER,
        shop_name=f"Nordwand{tail}",
        name=f"#1001{tail}",
        customer_name=f"Ada{tail}",
        items=(Item(title=f"Mug{tail}", variant_title=f"M{tail}", quantity=1),),
    )
    notice = replace(NOTICE, sender_name=f"Nordwand{tail}")
    evil = every_kind(order, notice, words=f"Words{tail}")[kind]
    assert_fit_for_the_wire(evil)
    assert parsed(evil).keys() == parsed(every_kind(ORDER)[kind]).keys()


@pytest.mark.parametrize("url", ["javascript:alert(1)", "", "data:text/html,x"])
def test_a_link_that_leads_nowhere_on_the_web_is_refused(url):
    with pytest.raises(ValueError, match="not a web address"):
        asked(pay_url=url)


@given(description=st.text(max_size=400))
def test_any_description_can_be_sent(description):
    mail = shipping_update(NOTICE, ORDER, subject="s", header="h", description=description)
    text, _ = said(mail)
    for line in description.splitlines():
        words = [word for word in line.split() if word.isalnum() and word.isprintable()]
        assert all(word in text for word in words)
