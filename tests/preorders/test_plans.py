"""An offer as Shopify's selling plans: what is charged, when the rest is due, and when it comes."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from openstoq.kernel.ids import new_id
from openstoq.preorders.offers.capabilities import payments, shipping
from openstoq.preorders.offers.capabilities.payments import Deposit, Discount, RemainingBalance
from openstoq.preorders.offers.model import Offer
from openstoq.preorders.offers.plan_group import mapping

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
MARCH = datetime(2027, 3, 1, tzinfo=UTC)


@pytest.fixture
def offer():
    made = Offer(id=new_id(), name="Drop", created_at=NOON, updated_at=NOON)
    payments.set_mode(made.payments, mode="full_and_partial")
    return made


def plan_of(offer, option):
    return mapping.plan_group(offer, NOON).plans[option]


def due(plan):
    return plan.balance_at, plan.balance_days, plan.balance_on_fulfillment


def test_a_group_is_found_by_its_offers_id(offer):
    group = mapping.plan_group(offer, NOON)
    assert (group.name, group.merchant_code) == ("Drop", f"openstoq-{offer.id}")


@pytest.mark.parametrize(
    ("mode", "options"),
    [("full", ["full"]), ("partial", ["partial"]), ("full_and_partial", ["full", "partial"])],
)
def test_there_is_a_plan_for_each_option(offer, mode, options):
    payments.set_mode(offer.payments, mode=mode)
    assert list(mapping.plan_group(offer, NOON).plans) == options


@pytest.mark.parametrize(
    "balance",
    [
        RemainingBalance(),
        RemainingBalance(due="exact_time", date=MARCH),
        RemainingBalance(auto_collect_on_fulfillment=True),
    ],
)
def test_full_payment_leaves_nothing_to_be_due(offer, balance):
    offer.payments.remaining_balance = balance
    full = plan_of(offer, "full")
    assert (full.percent, full.amount) == (Decimal(100), None)
    assert due(full) == (None, None, False)


@pytest.mark.parametrize(
    ("balance", "expected"),
    [
        (RemainingBalance(), (None, 30, False)),
        (RemainingBalance(days=7, date=MARCH), (None, 7, False)),
        (RemainingBalance(due="exact_time", date=MARCH, days=7), (MARCH, None, False)),
        (RemainingBalance(auto_collect_on_fulfillment=True, days=7), (None, None, True)),
        (
            RemainingBalance(due="exact_time", date=MARCH, auto_collect_on_fulfillment=True),
            (None, None, True),
        ),
    ],
)
def test_a_deposits_balance_is_due_in_one_way(offer, balance, expected):
    offer.payments.remaining_balance = balance
    assert due(plan_of(offer, "partial")) == expected


def test_a_deposit_is_a_percentage_or_a_price(offer):
    offer.payments.partial.deposit = Deposit(percent=35)
    partial = plan_of(offer, "partial")
    assert (partial.percent, partial.amount) == (Decimal(35), None)
    offer.payments.partial.deposit = Deposit(type="price", amount="12.50")
    priced = plan_of(offer, "partial")
    assert priced.amount == Decimal("12.50")
    assert due(priced) == (None, 30, False)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (shipping.set_delivery_asap, ("asap", None)),
        (lambda it: shipping.set_delivery_date(it, date=MARCH), ("exact", MARCH)),
        (lambda it: shipping.set_delivery_window(it, days=14), ("unknown", None)),
    ],
)
def test_delivery_is_told_as_far_as_a_plan_can(offer, change, expected):
    change(offer.shipping)
    for plan in mapping.plan_group(offer, NOON).plans.values():
        assert (plan.delivery, plan.delivered_at) == expected


def test_stock_is_reserved_when_the_offer_says(offer):
    assert plan_of(offer, "full").reserve == "on_fulfillment"
    offer.inventory.reservation.timing = "on_sale"
    assert plan_of(offer, "full").reserve == "on_sale"


@pytest.mark.parametrize("kind", ["percentage", "price", "fixed_amount"])
def test_the_discount_is_each_plans(offer, kind):
    assert plan_of(offer, "full").discount is None
    offer.payments.discount = Discount(type=kind, value="5.50")
    found = [plan.discount for plan in mapping.plan_group(offer, NOON).plans.values()]
    assert found == [(kind, Decimal("5.50"))] * 2


def test_names_differ_whatever_the_merchant_writes(offer):
    for option in (offer.payments.options.full, offer.payments.options.partial):
        option.billing_title = "Preorder"
        option.billing_description = "Save {{ discount }}"
    offer.payments.discount = Discount(type="percentage", value=10)
    full, partial = mapping.plan_group(offer, NOON).plans.values()
    assert (full.option, partial.option) == ("Preorder", "Preorder (20% deposit)")
    assert (full.name, partial.name) == ("Drop: Preorder", "Drop: Preorder (20% deposit)")
    assert full.description == partial.description == "Save 10%"


@pytest.mark.parametrize(
    ("full", "partial", "options"),
    [
        ("Pay (20% deposit)", "Pay", ("Pay (20% deposit) (Pay in full)", "Pay (20% deposit)")),
        ("PAY (20% Deposit)", "Pay", ("PAY (20% Deposit) (Pay in full)", "Pay (20% deposit)")),
        ("20% deposit", None, ("20% deposit (Pay in full)", "20% deposit")),
        ("t" * 300, "t" * 300, ("t" * 255, "t" * 241 + " (20% deposit)")),
    ],
)
@pytest.mark.parametrize("name", ["Drop", "n" * 255])
def test_names_differ_when_titles_look_alike(offer, name, full, partial, options):
    offer.name = name
    offer.payments.options.full.billing_title = full
    offer.payments.options.partial.billing_title = partial
    made = list(mapping.plan_group(offer, NOON).plans.values())
    assert tuple(plan.option for plan in made) == options
    names = [plan.name for plan in made]
    assert len(set(names)) == 2
    assert all(len(one) <= 255 for one in names)


def test_a_deposit_of_a_price_is_named_by_it(offer):
    offer.payments.partial.deposit = Deposit(type="price", amount="25.00")
    assert plan_of(offer, "partial").option == "Pay a deposit (25 deposit)"
    offer.payments.partial.deposit = Deposit(type="price", amount="12.50")
    assert plan_of(offer, "partial").name == "Drop: Pay a deposit (12.5 deposit)"


def test_without_a_title_an_option_says_what_it_is(offer):
    for option in (offer.payments.options.full, offer.payments.options.partial):
        option.billing_title = None
    full, partial = mapping.plan_group(offer, NOON).plans.values()
    assert full.option == "Pay in full"
    assert partial.option == "20% deposit"


def test_names_fit_into_what_shopify_keeps(offer):
    offer.name = "n" * 255
    offer.payments.options.full.billing_title = "t" * 2000
    full = plan_of(offer, "full")
    assert (len(full.name), len(full.option)) == (255, 255)


def test_the_digest_tells_a_plans_change_and_no_other(offer):
    def digest():
        return mapping.digest(mapping.plan_group(offer, NOON))

    before = digest()
    offer.widget.badge.text = "New"
    offer.limits.total.max = 5
    assert digest() == before
    offer.payments.partial.deposit.percent = 21
    assert digest() != before
