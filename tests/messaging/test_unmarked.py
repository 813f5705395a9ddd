"""The budget of unmarked messages: one for the process, shared by all who send."""

import pytest

from openstoq.messaging.unmarked import LEAST, UnmarkedBudget, limit_for


def hold_all(share):
    """Hold messages until there is no room; return how many."""
    before = share.held
    while share.has_room:
        share.hold()
    return share.held - before


def test_a_single_sender_has_the_whole_budget():
    assert hold_all(UnmarkedBudget(64).join()) == 64


@pytest.mark.parametrize("senders", [2, 6, 63, 64, 200])
def test_all_senders_together_never_exceed_the_budget(senders):
    budget = UnmarkedBudget(64)
    shares = [budget.join() for _ in range(senders)]
    held = [hold_all(share) for share in shares]
    assert budget.held == sum(held) <= 64
    assert max(held) == max(1, 64 // senders)
    # Each has something, as far as there are messages enough.
    assert sum(1 for number in held if number) == min(senders, 64)
    for share in shares:
        share.leave()
    assert budget.held == 0


def test_a_sender_that_comes_later_gets_its_part_as_marks_are_written():
    budget = UnmarkedBudget(10)
    first = budget.join()
    assert hold_all(first) == 10
    second = budget.join()
    assert not second.has_room
    first.release(5)
    assert second.room.is_set()
    assert not first.has_room
    assert hold_all(second) == 5


def test_what_a_sender_leaves_unmarked_counts_no_more():
    budget = UnmarkedBudget(4)
    first = budget.join()
    hold_all(first)
    first.leave()
    assert hold_all(budget.join()) == 4


@pytest.mark.parametrize(
    ("connections", "most"), [(1, LEAST), (10, LEAST), (11, 65), (50, 182), (500, 1532)]
)
def test_the_budget_grows_with_the_connections(connections, most):
    assert limit_for(connections) == most
