"""HTTP/1.1 from bytes: uvicorn's httptools protocol, with two differences.

Bounds: llhttp itself limits neither the size of a request's head nor the time in which it arrives.

Upgrades: Java's `HttpClient` offers `Upgrade: h2c` with every first request. A server may ignore
such an offer (RFC 9110, section 7.8); httptools stops reading at it, and so would lose the body.
Here the request is read on as if nothing had been offered.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

MAX_HEAD_BYTES: Final = 64 * 1024
"""Request line and headers together; the common limit of servers and proxies is 8 to 64 KiB."""

_FRAMING: Final = frozenset({b"content-length", b"transfer-encoding"})
"""The headers that say where a request's body ends (RFC 9112, section 6)."""


class BoundedProtocol(HttpToolsProtocol):
    """Closes a connection whose request's head is too long, or whose request takes too long to come.

    `seconds` bounds each of: first bytes to end of head, and end of head to end of body. It is set
    by `bounded`, which makes a class for uvicorn's configuration.
    """

    seconds: float = 20.0

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._head = 0
        self._in_head = True
        self._repeating = False
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._await_more()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read what came, unless the head is too long by now."""
        before = self._head if self._in_head else 0
        self._unset_keepalive_if_required()
        try:
            self._read(data)
        except httptools.HttpParserError:
            self._refuse("Invalid HTTP request received.")
            return
        if self._in_head and not self.transport.is_closing():
            self._head = before + len(data)
            if self._head > MAX_HEAD_BYTES:
                self._refuse("The head of the request is too long.")

    def on_message_begin(self) -> None:
        """Begin to count and to wait for a request's head."""
        if not self._repeating:
            self._head, self._in_head = 0, True
            self._await_more()
            super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take one header."""
        if not self._repeating:
            super().on_header(name, value)

    def on_url(self, url: bytes) -> None:
        """Take a part of the address."""
        if not self._repeating:
            super().on_url(url)

    def on_headers_complete(self) -> None:
        """Begin to wait for the body."""
        self._in_head = False
        if self._repeating:
            self._repeating = False
            return
        self._await_more()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Stop waiting: all of the request is here (after a declined upgrade: not yet)."""
        if not self.parser.should_upgrade():
            self._stop_waiting()
            super().on_message_complete()

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

    def _refuse(self, why: str) -> None:
        self._stop_waiting()
        self.send_400_response(why)

    def _await_more(self) -> None:
        self._stop_waiting()
        self._timer = self.loop.call_later(self.seconds, self._give_up)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _give_up(self) -> None:
        if not self.transport.is_closing():
            self.transport.close()


def bounded(seconds: float) -> type[BoundedProtocol]:
    """Return the protocol class whose clients have `seconds` for each part of a request."""
    return type("BoundedProtocol", (BoundedProtocol,), {"seconds": seconds})
