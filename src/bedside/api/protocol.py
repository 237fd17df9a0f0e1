"""HTTP/1.1 from bytes: uvicorn's httptools protocol, with bounds, and stricter.

**Bounds.** llhttp limits neither the size of a request's head nor the time in which it arrives, nor
the number of headers, of requests that wait on one connection (pipelining) or of pieces of a body;
uvicorn does not limit how long a client may take to read an answer. `Connections` bounds how many
connections there are.

**Strictness.** What two servers could frame differently is refused (RFC 9112, sections 6.1, 6.3 and
11.2), and so is a request without one `Host` (section 3.2). Trailers are read and dropped: a field
that came behind the body must not look like one that came before it. What follows a request with
`Connection: close` is not answered (section 9.6), which is uvicorn's own doing; a test holds it.

**Refusals** are problem details, and come after the answers to the requests before them.

**Upgrades.** Java's `HttpClient` offers `Upgrade: h2c` with every first request. A server may ignore
such an offer (RFC 9110, section 7.8); httptools stops reading at it, and so would lose the body.
Here the request is read on as if nothing had been offered.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from typing import Any, Final

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from bedside.api.connections import Connections
from bedside.api.direct import Direct, Held, Recorded
from bedside.api.unread import MAX_HEAD_BYTES, MAX_HEADERS, Unread, check_head, long_head, not_http
from bedside.site.settings import Limits

MAX_WAITING: Final = 16
"""Requests that wait on one connection while one is answered; no browser sends ahead at all."""

MAX_PIECES: Final = 50_000
"""Pieces in which a body may come: a chunk of one byte costs as much as one of many."""

_UPLOADS: Final = (b"/analyses", b"/blobs")
"""How the addresses end to which volumes are sent."""

_FRAMING: Final = frozenset({b"content-length", b"transfer-encoding"})
"""The headers that say where a request's body ends (RFC 9112, section 6)."""


