"""Whose fault refusals are, by what else a run was answered."""

from datetime import timedelta

import pytest

from openstoq.back_in_stock.notifications import rules
from openstoq.back_in_stock.notifications.claims import Claimed
from openstoq.back_in_stock.notifications.trial import PROBES, STRAYS, WINDOW, Trial
from openstoq.kernel.ids import created_at, new_id
from openstoq.messaging.port import PATIENCE, Delivery, Outcome

YES = Delivery(Outcome.ACCEPTED, "250 ok", "content")
NOBODY = Delivery(Outcome.REFUSED, "550 5.1.1 no such user", "RCPT")
REJECTED = Delivery(Outcome.REJECTED, "552 5.2.2 full", "RCPT")
LATER = Delivery(Outcome.DEFERRED, "450 4.2.0 mailbox unavailable", "RCPT")
QUOTA = Delivery(Outcome.TURNED_AWAY, "454 daily quota exceeded", "content", is_quota=True)
AWAY = Delivery(Outcome.TURNED_AWAY, "530 5.7.0 log in <ada@example.com>", "MAIL")


def a_claim(**changes):
    fields = {"attempts": 1, "singled_out": False} | changes
    return Claimed(
        id=new_id(),
        signup_id=new_id(),
        variant_id=1,
        contact="ada@example.com",
        name=None,
        locale=None,
        **fields,
    )


def hear(trial, *deliveries, **changes):
    """Take and answer one message after the other; return how many refusals became final."""
    final = 0
    for delivery in deliveries:
        claimed = a_claim(**changes)
        trial.take(claimed.id)
        final += len(trial.hear(claimed, delivery))
    return final


def closed(trial):
    verdict = trial.close(is_cut=False)
    assert verdict.undecided == []
    return len(verdict.final), len(verdict.relays)


def cut(trial):
    verdict = trial.close(is_cut=True)
    assert verdict.relays == []
    return len(verdict.final), len(verdict.undecided)


@pytest.mark.parametrize(
    ("deliveries", "worst"),
    [
        ([NOBODY, LATER], NOBODY),
        ([NOBODY, LATER, AWAY], AWAY),
        ([AWAY, NOBODY, QUOTA, AWAY], QUOTA),
    ],
)
def test_the_worst_refusal_decides_how_long_a_wave_and_its_messages_wait(deliveries, worst):
    trial = Trial()
    hear(trial, *deliveries * WINDOW)
    verdict = trial.close(is_cut=False)
    assert verdict.worst.delivery == worst
    assert verdict.is_quota is (worst is QUOTA)


def test_where_the_relay_is_not_at_fault_no_refusal_is_the_worst():
    trial = Trial()
    hear(trial, YES, NOBODY)
    verdict = trial.close(is_cut=False)
    assert (verdict.worst, verdict.is_quota) == (None, False)


@pytest.mark.parametrize("refusal", [NOBODY, REJECTED, LATER])
@pytest.mark.parametrize("count", [1, 3, WINDOW - 1])
def test_a_small_list_of_dead_addresses_ends(refusal, count):
    trial = Trial()
    assert hear(trial, *[refusal] * count) == 0
    assert closed(trial) == (count, 0)


@pytest.mark.parametrize("refusal", [NOBODY, REJECTED, AWAY, LATER])
@pytest.mark.parametrize("served", [0, 1, WINDOW - 18, 500])
def test_when_nearly_all_is_refused_none_of_it_is_final(refusal, served):
    trial = Trial()
    assert hear(trial, *[YES] * served, *[refusal] * WINDOW) == 0
    assert trial.is_doubtful
    # What was on its way meanwhile is not final either.
    assert hear(trial, *[refusal] * 40, YES, refusal) == 0
    assert closed(trial) == (0, WINDOW + 41)


def test_refusals_among_acceptances_are_final_once_others_followed():
    trial = Trial()
    assert hear(trial, *[NOBODY, YES, YES] * 40) == 34
    assert not trial.is_doubtful
    assert closed(trial) == (6, 0)


@pytest.mark.parametrize("refusal", [AWAY, LATER])
def test_a_message_that_is_turned_away_while_later_ones_are_served_is_an_odd_one(refusal):
    trial = Trial()
    assert hear(trial, refusal) == 0
    assert hear(trial, YES) == 1


def test_an_answer_to_what_was_taken_before_proves_nothing():
    """A relay that turns bad still answers for what it has."""
    trial = Trial()
    before = [a_claim() for _ in range(5)]
    for claimed in before:
        trial.take(claimed.id)
    assert hear(trial, AWAY, AWAY, AWAY) == 0
    assert [trial.hear(claimed, YES) for claimed in before] == [[]] * 5
    assert closed(trial) == (0, 3)


@pytest.mark.parametrize("count", range(1, 6))
def test_the_last_of_a_run_are_odd_ones_only_when_they_are_few(count):
    trial = Trial()
    assert hear(trial, *[YES] * 10, *[AWAY] * count) == 0
    assert closed(trial) == ((count, 0) if count <= STRAYS else (0, count))


@pytest.mark.parametrize("count", [1, 2, 18])
def test_a_relay_that_serves_nobody_is_at_fault(count):
    trial = Trial()
    hear(trial, *[AWAY] * count, NOBODY)
    assert closed(trial) == (1, count)


