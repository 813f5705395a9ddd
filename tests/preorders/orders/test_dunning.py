"""When a balance that could not be charged is tried again, for how much, and under which key."""

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openstoq.preorders.orders.ledger import charge_entry
from tests.factories.records import DAY, NOON, entry, money, preorder, schedule

SCHEDULE = "1,3,5,7"
MOST = 10


def tried(charge, now, *, order=None, retry_days=SCHEDULE):
    """A charge that was handed over, and declined at once."""
    begun = charge_entry.handed_over(charge, order or preorder(), now)
    return charge_entry.failed(begun, "declined", retry_days, now, due_at=None)


def tries(retry_days, *, late=timedelta(0)):
    """Decline a charge as often as it is tried, each time `late`; return the times and keys."""
    now, times, keys = NOON, [], []
    charge = charge_entry.opened(preorder(), "auto", now)
    while len(times) <= MOST:
        times.append(now)
        keys.append(charge.idempotency_key)
        charge = tried(charge, now, retry_days=retry_days)
        if charge.retry_at is None:
            return times, keys, charge
        now = charge.retry_at + late
        charge = charge_entry.reopened(charge)
    raise AssertionError(f"tried more than {MOST} times")


def test_it_is_tried_on_the_days_of_the_schedule():
    times, _, last = tries(SCHEDULE)
    assert [time - NOON for time in times] == [days * DAY for days in (0, 1, 3, 5, 7)]
    assert (last.status, last.attempts, last.error) == ("failed", 5, "declined")
    assert (last.settled_at, last.created_at) == (times[-1], NOON)


@given(
    days=st.lists(st.integers(0, 60), min_size=1, max_size=6),
    late=st.timedeltas(timedelta(0), timedelta(days=30)),
)
def test_late_tries_keep_their_distance_in_any_schedule(days, late):
    times, keys, last = tries(",".join(map(str, days)), late=late)
    assert len(times) == len(set(keys)) == last.attempts == len(days) + 1
    expected = [0, *sorted(days)]
    gaps = [after - before for before, after in pairwise(expected)]
    waited = [after - before for before, after in pairwise(times)]
    assert waited == [gap * DAY + late for gap in gaps]


def test_whoever_is_second_finds_that_it_is_not_time():
    due = preorder(collect="when_due", due_at=NOON)
    assert charge_entry.has_come_due(due, NOON)
    assert not charge_entry.has_come_due(due, NOON - DAY)
    failed = tried(charge_entry.opened(due, "auto", NOON), NOON)
    tried_once = replace(due, payments=(failed,))
    assert not charge_entry.has_come_due(tried_once, NOON)
    assert [charge_entry.is_time(tried_once, NOON + days * DAY) for days in (0, 1)] == [False, True]
    given_up = replace(due, payments=(replace(failed, retry_at=None),))
    assert not charge_entry.is_time(given_up, NOON + DAY)
    by_link = replace(due, payments=(entry(10, mode="link"),))
    assert charge_entry.is_time(by_link, NOON)


def test_a_key_is_of_one_attempt_and_stays_within_it():
    charge = charge_entry.opened(preorder(), "auto", NOON)
    begun = charge_entry.handed_over(charge, preorder(), NOON)
    again = charge_entry.handed_over(begun, preorder(), NOON + DAY)
    assert again == begun
    assert begun.idempotency_key == charge.idempotency_key
    retried = charge_entry.reopened(
        charge_entry.failed(begun, "declined", SCHEDULE, NOON, due_at=None)
    )
    assert retried.idempotency_key != charge.idempotency_key
    assert retried.id == charge.id
    other = charge_entry.opened(preorder(), "auto", NOON)
    assert other.idempotency_key != charge.idempotency_key


def test_a_new_charge_waits_for_the_whole_of_the_open_schedule():
    open_one = schedule(50)
    order = preorder(schedules=(open_one,), outstanding=money(65))
    charge = charge_entry.opened(order, "auto", NOON)
    assert (charge.amount, charge.status, charge.attempts) == (money(50), "pending", 0)
    assert (charge.kind, charge.part, charge.currency) == ("balance", "balance", "USD")
    without = charge_entry.opened(preorder(outstanding=money(65)), "manual", NOON)
    assert (without.amount, without.mode) == (money(65), "manual")


