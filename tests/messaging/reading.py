"""Mails as their readers' programs read them, and what every relay demands of one."""

from email import message_from_bytes, policy
from email.message import EmailMessage
from html.parser import HTMLParser
from typing import cast


def parsed(content: bytes) -> EmailMessage:
    message = cast("EmailMessage", message_from_bytes(content, policy=policy.default))
    assert not message.defects
    assert not [defect for part in message.walk() for defect in part.defects]
    assert not [d for header in message.values() for d in getattr(header, "defects", ())]
    return message


def body(message: EmailMessage, subtype: str) -> str:
    part = message.get_body((subtype,))
    assert part is not None
    return cast("str", part.get_content()).replace("\r\n", "\n")


class Links(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.pictures: list[dict[str, str | None]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.found.append(dict(attrs)["href"] or "")
        if tag == "img":
            self.pictures.append(dict(attrs))


def assert_fit_for_the_wire(content: bytes) -> None:
    assert content.isascii()
    assert content.endswith(b"\r\n")
    assert b"\n" not in content.replace(b"\r\n", b"")
    assert b"\r" not in content.replace(b"\r\n", b"")
    assert b"\0" not in content
    head, _, bodies = content.partition(b"\r\n\r\n")
    assert max(map(len, head.split(b"\r\n"))) <= 998
    assert max(map(len, bodies.split(b"\r\n"))) <= 76
