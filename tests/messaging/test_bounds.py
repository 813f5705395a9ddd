"""Templates of shops: what is refused when one is stored, and what happens when one fails."""

from dataclasses import replace

import pytest

from openstoq.messaging import forms, samples
from openstoq.messaging.bounded_liquid import (
    FILTERS,
    TAGS,
    Bounds,
    TemplateError,
    _compiled_of_shop,
    compiled,
    rendered,
)
from openstoq.messaging.compose import LANGUAGES, source, uses_beyond_printing, with_head
from openstoq.messaging.forms import ALERT_MAIL, FORMS, OPTIN_MAIL
from openstoq.messaging.letter import OwnPart, OwnParts
from openstoq.messaging.order_mails import Item
from openstoq.messaging.render import prepare_alert
from tests.messaging.alerts import FACTS, RECIPIENT
from tests.messaging.order_notices import ORDER, every_kind, said
from tests.messaging.reading import assert_fit_for_the_wire, body, parsed

LINK = "{{ unsubscribe_url }}"


def problems(part, template, kind=ALERT_MAIL, locale="en"):
    return forms.problems(FORMS[kind], part, template, samples.values(kind.purpose, locale))


@pytest.mark.parametrize("locale", LANGUAGES)
@pytest.mark.parametrize("kind", [ALERT_MAIL, OPTIN_MAIL])
def test_our_own_templates_keep_the_rules_for_shops(kind, locale):
    for name, part in FORMS[kind].parts.items():
        assert problems(name, source(part.default), kind, locale) == []


@pytest.mark.parametrize(
    ("template", "named"),
    [
        ("{{ product.title }}", "product.title on line 1"),
        ("a\n\n{{ customer_email }}", "customer_email on line 3"),
        ("{{ texts.nothing }}", "texts.nothing"),
        ("{{ product_title.secret }}", "product_title.secret"),
        ("{{ texts }}", "texts on line 1"),
        ("{% if foo %}x{% endif %}", "foo"),
        ("{% for x in items %}{{ x }}{% endfor %}", "items"),
        ("{% assign a = name | append: c %}x", "c on line 1"),
    ],
)
def test_an_unknown_variable_is_named_with_those_that_exist(template, named):
    first, *_ = problems("text", template + LINK)
    assert named in first
    for known in ("product_title", "brand.footer", "texts.heading", "unsubscribe_url"):
        assert known in first


@pytest.mark.parametrize(
    "template", ["{{ price | money }}", "{{ price | upcase | safe }}", "{{ price | times: 2 }}"]
)
def test_an_unknown_filter_is_named_with_those_that_exist(template):
    (problem,) = problems("text", template + LINK)
    assert problem.startswith("text names the filter ")
    assert "on line 1, which does not exist; there are: append, capitalize" in problem


@pytest.mark.parametrize(
    "template", ["{% include 'x' %}", "{% render 'x' %}", "{% nope %}", "{% tablerow x in y %}"]
)
def test_an_unknown_tag_is_named_with_those_that_exist(template):
    (problem,) = problems("text", template + LINK)
    assert "unexpected tag" in problem
    assert "on line 1; there are: assign, break" in problem


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("{{ a.b", "cannot be read on line 1"),
        ("{% if price %}", "cannot be read"),
        ("\n{{ price || x }}", "on line 2"),
        ("{{ [k] }}", "brackets are not supported"),
        ("{{ texts[product_title] }}", "brackets are not supported"),
        ("{% if price > 3 %}x{% endif %}", "cannot be rendered on line 1"),
        ("{% if a %}" * 40 + "{% endif %}" * 40, "nest"),
        ("x" * 20_001, "longer than 20000 characters"),
        ("x", "must always print {{ unsubscribe_url }}"),
        ("{% if price %}" + LINK + "{% endif %}x", "must always print {{ unsubscribe_url }}"),
        ("  \n ", "says nothing"),
    ],
)
def test_what_cannot_be_rendered_or_answered_is_refused(template, reason):
    found = problems("text", template)
    assert reason in found[0]
    assert found[0].startswith("text ")


