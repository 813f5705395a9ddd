"""No value in an alert becomes HTML, a template or a header."""

from dataclasses import replace
from email import message_from_bytes
from email.header import decode_header, make_header

import pytest

from openstoq.messaging.render import (
    prepare_alert,
)
from tests.messaging.alerts import FACTS, RECIPIENT
from tests.messaging.reading import Links, assert_fit_for_the_wire, body, parsed

TITLES = [
    "Jacke „Höhenweg“ für Größe 52",
    "Mug 🧥👩‍👩‍👧 (2×)",
    "日本語" * 60,
    "x" * 300,
    "=?utf-8?q?a?=",
]


@pytest.mark.parametrize("title", TITLES)
def test_any_title_survives_the_wire(title: str) -> None:
    facts = replace(FACTS, product_title=title, shop_name=title, variant_title=title)
    content = prepare_alert(facts, "de").personal(RECIPIENT)
    assert_fit_for_the_wire(content)
    message = parsed(content)
    assert message["Subject"] == f"Wieder da: {title}"
    # EmailMessage puts a space between the words of a long name, against RFC 2047, section 6.2.
    shown, address = str(message_from_bytes(content)["From"]).rsplit(None, 1)
    assert str(make_header(decode_header(shown.strip('"')))) == title
    assert address == f"<{FACTS.sender}>"
    assert title in body(message, "plain").splitlines()
    assert f">{title}</h1>" in body(message, "html")


def test_a_shops_name_with_quotes_is_quoted() -> None:
    name = r'Bob, "the" \ Shop <x@y.z>'
    message = parsed(prepare_alert(replace(FACTS, shop_name=name), "en").personal(RECIPIENT))
    assert message["From"].addresses[0].display_name == name
    assert [a.addr_spec for a in message["From"].addresses] == [FACTS.sender]


def test_html_in_values_is_text() -> None:
    evil = "<script>alert('1')</script> & \"co\""
    facts = replace(FACTS, product_title=evil, variant_title=evil, shop_name=evil)
    name = "Ana & 'Ben' \"Co\""
    message = parsed(prepare_alert(facts, "en").personal(replace(RECIPIENT, name=name)))
    assert "<script" not in body(message, "html")
    assert "Ana &amp; &#39;Ben&#39; &quot;Co&quot;" in body(message, "html").replace(
        "&#34;", "&quot;"
    )
    assert f"Hello {name}," in body(message, "plain")
    message = parsed(prepare_alert(facts, "en").personal(replace(RECIPIENT, name=evil)))
    assert "Hello," in body(message, "plain").splitlines()


def test_liquid_in_values_is_text() -> None:
    evil = "{{ shop_url }} {% raw %} %(greeting)b %s"
    facts = replace(FACTS, product_title=evil)
    message = parsed(prepare_alert(facts, "en").personal(replace(RECIPIENT, name=evil)))
    assert "Hello," in body(message, "plain").splitlines()
    assert evil in body(message, "plain").splitlines()
    assert message["Subject"] == f"Back in stock: {evil}"


BREAKS = ["\r\nBcc: eve@example.com", "\nBcc: eve@example.com", "\rBcc: e", "\0x", "\u2028Bcc: e"]


@pytest.mark.parametrize("tail", BREAKS)
def test_no_value_can_add_a_header(tail: str) -> None:
    facts = replace(
        FACTS,
        shop_name=FACTS.shop_name + tail,
        product_title=FACTS.product_title + tail,
        variant_title=f"M{tail}",
        product_url=FACTS.product_url + tail,
        image_url=f"{FACTS.image_url}{tail}",
        shop_url=FACTS.shop_url + tail,
        message_id_domain=FACTS.message_id_domain + tail,
    )
    recipient = replace(
        RECIPIENT, name=f"Ada{tail}", unsubscribe_url=RECIPIENT.unsubscribe_url + tail
    )
    content = prepare_alert(facts, "en").personal(recipient)
    assert_fit_for_the_wire(content)
    message = parsed(content)
    assert message.keys() == parsed(prepare_alert(FACTS, "en").personal(RECIPIENT)).keys()
    assert message["List-Unsubscribe"].count("<") == 1


@pytest.mark.parametrize("tail", [*BREAKS, ">, <eve@example.com", ",eve@example.com", " x", "é\n"])
def test_an_address_that_is_not_one_plain_address_is_refused(tail: str) -> None:
    with pytest.raises(ValueError, match="not an e-mail address"):
        prepare_alert(FACTS, "en").personal(replace(RECIPIENT, address=RECIPIENT.address + tail))
    with pytest.raises(ValueError, match="not an e-mail address"):
        prepare_alert(replace(FACTS, sender=FACTS.sender + tail), "en")


@pytest.mark.parametrize("url", ["javascript:alert(1)", "mailto:x@y.z", "", "data:text/html,x"])
def test_a_link_that_leads_nowhere_on_the_web_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="not a web address"):
        prepare_alert(replace(FACTS, product_url=url), "en")
    with pytest.raises(ValueError, match="not a web address"):
        prepare_alert(FACTS, "en").personal(replace(RECIPIENT, unsubscribe_url=url))


def test_a_picture_that_is_not_on_the_web_is_left_out() -> None:
    prepared = prepare_alert(replace(FACTS, image_url="javascript:alert(1)"), "en")
    assert not Links(body(parsed(prepared.personal(RECIPIENT)), "html")).pictures


def test_a_link_too_long_for_a_header_is_refused() -> None:
    endless = replace(RECIPIENT, unsubscribe_url="https://api.example/" + "u" * 1000)
    with pytest.raises(ValueError, match="List-Unsubscribe is too long"):
        prepare_alert(FACTS, "en").personal(endless)


def test_a_domain_beyond_ascii_is_written_as_dns_knows_it() -> None:
    content = prepare_alert(FACTS, "en").personal(replace(RECIPIENT, address="ada@bücher.example"))
    assert_fit_for_the_wire(content)
    assert b"To: ada@xn--bcher-kva.example\r\n" in content


def test_a_local_part_beyond_ascii_is_utf8_in_that_header_alone() -> None:
    content = prepare_alert(FACTS, "en").personal(replace(RECIPIENT, address="jörg@bücher.example"))
    header = "To: jörg@bücher.example\r\n".encode()
    assert header in content
    assert_fit_for_the_wire(content.replace(header, b""))


@pytest.mark.parametrize("name", ["Win at https://x.example", "WWW.x.example", "x" * 61, " \r\n "])
def test_a_name_that_is_none_is_not_greeted(name: str) -> None:
    message = parsed(prepare_alert(FACTS, "en").personal(replace(RECIPIENT, name=name)))
    assert "Hello,\n" in body(message, "plain")
    assert "x.example" not in body(message, "html")
