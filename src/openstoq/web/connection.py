"""A client's connection: uvicorn's protocol with bounds on the size and duration of a request."""

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
# The client must send at least this much of a body in every `head_seconds`.
LEAST_BODY_BYTES = 10_000
# The client must read at least this much of a response in every `answer_seconds`, and all of the
# response in ten times as many seconds.
LEAST_ANSWER_BYTES = 30_000
_ANSWER_WINDOWS = 10
# Data is parsed in pieces of this size, and the limits are checked after each.
PIECE_BYTES = 16_384
# The kernel buffers at most this much of a response beyond the client's receive window.
UNSENT_BYTES = 65_536
# A refused client has so many seconds to read the reason. All that it still sends is discarded.
FAREWELL_SECONDS = 2.0
# The most digits of a Content-Length: no body is longer, and parsing longer numbers is slow.
LONGEST_LENGTH = 19


class Connection(HttpToolsProtocol):
    """A connection on which one client's requests are served one after the other.

    The size of a request's head and the number of its headers are checked while it is parsed. There
    are time limits within which the client must send the head and the body, and read the response.
    `check` enforces them twice a second, because timers would cost every request more. A refusal is
    sent in order, after the responses to the requests before it.
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
        # The time since which the client has been expected to send a head.
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

    # Calls from the transport.

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Admit a client, or refuse it because there are too many connections."""
        super().connection_made(transport)
        if self.client is not None:
            host, port = self.client
            # Proxies are recognised, and clients counted, by the plain IPv4 form of their address.
            self.client = (plain(host), port)
        self._head_since = self.loop.time()
        with suppress(AttributeError, OSError):
            # This keeps the kernel's buffer small for a client that reads nothing.
            transport.get_extra_info("socket").setsockopt(
                socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_BYTES
            )
        refusal = self.open_connections.admit(self, self.client[0] if self.client else None)
        if refusal is not None:
            self._say_farewell(refusal)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop handling the client's requests, and no longer count the connection."""
        self._give_up()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse the received data piece by piece."""
        self._unset_keepalive_if_required()
        for start in range(0, len(data), PIECE_BYTES):
            if self._is_deaf:
                return
            self._parse(data[start : start + PIECE_BYTES])

    def pause_writing(self) -> None:
        """Record that the client reads the response more slowly than it is produced."""
        super().pause_writing()
        self._place()

    def resume_writing(self) -> None:
        """Record that the client has caught up enough with reading the response."""
        super().resume_writing()
        self._place()

    # Calls from the parser.

    def on_message_begin(self) -> None:
        """Begin a request, and count the bytes of its head from zero."""
        if len(self.pipeline) >= MOST_PIPELINED:
            raise self._refused(HTTPStatus.TOO_MANY_REQUESTS)
        super().on_message_begin()
        self._begun += 1
        self._in_head, self._head_bytes, self._header_bytes = True, 0, 0
        self._head_since = self.loop.time()

    def on_url(self, url: bytes) -> None:
        """Add a part of the URL."""
        super().on_url(url)
        # The URL may use half of the head's limit; the other half is for the headers.
        if len(self.url) > self.limits.head_bytes // 2:
            raise self._refused(HTTPStatus.REQUEST_URI_TOO_LONG)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Add a header; ignore trailers, which come after a body."""
        if not self._in_head:
            return
        super().on_header(name, value)
        if name.lower() == b"content-length" and len(value) > LONGEST_LENGTH:
            raise self._refused(HTTPStatus.BAD_REQUEST)
        self._header_bytes += len(name) + len(value)
        if self._header_bytes > self.limits.head_bytes or len(self.headers) > MOST_HEADERS:
            raise self._refused(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def on_headers_complete(self) -> None:
        """Start handling the request while its body is still being received."""
        if not self._is_sound():
            raise self._refused(HTTPStatus.BAD_REQUEST)
        super().on_headers_complete()
        self._in_head, self._in_body = False, True
        self._is_answering = self._has_asked = True
        self._sending.begin(self.loop.time())
        self._empty_bytes = 0
        if self.parser.should_upgrade():
            # We speak no other protocol, and the bytes that follow may belong to one.
            self.cycle.keep_alive = False
        self._place()

    def on_body(self, body: bytes) -> None:
        """Add a part of the body."""
        self._sending.add(len(body))
        self._empty_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Record that the whole request has been received."""
        self._in_body = False
        super().on_message_complete()
        self._place()

    def on_response_complete(self) -> None:
        """Handle the next request, or wait for one."""
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
        """Log nothing: any client can ask for an upgrade as often as it likes."""

    def _is_sound(self) -> bool:
        """Return whether this head is unambiguous, so that every proxy has parsed it as we do."""
        names = [name for name, _ in self.headers]
        match self.parser.get_http_version():
            case "1.1":
                return names.count(b"host") == 1
            case "1.0":
                # HTTP/1.0 has no chunks: a proxy would parse chunks as the next request.
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
            # The whole piece belongs to this head. A piece in which the head began behind another
            # request is not counted, because the size of the head's part is unknown.
            self._head_bytes += len(piece)
            if self._head_bytes > self.limits.head_bytes:
                self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        elif in_body and self._in_body:
            # Chunks may have extensions and trailers of any length, which the parser does not
            # report.
            self._empty_bytes += len(piece)
            if self._empty_bytes > self.limits.head_bytes:
                self._refuse(HTTPStatus.BAD_REQUEST)

    # Times.

    def check(self, now: float) -> None:
        """Close the connection if its client has exceeded a time limit."""
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
            # We have stopped reading, so the client is not to blame.
            self._sending.suspend(now)
        elif self.cycle.response_complete and now - self._head_since > self.limits.head_seconds:
            # The response is complete, so the rest of the body is no longer needed.
            self.transport.close()
        elif self._sending.is_too_slow(now):
            self._refuse(HTTPStatus.REQUEST_TIMEOUT)

    # Ends.

    def drop(self, reason: str | None = None) -> None:
        """Close the connection at once, and count the reason if one is given.

        No reason is given after a refusal, because the refusal has already been counted.
        """
        if reason is not None:
            REFUSED_CONNECTIONS.labels(reason).inc()
        self._give_up()
        self.transport.abort()

    def _give_up(self) -> None:
        self._is_deaf = True
        self.open_connections.leave(self)
        self.pipeline.clear()
        if self._answered is not None:
            # uvicorn reports the disconnect only to the last of several pipelined requests.
            self._answered.disconnected = True
            self._answered.message_event.set()

    def _refused(self, reason: HTTPStatus) -> Exception:
        self._reason = reason
        return ValueError(SENTENCES[reason])

    def _refuse(self, reason: HTTPStatus) -> None:
        """Stop reading, and send the refusal after the responses to earlier requests."""
        self._is_deaf = True
        if self._in_body:
            # The application already handles this request, so the disconnect is reported to it.
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
        """Respond with the reason, give the client time to read it, and close the connection."""
        self._is_deaf = True
        self._farewell_at = self.loop.time()
        self._unset_keepalive_if_required()
        REFUSED_CONNECTIONS.labels(reason.name.lower()).inc()
        self.transport.write(written(reason, self.server_state.default_headers))
        # If we closed while the client still sends, the client would lose the response.
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
    """Return the number of bytes in the kernel's send buffer, which the client has not read yet."""
    try:
        descriptor = transport.get_extra_info("socket").fileno()
        (size,) = struct.unpack("i", ioctl(descriptor, termios.TIOCOUTQ, bytes(4)))
    except (AttributeError, OSError):
        # The socket is closed, or the system has no such call. Bytes in the kernel count as read.
        return 0
    return int(size)