@pytest.mark.parametrize(
    "template",
    [
        "{% for i in (1..1000000000) %}x{% endfor %}",
        "{% for i in (1..99) %}{% for j in (1..99) %}x{% endfor %}{% endfor %}",
        "{{ (1..99999999999999999999999) | join }}",
        "{{ (1..99999999) | size }}",
        "{% assign a = 'aaaaaaaaaa' %}" + "{% assign a = a | append: a %}" * 30 + "{{ a }}",
        "{% assign a = 'aaaaaaaaaa' %}" + "{% assign a = a | replace: 'a', a %}" * 9 + "{{ a }}",
        "{% assign a = 'aaaaaaaaaaaaaaaa' | split: '' %}{{ a | join: '" + "b" * 9000 + "' }}",
        "{% capture a %}" + "a" * 9000 + "{% endcapture %}"
        "{% for i in (1..99) %}{{ a }}{% endfor %}",
    ],
)
def test_a_template_that_takes_too_much_is_refused(template):
    (problem,) = problems("text", template + LINK)
    assert problem.startswith("text ")


@pytest.mark.parametrize("bounds", [Bounds(steps=0), Bounds(seconds=-1)])
@pytest.mark.parametrize(
    "template",
    [
        "{{ name }}",
        "{% assign x = 1 %}",
        "{{ 'x' | upcase }}",
        "{% for i in (1..2) %}{% if true %}{% endif %}{% endfor %}",
    ],
)
def test_a_rendering_ends_when_it_has_taken_all_that_it_may(template, bounds):
    assert rendered(compiled(template, escapes=False, bounds=Bounds()), name="A") is not None
    with pytest.raises(TemplateError, match="it takes too long"):
        rendered(compiled(template, escapes=False, bounds=bounds), name="A")


def test_many_steps_are_refused_whatever_the_machine():
    row = "{{ price | upcase }}" * 30
    nested = "{% for i in (1..10) %}{% for j in (1..10) %}" + row + "{% endfor %}{% endfor %}"
    (problem,) = problems("text", nested + LINK)
    assert "it takes too long" in problem


def test_templates_that_are_tried_out_do_not_pile_up_in_memory():
    for n in range(100):
        assert problems("text", f"{n} {LINK}") == []
    assert _compiled_of_shop.cache_info().currsize <= 16
    assert uses_beyond_printing.cache_info().maxsize is not None


def test_an_order_of_many_lines_is_not_bounded():
    items = tuple(Item(title=f"Mug {n}", variant_title=None, quantity=n) for n in range(1, 500))
    text, html = said(every_kind(replace(ORDER, items=items))["due"])
    assert "499 × Mug 499" in text
    assert "Mug 499" in html


STRANGE = "<script>alert(1)</script>\" ' & </title>"


@pytest.mark.parametrize("name", FILTERS)
def test_no_filter_prints_a_value_in_html_without_escaping_it(name):
    arguments = {
        "append": ": v", "prepend": ": v", "remove": ": 'x'", "remove_first": ": 'x'",
        "replace": ": 'script', v", "replace_first": ": 'script', v", "split": ": 'x'",
        "default": ": v", "truncate": ": 20, v", "truncatewords": ": 1, v", "slice": ": 0, 9",
        "join": ": v",
    }.get(name, "")  # fmt: skip
    for template in (
        f"{{{{ v | {name}{arguments} }}}}",
        f"{{% assign w = v | {name}{arguments} %}}{{{{ w }}}}",
        f"{{% assign w = v | split: ' ' | {name}{arguments} %}}{{{{ w }}}}",
        f"{{% capture w %}}{{{{ v | {name}{arguments} }}}}{{% endcapture %}}{{{{ w }}}}",
    ):
        try:
            shown = rendered(compiled(template, escapes=True, bounds=Bounds()), v=STRANGE)
        except TemplateError:
            continue
        assert "<script" not in shown
        assert "</" not in shown


