"""What a theme is told of offers, as pure data: the shop's metafields, a variant's, languages."""

from datetime import UTC, datetime, timedelta

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openstoq.kernel.ids import new_id
from openstoq.preorders.offers.capabilities.markets import Markets
from openstoq.preorders.offers.capabilities.payments import Discount
from openstoq.preorders.offers.model import Offer
from openstoq.preorders.offers.offered_variants import OfferedVariant
from openstoq.preorders.offers.storefront import metafields

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
SMALL = 20_000
# The two brackets, the commas' own and the list of the other parts.
FRAME = 200


def offer(**fields):
    enabled = {"enabled": True, "enabled_at": NOON, "created_at": NOON, "updated_at": NOON}
    return Offer(**({"id": new_id()} | enabled | fields))


def offer_of(size, **fields):
    """An offer whose CSS has that many characters."""
    made = offer(**fields)
    made.advanced.custom_css = "a" * size
    return made


def own(**settings):
    """A variant's own settings in an offer."""
    return {"shipping_text": None, "max_count": None, "market_overrides": {}} | settings


def values(selling, now=NOON):
    """A variant's metafields, read as their types say."""
    found = metafields.on_variant(selling, now)
    assert all(kind in ("json", "number_integer") for kind, _ in found.values())
    return {key: orjson.loads(value) for key, (_, value) in found.items()}


@given(st.lists(st.tuples(st.integers(0, 12_000), st.booleans()), max_size=12))
@settings(max_examples=40, deadline=None)
def test_every_live_offer_is_in_one_part_and_no_part_is_too_large(sizes):
    made = [offer_of(size, enabled=enabled) for size, enabled in sizes]
    first, *others = metafields.on_shop(made, {}, NOON, most_bytes=SMALL)
    assert first.key == "selling_plans"
    assert [one.key for one in others] == [f"selling_plans_{n}" for n in range(2, len(others) + 2)]
    read = [orjson.loads(one.value) for one in (first, *others)]
    assert [part["more"] for part in read] == [[one.key for one in others], *[[]] * len(others)]
    told = [offer_id for part in read for offer_id in part["offers"]]
    assert told == [str(one.id) for one in made if one.is_live]
    for part in (first, *others):
        assert (part.variant_id, part.type) == (None, "json")
        assert len(part.value.encode()) <= SMALL + FRAME


def test_parts_are_filled_before_another_is_begun():
    made = [offer_of(1000) for _ in range(8)]
    size = len(metafields.on_shop(made[:1], {}, NOON)[0].value)
    parts = metafields.on_shop(made, {}, NOON, most_bytes=3 * size)
    assert [len(orjson.loads(one.value)["offers"]) for one in parts] == [3, 3, 2]


def test_an_offer_that_fills_a_part_alone_is_in_it_whole():
    made = [offer_of(1_000), offer_of(SMALL), offer_of(1_000)]
    parts = metafields.on_shop(made, {}, NOON, most_bytes=SMALL)
    assert [list(orjson.loads(one.value)["offers"]) for one in parts] == [
        [str(one.id)] for one in made
    ]


def test_without_a_live_offer_the_shop_is_told_of_none():
    (only,) = metafields.on_shop([offer(enabled=False)], {}, NOON)
    assert orjson.loads(only.value) == {"offers": {}, "more": []}


def test_what_to_shorten_is_named_from_the_largest():
    made = offer_of(9_000)
    texts = {"fr": {"widget.badge.text": "é" * 3_000}, "de": {"widget.badge.text": "x"}}
    (whole,) = metafields.on_shop([made], {made.id: texts}, NOON)
    size = len(whole.value.encode()) - len('{"offers":{},"more":[]}')
    assert metafields.too_large(made, texts, most_bytes=size) is None
    said = metafields.too_large(made, texts, most_bytes=size - 1)
    assert "shorten advanced.custom_css (9 KB), the translations in fr (6 KB)" in said


