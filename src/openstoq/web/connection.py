"""One connection: uvicorn's protocol, with bounds on what a client may send, and how slowly."""

from __future__ import annotations

import asyncio
import socket
import struct
import termios
from contextlib import suppress
from fcntl import ioctl
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from openstoq.kernel.addresses import plain
from openstoq.kernel.metrics import REFUSED_CONNECTIONS
from openstoq.web.pace import Pace
from openstoq.web.refusals import SENTENCES, written

if TYPE_CHECKING:
    from uvicorn._types import ASGI3Application
    from uvicorn.server import ServerState

    from openstoq.web.connections import Waiting
    from openstoq.web.server import Config

MOST_HEADERS = 128
MOST_PIPELINED = 32
# In so many seconds as a head may take, at least so much of a body has to come.
LEAST_BODY_BYTES = 10_000
# In `answer_seconds` at least so much of an answer has to be taken, and all of it in ten times them.
LEAST_ANSWER_BYTES = 30_000
_ANSWER_WINDOWS = 10
# Data is parsed in pieces of this size, after each of which the limits are looked at.
PIECE_BYTES = 16_384
# What the kernel takes of an answer beyond what the client has room for.
UNSENT_BYTES = 65_536
# How long a refused client may read why, while what it still sends is thrown away.
FAREWELL_SECONDS = 2.0
# What a length may have of digits: no body has more bytes, and to read more of them takes long.
LONGEST_LENGTH = 19


