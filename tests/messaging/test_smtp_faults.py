import asyncio
import dataclasses
import random

import pytest

from openstoq.messaging.email.settings import SMTPSettings
from openstoq.messaging.email.smtp import SMTPTransport
from openstoq.messaging.port import RelayUnavailable
from tests.factories.patience import PATIENCE
from tests.factories.smtp_relays import Pile, an_email, relay

both = pytest.mark.parametrize("pipelining", [True, False])


async def run(settings, pile, **changes):
    transport = SMTPTransport(dataclasses.replace(settings, **changes))
    try:
        async with asyncio.timeout(20):
            await transport.send(pile)
    finally:
        await transport.aclose()


def refuse_bad(step, argument):
    return "550 no such user" if step == "RCPT" and "bad" in argument else None


@both
async def test_a_refused_recipient_costs_only_its_own_message_also_on_a_reused_connection(
    pipelining,
):
    async with relay(refuse_bad, pipelining=pipelining) as (server, settings):
        transport = SMTPTransport(dataclasses.replace(settings, connections=1))
        bad, good = an_email("bad@example.com"), an_email()
        for email, outcome in ((bad, "refused"), (good, "accepted")):
            pile = Pile([email])
            await transport.send(pile)
            assert pile.outcome(email) == outcome, pile.settled
        await transport.aclose()
        assert len(server.accepted) == 1


async def test_a_relay_that_opens_the_content_without_a_recipient_gets_none():
    async with relay(refuse_bad) as (server, settings):
        server.opens_without_recipients = True
        bad, good = an_email("bad@example.com"), an_email()
        pile = Pile([bad, good])
        await run(settings, pile, connections=1)
        assert (pile.outcome(bad), pile.outcome(good)) == ("refused", "accepted")
        assert server.accepted == [good.content]
        assert server.connections == 1


@both
@pytest.mark.parametrize("permits", [1, 2, 16])
async def test_a_refusal_touches_that_message_only_however_few_permits_there_are(
    pipelining, permits
):
    async with relay(refuse_bad, pipelining=pipelining) as (_, settings):
        emails = [
            an_email("bad@example.com" if n % 3 == 0 else "ok@example.com") for n in range(60)
        ]
        pile = Pile(emails, permits)
        await run(settings, pile)
        assert pile.is_balanced()
        assert len(pile.settled) == 60
        for email in emails:
            assert pile.outcome(email) == ("refused" if "bad" in email.recipient else "accepted")


@both
@pytest.mark.parametrize("permits", [1, 16])
async def test_a_relay_that_takes_no_message_does_not_use_up_the_outbox(pipelining, permits):
    async with relay(lambda s, _: "drop" if s == "content" else None, pipelining=pipelining) as (
        _,
        settings,
    ):
        pile = Pile([an_email() for _ in range(300)], permits)
        with pytest.raises(RelayUnavailable):
            await run(settings, pile)
        assert pile.is_balanced()
        assert len(pile.waiting) > 200


@pytest.mark.parametrize("count", [1, 3, 300])
async def test_a_relay_that_is_down_is_said_to_be_down(count):
    async with relay() as (_, settings):
        pass
    pile = Pile([an_email() for _ in range(count)])
    with pytest.raises(RelayUnavailable, match="cannot be reached"):
        await run(settings, pile)
    assert pile.is_balanced()
    assert len(pile.settled) <= 4
    assert {d.outcome for ds in pile.settled.values() for d in ds} == {"deferred"}


async def test_a_failed_greeting_leaves_no_connection_open():
    async with relay(lambda s, _: "502 not here" if s in ("EHLO", "HELO") else None) as (
        server,
        settings,
    ):
        with pytest.raises(RelayUnavailable):
            await run(settings, Pile([an_email()]), connections=1)
        async with asyncio.timeout(2):
            await server.is_empty.wait()