@pytest.mark.parametrize(
    ("probes", "clears"),
    [
        ([YES], True),
        ([YES] * PROBES, True),
        ([YES, YES] + [NOBODY] * (PROBES - 2), True),
        ([YES] + [NOBODY] * (PROBES - 1), False),
        ([NOBODY] * PROBES, False),
        ([AWAY], False),
        ([], False),
    ],
)
def test_messages_from_elsewhere_decide(probes, clears):
    trial = Trial()
    hear(trial, *[NOBODY] * WINDOW)
    trial.probe()
    assert hear(trial, *probes) == 0
    assert len(trial.judge()) == (WINDOW if clears else 0)
    assert trial.is_doubtful is not clears
    bad = len(probes) - probes.count(YES)
    assert closed(trial) == ((bad, 0) if clears else (0, WINDOW + bad))


@pytest.mark.parametrize("refusal", [NOBODY, REJECTED, AWAY, LATER])
@pytest.mark.parametrize("count", range(1, WINDOW))
def test_a_run_that_is_cut_short_decides_nothing(refusal, count):
    trial = Trial()
    hear(trial, *[refusal] * count)
    assert not trial.is_conclusive
    assert cut(trial) == (0, count)


@pytest.mark.parametrize("refusal", [NOBODY, REJECTED])
def test_a_run_that_pauses_decides_what_was_followed_by_others(refusal):
    """So that runs that always pause come to an end with each message."""
    trial = Trial()
    assert hear(trial, refusal, *[YES] * (WINDOW - 3)) == 0
    assert not trial.is_conclusive
    hear(trial, refusal, refusal)
    assert trial.is_conclusive
    assert cut(trial) == (1, 2)


@pytest.mark.parametrize("others", [[AWAY], [NOBODY] * WINDOW, [LATER] * WINDOW])
def test_an_odd_message_loses_no_attempt_while_the_relay_is_at_fault_for_others(others):
    trial = Trial()
    hear(trial, AWAY, LATER, singled_out=True)
    hear(trial, *others)
    assert closed(trial) == (0, 2 + len(others))


@pytest.mark.parametrize("count", [1, 3, WINDOW, 50])
@pytest.mark.parametrize("refusal", [AWAY, LATER])
def test_odd_messages_use_up_their_attempts_when_nothing_else_is_left(refusal, count):
    trial = Trial()
    hear(trial, *[refusal] * count, singled_out=True)
    assert closed(trial) == (count, 0)


def relays_mark(delivery, *, age=timedelta(0), **changes):
    claimed = a_claim(**changes)
    pause = timedelta(seconds=7)
    return rules.mark_of_relay(claimed, delivery, pause=pause, now=created_at(claimed.id) + age)


@pytest.mark.parametrize("delivery", [NOBODY, REJECTED, AWAY, LATER])
def test_a_relays_fault_is_no_attempt_and_blocks_nobody(delivery):
    mark = relays_mark(delivery)
    assert (mark.status, mark.is_attempt, mark.blocks) == ("queued", False, False)
    assert (mark.error, mark.pause) == (delivery.reply, timedelta(seconds=7))


def test_a_relay_is_waited_for_however_long():
    assert relays_mark(AWAY, age=timedelta(days=365)).status == "queued"


@pytest.mark.parametrize("delivery", [NOBODY, REJECTED, LATER])
def test_a_refusal_of_nearly_all_is_believed_in_the_end_and_blocks_nobody(delivery):
    assert relays_mark(delivery, age=PATIENCE - timedelta(hours=1)).status == "queued"
    mark = relays_mark(delivery, age=PATIENCE + timedelta(hours=1))
    assert (mark.status, mark.blocks) == ("failed", False)


def mark_of(delivery, *, accepted=0, age=timedelta(0), **changes):
    claimed = a_claim(**changes)
    now = created_at(claimed.id) + age
    is_alone = rules.is_alone(claimed, accepted=accepted, now=now)
    return rules.mark_of(claimed, delivery, unknown_outcome="resend", is_alone=is_alone)


@pytest.mark.parametrize("delivery", [AWAY, LATER])
def test_an_odd_message_uses_up_its_attempts_also_alone(delivery):
    marks = [mark_of(delivery, attempts=n, singled_out=True) for n in range(1, 13)]
    assert [mark.status for mark in marks] == ["queued"] * 11 + ["failed"]
    assert all(mark.is_attempt and mark.singled_out and not mark.blocks for mark in marks)


def test_a_relay_that_says_later_to_everybody_is_asked_for_days():
    mark = mark_of(LATER, attempts=100, age=PATIENCE - timedelta(hours=1))
    assert (mark.status, mark.pause, mark.singled_out) == ("queued", timedelta(hours=1), False)
    assert mark_of(LATER, attempts=100, age=PATIENCE + timedelta(hours=1)).status == "failed"
    assert mark_of(LATER, attempts=100, accepted=1).status == "failed"


@pytest.mark.parametrize("refusals", range(12))
def test_a_wave_waits_longer_each_time_and_at_most_ten_minutes(refusals):
    pauses = [rules.refusal_pause(n) for n in (refusals, refusals + 1)]
    assert timedelta(seconds=1) < pauses[0] <= pauses[1] <= timedelta(minutes=10)


def test_the_reason_of_a_stop_quotes_nobody():
    assert rules.refusal_reason(AWAY) == "The relay answers MAIL with 530 5.7.0; look at its log."
    assert rules.refusal_reason(NOBODY).endswith("nearly everybody, at RCPT with 550 5.1.1.")
    assert rules.refusal_reason(LATER).startswith("The relay says later to nearly everybody, at RC")
    ours = Delivery(Outcome.REJECTED, "'ada@example.com' is not an e-mail address")
    assert "ada" not in rules.refusal_reason(ours)
