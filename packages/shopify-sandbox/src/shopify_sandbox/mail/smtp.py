"""The SMTP server of the mail catcher."""

import asyncio
import socket
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

from shopify_sandbox.mail.mailbox import Mailbox

LARGEST_MESSAGE = 32 * 1024 * 1024


class CatchingHandler:
    """The handler of aiosmtpd that accepts every message to which no fault applies."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox

    async def handle_EHLO(  # noqa: N802 — aiosmtpd finds its hooks by this name
        self,
        server: SMTP,
        session: Session,
        envelope: Envelope,
        hostname: str,
        responses: list[str],
    ) -> list[str]:
        """Announce PIPELINING, which aiosmtpd supports without saying so.

        aiosmtpd reads commands from a stream, so commands that arrive together are not lost.
        """
        del server, envelope
        session.host_name = hostname
        return [*responses[:-1], "250-PIPELINING", responses[-1]]

    async def handle_RCPT(  # noqa: N802 — as above
        self,
        server: SMTP,
        session: Session,
        envelope: Envelope,
        address: str,
        rcpt_options: list[str],
    ) -> str:
        """Accept a recipient unless a fault applies.

        A `refuse` fault refuses the recipient for good (550), a `later` fault for now (451).
        """
        del server, session
        fault = self._mailbox.fault(("refuse", "later"), [address])
        if fault is not None and fault.kind == "refuse":
            return "550 5.1.1 No such mailbox, as ordered"
        if fault is not None:
            return "451 4.3.0 Try again later, as ordered"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(rcpt_options)
        return "250 2.1.5 OK"

    async def handle_DATA(  # noqa: N802 — as above
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        """Store the message, and apply the faults.

        A `delay` fault first waits. Then the message is stored, unless there is a `drop` fault
        whose `store` is false. Last, a `drop` fault closes the connection.
        """
        del session
        recipients = [str(each) for each in envelope.rcpt_tos]
        if delay := self._mailbox.fault(("delay",), recipients):
            await asyncio.sleep(delay.seconds)
        drop = self._mailbox.fault(("drop",), recipients)
        if drop is None or drop.store:
            content = envelope.content or b""
            raw = content if isinstance(content, bytes) else content.encode()
            self._mailbox.add(str(envelope.mail_from or ""), recipients, raw)
        if drop is not None and server.transport is not None:
            server.transport.close()
        return f"250 2.0.0 OK, caught as {len(self._mailbox)}"


async def serve_smtp(mailbox: Mailbox, listening: socket.socket) -> asyncio.Server:
    """Start to accept messages on a bound socket; close the returned server to stop."""
    loop = asyncio.get_running_loop()
    handler = CatchingHandler(mailbox)

    def connection() -> Any:
        return SMTP(
            handler,
            data_size_limit=LARGEST_MESSAGE,
            enable_SMTPUTF8=True,
            ident="shopify-sandbox mail catcher",
            hostname="localhost",
            loop=loop,
        )

    return await loop.create_server(connection, sock=listening, backlog=512)
