"""What a relay cannot carry, what nobody may smuggle in, and connections that end while idle."""

import dataclasses
from decimal import Decimal
from email import message_from_bytes, policy

import pytest

from openstoq.kernel.clock import utc_now
from openstoq.kernel.ids import new_id
from openstoq.messaging.email.smtp import SMTPTransport
from openstoq.messaging.port import Email
from openstoq.messaging.render import AlertFacts, Recipient, prepare_alert
from tests.factories.smtp_relays import Pile, an_email, relay

both = pytest.mark.parametrize("pipelining", [True, False])


async def send(settings, *emails):
    """Send over one connection; return what became of each."""
    transport = SMTPTransport(dataclasses.replace(settings, connections=1))
    pile = Pile(list(emails))
    await transport.send(pile)
    await transport.aclose()
    assert pile.is_balanced()
    return pile


def mailed(server):
    """The envelopes that reached the relay."""
    return [line for line in server.heard if line.startswith(("MAIL", "RCPT"))]


@both
async def test_an_address_that_needs_smtputf8_costs_its_own_message_where_there_is_none(pipelining):
    async with relay(pipelining=pipelining) as (server, settings):
        before, odd, after = an_email(), an_email("jörg@example.com"), an_email("bob@example.com")
        pile = await send(settings, before, odd, after)
        assert [*map(pile.outcome, (before, odd, after))] == ["accepted", "rejected", "accepted"]
        assert "SMTPUTF8" in pile.settled[odd.id][0].reply
        assert server.accepted == [before.content, after.content]
        assert not [line for line in server.heard if "rg@" in line]
        assert server.connections == 1


@both
async def test_an_address_beyond_ascii_goes_where_smtputf8_is_offered(pipelining):
    async with relay(pipelining=pipelining, extensions=("8BITMIME", "SMTPUTF8")) as (
        server,
        settings,
    ):
        odd, plain = an_email("jörg@bücher.example"), an_email()
        pile = await send(settings, odd, plain)
        assert [*map(pile.outcome, (odd, plain))] == ["accepted"] * 2
        assert mailed(server) == [
            "MAIL FROM:<shop@example.com> SMTPUTF8",
            "RCPT TO:<jörg@xn--bcher-kva.example>",
            "MAIL FROM:<shop@example.com>",
            "RCPT TO:<ada@example.com>",
        ]


async def test_a_domain_beyond_ascii_needs_nothing_of_the_relay():
    async with relay(extensions=()) as (server, settings):
        email = an_email("ada@bücher.example", sender="shop@köln.example")
        assert (await send(settings, email)).outcome(email) == "accepted"
        assert mailed(server) == [
            "MAIL FROM:<shop@xn--kln-sna.example>",
            "RCPT TO:<ada@xn--bcher-kva.example>",
        ]


@both
async def test_8_bit_content_has_blocks_from_a_relay_without_8bitmime(pipelining):
    async with relay(pipelining=pipelining, extensions=()) as (server, settings):
        octets, plain = an_email(body="Grüße\r\n".encode()), an_email()
        pile = await send(settings, octets, plain)
        assert [*map(pile.outcome, (octets, plain))] == ["rejected", "accepted"]
        assert "8BITMIME" in pile.settled[octets.id][0].reply
        assert server.accepted == [plain.content]


async def test_8_bit_content_is_announced_where_it_may_go():
    async with relay() as (server, settings):
        octets = an_email(body="Grüße\r\n".encode())
        assert (await send(settings, octets)).outcome(octets) == "accepted"
        assert mailed(server)[0] == "MAIL FROM:<shop@example.com> BODY=8BITMIME"
        assert server.accepted == [octets.content]


BREAKS = [
    "\r\nRCPT TO:<eve@example.com>",
    ">\r\nRCPT TO:<eve@example.com>\r\n",
    "\nDATA",
    "\rx",
    "> SIZE=1",
    "\0",
    "\u2028x",
    " x",
]


@both
@pytest.mark.parametrize("tail", BREAKS)
async def test_no_address_adds_a_command(pipelining, tail):
    async with relay(pipelining=pipelining) as (server, settings):
        to, of = an_email(f"ada@example.com{tail}"), an_email(sender=f"shop@example.com{tail}")
        local, plain = an_email(f"a{tail}@example.com"), an_email()
        pile = await send(settings, to, of, local, plain)
        assert [*map(pile.outcome, (to, of, local))] == ["refused", "turned_away", "refused"]
        assert mailed(server) == ["MAIL FROM:<shop@example.com>", "RCPT TO:<ada@example.com>"]
        assert server.accepted == [plain.content]


