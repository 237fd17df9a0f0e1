"""What the parent of the workers answers while none of them can: 503 with the reason, to everybody.

Without it a client would wait in the queue of the socket for a worker that cannot start. It reads the head of
a request, answers, and closes; `/healthz` is answered 200, for the parent is alive and goes on.
"""

from __future__ import annotations

import json
import selectors
import socket
import time
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

from bedside.canonical import Json

SECONDS: Final = 5.0
"""How long a client may take to send the head of its request and to read the answer."""

MOST: Final = 256
"""Connections at once; more wait in the queue of the socket."""

FULL_SECONDS: Final = 0.02
"""How long it pauses when nobody more can be let in."""

_MAX_HEAD: Final = 64 * 1024


@dataclass(slots=True, eq=False)
class Visitor:
    """One connection; `until` is when it is closed whatever it does (monotonic seconds)."""

    connection: socket.socket
    until: float
    head: bytearray = field(default_factory=bytearray)
    answered: bool = False


class StandIn:
    """Answers for the workers, on the parent's own loop."""

    def __init__(self, selector: selectors.BaseSelector, listener: socket.socket) -> None:
        self._selector = selector
        self._listener = listener
        self._visitors: set[Visitor] = set()
        self._listens = False
        self._reason = ""

    def begin(self, reason: str) -> None:
        """Answer from now on, with this reason; begin again to change it."""
        self._reason = reason
        if not self._listens:
            self._listens = True
            self._listener.setblocking(False)
            self._selector.register(self._listener, selectors.EVENT_READ, self)

    def end(self) -> None:
        """Leave new connections to the workers; those that are here are still answered."""
        if self._listens:
            self._listens = False
            self._selector.unregister(self._listener)

    def close(self) -> None:
        """Leave, and close what is open."""
        self.end()
        for visitor in list(self._visitors):
            self._let_go(visitor)

    @property
    def busy(self) -> bool:
        """Whether somebody is here, so that the loop should come by again soon."""
        return bool(self._visitors)

    def accept(self) -> None:
        """Let in whoever waits, unless there are too many."""
        while len(self._visitors) < MOST:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return  # nobody more, or a worker was quicker
            connection.setblocking(False)
            visitor = Visitor(connection, time.monotonic() + SECONDS)
            self._visitors.add(visitor)
            self._selector.register(connection, selectors.EVENT_READ, visitor)
        time.sleep(FULL_SECONDS)  # the rest wait, and this loop has nothing better to do

    def hear(self, visitor: Visitor) -> None:
        """Read what came; answer when the head is here, and close when the client has."""
        try:
            data = visitor.connection.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._let_go(visitor)
        elif not visitor.answered:
            visitor.head += data
            if b"\r\n\r\n" in visitor.head or len(visitor.head) > _MAX_HEAD:
                self._answer(visitor)

    def tidy(self) -> None:
        """Close the connections whose time is over."""
        now = time.monotonic()
        for visitor in [one for one in self._visitors if one.until < now]:
            self._let_go(visitor)

    def _answer(self, visitor: Visitor) -> None:
        visitor.answered = True
        try:
            visitor.connection.send(self._answer_to(bytes(visitor.head)))
            visitor.connection.shutdown(socket.SHUT_WR)  # the rest of a body is read and dropped
        except OSError:
            self._let_go(visitor)

    def _answer_to(self, head: bytes) -> bytes:
        method, _, rest = head.partition(b" ")
        path = rest.split(b" ", 1)[0].split(b"?", 1)[0].decode("ascii", "replace")[:1000]
        status, kind, value = self._told(path)
        body = json.dumps(value).encode("ascii")
        lines = [
            f"HTTP/1.1 {status} {HTTPStatus(status).phrase}",
            f"content-type: {kind}",
            f"content-length: {len(body)}",
            "cache-control: no-store",
            "x-content-type-options: nosniff",
            "connection: close",
            *(["retry-after: 1"] if status == HTTPStatus.SERVICE_UNAVAILABLE else []),
        ]
        return "\r\n".join([*lines, "", ""]).encode("ascii") + (b"" if method == b"HEAD" else body)

    def _told(self, path: str) -> tuple[int, str, dict[str, Json]]:
        if path == "/healthz":
            return HTTPStatus.OK, "application/json", {"status": "alive"}
        unavailable = HTTPStatus.SERVICE_UNAVAILABLE
        if path == "/readyz":
            return unavailable, "application/json", {"status": self._reason}
        problem: dict[str, Json] = {
            "type": "urn:bedside:problem:unavailable",
            "title": "Cannot answer now",
            "status": unavailable.value,
            "detail": f"No worker of this service can answer now: {self._reason}",
            "instance": path,
            "advice": "Send it again in a moment; the service starts its workers again by itself.",
        }
        return unavailable, "application/problem+json", problem

    def _let_go(self, visitor: Visitor) -> None:
        if visitor in self._visitors:
            self._visitors.discard(visitor)
            self._selector.unregister(visitor.connection)
            visitor.connection.close()
