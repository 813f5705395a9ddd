"""Mails of their own: what each answer of the relay means for the job that sends one."""

import socket
from datetime import timedelta

import pytest
import structlog

from openstoq.config import Http, Mail, Security, Settings
from openstoq.jobs.job import GiveUp, Retry
from openstoq.jobs.work import Run
from openstoq.kernel.clock import utc_now
from openstoq.kernel.ids import created_at, new_id
from openstoq.messaging.email.settings import SMTPSettings
from openstoq.messaging.email.smtp import SMTPTransport
from openstoq.messaging.port import PATIENCE, Delivery, EmailTransport, Outcome
from openstoq.shops.single_mails import LATER, MOST_REPEATS, notice_of, send_single
from tests.factories.relays import ACCEPTED, DEFERRED, REFUSED, UNKNOWN, Relay
from tests.factories.runtimes import KEY, make_runtime
from tests.factories.smtp_relays import relay as smtp_relay

CONTENT = b"Subject: x\r\n\r\nhello\r\n"
ADDRESS = "ada@example.com"


@pytest.fixture
def attempt(database, shop):
    """Send one mail, the job's try and the age of the mail being what they are said to be."""

    async def attempt(transport, *, attempt=0, repeats=0, age=timedelta(0)):
        runtime = make_runtime(
            database,
            ports={EmailTransport: transport},
            settings=Settings(
                security=Security(key=KEY),
                http=Http(public_url="https://alerts.example.com:8443/x"),
                mail=Mail(sender="shop@example.com"),
            ),
            clock=lambda: utc_now() + age,
        )
        run = Run(
            runtime=runtime, shop_id=shop.id, request_id="test", attempt=attempt, repeats=repeats
        )
        notice = notice_of(run, shop, new_id(), ADDRESS)
        await send_single(run, notice, CONTENT)
        return notice

    return attempt


def answering(delivery):
    async def told(_):
        return delivery

    return Relay(told)


async def test_a_mail_is_handed_over_as_it_is(attempt, shop):
    relay = answering(ACCEPTED)
    notice = await attempt(relay)
    (email,) = relay.taken
    assert (email.id, email.sender, email.recipient, email.content) == (
        notice.id,
        "shop@example.com",
        ADDRESS,
        CONTENT,
    )
    assert notice.written_at == created_at(notice.id)
    assert notice.sender_name == shop.name
    assert notice.message_id_domain == "alerts.example.com"


async def test_a_refusal_ends_the_job_and_is_noted_without_the_relays_words(attempt):
    with structlog.testing.capture_logs() as logged:
        notice = await attempt(answering(REFUSED))
    assert logged == [
        {
            "event": "mail.refused",
            "log_level": "info",
            "notice_id": str(notice.id),
            "outcome": "refused",
            "code": "550",
        }
    ]


@pytest.mark.parametrize(
    ("step", "reply"),
    [
        ("MAIL", "530 5.7.0 Authentication required"),
        ("MAIL", "552 5.2.2 account over quota"),
        ("RCPT", f"550 5.7.1 <{ADDRESS}> relaying denied"),
        ("DATA", "554 5.5.1 no"),
        ("content", "554 5.7.1 spam"),
        ("content", "454 Throttling failure"),
    ],
)
async def test_a_relay_that_does_not_serve_us_is_asked_again_for_days(attempt, step, reply):
    is_well = []

    def script(stage, _):
        return reply if stage == step and not is_well else None

    async with smtp_relay(script) as (server, settings):
        transport = SMTPTransport(settings)
        for age in (timedelta(0), PATIENCE - timedelta(hours=1)):
            with pytest.raises(Retry, match=reply[:3]) as retry:
                await attempt(transport, attempt=50, age=age)
            assert retry.value.delay == timedelta(hours=1)
            assert "ada" not in str(retry.value)
        with pytest.raises(GiveUp):
            await attempt(transport, attempt=50, age=PATIENCE + timedelta(hours=1))
        is_well.append(True)
        await attempt(transport, attempt=51, age=timedelta(days=4))
        assert len(server.accepted) == 1
        await transport.aclose()


