"""Relays on loopback whose behaviour a test scripts, and an outbox that keeps its promises."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

from openstoq.messaging.email.settings import SMTPSettings
from openstoq.messaging.port import Delivery, Email, Outbox
from tests.factories.patience import PATIENCE

# Asked before each step ("greet", "MAIL", "RCPT", "DATA", "content") with its argument,
# the content with itself.
# Returns None to go on, a reply to give instead, or "drop" / "hang".
Script = Callable[[str, str], str | None]


class Relay:
    """A strict SMTP server: nested MAIL, DATA without recipients and the like are refused."""

    def __init__(self, script: Script, extensions: Collection[str], most: int | None) -> None:
        self.script, self.extensions, self.most = script, extensions, most
        self.accepted: list[bytes] = []
        self.heard: list[str] = []
        """Every command line, on whichever connection."""
        self.opens_without_recipients = False
        """Answers DATA with 354 although every recipient was refused, as RFC 2920 allows."""
        self.connections = self.open = self.most_open = 0
        self.pause = 0.0
        """Seconds that it takes over a message."""
        self.is_empty = asyncio.Event()
        self.writers: set[asyncio.StreamWriter] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        self.writers.add(writer)
        self.is_empty.clear()
        try:
            if self.most is not None and self.open > self.most:
                writer.write(b"421 too many connections\r\n")
            else:
                await Conversation(self, reader, writer).run()
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            self.open -= 1
            if not self.open:
                self.is_empty.set()
            self.writers.discard(writer)
            writer.close()

    async def hang_up(self, farewell: bytes) -> None:
        """Close every connection from this side, and wait until all are closed."""
        for writer in self.writers:
            writer.write(farewell)
            writer.close()
        await self.is_empty.wait()


class Conversation:
    """One connection to a relay; each command is a method."""

    def __init__(
        self, relay: Relay, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.relay, self.reader, self.writer = relay, reader, writer
        self.has_sender, self.recipients = False, 0

    async def run(self) -> None:
        await self.step("greet", "", "220 relay")
        while line := (await self.reader.readuntil(b"\r\n")).decode().strip():
            self.relay.heard.append(line)
            verb, _, argument = line.partition(" ")
            if verb == "QUIT":
                return
            await getattr(self, verb.lower())(argument)

    def say(self, line: str) -> None:
        self.writer.write(f"{line}\r\n".encode())

    async def step(self, name: str, argument: str, otherwise: str) -> bool:
        """Do as the script says; True when the answer is a yes."""
        reply = self.relay.script(name, argument) or otherwise
        if reply == "drop":
            raise ConnectionError
        if reply == "hang":
            await asyncio.Event().wait()
        self.say(reply)
        if reply.startswith("421"):
            raise ConnectionError
        return reply[0] in "23"

    async def ehlo(self, _: str) -> None:
        if await self.step("EHLO", "", "250-relay"):
            for extension in self.relay.extensions:
                self.say(f"250-{extension}")
            self.say("250 HELP")

    async def helo(self, _: str) -> None:
        await self.step("HELO", "", "250 relay")

    async def rset(self, _: str) -> None:
        self.has_sender, self.recipients = False, 0
        self.say("250 reset")

    async def mail(self, argument: str) -> None:
        if self.has_sender:
            self.say("503 nested MAIL")
        else:
            self.has_sender = await self.step("MAIL", argument, "250 ok")

    async def rcpt(self, argument: str) -> None:
        if not self.has_sender:
            self.say("503 MAIL first")
        elif await self.step("RCPT", argument, "250 ok"):
            self.recipients += 1

    async def data(self, _: str) -> None:
        if not self.recipients and not self.relay.opens_without_recipients:
            self.say("554 no valid recipients")
        elif await self.step("DATA", "", "354 go on"):
            content = b""
            while (line := await self.reader.readuntil(b"\r\n")) != b".\r\n":
                content += line
            await asyncio.sleep(self.relay.pause)
            if not self.recipients:
                self.say("554 no valid recipients")
            elif await self.step("content", content.decode("latin-1"), "250 taken"):
                self.relay.accepted.append(content)
            self.has_sender, self.recipients = False, 0


@asynccontextmanager
async def relay(
    script: Script = lambda *_: None,
    *,
    pipelining: bool = True,
    extensions: Collection[str] = ("8BITMIME",),
    most: int | None = None,
) -> AsyncIterator[tuple[Relay, SMTPSettings]]:
    announced = ("PIPELINING", *extensions) if pipelining else extensions
    server = Relay(script, announced, most)
    tasks: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(server.serve(reader, writer))
        tasks.add(task)

    listening = await asyncio.start_server(accept, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    try:
        yield server, SMTPSettings(host="127.0.0.1", port=port, security="none", timeout=PATIENCE)
    finally:
        listening.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class Pile(Outbox):
    """Hands out emails while fewer than `permits` are taken and not settled."""

    def __init__(self, emails: list[Email], permits: int = 16) -> None:
        self.waiting, self.permits = list(emails), permits
        self.taken: Counter[UUID] = Counter()
        self.settled: dict[UUID, list[Delivery]] = {}
        self.has_taken = asyncio.Event()
        """Set once four messages are out."""
        self._has_settled = asyncio.Event()

    async def next(self) -> Email | None:
        while self.waiting:
            if (email := self.next_nowait()) is not None:
                return email
            self._has_settled.clear()
            await self._has_settled.wait()
        return None

    def next_nowait(self) -> Email | None:
        out = sum(self.taken.values()) - sum(map(len, self.settled.values()))
        if not self.waiting or out >= self.permits:
            return None
        email = self.waiting.pop(0)
        self.taken[email.id] += 1
        if len(self.taken) >= 4:
            self.has_taken.set()
        return email

    def record(self, email: Email, delivery: Delivery) -> None:
        self.settled.setdefault(email.id, []).append(delivery)
        self._has_settled.set()

    def outcome(self, email: Email) -> str:
        (delivery,) = self.settled[email.id]
        return delivery.outcome.value

    def is_balanced(self) -> bool:
        return all(n == 1 for n in self.taken.values()) and all(
            len(self.settled.get(number, ())) == 1 for number in self.taken
        )


def an_email(
    recipient: str = "ada@example.com",
    body: bytes = b"hello\r\n",
    *,
    sender: str = "shop@example.com",
) -> Email:
    number = uuid4()
    return Email(
        id=number,
        sender=sender,
        recipient=recipient,
        content=f"Message-ID: <{number}@x>\r\n\r\n".encode() + body,
    )
