"""A spliced message is the message that would be rendered, and other mails that render."""

from base64 import b64encode
from dataclasses import replace
from quopri import decodestring
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from openstoq.messaging.compose import Body, language, texts
from openstoq.messaging.render import (
    GAPS,
    customer_data,
    optin_request,
    prepare_alert,
)
from tests.messaging.alerts import FACTS, LANGUAGES, NUMBER, RECIPIENT, WRITTEN
from tests.messaging.order_notices import NOTICE
from tests.messaging.reading import Links, assert_fit_for_the_wire, body, parsed

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
