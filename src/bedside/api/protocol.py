"""HTTP/1.1 from bytes: uvicorn's httptools protocol, with bounds on what a client may keep open.

llhttp itself bounds neither the size of a request's head nor the time in which it arrives.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

MAX_HEAD_BYTES: Final = 64 * 1024
"""Request line and headers together; the common limit of servers and proxies is 8 to 64 KiB."""


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
        """Pass on what came, unless the head is too long by now."""
        before = self._head if self._in_head else 0
        super().data_received(data)
        if self._in_head and not self.transport.is_closing():
            self._head = before + len(data)
            if self._head > MAX_HEAD_BYTES:
                self._stop_waiting()
                self.send_400_response("The head of the request is too long.")

    def on_message_begin(self) -> None:
        """Begin to count and to wait for a request's head."""
        self._head, self._in_head = 0, True
        self._await_more()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Begin to wait for the body."""
        self._in_head = False
        self._await_more()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Stop waiting: all of the request is here."""
        self._stop_waiting()
        super().on_message_complete()

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
