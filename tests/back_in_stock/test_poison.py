"""Whatever fails while one message is written or packed costs that message alone."""

import dataclasses
from functools import partial

import asyncpg
import pytest
import structlog
from hypothesis import example, given
from hypothesis import strategies as st
from liquid.exceptions import LiquidError

from openstoq.back_in_stock.notifications import mails
from openstoq.back_in_stock.notifications.jobs import send_wave
from openstoq.jobs.job import Retry
from openstoq.messaging import compose
from openstoq.messaging.email import courier
from openstoq.messaging.email.smtp import SMTPTransport
from openstoq.messaging.port import EmailTransport
from openstoq.messaging.render import Prepared
from tests.factories.smtp_relays import relay as smtp_relay
from tests.factories.waitlists import (
    make_signup,
    make_waitlist,
    restocking_runtime,
    rows,
    run_of,
    stock_becomes,
)

SECRET = "ada@example.com https://secret.example"
FAULTS = [
    kind(SECRET)
    for kind in (
        ValueError, TypeError, KeyError, LookupError, AttributeError, FileNotFoundError,
        PermissionError, TimeoutError, UnicodeError, RecursionError, ZeroDivisionError,
        OverflowError, AssertionError, NotImplementedError, RuntimeError, StopIteration,
        MemoryError, EOFError, ConnectionError, Exception, partial(LiquidError, token=None),
    )
]  # fmt: skip
LOCALES = (
    "da sv nb fi nl it pt pl cs sk hu ro bg el tr uk ja ko th vi hr sl".split()  # noqa: SIM905
)
# Some way apart from each other: they are not nearly all.
BAD = {f"shopper{9 * n}@example.com": fault for n, fault in enumerate(FAULTS, 1)}

pytestmark = pytest.mark.usefixtures("sold_out")


@given(st.text(max_size=40))
@example("zh-Hant ")
@example("sr-Latn\n")
@example("en-001\t")
@example("../../etc/passwd")
@example("/etc/passwd")
@example("de\0")
@example("de" * 100_000)
@example("-".join(["en"] * 1000))
@example("\ud800")
@example("en_US@" + "x" * 300)
@example("")
def test_any_text_is_a_locale(text):
    read = compose.babel_locale(text)
    assert read.number_symbols
    assert compose.babel_locale(str(read)) == read
    assert compose.language(text) in {"en", "de", "fr", "es"}


@given(
    st.lists(
        st.sampled_from(["zh", "Hant", "sr", "Latn", "en", "001", "DE", "ca", "valencia", "POSIX"]),
        min_size=1,
        max_size=4,
    ),
    st.sampled_from(["-", "_"]),
    st.sampled_from(["", " ", "\n", "\t", "\x0b", "\u2028", "\0", "@euro", "/", "."]),
)
def test_a_tag_that_is_nearly_one_is_a_locale(parts, joint, tail):
    read = compose.babel_locale(joint.join(parts) + tail)
    assert read.number_symbols
    assert compose.babel_locale(str(read)) == read


async def send(runtime, shop, wave_id):
    await send_wave.handler(run_of(runtime, shop), wave_id=wave_id)


async def restocked(runtime, shop):
    (wave_id,) = await stock_becomes(runtime, shop, 5, 0)
    return wave_id


async def assert_only_the_bad_failed(database, shop, told):
    """Everybody is told but the bad, whose messages say why, and who are not blocked."""
    assert len(told) == len(set(told)) == 200 - len(FAULTS)
    messages = await rows(database, shop, "notifications")
    failed = {row["contact"]: row["error"] for row in messages if row["status"] == "failed"}
    assert failed.keys() == BAD.keys()
    for contact, fault in BAD.items():
        assert f"({type(fault).__name__})" in failed[contact]
        assert "secret" not in failed[contact]
    waiting = [row for row in await rows(database, shop, "signups") if not row["notified_at"]]
    assert {row["contact"] for row in waiting} == BAD.keys()
    assert {(row["blocked_at"], row["wave_id"]) for row in waiting} == {(None, None)}
    (wave,) = await rows(database, shop, "waves")
    assert wave["ended_by"] == "all_told"


