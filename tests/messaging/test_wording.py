"""How the sentences of all mails are written, whatever language and whatever is put in them."""

import re
import tomllib
from dataclasses import replace

import pytest

from openstoq.messaging.compose import TEMPLATES, colon, isolated, texts
from openstoq.messaging.render import optin_request, prepare_alert
from tests.messaging.alerts import FACTS, LANGUAGES, RECIPIENT
from tests.messaging.order_notices import KINDS, NOTICE, ORDER, every_kind, received, said
from tests.messaging.reading import body, parsed

NARROW = "\u202f"
# What follows a greeting that ends in a comma goes on with the greeting's sentence in German.
AFTER_A_GREETING = ("intro", "declined", "expired", "funds", "other", "customer", "inventory")
FILES = {
    spoken: tomllib.loads((TEMPLATES / "locales" / f"{spoken}.toml").read_text("utf-8"))
    for spoken in LANGUAGES
}
SENTENCES = [
    (spoken, section, key, sentence)
    for spoken, sections in FILES.items()
    for section, sentences in sections.items()
    for key, sentence in sentences.items()
    if section != "punctuation" and key != "this_product"
]


def test_each_sentence_begins_with_a_capital():
    small = [
        (spoken, section, key)
        for spoken, section, key, sentence in SENTENCES
        if any(map(str.islower, re.findall(r"(?:^|[.!?] )[¿¡«]?\s?(?!\{)([^\W\d_])", sentence)))
        and not (spoken == "de" and section != "order" and key in AFTER_A_GREETING)
    ]
    assert small == []


def test_german_goes_on_in_small_letters_after_the_greeting():
    assert FILES["de"]["order"]["greeting"].endswith(",")
    wrong = [
        (section, key)
        for spoken, section, key, sentence in SENTENCES
        if spoken == "de"
        and section != "order"
        and key in AFTER_A_GREETING
        and not sentence[0].islower()
    ]
    assert wrong == []


@pytest.mark.parametrize("kind", KINDS)
def test_what_follows_the_greeting_begins_with_a_capital_in_english(kind):
    text, _ = said(every_kind(ORDER)[kind])
    paragraphs = text.split("\n\n")
    assert all(not part[0].islower() for part in paragraphs)


def _misspaced(sentence):
    """Find French signs without their narrow no-break space, and any other space before them."""
    plain = re.sub(r"\{\{.*?\}\}", "X", sentence)
    return re.findall(r"[^\u202f][:;!?»]|«[^\u202f]|[^\S\u202f]\u202f|\u202f[^\S]", plain)


def test_french_signs_have_their_narrow_no_break_space():
    assert colon("fr") == f"{NARROW}:"
    wrong = [
        (section, key, _misspaced(sentence))
        for spoken, section, key, sentence in SENTENCES
        if spoken == "fr" and _misspaced(sentence)
    ]
    assert wrong == []


@pytest.mark.parametrize("wrong", ["Merci!", "Merci !", "Merci\xa0!", "«oui\u202f»", "« oui »"])
def test_the_test_of_french_signs_finds_what_is_wrong(wrong):
    assert _misspaced(wrong)


@pytest.mark.parametrize("kind", KINDS)
def test_a_whole_french_mail_is_spaced_like_its_sentences(kind):
    text, _ = said(every_kind(replace(ORDER, locale="fr"), words="Merci")[kind])
    plain = re.sub(r"https?://\S+", "X", text)
    assert re.findall(r"[^\u202f][:;!?]", plain) == []
    subject = parsed(every_kind(replace(ORDER, locale="fr"))[kind])["Subject"]
    assert re.findall(r"[^\u202f][:;!?]", subject) == []


def test_a_french_alert_and_request_to_confirm_are_spaced_alike():
    alert = parsed(prepare_alert(FACTS, "fr").personal(RECIPIENT))
    request = parsed(
        optin_request(
            NOTICE,
            shop_name="Nordwand",
            product_title="Cape",
            confirm_url="https://x.example/c",
            locale="fr",
        )
    )
    for message in (alert, request):
        plain = re.sub(r"https?://\S+", "X", message["Subject"] + body(message, "plain"))
        assert re.findall(r"[^\u202f][:;!?]", plain) == []


@pytest.mark.parametrize("spoken", LANGUAGES)
@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"shipping"}))
def test_the_subject_begins_with_the_news_and_not_with_the_shop(spoken, kind):
    subject = parsed(every_kind(replace(ORDER, locale=spoken))[kind])["Subject"]
    news, sign, _ = subject.partition("：" if spoken == "ja" else ":")
    assert sign
    assert "Nordwand" not in subject
    assert "#1001" not in news
    assert len(news) < 25


def test_the_subject_of_a_payment_that_is_due_says_so_first():
    assert parsed(every_kind(ORDER)["due"])["Subject"].startswith("Payment due: ")
    assert parsed(received())["Subject"].startswith("Payment received: ")


@pytest.mark.parametrize(
    "address", [None, "", "not an address", "a@b\r\nBcc: e@x", "käse@x.example"]
)
def test_an_address_that_nobody_can_reply_to_is_left_out(address):
    mail = every_kind(ORDER, replace(NOTICE, reply_to=address))["due"]
    assert parsed(mail)["Reply-To"] is None
    alert = prepare_alert(replace(FACTS, reply_to=address), "en").personal(RECIPIENT)
    assert parsed(alert)["Reply-To"] is None


HEBREW, ARABIC = "כובע צמר", "قبعة صوفية"


@pytest.mark.parametrize("title", [HEBREW, ARABIC, f"{HEBREW} XL", f"\u202e{HEBREW}"])
def test_words_from_the_right_do_not_turn_the_sentence_around_them(title):
    shown = texts("en", "optin", {"product_title": title, "shop_name": "Nordwand", "name": "A"})
    plain = title.removeprefix("\u202e")
    assert shown["subject"] == f"Please confirm: tell you when \u2068{plain}\u2069 is back?"


@pytest.mark.parametrize(
    "direction", [*map(chr, range(0x202A, 0x202F)), *map(chr, range(0x2066, 0x206A))]
)
def test_no_value_changes_the_direction_of_what_follows_it(direction):
    assert isolated(f"{direction}Mug") == "Mug"
    assert isolated(f"{HEBREW}{direction}") == f"\u2068{HEBREW}\u2069"


def test_a_name_from_the_right_is_greeted_apart():
    message = parsed(prepare_alert(FACTS, "en").personal(replace(RECIPIENT, name="עדה")))
    assert "Hello \u2068עדה\u2069," in body(message, "plain").splitlines()
