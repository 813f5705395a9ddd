"""The ledger is the same whenever and in whatever order an order is read."""

from dataclasses import replace
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from openstoq.preorders.orders.ledger.entries import reconcile
from tests.factories.records import (
    entry,
    money,
    refund_of,
    sale,
    schedule,
)
from tests.preorders.orders.ledgers import LATER, book_of, facts, shop

# What happens to an order, and what the shop has of it after each event.
EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("pay"), st.integers(1, 100)),
        st.tuples(st.just("charge"), st.just(100)),
        st.tuples(st.just("capture"), st.just(100)),
        st.tuples(st.just("refund"), st.integers(1, 100)),
        st.tuples(st.just("noise"), st.integers(1, 100)),
    ),
    max_size=6,
)


def played(deposits, balance, events):
    """Return an order as the shop has it after each event, by which its charges are told."""
    transactions = [sale(number, amount) for number, amount in enumerate(deposits, start=1)]
    total = sum(deposits) + balance
    owed, charges, orders = balance, [], []

    def tell():
        facts = {
            "total": total,
            "outstanding": money(owed),
            "schedules": (schedule(owed),),
        }
        orders.append((shop(*transactions, **facts), list(charges)))

    tell()
    for event, percent in events:
        number = len(transactions) + 1
        amount = (money(owed) * percent / 100).quantize(Decimal("0.01"))
        if event == "noise":
            transactions.append(sale(number, 1 + percent, status="failure"))
        elif event == "refund":
            parent = transactions[percent % len(transactions)]
            gone = [one for one in transactions if one.parent_id == parent.id]
            left = parent.amount - sum(one.amount for one in gone)
            if parent.kind not in ("sale", "capture") or parent.status != "success" or left <= 0:
                continue
            back = (left * percent / 100).quantize(Decimal("0.01"))
            if back:
                transactions.append(refund_of(parent, number, back))
                total -= back
        elif amount:
            if event == "charge":
                charges.append(amount)
            if event == "capture":
                allowed = sale(number, amount, kind="authorization")
                transactions.append(allowed)
                transactions.append(sale(number + 1, amount, kind="capture", parent_id=number))
            else:
                transactions.append(sale(number, amount))
            owed -= amount
        tell()
    return orders


@given(
    deposits=st.lists(st.integers(1, 5000).map(lambda n: money(n) / 100), min_size=1, max_size=2),
    balance=st.integers(0, 9000).map(lambda n: money(n) / 100),
    events=EVENTS,
    reads=st.lists(st.integers(0, 6), max_size=6),
    random=st.randoms(use_true_random=False),
)
def test_whenever_and_in_whatever_order_it_is_read_the_ledger_is_the_same(
    deposits, balance, events, reads, random
):
    orders = played(deposits, balance, events)
    last = orders[-1][0]
    book, begun = [], 0
    for at in [*sorted(min(one, len(orders) - 1) for one in reads), len(orders) - 1]:
        order, charges = orders[at]
        # We know of the charges that we began, before we read what became of them.
        book += [entry(amount, status="processing", attempts=1) for amount in charges[begun:]]
        begun = max(begun, len(charges))
        shuffled = list(order.transactions)
        random.shuffle(shuffled)
        order = replace(order, transactions=tuple(shuffled))
        book = book_of(order, book, at_checkout=sum(deposits))
        assert reconcile(order, book, LATER, at_checkout=sum(deposits)) == []

    once = book_of(last, at_checkout=sum(deposits))
    assert facts(book) == facts(once)
    came = sum(one.amount for one in book if one.kind != "refund")
    went = sum(one.amount for one in book if one.kind == "refund")
    assert (came, went) == (last.received, last.refunded)
    assert all(one.status == "succeeded" for one in book)
    assert sum(one.amount for one in book if one.kind == "deposit") == sum(deposits)
    assert len({one.idempotency_key for one in book}) == len(book)
