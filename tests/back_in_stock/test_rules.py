"""What an outcome means for a message, and which contacts can be reached."""

from datetime import timedelta

import pytest

from openstoq.back_in_stock.notifications import rules as sending
from openstoq.back_in_stock.notifications.claims import Claimed
from openstoq.back_in_stock.signups.rules import InvalidContactError, contact_of
from openstoq.kernel.contacts import mailbox_of
from openstoq.kernel.ids import new_id
from openstoq.messaging.port import Delivery, Outcome


def mark_of(outcome, reply, *, attempts=1, unknown_outcome="resend"):
    claimed = Claimed(
        id=new_id(),
        signup_id=new_id(),
        variant_id=1,
        contact="ada@example.com",
        name=None,
        locale=None,
        attempts=attempts,
    )
    delivery = Delivery(outcome, reply)
    return sending.mark_of(claimed, delivery, unknown_outcome=unknown_outcome)


def pause_of(mark):
    assert mark.status == "queued"
    return mark.pause.total_seconds()


@pytest.mark.parametrize(
    ("outcome", "reply", "status", "error"),
    [
        (Outcome.ACCEPTED, "250 OK", "sent", None),
        (Outcome.REFUSED, "550 no such user", "failed", "550 no such user"),
        (Outcome.DEFERRED, "451 later", "queued", "451 later"),
        (Outcome.DEFERRED, "connection lost", "queued", "connection lost"),
        (Outcome.UNKNOWN, "connection lost", "queued", "connection lost"),
    ],
)
def test_an_outcome_decides(outcome, reply, status, error):
    mark = mark_of(outcome, reply)
    assert (mark.status, mark.error) == (status, error)


def test_a_relays_later_is_obeyed_with_growing_pauses():
    pauses = [pause_of(mark_of(Outcome.DEFERRED, "451", attempts=n)) for n in range(1, 12)]
    assert pauses[:4] == [30, 60, 120, 240]
    assert pauses == sorted(pauses)
    assert pauses[-1] == timedelta(hours=1).total_seconds()


def test_a_relay_does_not_say_later_for_ever():
    assert mark_of(Outcome.DEFERRED, "451 later", attempts=12).status == "failed"


def test_a_relay_that_was_not_there_is_no_attempt():
    assert pause_of(mark_of(Outcome.DEFERRED, "connection refused", attempts=500)) == 1


def test_of_an_unknown_outcome_the_shop_decides():
    assert mark_of(Outcome.UNKNOWN, "lost", unknown_outcome="hold").status == "unknown"


def test_a_message_that_breaks_every_connection_is_given_up():
    pauses = [pause_of(mark_of(Outcome.UNKNOWN, "lost", attempts=n)) for n in range(1, 12)]
    assert pauses[:4] == [1, 2, 5, 10]
    assert mark_of(Outcome.UNKNOWN, "lost", attempts=12).status == "unknown"


@pytest.mark.parametrize("failures", range(10))
def test_a_wave_looks_for_its_relay_at_least_every_half_minute(failures):
    assert timedelta(0) < sending.relay_pause(failures) <= timedelta(seconds=30)


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("ada@example.com", "ada@example.com"),
        ("  Ada.Lovelace+shop@Example.COM ", "ada.lovelace+shop@example.com"),
        ("o'brien@example.ie", "o'brien@example.ie"),
        ("a@b.co", "a@b.co"),
        ("x_y-z@sub.sub2.example.museum", "x_y-z@sub.sub2.example.museum"),
        ("1234567890@example.com", "1234567890@example.com"),
        ("jörg@müller.de", "jörg@xn--mller-kva.de"),
        ("ada@xn--mller-kva.de", "ada@xn--mller-kva.de"),
        ("ada@straße.de", "ada@xn--strae-oqa.de"),
        ("用户@例子.广告", "用户@xn--fsqu00a.xn--4rr70v"),
    ],
)
def test_an_email_has_blocks_in_one_form(sent, kept):
    assert contact_of("email", email=sent).address == kept