class Connection(HttpToolsProtocol):
    """Serves the requests of one client, one after the other.

    A head is bounded in bytes and headers while it is parsed. Head, body and the taking of the
    answer have their times, which `check` looks at twice a second, because a timer for each would
    cost every request more. What is refused is answered in its turn, after the requests before it.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.open_connections = config.open_connections
        self.limits = limits = config.open_connections.limits
        self.waiting: Waiting | None = None
        self._answered: RequestResponseCycle | None = None
        self._in_head = self._in_body = self._is_answering = self._has_asked = False
        self._begun = self._head_bytes = self._header_bytes = self._empty_bytes = 0
        # Since when the client is awaited to send a head.
        self._head_since = 0.0
        self._sending = Pace(LEAST_BODY_BYTES, limits.head_seconds, limits.body_seconds)
        self._taking = Pace(
            LEAST_ANSWER_BYTES, limits.answer_seconds, _ANSWER_WINDOWS * limits.answer_seconds
        )
        self._untaken_bytes = 0
        self._reason = HTTPStatus.BAD_REQUEST
        self._refusal: HTTPStatus | None = None
        self._is_deaf = False
        self._farewell_at: float | None = None

    # What the transport says.

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a client in, or say that there is no room."""
        super().connection_made(transport)
        if self.client is not None:
            host, port = self.client
            # Proxies are trusted, and clients counted, by the address that they have.
            self.client = (plain(host), port)
        self._head_since = self.loop.time()
        with suppress(AttributeError, OSError):
            # A client that takes nothing then costs the kernel little as well.
            transport.get_extra_info("socket").setsockopt(
                socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_BYTES
            )
        refusal = self.open_connections.admit(self, self.client[0] if self.client else None)
        if refusal is not None:
            self._say_farewell(refusal)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the client."""
        self._give_up()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what came, a piece at a time."""
        self._unset_keepalive_if_required()
        for start in range(0, len(data), PIECE_BYTES):
            if self._is_deaf:
                return
            self._parse(data[start : start + PIECE_BYTES])

    def pause_writing(self) -> None:
        """Note that the client does not take its answer as fast as it is made."""
        super().pause_writing()
        self._place()

    def resume_writing(self) -> None:
        """Note that it has taken some."""
        super().resume_writing()
        self._place()

    # What the parser says.

    def on_message_begin(self) -> None:
        """Begin to count a request."""
        if len(self.pipeline) >= MOST_PIPELINED:
            raise self._refused(HTTPStatus.TOO_MANY_REQUESTS)
        super().on_message_begin()
        self._begun += 1
        self._in_head, self._head_bytes, self._header_bytes = True, 0, 0
        self._head_since = self.loop.time()

    def on_url(self, url: bytes) -> None:
        """Take a part of the address."""
        super().on_url(url)
        # The other half is for the headers.
        if len(self.url) > self.limits.head_bytes // 2:
            raise self._refused(HTTPStatus.REQUEST_URI_TOO_LONG)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; what trails a body is none of the request's."""
        if not self._in_head:
            return
        super().on_header(name, value)
        if name.lower() == b"content-length" and len(value) > LONGEST_LENGTH:
            raise self._refused(HTTPStatus.BAD_REQUEST)
        self._header_bytes += len(name) + len(value)
        if self._header_bytes > self.limits.head_bytes or len(self.headers) > MOST_HEADERS:
            raise self._refused(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def on_headers_complete(self) -> None:
        """Begin to answer, while the body comes."""
        if not self._is_sound():
            raise self._refused(HTTPStatus.BAD_REQUEST)
        super().on_headers_complete()
        self._in_head, self._in_body = False, True
        self._is_answering = self._has_asked = True
        self._sending.begin(self.loop.time())
        self._empty_bytes = 0
        if self.parser.should_upgrade():
            # No other protocol is spoken here, and what follows may be one.
            self.cycle.keep_alive = False
        self._place()

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        self._sending.add(len(body))
        self._empty_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Note that the client has sent its request."""
        self._in_body = False
        super().on_message_complete()
        self._place()

    def on_response_complete(self) -> None:
        """Begin the next answer, or wait for the next request."""
        self._head_since = self.loop.time()
        super().on_response_complete()
        self._is_answering = not self.cycle.response_complete
        if self._refusal is not None and not self._is_answering:
            self._say_farewell(self._refusal)
        self._place()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._answered = cycle
        self._taking.begin(self.loop.time())
        super()._start_asgi_task(cycle, app)

    def _unsupported_upgrade_warning(self) -> None:
        """Say nothing: anybody can ask for it, as often as he likes."""

    def _is_sound(self) -> bool:
        """Return whether a head is one that nobody on its way reads otherwise."""
        names = [name for name, _ in self.headers]
        match self.parser.get_http_version():
            case "1.1":
                return names.count(b"host") == 1
            case "1.0":
                # It knows no chunks: where they are not understood they are the next request.
                return names.count(b"host") <= 1 and b"transfer-encoding" not in names
        return False

    def _parse(self, piece: bytes) -> None:
        between, in_body, begun = not (self._in_head or self._in_body), self._in_body, self._begun
        try:
            self.parser.feed_data(piece)
        except httptools.HttpParserUpgrade:
            self._is_deaf = True
        except httptools.HttpParserError:
            self._refuse(self._reason)
            return
        if self._in_head and self._begun - begun <= between:
            # All of the piece is of this head; of one that began behind another request, who knows.
            self._head_bytes += len(piece)
            if self._head_bytes > self.limits.head_bytes:
                self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        elif in_body and self._in_body:
            # Chunks may have extensions, and trailers behind them, of any length.
            self._empty_bytes += len(piece)
            if self._empty_bytes > self.limits.head_bytes:
                self._refuse(HTTPStatus.BAD_REQUEST)

    # Times.

    def check(self, now: float) -> None:
        """End the connection if its client has been awaited for too long."""
        if self._farewell_at is not None:
            if now - self._farewell_at > FAREWELL_SECONDS:
                self.drop()
        elif self._is_slow_to_take(now):
            self.drop("slow_to_take")
        elif self._in_head:
            if now - self._head_since > self.limits.head_seconds:
                self._refuse(HTTPStatus.REQUEST_TIMEOUT)
        elif self._in_body:
            self._check_body(now)
        elif not self._is_answering:
            limits = self.limits
            patience = limits.keep_alive_seconds if self._has_asked else limits.head_seconds
            if now - self._head_since > patience:
                self.transport.close()

    def _is_slow_to_take(self, now: float) -> bool:
        untaken = self.transport.get_write_buffer_size()
        if untaken == 0:
            self._taking.begin(now)
        else:
            untaken += _in_kernel(self.transport)
            self._taking.add(max(0, self._untaken_bytes - untaken))
        self._untaken_bytes = untaken
        return self._taking.is_too_slow(now)

    def _check_body(self, now: float) -> None:
        if self.flow.read_paused:
            # It is we who do not read on.
            self._sending.suspend(now)
        elif self.cycle.response_complete and now - self._head_since > self.limits.head_seconds:
            # What it still sends was not asked for any more.
            self.transport.close()
        elif self._sending.is_too_slow(now):
            self._refuse(HTTPStatus.REQUEST_TIMEOUT)

    # Ends.

    def drop(self, reason: str | None = None) -> None:
        """End the connection at once; the reason is counted, unless it was with the refusal."""
        if reason is not None:
            REFUSED_CONNECTIONS.labels(reason).inc()
        self._give_up()
        self.transport.abort()

    def _give_up(self) -> None:
        self._is_deaf = True
        self.open_connections.leave(self)
        self.pipeline.clear()
        if self._answered is not None:
            # uvicorn tells the last of several requests in a row only.
            self._answered.disconnected = True
            self._answered.message_event.set()

    def _refused(self, reason: HTTPStatus) -> Exception:
        self._reason = reason
        return ValueError(SENTENCES[reason])

    def _refuse(self, reason: HTTPStatus) -> None:
        """Read no further, and say so once the requests before this one are answered."""
        self._is_deaf = True
        if self._in_body:
            # Its answer is under way, and the application learns that no more of it comes.
            self.cycle.disconnected = True
            self.cycle.message_event.set()
            if self.cycle.response_started or self.pipeline:
                REFUSED_CONNECTIONS.labels(reason.name.lower()).inc()
                self.transport.close()
            else:
                self._say_farewell(reason)
        elif not self._is_answering:
            self._say_farewell(reason)
        else:
            self._refusal = reason

    def _say_farewell(self, reason: HTTPStatus) -> None:
        """Answer with the reason and end the connection, leaving a moment in which to read it."""
        self._is_deaf = True
        self._farewell_at = self.loop.time()
        self._unset_keepalive_if_required()
        REFUSED_CONNECTIONS.labels(reason.name.lower()).inc()
        self.transport.write(written(reason, self.server_state.default_headers))
        # To close while it still sends would take the answer from it.
        self.transport.write_eof()
        self.open_connections.refuse(self)

    def _place(self) -> None:
        if self.flow.write_paused:
            waiting: Waiting | None = self.open_connections.stalled
        elif self._in_body:
            waiting = self.open_connections.sending
        elif self._is_answering:
            waiting = None
        else:
            waiting = self.open_connections.idle
        self.open_connections.move(self, waiting)


def _in_kernel(transport: asyncio.Transport) -> int:
    """Return how many bytes the kernel holds that the client has not taken."""
    try:
        descriptor = transport.get_extra_info("socket").fileno()
        (size,) = struct.unpack("i", ioctl(descriptor, termios.TIOCOUTQ, bytes(4)))
    except (AttributeError, OSError):
        # It is closed, or no system says so; then what it took over counts as taken.
        return 0
    return int(size)