@pytest.mark.parametrize("place", ["shared", "personal"])
async def test_a_message_that_cannot_be_written_costs_itself_alone(
    database, runtime, shop, relay, watch, monkeypatch, place
):
    await make_waitlist(database, shop, 200)
    wave_id = await restocked(runtime, shop)
    if place == "shared":
        by_locale = dict(zip(LOCALES, BAD.items(), strict=False))
        async with database.transaction(shop.id) as db:
            for locale, (contact, _) in by_locale.items():
                await db.execute(
                    "UPDATE signups SET locale = $2 WHERE contact = $1", contact, locale
                )

        def prepare(facts, locale, own):
            if locale in by_locale:
                raise by_locale[locale][1]
            return Prepared(facts, locale, own)

        monkeypatch.setattr(mails, "prepare_alert", prepare)
    else:
        personal = Prepared.personal

        def written(self, recipient):
            if recipient.address in BAD:
                raise BAD[recipient.address]
            return personal(self, recipient)

        monkeypatch.setattr(Prepared, "personal", written)
    with structlog.testing.capture_logs() as logged:
        await send(runtime, shop, wave_id)
    await assert_only_the_bad_failed(database, shop, relay.recipients)
    lines = [one for one in logged if one["event"] == "letter.unwritable"]
    assert sorted(one["error"] for one in lines) == sorted(type(f).__name__ for f in FAULTS)
    assert all(", in " in one["trace"] for one in lines)
    assert "secret" not in str(logged)

    monkeypatch.undo()
    await stock_becomes(runtime, shop, 0, 30)
    watch.show(40)
    (again,) = await stock_becomes(runtime, shop, 5, 40)
    await send(runtime, shop, again)
    assert set(relay.recipients[-len(FAULTS) :]) == BAD.keys()


@pytest.mark.parametrize("pipelining", [True, False])
async def test_a_message_that_cannot_be_packed_costs_itself_alone(
    database, runtime, shop, watch, monkeypatch, pipelining
):
    await make_waitlist(database, shop, 200)
    wave_id = await restocked(runtime, shop)
    envelope = courier.envelope

    def packed(email, session):
        if email.recipient in BAD:
            raise BAD[email.recipient]
        return envelope(email, session)

    monkeypatch.setattr(courier, "envelope", packed)
    async with smtp_relay(pipelining=pipelining) as (server, settings):
        transport = SMTPTransport(dataclasses.replace(settings, connections=1))
        through = restocking_runtime(database, watch, ports={EmailTransport: transport})
        await send(through, shop, wave_id)
        await transport.aclose()
        told = [line for line in server.heard if line.startswith("RCPT")]
    assert server.connections == 1
    await assert_only_the_bad_failed(database, shop, told)


@pytest.mark.parametrize(
    "locale", ["zh-Hant ", "sr-Latn ", "en-001\n", "../../x", "x" * 10_000, "_", "-", "𝔡𝔢"]
)
async def test_no_locale_that_was_ever_stored_stops_a_wave(database, runtime, shop, relay, locale):
    ids = await make_waitlist(database, shop, 30)
    async with database.transaction(shop.id) as db:
        await db.execute("UPDATE signups SET locale = $2 WHERE id = $1", ids[3], locale)
    await send(runtime, shop, await restocked(runtime, shop))
    assert len(set(relay.recipients)) == 30