def test_every_tag_that_is_listed_exists():
    bodies = {
        "assign": "{% assign a = 1 %}", "break": "{% for i in (1..2) %}{% break %}{% endfor %}",
        "capture": "{% capture a %}x{% endcapture %}",
        "case": "{% case price %}{% when 'x' %}{% else %}{% endcase %}",
        "comment": "{% comment %}x{% endcomment %}",
        "continue": "{% for i in (1..2) %}{% continue %}{% endfor %}",
        "cycle": "{% cycle 'a', 'b' %}", "echo": "{% echo price %}",
        "for": "{% for i in (1..2) %}x{% endfor %}", "if": "{% if price %}x{% endif %}",
        "liquid": "{% liquid\n echo price\n%}", "raw": "{% raw %}{{ x }}{% endraw %}",
        "unless": "{% unless price %}x{% endunless %}",
    }  # fmt: skip
    assert sorted(bodies) == sorted(TAGS)
    for template in bodies.values():
        assert problems("text", template + LINK) == []


def own(locale="", **parts):
    return OwnParts({name: OwnPart(template, locale) for name, template in parts.items()})


def test_a_shops_own_parts_replace_ours_one_by_one():
    mine = own(subject="{% if name %}{{ name }}: {% endif %}{{ product_title }} da", text=LINK)
    prepared = prepare_alert(FACTS, "de", mine)
    message = parsed(prepared.personal(RECIPIENT))
    assert message["Subject"] == "Ada: Trail Jacket da"
    assert parsed(prepared.personal(replace(RECIPIENT, name=None)))["Subject"] == "Trail Jacket da"
    assert body(message, "plain").strip() == RECIPIENT.unsubscribe_url
    assert "Jetzt kaufen" in body(message, "html")
    assert mine.failures == {}


@pytest.mark.parametrize(
    "broken",
    [
        "{{ nothing }}",
        "{% if %}",
        "{{ product_title | nope }}",
        "{% for i in (1..1000) %}x{% endfor %}",
        "{% if name %}{{ nothing }}{% endif %}",
        "{{ name | truncate: name }}",
        "{% if name == 'Ada' %}{% if name > 3 %}x{% endif %}{% endif %}",
    ],
)
def test_a_template_that_fails_is_replaced_by_ours(broken):
    mine = own("de", subject=broken, text=broken, html=broken)
    content = prepare_alert(FACTS, "de", mine).personal(RECIPIENT)
    assert_fit_for_the_wire(content)
    assert parsed(content)["Subject"] == "Wieder da: Trail Jacket"
    ours = prepare_alert(FACTS, "de").personal(RECIPIENT)
    assert content == ours
    assert set(mine.failures) == {("de", "subject"), ("de", "text"), ("de", "html")}


def test_a_template_that_fails_for_one_shopper_is_used_for_the_others():
    mine = own(text="{% if name == 'Eve' %}{{ nothing }}{% endif %}Mine: " + LINK)
    prepared = prepare_alert(FACTS, "en", mine)
    assert "Mine: " in body(parsed(prepared.personal(RECIPIENT)), "plain")
    assert mine.failures == {}
    assert "Mine: " not in body(parsed(prepared.personal(replace(RECIPIENT, name="Eve"))), "plain")
    assert list(mine.failures) == [("", "text")]
    assert "Mine: " in body(parsed(prepared.personal(RECIPIENT)), "plain")


def test_a_subject_that_is_empty_for_a_product_is_ours():
    mine = own(subject="{{ variant_title }}")
    bare = replace(FACTS, variant_title=None)
    message = parsed(prepare_alert(bare, "en", mine).personal(RECIPIENT))
    assert message["Subject"] == "Back in stock: Trail Jacket"
    assert mine.failures == {("", "subject"): "Empty"}


def test_a_title_is_escaped_in_a_shops_own_html():
    mine = own(html='<p title="{{ product_title }}">{{ product_title }}</p>' + LINK)
    html = body(
        parsed(
            prepare_alert(replace(FACTS, product_title=STRANGE), "en", mine).personal(RECIPIENT)
        ),
        "html",
    )
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert html.count('"') == 2


def test_the_samples_have_every_variable_of_a_real_alert():
    prepared = prepare_alert(FACTS, "en")
    real = with_head({**prepared.shared, **prepared.fillings(RECIPIENT)})
    for sample in samples.values("alert", "en"):
        assert forms.variable_names(sample) == forms.variable_names(real)
