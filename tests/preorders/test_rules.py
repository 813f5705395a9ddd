"""The rules of offers: windows, precedence, and documents that merge and always validate."""

from copy import deepcopy
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from openstoq.errors import Invalid
from openstoq.kernel.ids import new_id
from openstoq.kernel.patch import stored
from openstoq.preorders.offers import rules
from openstoq.preorders.offers.capabilities.limits import Limits
from openstoq.preorders.offers.capabilities.limits import capability as limits
from openstoq.preorders.offers.capabilities.markets import Markets
from openstoq.preorders.offers.model import Offer

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def offer(**fields):
    enabled = {"enabled": True, "enabled_at": NOON, "created_at": NOON, "updated_at": NOON}
    return Offer(**({"id": new_id()} | enabled | fields))


def test_a_window_has_its_start_and_not_its_end():
    one = offer(schedule_start=NOON, schedule_end=NOON + HOUR)
    times = [NOON - HOUR, NOON, NOON + HOUR]
    assert [rules.schedule_state(one, now) for now in times] == ["upcoming", "active", "ended"]


def test_market_then_window_then_last_enabled_decide():
    older = offer()
    newer = offer(enabled_at=NOON + HOUR)
    upcoming = offer(enabled_at=NOON + 2 * HOUR, schedule_start=NOON + HOUR)
    here = offer(markets=Markets(enabled=True, market_ids=[1]), schedule_start=NOON + HOUR)
    paused = offer(enabled=False)
    found = rules.by_precedence([older, paused, upcoming, here, newer], NOON, 1)
    assert found == [here, newer, older, upcoming]
    assert rules.by_precedence([here, older], NOON, 2) == [older]


def test_the_side_that_changed_gives_its_copy_to_the_other():
    one = offer()
    rules.complete(one)
    one.before = deepcopy(one)
    one.widget.billing_widget.title = "By widget"
    rules.complete(one)
    assert one.payments.first.billing_title == "By widget"
    one.before = deepcopy(one)
    one.payments.first.billing_title = "By option"
    rules.complete(one)
    assert one.widget.billing_widget.title == "By option"


QUANTITY = st.one_of(st.none(), st.integers(1, 9))
PATCHES = st.fixed_dictionaries(
    {},
    optional={
        "per_order": st.fixed_dictionaries({}, optional={"min": QUANTITY, "max": QUANTITY}),
        "per_customer": st.fixed_dictionaries({}, optional={"max": QUANTITY}),
        "total": st.fixed_dictionaries({}, optional={"max": QUANTITY}),
        "display": st.fixed_dictionaries({}, optional={"show_remaining": st.booleans()}),
        "on_exceed": st.sampled_from(["hold", "cancel", "accept"]),
    },
)


def laid(base, changes):
    """What a deep-partial PATCH means, said once more: objects merge, values are replaced."""
    for name, value in changes.items():
        if isinstance(value, dict):
            laid(base[name], value)
        else:
            base[name] = value
    return base


@given(st.lists(PATCHES, max_size=8))
def test_patches_in_a_row_are_their_merge_or_refused_for_a_reason(patches):
    document = Limits()
    for changes in patches:
        expected = laid(stored(document), changes)
        low, high = expected["per_order"]["min"], expected["per_order"]["max"]
        try:
            changed = limits.merged(document, deepcopy(changes))
        except Invalid:
            assert low is not None
            assert high is not None
            assert low > high
            continue
        assert stored(changed) == expected
        assert Limits.model_validate(stored(changed)) == changed
        document = changed