def test_a_variant_lists_its_live_offers_in_the_order_in_which_they_apply():
    older, newer = offer(), offer(enabled_at=NOON + HOUR)
    upcoming = offer(enabled_at=NOON + 2 * HOUR, schedule_start=NOON + HOUR)
    paused = offer(enabled=False)
    selling = OfferedVariant(
        variant_id=1,
        preorder_count=3,
        offers=[(one, own()) for one in (older, paused, upcoming, newer)],
    )
    assert values(selling) == {
        "selling_plan_ids": [str(one.id) for one in (newer, older, upcoming)],
        "preorder_count": 3,
    }
    assert values(selling, NOON + HOUR)["selling_plan_ids"][0] == str(upcoming.id)


def test_without_a_live_offer_a_variant_has_no_metafields():
    assert (
        values(
            OfferedVariant(variant_id=1, preorder_count=3, offers=[(offer(enabled=False), own())])
        )
        == {}
    )
    assert values(OfferedVariant(variant_id=1)) == {}


def test_the_first_offer_that_has_a_value_decides_it_market_by_market():
    here = offer(markets=Markets(enabled=True, market_ids=[7, 8]))
    everywhere = offer()
    everywhere.shipping.display.shipping_text = "Some day"
    selling = OfferedVariant(
        variant_id=1,
        preorder_count=5,
        market_counts={"7": 2},
        offers=[
            (everywhere, own(max_count=50, market_overrides={"9": {"max_count": 9}})),
            (here, own(max_count=20, market_overrides={"7": {"shipping_text": "In May"}})),
        ],
    )
    assert values(selling) == {
        "selling_plan_ids": [str(here.id), str(everywhere.id)],
        "preorder_count": 5,
        "preorder_max_count": 50,
        "shipping_text": {"default": "Some day", "7": "In May"},
        "market_preorder_count": {"7": 2},
        "market_preorder_max_count": {"7": 20, "8": 20, "9": 9},
    }


def test_a_most_of_none_at_all_is_told_and_no_most_is_not():
    found = values(OfferedVariant(variant_id=1, offers=[(offer(), own(max_count=0))]))
    assert found["preorder_max_count"] == 0
    assert "preorder_max_count" not in values(
        OfferedVariant(variant_id=1, offers=[(offer(), own())])
    )


@pytest.mark.parametrize(
    ("discount", "text"),
    [
        (Discount(type="percentage", value="12.50"), "12.5% less"),
        (Discount(type="fixed_amount", value="5"), "5 less"),
        (Discount(), " less"),
    ],
)
def test_the_discount_stands_in_a_variants_own_text(discount, text):
    made = offer()
    made.payments.discount = discount
    settings = own(shipping_text="{{ discount }} less")
    found = values(OfferedVariant(variant_id=1, offers=[(made, settings)]))
    assert found["shipping_text"] == {"default": text}


TEXTS = {
    "fr": {"widget.badge.text": "Bientôt", "payments.options.partial.billing_title": "Acompte"},
    "pt-BR": {"widget.badge.text": "Em breve"},
    "zh-Hant": {"widget.badge.text": "預購"},
    "zh": {"widget.badge.text": "预购"},
}


@pytest.mark.parametrize(
    ("locale", "text"),
    [("fr", "Bientôt"), ("fr-CA", "Bientôt"), ("pt-BR", "Em breve"), ("pt", "Preorder"),
     ("en", "Preorder"), ("zh-TW", "預購"), ("zh-HK", "預購"), ("zh-CN", "预购"), ("fr_FR ", "Bientôt")],
)  # fmt: skip
def test_texts_are_in_the_language_asked_for_or_as_written(locale, text):
    described = metafields.described(offer(), TEXTS)
    known = orjson.dumps(described)
    shown = metafields.localized(described, locale)
    assert shown["widget"]["badge"]["text"] == text
    # A translation of an option that the offer does not have is of no account.
    assert shown["payments"]["options"]["partial"] is None
    assert "translations" not in shown
    assert orjson.dumps(described) == known
