"""The commands that open a mail transaction, and the content as it is transmitted."""

from openstoq.kernel.contacts import with_ascii_domain
from openstoq.messaging.email.session import Session
from openstoq.messaging.port import Email, Outcome

END_OF_CONTENT = b".\r\n"


class Undeliverable(Exception):  # noqa: N818 - it describes the message
    """A message that this relay cannot accept; the text is the reason to record."""

    def __init__(self, reason: str, outcome: Outcome = Outcome.REJECTED) -> None:
        super().__init__(reason)
        self.outcome = outcome


def ascii_domain(address: str, *, fault: Outcome) -> str:
    """Return `address` with its domain in ASCII.

    If that is impossible, raises Undeliverable with the outcome `fault`.
    """
    try:
        return with_ascii_domain(address)
    except ValueError as error:
        raise Undeliverable(str(error), fault) from None


def envelope(email: Email, session: Session) -> list[bytes]:
    """Return the commands MAIL, RCPT and DATA, using only extensions that the relay announced.

    Raises Undeliverable for an invalid address, or for content that this relay cannot transmit.
    """
    # An invalid sender concerns every message until the operator sets another one.
    sender = ascii_domain(email.sender, fault=Outcome.TURNED_AWAY) if email.sender else ""
    recipient = ascii_domain(email.recipient, fault=Outcome.REFUSED)
    parameters = ""
    eight_bit = not email.content.isascii()
    if eight_bit:
        if not session.eight_bit:
            raise Undeliverable(
                "The message has 8-bit content and the relay does not announce 8BITMIME; "
                "encode it as quoted-printable or base64."
            )
        parameters = " BODY=8BITMIME"
    headers = email.content.partition(b"\r\n\r\n")[0] if eight_bit else b""
    if not (headers.isascii() and sender.isascii() and recipient.isascii()):
        if not session.international:
            raise Undeliverable(
                f"{recipient!r} needs a relay that announces SMTPUTF8, and this one does not; "
                "use another relay or another address."
            )
        parameters += " SMTPUTF8"
    return [
        f"MAIL FROM:<{sender}>{parameters}\r\n".encode(),
        f"RCPT TO:<{recipient}>\r\n".encode(),
        b"DATA\r\n",
    ]


def stuffed(content: bytes) -> bytes:
    """Return `content` ending in CRLF, with the dot at the start of a line doubled.

    RFC 5321, 4.5.2 requires this. Raises Undeliverable for a CR or LF that is not part of a CRLF.
    Relays disagree on whether it ends a line, so one message could be read as two.
    """
    lines = content.count(b"\r\n")
    if content.count(b"\n") != lines or content.count(b"\r") != lines:
        raise Undeliverable("The message has a bare CR or LF; its lines must end in CRLF.")
    if content.startswith(b"."):
        content = b"." + content
    if not content.endswith(b"\r\n"):
        content += b"\r\n"
    return content.replace(b"\r\n.", b"\r\n..")