def test_what_is_owed_when_it_is_handed_over_is_charged():
    charge = charge_entry.opened(preorder(), "auto", NOON)
    edited = preorder(outstanding=money(40))
    begun = charge_entry.handed_over(charge, edited, NOON + DAY)
    assert (begun.amount, begun.status) == (money(40), "processing")
    assert (begun.attempts, begun.begun_at) == (1, NOON + DAY)


@pytest.mark.parametrize("status", ["processing", "authenticate", "succeeded", "failed", "void"])
def test_only_what_waits_is_handed_over(status):
    charge = entry(80, status=status, attempts=1)
    assert charge_entry.handed_over(charge, preorder(outstanding=money(40)), NOON) is charge


def test_a_reopened_charge_starts_afresh():
    begun = charge_entry.handed_over(
        charge_entry.opened(preorder(), "auto", NOON), preorder(), NOON
    )
    failed = charge_entry.failed(
        replace(begun, reference="ref-1"), "declined", SCHEDULE, NOON, due_at=None
    )
    again = charge_entry.reopened(failed)
    assert again.status == "pending"
    assert {again.reference, again.retry_at, again.begun_at, again.settled_at} == {None}
    assert again.attempts == 1


def test_a_charge_that_nobody_handed_over_counts_as_tried_once_it_failed():
    failed = charge_entry.failed(
        entry(80, status="pending"), charge_entry.NO_METHOD, SCHEDULE, NOON, due_at=None
    )
    assert (failed.attempts, failed.retry_at) == (1, NOON + DAY)


def test_only_automatic_charges_are_tried_again():
    failed = charge_entry.failed(
        entry(80, mode="manual", attempts=1), "refused", SCHEDULE, NOON, due_at=None
    )
    assert failed.retry_at is None


@pytest.mark.parametrize(("due", "retry"), [(30, 30), (1, 1), (0, 1), (-3, 1)])
def test_a_charge_before_the_due_day_is_not_retried_before_it(due, retry):
    begun = charge_entry.handed_over(
        charge_entry.opened(preorder(), "auto", NOON), preorder(), NOON
    )
    failed = charge_entry.failed(begun, "declined", SCHEDULE, NOON, due_at=NOON + due * DAY)
    assert failed.retry_at == NOON + retry * DAY


def test_a_charge_that_brought_a_part_fails_for_what_is_owed_after_it():
    order = preorder(due_at=NOON)
    charge = charge_entry.handed_over(charge_entry.opened(order, "auto", NOON), order, NOON)
    late = NOON + timedelta(seconds=5)
    part = entry(50, mode="link", transaction_id=7, settled_at=late)
    other = entry(50, mode="link", transaction_id=8)
    after = replace(
        order,
        facts=replace(order.facts, outstanding=money("30.00")),
        payments=(charge, part, other),
    )
    parts = charge_entry.parts_of(after, [6, 7])
    assert parts == [replace(part, mode="auto")]
    failed = charge_entry.failed_in_part(
        charge, "declined", SCHEDULE, NOON, order=after, parts=parts
    )
    assert (failed.status, failed.amount, failed.error) == ("failed", money("30.00"), "declined")
    assert failed.retry_at == NOON + DAY
    ledger = replace(after, payments=(failed, *parts))
    assert ledger.last_charge() == failed, "also if Shopify's clock is ahead of ours"
    again = charge_entry.reopened(failed)
    assert replace(ledger, payments=(again, *parts)).last_charge() == again


def test_a_charge_that_brought_a_part_is_void_if_the_rest_was_paid_meanwhile():
    order = preorder()
    charge = charge_entry.handed_over(charge_entry.opened(order, "auto", NOON), order, NOON)
    paid = replace(order, facts=replace(order.facts, outstanding=money(0)))
    ended = charge_entry.failed_in_part(charge, "declined", SCHEDULE, NOON, order=paid, parts=[])
    assert (ended.status, ended.retry_at) == ("void", None)