@pytest.mark.parametrize(
    ("step", "reply", "outcome"),
    [
        ("RCPT", "550 5.1.1 no such user", "refused"),
        ("RCPT", "552 5.2.2 mailbox full", "rejected"),
        ("content", "552 5.3.4 too big", "rejected"),
    ],
)
async def test_a_refusal_of_the_recipient_or_the_mail_ends_it(attempt, step, reply, outcome):
    async with smtp_relay(lambda stage, _: reply if stage == step else None) as (_, settings):
        transport = SMTPTransport(settings)
        with structlog.testing.capture_logs() as logged:
            await attempt(transport)
        await transport.aclose()
    assert [(one["outcome"], one["code"]) for one in logged] == [(outcome, reply[:3])]


@pytest.mark.parametrize("answer", [DEFERRED, UNKNOWN])
async def test_later_is_tried_again_after_growing_pauses(attempt, answer):
    pauses = []
    for tries in range(9):
        with pytest.raises(Retry) as retry:
            await attempt(answering(answer), attempt=tries, repeats=tries)
        pauses.append(retry.value.delay)
    assert pauses[0] == timedelta(seconds=30)
    assert pauses == sorted(pauses)
    assert pauses[-1] == timedelta(hours=1)


async def test_later_is_not_tried_for_ever(attempt):
    with pytest.raises(Retry):
        await attempt(answering(DEFERRED), attempt=100, age=PATIENCE - timedelta(hours=1))
    with pytest.raises(GiveUp, match="did not take a mail in 101 tries: 451 greylisted"):
        await attempt(answering(DEFERRED), attempt=100, age=PATIENCE + timedelta(hours=1))


async def test_a_mail_that_may_have_arrived_is_not_repeated_for_ever(attempt):
    with pytest.raises(Retry) as retry:
        await attempt(answering(UNKNOWN), repeats=MOST_REPEATS - 1)
    assert retry.value.is_repeat
    with pytest.raises(GiveUp, match="connection lost"):
        await attempt(answering(UNKNOWN), repeats=MOST_REPEATS)


async def test_a_relay_that_was_away_does_not_use_up_a_mails_repeats(attempt):
    with pytest.raises(Retry) as retry:
        await attempt(answering(UNKNOWN), attempt=1000)
    assert (retry.value.delay, retry.value.is_repeat) == (timedelta(seconds=30), True)
    with pytest.raises(Retry) as retry:
        await attempt(answering(DEFERRED), attempt=1000)
    assert not retry.value.is_repeat


async def test_a_relay_that_is_away_is_waited_for_however_long(attempt):
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        port = deaf.getsockname()[1]
        away = SMTPTransport(SMTPSettings(host="127.0.0.1", port=port, security="none", timeout=1))
        with pytest.raises(Retry, match="cannot be reached") as retry:
            await attempt(away, attempt=1000, age=2 * PATIENCE)
        assert retry.value.delay == LATER
        await away.aclose()


async def test_the_recipient_is_not_in_the_reason(attempt):
    answer = Delivery(Outcome.DEFERRED, f"451 <{ADDRESS}> is greylisted")
    with pytest.raises(Retry) as retry:
        await attempt(answering(answer))
    assert str(retry.value) == "451 <the recipient> is greylisted"
    with pytest.raises(GiveUp) as given_up:
        await attempt(answering(answer), age=PATIENCE + timedelta(hours=1))
    assert ADDRESS not in str(given_up.value)


@pytest.mark.parametrize(
    ("reply", "kept"),
    [
        ("550 <ADA@Example.COM>: unknown", "550 <the recipient>: unknown"),
        ("550 no user ada here", "550 no user the recipient here"),
        ("550 ada@mx.example.com via shop@x.example", "550 an address via an address"),
        ("250 adapted", "250 adapted"),
    ],
)
def test_a_reply_is_freed_of_addresses(reply, kept):
    assert Delivery(Outcome.DEFERRED, reply).reply_without(ADDRESS) == kept
