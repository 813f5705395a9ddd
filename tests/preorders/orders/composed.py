"""Orders made of what the shop has of them."""

from dataclasses import replace

from openstoq.preorders.offers.capabilities.payments import Deposit
from openstoq.preorders.orders import state
from openstoq.preorders.orders.intake import compose
from openstoq.preorders.orders.intake import money as intake_money
from openstoq.preorders.orders.intake.compose import Recognition
from openstoq.preorders.orders.recognition.matching import Match
from tests.factories.records import (
    DAY,
    NOON,
    money,
    offer,
    order_line,
    paid,
    sale,
    schedule,
    shop_order,
)

LATER = NOON + DAY


DEPOSIT, BALANCE = sale(1, 20), sale(2, 80)


def take(order, *offers, stored=None, option="partial"):
    """Take an order in, of which the first lines are of these offers, as intake does."""
    matches = [
        Match(line, one.id, option, is_known=stored is not None)
        for line, one in zip(order.lines, offers, strict=False)
    ]
    by_id = {one.id: one for one in offers}
    known = Recognition(stored=stored, matches=matches, offers=by_id, market_id=7)
    composed = compose.compose(order, known, read_at=NOON, now=LATER, hold_unpaid=True)
    made, found = composed.order, composed.entries
    changed = {one.id: one for one in found}
    kept = [one for one in made.payments if one.id not in changed]
    state.derive(made, [*kept, *changed.values()], LATER)
    return made


def bought(*transactions, **facts):
    """An order of one line at 100, of which 80 are due later unless `facts` say otherwise."""
    known = {"lines": (order_line(1, 100),), "schedules": (schedule(80),)}
    return shop_order(transactions=transactions, **(known | facts))


def owed(order, stored=None, *, has_partial=True):
    one = intake_money.read_money(order, stored, has_partial=has_partial)
    return one.balance, one.due_at


# What was due at checkout.

# Two units at 100 and 10 for shipping: 50 at checkout, of which 40 are for the units.
PAIR = order_line(1, 200, 2)


PAID = sale(1, 50)


PLACED = bought(
    PAID, total=210, original_total=money(210), lines=(PAIR,), schedules=(schedule(160),)
)


EDITED = replace(
    PLACED,
    total=money(110),
    outstanding=money(60),
    lines=(replace(PAIR, current=1, unfulfilled=1),),
    schedules=(schedule(60),),
)


EMPTIED = replace(
    PLACED,
    total=money(10),
    outstanding=money(0),
    lines=(replace(PAIR, current=0, unfulfilled=0),),
    schedules=(paid(schedule(0), LATER),),
)


COLLECTED = replace(
    PLACED,
    outstanding=money(0),
    received=money(210),
    transactions=(PAID, sale(2, 160)),
    schedules=(paid(schedule(160), LATER),),
)


# An order that is new.


def selling(**facts):
    return offer(Deposit(percent=20), **facts)