SMUGGLED = b"MAIL FROM:<eve@example.com>\r\nRCPT TO:<bob@example.com>\r\nDATA\r\n"


@both
async def test_no_content_ends_early_to_begin_another_message(pipelining):
    async with relay(pipelining=pipelining) as (server, settings):
        whole = an_email(body=b"hello\r\n.\r\n" + SMUGGLED)
        bare = [
            an_email(body=b"hello" + end + SMUGGLED) for end in (b"\n.\r\n", b"\n.\n", b"\r.\r")
        ]
        pile = await send(settings, whole, *bare)
        assert pile.outcome(whole) == "accepted"
        assert [*map(pile.outcome, bare)] == ["rejected"] * 3
        assert len(mailed(server)) == 2
        assert server.accepted == [whole.content.replace(b"\r\n.", b"\r\n..")]


def an_alert(tail=""):
    """An alert in which everything that comes from a shop or a shopper ends in `tail`."""
    facts = AlertFacts(
        shop_name=f"Nordwand{tail}",
        shop_url="https://nordwand.example",
        sender="shop@nordwand.example",
        product_title=f"Jacke „Höhenweg“{tail}",
        variant_title=f"Blau / M{tail}",
        product_url=f"https://nordwand.example/products/jacke{tail}",
        image_url=f"https://cdn.example/jacke.png{tail}",
        price=Decimal(249),
        currency="EUR",
        message_id_domain=f"mail.nordwand.example{tail}",
    )
    number = new_id()
    recipient = Recipient(
        notification_id=number,
        written_at=utc_now(),
        address="ada@example.com",
        name=f"Jörg{tail}",
        unsubscribe_url="https://api.example/unsubscribe/abc",
    )
    content = prepare_alert(facts, "de").personal(recipient)
    return Email(id=number, sender=facts.sender, recipient=recipient.address, content=content)


@pytest.mark.parametrize(
    "tail", ["\r\nBcc: eve@example.com", "\nBcc: e@x.example", "\rBcc: e", "\r\n\r\n.\r\nQUIT\r\n"]
)
async def test_what_shops_and_shoppers_wrote_stays_in_its_place_on_the_wire(tail):
    # Without 8BITMIME: what we write ourselves asks nothing of a relay.
    async with relay(extensions=()) as (server, settings):
        plain, hostile = an_alert(), an_alert(tail)
        pile = await send(settings, plain, hostile)
        assert [*map(pile.outcome, (plain, hostile))] == ["accepted"] * 2
        usual, arrived = (message_from_bytes(one, policy=policy.default) for one in server.accepted)
        assert arrived.keys() == usual.keys()
        assert arrived["To"] == "ada@example.com"
        assert arrived.get_content_type() == "multipart/alternative"
        assert len(mailed(server)) == 4


@both
@pytest.mark.parametrize("farewell", [b"", b"421 idle for too long\r\n"])
async def test_a_connection_that_the_relay_closed_while_idle_is_replaced(pipelining, farewell):
    async with relay(pipelining=pipelining) as (server, settings):
        transport = SMTPTransport(dataclasses.replace(settings, connections=1))
        sent = []
        for _ in range(3):
            emails = [an_email() for _ in range(5)]
            pile = Pile(emails)
            await transport.send(pile)
            assert [*map(pile.outcome, emails)] == ["accepted"] * 5
            assert pile.is_balanced()
            sent += [email.content for email in emails]
            await server.hang_up(farewell)
        await transport.aclose()
        assert server.accepted == sent
        assert server.connections == 3


@both
async def test_a_connection_that_ends_as_it_is_used_again_is_replaced(pipelining):
    ends = []

    def script(step, _):
        # The close is on its way when the next message's first command is.
        if step == "MAIL" and ends:
            ends.clear()
            return "drop"
        return None

    async with relay(script, pipelining=pipelining) as (server, settings):
        transport = SMTPTransport(dataclasses.replace(settings, connections=1))
        sent = []
        for _ in range(2):
            emails = [an_email() for _ in range(5)]
            pile = Pile(emails)
            await transport.send(pile)
            assert [*map(pile.outcome, emails)] == ["accepted"] * 5
            assert pile.is_balanced()
            sent += [email.content for email in emails]
            ends.append(True)
        await transport.aclose()
        assert server.accepted == sent
        assert server.connections == 2