@pytest.mark.parametrize("column", ["name", "locale"])
@pytest.mark.parametrize("value", ["\x01", "x" * 100_000, "{{ 1 | nope }}", "%s %(x)b", "\u2028"])
async def test_nothing_stored_of_a_shopper_stops_a_wave(
    database, runtime, shop, relay, column, value
):
    await make_waitlist(database, shop, 30)
    async with database.transaction(shop.id) as db:
        await db.execute(f"UPDATE customers SET {column} = $1", value)  # noqa: S608 - a test's own names
    await send(runtime, shop, await restocked(runtime, shop))
    assert len(set(relay.recipients)) == 30


@pytest.mark.parametrize("contact", ["nobody", "a@b\r\nBcc: x@y.example", "", "ada@", "a" * 2000])
async def test_a_contact_that_is_none_costs_its_own_message(
    database, runtime, shop, relay, contact
):
    ids = await make_waitlist(database, shop, 30)
    async with database.transaction(shop.id) as db:
        await db.execute("UPDATE signups SET contact = $2 WHERE id = $1", ids[3], contact)
    with structlog.testing.capture_logs() as logged:
        await send(runtime, shop, await restocked(runtime, shop))
    assert len(set(relay.recipients)) == 29
    assert not contact or repr(contact)[1:-1] not in str(logged)


async def test_a_database_that_fails_is_no_fault_of_a_message(
    database, runtime, shop, relay, monkeypatch
):
    await make_waitlist(database, shop, 5)
    wave_id = await restocked(runtime, shop)

    async def fails(*_):
        raise asyncpg.DeadlockDetectedError

    monkeypatch.setattr(mails, "read_products", fails)
    # Every connection to the relay waits for the same claim.
    of_each = [asyncpg.DeadlockDetectedError] * relay.connections
    with pytest.RaisesGroup(*of_each):
        await send(runtime, shop, wave_id)
    assert await rows(database, shop, "notifications") == []
    monkeypatch.undo()
    await send(runtime, shop, wave_id)
    assert len(relay.recipients) == 5


async def test_a_sender_that_is_none_stops_the_wave_until_it_is_corrected(
    database, runtime, shop, relay
):
    await make_waitlist(database, shop, 5)
    wave_id = await restocked(runtime, shop)
    mail = runtime.settings.mail.model_copy(update={"sender": "nobody"})
    wrong = dataclasses.replace(
        runtime, settings=runtime.settings.model_copy(update={"mail": mail})
    )
    with pytest.raises(Retry, match="OPENSTOQ_MAIL_SENDER"):
        await send(wrong, shop, wave_id)
    assert await rows(database, shop, "notifications") == []
    await send(runtime, shop, wave_id)
    assert len(relay.recipients) == 5


@pytest.mark.parametrize("count", [30, 60])
async def test_a_fault_of_ours_in_every_message_stops_the_wave_and_fails_none(
    database, runtime, shop, relay, monkeypatch, count
):
    await make_waitlist(database, shop, count)
    wave_id = await restocked(runtime, shop)

    def broken(*_):
        raise KeyError(SECRET)

    monkeypatch.setattr(mails, "prepare_alert", broken)
    with pytest.raises(Retry, match="cannot be written"):
        await send(runtime, shop, wave_id)
    messages = await rows(database, shop, "notifications")
    assert {(row["status"], row["attempts"]) for row in messages} == {("queued", 0)}
    monkeypatch.undo()
    async with database.transaction(shop.id) as db:
        await db.execute("UPDATE notifications SET next_attempt_at = now()")
    await send(runtime, shop, wave_id)
    assert len(relay.recipients) == len(set(relay.recipients)) == count


async def test_one_poisoned_signup_is_never_taken_again_by_its_wave(database, runtime, shop, relay):
    bad = await make_signup(database, shop)
    async with database.transaction(shop.id) as db:
        await db.execute("UPDATE signups SET contact = 'nobody' WHERE id = $1", bad)
    wave_id = await restocked(runtime, shop)
    for _ in range(3):
        await send(runtime, shop, wave_id)
    (message,) = await rows(database, shop, "notifications")
    assert (message["status"], message["attempts"]) == ("failed", 1)
    assert relay.taken == []