@pytest.mark.parametrize(
    "sent",
    [
        None, "", "   ", "ada", "ada@", "@example.com", "ada@example", "ada@@example.com",
        "ada@example..com", "ada@.example.com", "ada @example.com", "ada@exam ple.com",
        ".ada@example.com", "ada.@example.com", "a..b@example.com", "ada@-example.com",
        "ada@example.com, bob@example.com", "ada@example.com\nBcc: all@example.com",
        "Ada <ada@example.com>", "ada@[127.0.0.1]", "ada@127.0.0.1", "ada@localhost",
        "ada\x00@example.com", "x" * 65 + "@example.com", "ada@" + "x" * 250 + ".com",
        "mailto:ada@example.com?subject=x",
    ],
)  # fmt: skip
def test_a_bad_email_is_refused(sent):
    with pytest.raises(InvalidContactError, match="email"):
        contact_of("email", email=sent)


@pytest.mark.parametrize(
    ("sent", "country", "kept"),
    [
        ("14155552671", None, "+14155552671"),
        ("+14155552671", None, "+14155552671"),
        (" +1 (415) 555-2671 ", None, "+14155552671"),
        ("1-415-555-2671", None, "+14155552671"),
        ("4155552671", "US", "+14155552671"),
        ("4155552671", "us", "+14155552671"),
        ("(415) 555-2671", "US", "+14155552671"),
        ("0151 23456789", "DE", "+4915123456789"),
        ("4915123456789", None, "+4915123456789"),
        ("4915123456789", "DE", "+4915123456789"),
        ("07400 123456", "GB", "+447400123456"),
        ("+447400123456", "DE", "+447400123456"),
        ("447400123456", "US", "+447400123456"),
        ("06 12 34 56 78", "FR", "+33612345678"),
        ("+33 (0)6 12 34 56 78", None, "+33612345678"),
        ("4560123456", None, "+4560123456"),
        ("9876543210", "IN", "+919876543210"),
        ("٠١٠٠١٢٣٤٥٦٧", "EG", "+201001234567"),
        ("+1 415 555 2671", "ZZ", "+14155552671"),
    ],
)
def test_a_phone_has_blocks_in_one_form(sent, country, kept):
    assert contact_of("sms", phone=sent, country=country).address == kept


@pytest.mark.parametrize(
    ("sent", "country"),
    [
        (None, None), ("", None), ("  ", "US"), ("123", None), ("12", "US"), ("abc", None),
        ("+", None), ("+1415555", None), ("0000000000", "US"),
        ("+999123456789", None), ("1" * 40, None), ("0151 23456789", None), ("1" * 300, "US"),
        ("ada@example.com", "US"), ("1234567", "XX"),
    ],
)  # fmt: skip
def test_a_bad_phone_is_refused(sent, country):
    with pytest.raises(InvalidContactError, match="phone"):
        contact_of("sms", phone=sent, country=country)


@pytest.mark.parametrize(
    ("address", "mailbox"),
    [
        ("ada@example.com", "ada@example.com"),
        ("ada+x@example.com", "ada@example.com"),
        ("Ada+x+y@Example.com", "ada@example.com"),
        ("+x@example.com", "+x@example.com"),
        ("a.da-x@example.com", "a.da-x@example.com"),
        ("a.d.a@gmail.com", "ada@gmail.com"),
        ("a.da+x.y@googlemail.com", "ada@gmail.com"),
        ("a.da@gmail.com.example", "a.da@gmail.com.example"),
        ("a.da@notgmail.com", "a.da@notgmail.com"),
        ("14155552671", "14155552671"),
    ],
)
def test_the_mailbox_behind_an_address(address, mailbox):
    assert mailbox_of(address) == mailbox


def test_only_an_address_has_another_mailbox():
    assert contact_of("push", push="a+b@gmail.com").mailbox == "a+b@gmail.com"
    assert contact_of("sms", phone="+14155552671").mailbox == "+14155552671"
    assert contact_of("email", email="a.b@gmail.com").mailbox == "ab@gmail.com"
    assert contact_of("email", email="ada@example.com").mailbox == "ada@example.com"


def test_a_push_token_has_blocks_as_it_is():
    assert contact_of("push", push=" Abc:123/x ").address == "Abc:123/x"


@pytest.mark.parametrize("sent", [None, "", " ", "a\nb", "a\x00b", "x" * 4097])
def test_a_bad_push_token_is_refused(sent):
    with pytest.raises(InvalidContactError, match="push"):
        contact_of("push", push=sent)


def test_the_same_shopper_has_the_same_identity():
    assert contact_of("email", email="ADA@example.com").identity == "email:ada@example.com"
    assert contact_of("sms", phone="14155552671").identity == "sms:+14155552671"
