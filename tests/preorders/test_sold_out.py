"""When a variant is sold out, as pure data: by the offers that apply, wherever it is sold."""

from datetime import UTC, datetime, timedelta

import pytest

from openstoq.kernel.ids import new_id
from openstoq.preorders.offers.capabilities.limits import Cap, Limits
from openstoq.preorders.offers.capabilities.markets import Markets
from openstoq.preorders.offers.model import Offer
from openstoq.preorders.offers.offered_variants import OfferedVariant
from openstoq.preorders.offers.storefront.sold_out import is_sold_out

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def offer(since=0, total=None, markets=(), **fields):
    """A live offer that was enabled so many hours after noon."""
    return Offer(
        **{
            "id": new_id(),
            "enabled": True,
            "enabled_at": NOON + since * HOUR,
            "created_at": NOON,
            "updated_at": NOON,
            "limits": Limits(total=Cap(max=total)),
            "markets": Markets(enabled=bool(markets), market_ids=list(markets)),
            **fields,
        }
    )


def own(most=None, **by_market):
    """A variant's own mosts in an offer: `m7` is that of market 7."""
    overrides = {name[1:]: {"max_count": count} for name, count in by_market.items()}
    return {"shipping_text": None, "max_count": most, "market_overrides": overrides}


def decided(*offers, count=1, counts=None, units=None, now=NOON + 12 * HOUR):
    selling = OfferedVariant(
        variant_id=1, preorder_count=count, market_counts=counts or {}, offers=offers
    )
    return is_sold_out(selling, units or {}, now)


@pytest.mark.parametrize(("most", "sold_out"), [(None, False), (0, True), (1, True), (2, False)])
def test_a_variants_own_most(most, sold_out):
    assert decided((offer(), own(most))) is sold_out


@pytest.mark.parametrize(
    ("total", "units", "sold_out"), [(None, 9, False), (9, 8, False), (9, 9, True), (9, 10, True)]
)
def test_what_an_offer_sells_in_all(total, units, sold_out):
    one = offer(total=total)
    assert decided((one, own()), units={one.id: units}) is sold_out


def test_offers_that_are_not_live_decide_nothing():
    paused = (offer(since=5, enabled=False), own(0))
    discarded = (offer(since=6, discarded_at=NOON), own(0))
    assert decided((offer(), own()), paused, discarded) is False
    assert decided(paused, discarded) is None
    assert decided() is False


@pytest.mark.parametrize("newer", [1, 5, None])
@pytest.mark.parametrize("older", [1, 5, None])
def test_the_first_offer_that_says_a_most_decides(older, newer):
    most = older if newer is None else newer
    found = decided((offer(since=1), own(older)), (offer(since=2), own(newer)))
    assert found is (most == 1)


def test_the_total_of_the_offer_that_applies_decides():
    first, second = offer(since=2, total=3), offer(since=1, total=3)
    both = (first, own()), (second, own())
    assert decided(*both, units={second.id: 3}) is False
    assert decided(*both, units={first.id: 3}) is True


def test_a_window_that_closes_gives_way_to_the_next_offer():
    closing = offer(since=2, schedule_end=NOON + 10 * HOUR)
    both = (closing, own(1)), (offer(since=1), own(5))
    assert decided(*both, now=NOON + 9 * HOUR) is True
    assert decided(*both, now=NOON + 10 * HOUR) is False


@pytest.mark.parametrize(
    ("here", "elsewhere", "sold_out"),
    [(1, 5, False), (5, 1, False), (1, 1, True), (1, None, False)],
)
def test_what_is_left_in_any_market_is_sold_on(here, elsewhere, sold_out):
    found = decided((offer(markets=[7]), own(here)), (offer(), own(elsewhere)))
    assert found is sold_out


def test_the_mosts_of_all_markets_together_are_one():
    overrides = own(m7=1, m8=2)
    sold = {"7": 1, "8": 2}
    assert decided((offer(markets=[7, 8]), overrides), counts=sold) is True
    assert decided((offer(markets=[7, 8]), overrides), counts=sold | {"8": 1}) is False
    assert decided((offer(), overrides), counts=sold) is False