class BoundedProtocol(HttpToolsProtocol):
    """One connection. `bounded` makes a class with its bounds for uvicorn's configuration.

    Attributes:
        seconds: For each of: first bytes to end of head, and end of head to end of body.
        upload_seconds: Instead of `seconds`, for the body of a request that uploads volumes.
        answer_seconds: For the client to take what does not fit into the socket's buffer.
        all_connections: The open connections of this process.
        direct: Gives the lane without ASGI, where there is one.
        peer: The client's address.
        since: When it began to wait for a request, by the event loop's clock.
    """

    seconds: float = 20.0
    upload_seconds: float = 600.0
    answer_seconds: float = 30.0
    all_connections: Connections
    direct: Callable[[], Direct | None]

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.peer = ""
        self.since = 0.0
        self._head = 0  # bytes of the present head that came, and
        self._fields = 0  # bytes of it that were understood
        self._in_head = True  # or before the first one
        self._begun = False  # a request is partly here
        self._ended = False  # one ended within the data that is being read
        self._trailers = 0
        self._pieces = 0
        self._repeating = False
        self._given = self.seconds
        self._held: tuple[RequestResponseCycle, Held] | None = None  # its body is not here yet
        self._refusal: Unread | None = None
        self._deadline: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._stuck: asyncio.TimerHandle | None = None

    @property
    def waiting(self) -> bool:
        """Whether no request is being answered."""
        return self.cycle is None or (self.cycle.response_complete and not self.pipeline)

    @property
    def fresh(self) -> bool:
        """Whether no request has come at all."""
        return self.cycle is None

    def let_go(self) -> None:
        """Close the connection when what was written is sent."""
        if not self.transport.is_closing():
            self.transport.close()

    def cut_off(self) -> None:
        """Close the connection, whatever is still to be sent."""
        self.transport.abort()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request, if there is room for one more connection."""
        super().connection_made(transport)
        transport.set_write_buffer_limits(high=0)  # so that every client who does not read is seen
        self.peer = self.client[0] if self.client else ""
        self.since = self.loop.time()
        if self.all_connections.enter(self, self.since):
            self._give(self.seconds)
        else:
            why = "As many connections as fit are being answered."
            self._tell(Unread(HTTPStatus.SERVICE_UNAVAILABLE, why))

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._deadline = None
        for timer in (self._timer, self._stuck):
            if timer is not None:
                timer.cancel()
        self._timer = self._stuck = None
        self.all_connections.leave(self)
        super().connection_lost(exc)
        if self._held is not None:
            self._pass_on(*self._held)  # where it is found that the client left

    def pause_writing(self) -> None:
        """Give the client time to take what is written: called once the socket takes no more."""
        super().pause_writing()
        if self._stuck is None:
            self._stuck = self.loop.call_later(self.answer_seconds, self.cut_off)
        self.all_connections.stuck(self)

    def resume_writing(self) -> None:
        """Go on: the client has taken everything."""
        self.all_connections.moving(self)
        if self._stuck is not None:
            self._stuck.cancel()
            self._stuck = None
        super().resume_writing()

    def data_received(self, data: bytes) -> None:
        """Read what came, unless it must not be read any more."""
        if self._refusal is not None or self.transport.is_closing():
            return
        self._ended = False
        try:
            self._read(data)
        except httptools.HttpParserError as problem:
            found = problem.__context__
            self._refuse(found if isinstance(found, Unread) else not_http())
            return
        if self._in_head and not self._ended:
            self._head += len(data)
            if self._head > MAX_HEAD_BYTES:
                self._refuse(long_head())

    def on_message_begin(self) -> None:
        """Begin to count and to wait for a request's head."""
        if self._repeating:
            return
        self._head = self._fields = self._trailers = self._pieces = 0
        self._in_head = self._begun = True
        self._give(self.seconds)
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """Take a part of the address."""
        if not self._repeating:
            super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take one header; one that comes behind the body is counted and dropped."""
        if self._repeating:
            return
        if self._in_head:
            name = name.lower()
            if name == b"expect" and value.lower() == b"100-continue":
                self.expect_100_continue = True
            headers = self.headers
            headers.append((name, value))
            self._fields += len(name) + len(value)
            if self._fields > MAX_HEAD_BYTES or len(headers) > MAX_HEADERS:
                raise long_head()
        else:
            self._trailers += 1
            if self._trailers > MAX_HEADERS:
                raise Unread(HTTPStatus.BAD_REQUEST, f"More than {MAX_HEADERS} trailer fields.")

    def on_headers_complete(self) -> None:
        """Check the head as a whole, and begin to wait for the body."""
        if self._repeating:
            self._repeating = False
            return
        check_head(self.parser.get_http_version(), self.url, self.headers)
        if len(self.pipeline) >= MAX_WAITING:
            why = f"More than {MAX_WAITING} requests wait on this connection."
            raise Unread(HTTPStatus.TOO_MANY_REQUESTS, why)
        super().on_headers_complete()
        self._in_head = False
        self._give(self.upload_seconds if self.url.endswith(_UPLOADS) else self.seconds)

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body."""
        self._pieces += 1
        if self._pieces > MAX_PIECES:
            why = f"The body comes in more than {MAX_PIECES} pieces."
            raise Unread(HTTPStatus.BAD_REQUEST, why)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Stop waiting: all of the request is here (after a declined upgrade: not yet)."""
        if self.parser.should_upgrade():
            return
        self._begun, self._ended = False, True
        if self.cycle.response_complete:
            self._give(self.timeout_keep_alive)
        else:
            self._deadline = None
        super().on_message_complete()
        if self._held is not None and not self._held[0].more_body:
            self._ask(*self._held)

    def on_response_complete(self) -> None:
        """Answer the next request that waits, or what was refused behind it, or begin to wait."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        if self.pipeline:
            self.flow.resume_reading()
            cycle, app = self.pipeline.pop()
            self._start_asgi_task(cycle, app)
        elif self._refusal is not None:
            self._tell(self._refusal)
        else:
            self.flow.resume_reading()
            self.since = self.loop.time()
            if self._deadline is None:
                self._give(self.timeout_keep_alive)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        """Begin with a request whose head is here, without ASGI where the lane takes it."""
        direct = self.direct()
        plain = not (self.flow.write_paused or cycle.waiting_for_100_continue)
        held = direct.hold(cycle.scope) if plain and direct is not None else None
        if held is None:
            super()._start_asgi_task(cycle, app)
            return
        self._held = (cycle, held)
        if not cycle.more_body:
            self._ask(cycle, held)

    def _ask(self, cycle: RequestResponseCycle, held: Held) -> None:
        try:
            told = held.ask(bytes(cycle.body))
        except Exception as error:  # noqa: BLE001 - not swallowed: told, and in the log
            self._pass_on(cycle, held, held.telling(error))
            return
        if told is None:
            self._pass_on(cycle, held)
            return
        self._held = None
        self.tasks.add(told)  # type: ignore[arg-type]  # a stopping server waits for it too
        told.add_done_callback(self.tasks.discard)
        told.add_done_callback(partial(self._answer, cycle, held))

    def _answer(self, cycle: RequestResponseCycle, held: Held, told: Recorded) -> None:
        """Write what is recorded in one piece, or let the routes say what became of it."""
        answer = held.answer(told, cycle.default_headers, keep_alive=cycle.keep_alive)
        if not isinstance(answer, bytes):
            self._pass_on(cycle, held, answer)
            return
        if not (cycle.disconnected or self.transport.is_closing()):
            self.transport.write(answer)
        cycle.response_started = cycle.response_complete = True
        held.leave()
        if held.closes or not cycle.keep_alive:
            self.transport.close()
        self.on_response_complete()

    def _pass_on(self, cycle: RequestResponseCycle, held: Held, app: Any = None) -> None:
        self._held = None
        held.pass_on()
        super()._start_asgi_task(cycle, app or self.app)

    def _read(self, data: bytes) -> None:
        while data:
            try:
                self.parser.feed_data(data)
            except httptools.HttpParserUpgrade as offered:
                data = data[offered.args[0] :]
                self._decline_upgrade()
            else:
                return

    def _decline_upgrade(self) -> None:
        """Go on with a parser that knows how the body is framed, and of no upgrade."""
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn's own
        framing = b"".join(
            b"%b: %b\r\n" % (name, value) for name, value in self.headers if name in _FRAMING
        )
        self._repeating = True
        self.parser.feed_data(b"POST / HTTP/1.1\r\n" + framing + b"\r\n")

    def _refuse(self, refusal: Unread) -> None:
        """Read no more, and say why once all requests before this one are answered."""
        self._deadline = None
        self._refusal = refusal
        if self._begun and not self._in_head:  # its head is here: somebody may be answering it
            if self.pipeline:
                self.pipeline.popleft()
            elif self.cycle.response_started:
                self.transport.close()
                return
            else:
                self.cycle.disconnected = True
                self.cycle.message_event.set()
                self._tell(refusal)
                return
        if self.waiting:
            self._tell(refusal)
        else:
            self.flow.pause_reading()

    def _tell(self, refusal: Unread) -> None:
        self._refusal = refusal
        self.transport.write(refusal.spelled(self.server_state.default_headers))
        self.transport.close()

    def _give(self, seconds: float) -> None:
        """Give the client so long for what comes next; one timer serves for all that comes."""
        self._given = seconds
        self._deadline = deadline = self.loop.time() + seconds
        if self._timer is not None:
            if self._timer.when() <= deadline:
                return  # it rings before, and is set anew then
            self._timer.cancel()
        self._timer = self.loop.call_at(deadline, self._ring)

    def _ring(self) -> None:
        self._timer = None
        if self._deadline is None or self.transport.is_closing():
            return
        now = self.loop.time()
        if self.flow.read_paused:  # it is we who do not read
            self._deadline = now + self._given
        if self._deadline > now:
            self._timer = self.loop.call_at(self._deadline, self._ring)
        elif self._begun:
            what = "body" if not self._in_head else "head"
            why = f"The {what} of the request did not come within {self._given:g} s."
            self._refuse(Unread(HTTPStatus.REQUEST_TIMEOUT, why))
        else:
            self.transport.close()


def bounded(
    limits: Limits, connections: Connections, direct: Callable[[], Direct | None]
) -> type[BoundedProtocol]:
    """Return the protocol class of one process, under the site's limits."""
    bounds: dict[str, object] = {
        "seconds": limits.header_seconds,
        "upload_seconds": limits.upload_seconds,
        "answer_seconds": limits.answer_seconds,
        "all_connections": connections,
        "direct": staticmethod(direct),
    }
    return type("BoundedProtocol", (BoundedProtocol,), bounds)
