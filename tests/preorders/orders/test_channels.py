"""Which lines are preorders where there are no selling plans: the point of sale, and companies."""

from dataclasses import replace
from datetime import timedelta

import pytest

from openstoq.commerce.orders import PointOfSale
from openstoq.kernel.ids import new_id
from openstoq.preorders.offers.capabilities.advanced import Advanced
from openstoq.preorders.offers.capabilities.integrations import Integrations
from openstoq.preorders.offers.capabilities.markets import Markets
from openstoq.preorders.offers.model import Offer
from openstoq.preorders.offers.storefront.metafields import OFFER_PROPERTY
from openstoq.preorders.orders.recognition import matching
from openstoq.preorders.orders.recognition.channels import Seller, sold_without_plan
from tests.factories.shop_orders import PLACED, bought, line

HOUR = timedelta(hours=1)
MARKET = 5
STORE = {"point_of_sale": PointOfSale(sells_online=True)}
BACKROOM = {"point_of_sale": PointOfSale(sells_online=False)}
COMPANY = {"by_company": True}
OUT = {"left_online": -1}


def offer(pos=False, b2b=False, skip=False, **fields):
    return Offer(
        **{
            "id": new_id(),
            "enabled": True,
            "enabled_at": PLACED - HOUR,
            "created_at": PLACED - HOUR,
            "updated_at": PLACED - HOUR,
            "integrations": Integrations.model_validate(
                {"pos": {"enabled": pos, "skip_inventory_check": skip}, "b2b": {"enabled": b2b}}
            ),
            **fields,
        }
    )


def sold(order, *offers, attached_at=PLACED - HOUR, tracked=True):
    """The offers of the preordered lines, by the lines' ids."""
    sellers = [
        Seller(offer_id=one.id, attached_at=attached_at, is_tracked=tracked) for one in offers
    ]
    by_variant = dict.fromkeys({one.variant_id for one in order.lines}, sellers)
    by_id = {one.id: one for one in offers}
    there = sold_without_plan(order, by_variant, by_id, MARKET)
    found = matching.match(order, {}, by_id, (), there)
    assert all(one.payment == "full" and not one.is_known for one in found)
    return {one.line.id: one.offer_id for one in found}


@pytest.mark.parametrize(
    ("place", "switches", "is_preorder"),
    [
        ({}, {"pos": True, "b2b": True}, False),
        (STORE, {}, False),
        (STORE, {"b2b": True}, False),
        (STORE, {"pos": True}, True),
        (COMPANY, {}, False),
        (COMPANY, {"pos": True}, False),
        (COMPANY, {"b2b": True}, True),
        (STORE | COMPANY, {"pos": True}, False),
        (STORE | COMPANY, {"b2b": True}, False),
        (STORE | COMPANY, {"pos": True, "b2b": True}, True),
    ],
)
def test_the_switch_of_the_place_decides(place, switches, is_preorder):
    one = offer(**switches)
    # Online, a preorder has a plan.
    order = bought(1, line(1, 7, **OUT), **place)
    assert sold(order, one) == ({1: one.id} if is_preorder else {})


@pytest.mark.parametrize(
    ("left", "units", "place", "is_preorder"),
    [
        (5, 1, STORE, False),
        (0, 1, STORE, False),  # the last unit was sold
        (-1, 1, STORE, True),
        (-1, 2, STORE, False),  # one of the two was there
        (-2, 2, STORE, True),
        (0, 1, BACKROOM, True),
        (1, 1, BACKROOM, False),
        (-3, 1, BACKROOM, True),
        (None, 1, STORE, False),  # the variant is gone
    ],
)
def test_what_is_in_stock_is_sold_and_not_preordered(left, units, place, is_preorder):
    one, skipping = offer(pos=True), offer(pos=True, skip=True)
    order = bought(1, line(1, 7, units, left_online=left), **place)
    assert sold(order, one) == ({1: one.id} if is_preorder else {})
    assert sold(order, skipping) == {1: skipping.id}


def test_lines_of_one_variant_took_their_units_together():
    one = offer(pos=True)
    lines = (line(1, 7, left_online=-1), line(2, 7, left_online=-1))
    assert sold(bought(1, *lines, **STORE), one) == {}
    lines = (line(1, 7, left_online=-2), line(2, 7, left_online=-2))
    assert sold(bought(1, *lines, **STORE), one) == {1: one.id, 2: one.id}


def test_what_has_no_count_is_always_there():
    assert (
        sold(bought(1, line(1, 7, left_online=0), **BACKROOM), offer(pos=True), tracked=False) == {}
    )


def test_what_was_carried_out_is_no_preorder():
    order = bought(1, line(1, 7, unfulfilled=0, **OUT), **STORE)
    assert sold(order, offer(pos=True, skip=True)) == {}


def test_a_company_preorders_whatever_stock_there_is():
    one = offer(b2b=True)
    assert sold(bought(1, line(1, 7, left_online=9), **COMPANY), one) == {1: one.id}


@pytest.mark.parametrize(
    ("changes", "sells"),
    [
        ({"enabled": False}, False),
        ({"discarded_at": PLACED}, False),
        ({"schedule_start": PLACED + HOUR}, False),
        ({"schedule_end": PLACED}, False),
        ({"schedule_start": PLACED, "schedule_end": PLACED + HOUR}, True),
        ({"markets": Markets(enabled=True, market_ids=[MARKET + 1])}, False),
        ({"markets": Markets(enabled=True, market_ids=[MARKET])}, True),
        # What was ordered before there was an offer was not preordered.
        ({"enabled_at": PLACED + HOUR}, False),
        ({"enabled_at": PLACED + timedelta(milliseconds=900)}, True),
    ],
)
def test_an_offer_sells_here_as_anywhere(changes, sells):
    one = replace(offer(b2b=True), **changes)
    assert sold(bought(1, line(1, 7), **COMPANY), one) == ({1: one.id} if sells else {})


def test_a_variant_attached_since_was_not_preordered():
    order = bought(1, line(1, 7), **COMPANY)
    assert sold(order, offer(b2b=True), attached_at=PLACED + HOUR) == {}


def test_of_several_offers_with_the_switch_the_one_that_applies_sold_it():
    first, later = offer(b2b=True), offer(b2b=True, enabled_at=PLACED - HOUR / 2)
    without = offer(enabled_at=PLACED - HOUR / 3)
    assert sold(bought(1, line(1, 7), **COMPANY), first, later, without) == {1: later.id}


def test_a_line_of_another_apps_plan_is_its_own():
    assert sold(bought(1, line(1, 7, plan_id=99), **COMPANY), offer(b2b=True)) == {}


@pytest.mark.parametrize("b2b", [True, False])
def test_a_line_that_names_an_offer_is_a_preorder_only_where_that_offer_sells(b2b):
    one = offer(b2b=b2b, advanced=Advanced(use_shopify_selling_plan=False))
    named = line(1, 7, properties={OFFER_PROPERTY: str(one.id)})
    assert sold(bought(1, named, **COMPANY), one) == ({1: one.id} if b2b else {})
    assert matching.match(bought(1, named), {}, {one.id: one}, ()) != []
