"""What v1 writes of a plan it reads, and what it reads it may write."""

from hypothesis import given, settings
from hypothesis import strategies as st

from openstoq.kernel.clock import utc_now
from openstoq.kernel.ids import new_id
from openstoq.preorders.offers import rules
from openstoq.preorders.offers.capabilities import CAPABILITIES
from openstoq.preorders.offers.model import Offer
from openstoq.web.v1.plan_fields import changes_of, fields_of
from openstoq.web.v1.plan_rules import problems_of
from openstoq.web.v1.plan_terms import set_terms, start_terms


def changed(offer: Offer, sent: dict) -> Offer:
    assert problems_of(fields_of(offer) | sent) == {}
    changes = changes_of(sent, offer)
    set_terms(offer, sent)
    for capability in CAPABILITIES:
        if capability.name in changes:
            merged = capability.merged(getattr(offer, capability.name), changes[capability.name])
            setattr(offer, capability.name, merged)
    rules.complete(offer)
    return offer


def written(sent: dict) -> Offer:
    offer = Offer(id=new_id(), created_at=utc_now(), updated_at=utc_now())
    return changed(offer, start_terms(offer, sent))


texts = st.text(st.characters(categories=["L", "N", "Zs"]), min_size=1, max_size=20)


plans = st.fixed_dictionaries(
    {},
    optional={
        "preorder_button_text": texts,
        "preorder_badge_enabled": st.booleans(),
        "preorder_badge_text_color": st.sampled_from(["#112233", "red", "rgb(1, 2, 3)"]),
        "preorder_button_description": texts,
        "preorder_button_description_border_radius": st.integers(0, 100).map(
            lambda size: f"{size}px"
        ),
        "billing_title": texts,
        "discount_text": texts,
        "shipping_text": texts,
        "preorder_tags": st.lists(
            st.text("abcdef", min_size=1, max_size=5), min_size=1, max_size=4, unique=True
        ).map(", ".join),
        "shopify_market_ids": st.lists(
            st.integers(1, 2**63 - 1), min_size=1, max_size=4, unique=True
        ),
        "inventory_reserve_type": st.sampled_from(["on_sale", "on_fulfillment"]),
        "auto_collect_payment": st.booleans(),
        "hold_fulfillments_enabled": st.booleans(),
        "allow_mixed_cart": st.booleans(),
        "preorder_min_quantity": st.integers(1, 5),
        "preorder_max_quantity": st.integers(5, 9),
    },
)


billings = st.one_of(
    st.just({}),
    st.just({"billing_type": "no_remaining_balance", "billing_checkout_charge_percentage": 100}),
    st.builds(
        lambda days, percent: {
            "billing_type": "time_after_checkout",
            "billing_after_n_intervals": days,
            "billing_checkout_charge_type": "percentage",
            "billing_checkout_charge_percentage": percent,
        },
        st.integers(1, 400),
        st.integers(0, 10_000).map(lambda hundredths: hundredths / 100),
    ),
    st.just({"billing_type": "exact_time", "billing_at": "2027-01-01T00:00:00Z"}),
)


@given(plan=plans, billing=billings)
@settings(max_examples=200, deadline=None)
def test_what_v1_writes_it_reads(plan, billing):
    read = fields_of(written(plan | billing))
    assert {name: read[name] for name in plan | billing} == plan | billing


@given(plan=plans, billing=billings)
@settings(max_examples=100, deadline=None)
def test_what_v1_reads_writes_the_same_offer(plan, billing):
    offer = written(plan | billing)
    special = {"name", "internal_name", "enabled"}
    read = {name: value for name, value in fields_of(offer).items() if name not in special}
    again = written(read)
    assert fields_of(again) == fields_of(offer)


amounts = st.none() | st.integers(0, 10_000).map(lambda cents: cents / 100)
TYPES = {
    "billing_type": ("exact_time", "no_remaining_balance", "time_after_checkout"),
    "billing_checkout_charge_type": ("percentage", "price"),
    "pricing_type": ("percentage", "price", "fixed_amount", "no_discount"),
    "delivery_type": ("anchor", "asap", "exact_time", "unknown"),
}
VALUES = {
    "billing_checkout_charge_percentage": st.integers(0, 1000).map(lambda tenths: tenths / 10),
    "billing_checkout_charge_amount": amounts,
    "pricing_percentage": st.none() | st.integers(0, 1000).map(lambda tenths: tenths / 10),
    "pricing_amount": amounts,
    "billing_at": st.just("2027-01-01T00:00:00Z"),
    "billing_after_n_intervals": st.integers(1, 400),
    "delivery_at": st.just("2027-01-01T00:00:00Z"),
    "delivery_after_n_intervals": st.none() | st.integers(0, 400),
    "billing_title": texts,
    "billing_description": texts,
    "discount_text": texts,
    "product_variants_source_id": st.integers(1, 9),
}
changes = st.dictionaries(st.sampled_from([*TYPES, *VALUES]), st.none(), min_size=1, max_size=3)


@st.composite
def requests(draw):
    several = draw(st.lists(changes, min_size=1, max_size=8))
    return [
        {
            name: draw(st.sampled_from(TYPES[name]) if name in TYPES else VALUES[name])
            for name in names
        }
        for names in several
    ]


@given(first=st.fixed_dictionaries({}, optional=VALUES), several=requests())
@settings(max_examples=300, deadline=None)
def test_a_change_leaves_everything_else_whatever_the_types(first, several):
    offer = written(first)
    for sent in several:
        expected = fields_of(offer) | sent
        if problems_of(expected) == {}:
            offer.values_by_type.collection_id = expected["product_variants_source_id"]
            assert fields_of(changed(offer, sent)) == expected
