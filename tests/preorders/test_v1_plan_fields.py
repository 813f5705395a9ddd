"""What v1 writes of a plan it reads, and what it reads it may write."""

from hypothesis import given, settings
from hypothesis import strategies as st

from openstoq.kernel.clock import utc_now
from openstoq.kernel.ids import new_id
from openstoq.preorders.offers import rules
from openstoq.preorders.offers.capabilities import CAPABILITIES
from openstoq.preorders.offers.model import Offer
from openstoq.web.v1.plan_fields import changes_of, fields_of, set_options


def written(offer: Offer, sent: dict) -> Offer:
    set_options(offer.payments, sent)
    for capability in CAPABILITIES:
        changes = changes_of(sent, offer).get(capability.name)
        if changes is not None:
            merged = capability.merged(getattr(offer, capability.name), changes)
            setattr(offer, capability.name, merged)
    rules.complete(offer)
    return offer


def fresh() -> Offer:
    return Offer(id=new_id(), created_at=utc_now(), updated_at=utc_now())


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
        "shopify_market_ids": st.lists(st.integers(1, 2**63 - 1), max_size=4, unique=True),
        "markets_enabled": st.booleans(),
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
        st.integers(1, 99),
    ),
    st.just({"billing_type": "exact_time", "billing_at": "2027-01-01T00:00:00Z"}),
)


@given(plan=plans, billing=billings)
@settings(max_examples=200, deadline=None)
def test_what_v1_writes_it_reads(plan, billing):
    offer = written(fresh(), plan | billing)
    read = fields_of(offer)
    assert {name: read[name] for name in plan | billing} == plan | billing


@given(plan=plans, billing=billings)
@settings(max_examples=100, deadline=None)
def test_what_v1_reads_writes_the_same_offer(plan, billing):
    offer = written(fresh(), plan | billing)
    special = {"name", "internal_name", "enabled"}
    read = {name: value for name, value in fields_of(offer).items() if name not in special}
    again = written(fresh(), read)
    assert fields_of(again) == fields_of(offer)