@both
async def test_a_message_the_relay_hangs_up_on_is_unknown_and_the_others_go_on(pipelining):
    seen = []

    def script(step, _):
        if step == "content":
            seen.append(step)
            return "drop" if len(seen) == 5 else None
        return None

    async with relay(script, pipelining=pipelining) as (_, settings):
        emails = [an_email() for _ in range(20)]
        pile = Pile(emails)
        await run(settings, pile, connections=1)
        assert sorted(map(pile.outcome, emails)).count("unknown") == 1
        assert sorted(map(pile.outcome, emails)).count("accepted") == 19
        assert pile.is_balanced()


async def test_a_relay_that_allows_two_connections_gets_the_rest_over_those():
    async with relay(most=2) as (server, settings):
        emails = [an_email() for _ in range(200)]
        pile = Pile(emails)
        await run(settings, pile)
        assert pile.is_balanced()
        assert len(server.accepted) >= 198


@pytest.mark.parametrize("permits", [1, 16])
@pytest.mark.parametrize("most", [1, 2, 5])
async def test_a_connection_carries_as_many_messages_as_it_may(most, permits):
    async with relay() as (server, settings):
        pile = Pile([an_email() for _ in range(10)], permits)
        await run(settings, pile, connections=1, messages_per_connection=most)
        assert server.connections == 10 / most


async def test_a_refusal_before_the_end_of_a_large_message_is_that_messages_refusal():
    lines = b"y" * 70 + b"\r\n"
    big, after = an_email(body=lines * 100_000), an_email()

    async def serve(reader, writer):
        writer.write(b"220 relay\r\n")
        while line := await reader.readline():
            if line.startswith(b"EHLO"):
                writer.write(b"250-relay\r\n250 PIPELINING\r\n")
            elif line.startswith(b"DATA"):
                writer.write(b"354 go on\r\n")
                size = 0
                while (part := await reader.readline()) not in (b".\r\n", b""):
                    if size < 1_000_000 <= size + len(part):
                        writer.write(b"552 too big\r\n")
                    size += len(part)
                if size < 1_000_000:
                    writer.write(b"250 taken\r\n")
            else:
                writer.write(b"250 ok\r\n")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    settings = SMTPSettings(host="127.0.0.1", port=port, security="none", timeout=PATIENCE)
    pile = Pile([big, after])
    await run(settings, pile, connections=1)
    server.close()
    assert pile.is_balanced()
    assert (pile.outcome(big), pile.outcome(after)) == ("rejected", "accepted")


@both
@pytest.mark.parametrize("seed", range(12))
async def test_every_taken_message_is_settled_once_and_truthfully(seed, pipelining):
    chance = random.Random(seed)  # noqa: S311 - a fixed seed, so that a failure can be repeated

    def script(step, _):
        if chance.random() < 0.9:
            return None
        return chance.choice(
            ["drop", "421 closing", "451 later", "550 no", "hang"][: 4 + (seed % 4 == 0)]
        )

    async with relay(script, pipelining=pipelining) as (server, settings):
        emails = [an_email() for _ in range(60)]
        pile = Pile(emails, permits=chance.choice([1, 2, 8]))
        for _ in range(40):
            try:
                await run(settings, pile, timeout=0.1, connections=chance.choice([1, 3]))
                break
            except RelayUnavailable:
                assert pile.is_balanced()
        assert pile.is_balanced()
        ids = [content.split(b"<")[1].split(b"@")[0].decode() for content in server.accepted]
        assert len(ids) == len(set(ids))
        for email in emails:
            if email.id in pile.settled:
                taken = str(email.id) in ids
                outcome = pile.outcome(email)
                assert outcome == "unknown" or (outcome == "accepted") == taken


@both
async def test_being_stopped_settles_what_was_taken(pipelining):
    async with relay(lambda s, _: "hang" if s == "content" else None, pipelining=pipelining) as (
        _,
        settings,
    ):
        pile = Pile([an_email() for _ in range(30)])
        task = asyncio.create_task(run(settings, pile, timeout=PATIENCE))
        async with asyncio.timeout(5):
            await pile.has_taken.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert pile.is_balanced()
