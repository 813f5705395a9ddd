from base64 import b64encode
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from email import message_from_bytes
from email.header import decode_header, make_header
from quopri import decodestring
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from messaging.reading import Links, assert_fit_for_the_wire, body, parsed
from openstoq.messaging.compose import TEMPLATES, Body, language, texts
from openstoq.messaging.notices import Notice
from openstoq.messaging.render import (
    GAPS,
    AlertFacts,
    Recipient,
    customer_data,
    optin_request,
    prepare_alert,
)

NUMBER = UUID("01890a5d-ac96-774b-bcce-b302099a8057")
FACTS = AlertFacts(
    shop_name="Nordwand",
    shop_url="https://nordwand.example",
    sender="shop@nordwand.example",
    product_title="Trail Jacket",
    variant_title="Blue / M",
    product_url="https://nordwand.example/products/trail-jacket?variant=42",
    image_url="https://cdn.example/jacket.png?v=1&width=1200",
    price=Decimal("1249.5"),
    currency="EUR",
    message_id_domain="mail.nordwand.example",
)
WRITTEN = datetime(2026, 7, 1, 12, 30, 15, tzinfo=UTC)
RECIPIENT = Recipient(
    notification_id=NUMBER,
    written_at=WRITTEN,
    address="ada@example.com",
    name="Ada",
    unsubscribe_url="https://api.example/u/abc?shop=1&x=2",
)
NOTICE = Notice(
    id=NUMBER,
    written_at=WRITTEN,
    sender="shop@nordwand.example",
    sender_name="Nordwand",
    recipient="ada@example.com",
    message_id_domain="mail.nordwand.example",
)
LANGUAGES = sorted(file.stem for file in (TEMPLATES / "locales").glob("*.toml"))


def test_an_alert_has_the_headers_of_a_good_bulk_mail() -> None:
    message = parsed(prepare_alert(FACTS, "en").personal(RECIPIENT))
    assert message["To"] == "ada@example.com"
    assert message["From"] == "Nordwand <shop@nordwand.example>"
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
        ("fr-CA", "De retour en stock : Trail Jacket"),
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


NAMES = st.none() | st.text(max_size=70)
LINKS = st.text(max_size=200).map(lambda path: f"https://api.example/{path}")


@given(name=NAMES, url=LINKS, number=st.uuids())
@example(name="=\x85 .\n.", url="https://api.example/" + "=" * 200, number=NUMBER)
def test_a_spliced_message_is_the_message_rendered_for_its_recipient(
    name: str | None, url: str, number: UUID
) -> None:
    recipient = replace(RECIPIENT, name=name, unsubscribe_url=url, notification_id=number)
    fillings = GERMAN.fillings(recipient)
    if len(fillings["unsubscribe_url"]) > 900:
        with pytest.raises(ValueError, match="too long"):
            GERMAN.personal(replace(recipient, unsubscribe_url=url + "u" * 100))
        return
    content = GERMAN.personal(recipient)
    assert_fit_for_the_wire(content.partition(b"Content-Type")[2])
    message = parsed(content)
    assert body(message, "plain") == GERMAN.text.rendered(fillings)
    assert body(message, "html") == GERMAN.html.rendered(fillings)


GERMAN = prepare_alert(
    replace(FACTS, product_title="Jacke „Höhenweg“ = 100 % Wolle 🧥", shop_name="Köln & Söhne"),
    "de",
)


def test_the_templates_of_the_house_are_spliced() -> None:
    assert GERMAN.text.is_spliced
    assert GERMAN.html.is_spliced


def filled(**values: str) -> dict[str, str]:
    return dict.fromkeys(GAPS, "") | values


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("{{ name | upcase }}", "BOB"),
        ("{{ name | replace: 'Bob', 'Rob' }}", "Rob"),
        ("{% if name == 'Bob' %}{{ name }}!{% endif %}", "Bob!"),
        ("{% capture n %}{{ name }}{% endcapture %}{% if n == 'Bob' %}yes{% endif %}", "yes"),
        ("{% assign n = name %}{{ n | size }}", "3"),
        ("{{name}}{%- unless name contains 'B' -%} not Bob {%- endunless %}", "Bob"),
        ("{% liquid\n echo name | downcase\n%}", "bob"),
    ],
)
def test_a_template_that_looks_at_a_value_is_rendered_for_each_recipient(
    source: str, said: str
) -> None:
    body = Body(source, escapes=False, shared={}, gaps=GAPS)
    assert not body.is_spliced
    assert body.encoded(filled(name="Bob")).decode() == said


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("{{name}}", "Bob"),
        ("{% if show %}{{- name -}}{% else %}{{ greeting }}{% endif %}", "Bob"),
        ("{% if hide %}{{ name }}{% endif %}.", "."),
        ("{% for i in (1..3) %}{{ name }}{{ i }}{% endfor %}", "Bob1Bob2Bob3"),
        ("{% raw %}{{ name }}{% endraw %} 100 % {{ name }}", "{{ name }} 100 % Bob"),
        ("{{ greeting }}{{ name }}\n{{ name }}", "Bob\nBob"),
    ],
)
def test_a_template_that_only_prints_values_is_spliced(source: str, said: str) -> None:
    shared = {"show": True, "hide": False}
    body = Body(source, escapes=False, shared=shared, gaps=GAPS)
    assert body.is_spliced
    decoded = decodestring(body.encoded(filled(name="Bob"))).replace(b"\r\n", b"\n")
    assert decoded.decode() == said == body.rendered(filled(name="Bob"))


@pytest.mark.parametrize("locale", [*LANGUAGES, None])
def test_an_optin_request_asks_in_the_readers_language(locale: str | None) -> None:
    content = optin_request(
        NOTICE,
        shop_name="Köln <b>",
        product_title="Größe 🧥",
        confirm_url="https://api.example/c/abc?x=1&y=2",
        locale=locale,
    )
    assert_fit_for_the_wire(content)
    message = parsed(content)
    values = {"shop_name": "Köln <b>", "product_title": "Größe 🧥"}
    said = texts(language(locale), "optin", values)
    assert message["To"] == "ada@example.com"
    assert message["Subject"] == said["subject"]
    assert message["Message-ID"] == f"<{NUMBER}@mail.nordwand.example>"
    assert message["Idempotency-Key"] == str(NUMBER)
    assert message["Date"].datetime == WRITTEN
    assert message["Auto-Submitted"] == "auto-generated"
    text, html = body(message, "plain"), body(message, "html")
    assert said["intro"] in text
    assert "https://api.example/c/abc?x=1&y=2" in text.splitlines()
    assert Links(html).found == ["https://api.example/c/abc?x=1&y=2"]
    assert "Köln &lt;b&gt;" in html


def test_a_customers_data_reaches_the_merchant_unchanged() -> None:
    data = '{"name": "Jörg", "signups": []}\n'.encode() * 50
    content = customer_data(NOTICE, shop_name="Köln", subject_of="customer 7\r\nBcc: x", data=data)
    assert_fit_for_the_wire(content)
    message = parsed(content)
    assert message["Bcc"] is None
    assert message["Subject"] == "Data stored about customer 7 Bcc: x"
    assert "customer 7 Bcc: x of Köln" in body(message, "plain")
    (attached,) = message.iter_attachments()
    assert attached.get_filename() == "customer-data.json"
    assert attached.get_content_type() == "application/json"
    assert attached.get_content() == data
    assert b64encode(data)[:76] in content
