"""What mails about an order say of reasons, refusals and refunds, and what they never contain."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openstoq.messaging.order_mails import (
    Decline,
    Item,
    Received,
    cancellation,
    shipping_update,
    uncollected,
)
from tests.messaging.order_notices import (
    DAY,
    KINDS,
    NOTICE,
    ORDER,
    PAY,
    asked,
    every_kind,
    received,
    said,
)
from tests.messaging.reading import Links, assert_fit_for_the_wire, parsed


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
    assert "Your bank wants you to confirm the payment" in text
    assert "Confirm €80.00</a>" in html
    assert PAY in Links(html).found


def test_a_receipt_names_the_amount_and_asks_for_nothing():
    text, html = said(received())
    lines = text.splitlines()
    assert "Deposit received: €20.00" in lines
    assert "Balance received: €80.00" in lines
    assert "Still to pay: €0.00" in lines
    assert any(line.startswith("There is nothing left for you to do") for line in lines)
    assert Links(html).found == ["https://nordwand.example", ORDER.order_url]


def test_a_receipt_does_not_hide_what_was_added_since():
    text, _ = said(received(outstanding=40))
    assert "Still to pay: €40.00" in text.splitlines()
    assert "A part of the price is still to be paid" in text
    assert "nothing left" not in text


def test_what_did_not_come_is_not_listed():
    text, _ = said(asked(received=Received()))
    assert "received" not in text
    text, _ = said(asked(received=Received(deposit=Decimal(20), balance=Decimal(5))))
    assert {"Deposit received: €20.00", "Balance received: €5.00"} < set(text.splitlines())


SHOPPERS = sorted(set(KINDS) - {"uncollected", "held_again"})


@pytest.mark.parametrize("kind", SHOPPERS)
def test_each_mail_to_a_shopper_leads_to_the_order(kind):
    text, html = said(every_kind(ORDER)[kind])
    assert ORDER.order_url in text.splitlines()
    assert ORDER.order_url in Links(html).found


@pytest.mark.parametrize("url", [None, "", "javascript:alert(1)"])
@pytest.mark.parametrize("kind", KINDS)
def test_without_a_page_of_the_order_no_mail_mentions_one(kind, url):
    text, html = said(every_kind(replace(ORDER, order_url=url))[kind])
    assert "View your order" not in text + html
    assert "alert(1)" not in text + html


@pytest.mark.parametrize("kind", ["uncollected", "held_again"])
def test_the_shoppers_page_is_not_for_the_merchant(kind):
    text, html = said(every_kind(ORDER)[kind])
    assert ORDER.order_url not in [*text.splitlines(), *Links(html).found]


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
    assert "Your preorder at Nordwand was cancelled." in text.splitlines()
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
