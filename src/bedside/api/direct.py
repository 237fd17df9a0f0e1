"""The lane without the web framework: from a request's bytes to its answer in one write.

ASGI gives each request a task, a chain of coroutines, and an answer whose headers are checked one by
one; together they cost a plain prediction as much as its record. Here the protocol asks the lane itself.
What is counted, measured and logged is the envelope's, as for every request; whatever is not plain
goes on to it, with the same scope and the same body.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any, TypeAlias

from starlette.types import ASGIApp

from bedside.api.envelope import CLOSE, ROUTE, Envelope
from bedside.api.lane import Asked, Lane
from bedside.api.rates import TOLD
from bedside.errors import BedsideError
from bedside.serving.outcomes import not_confirmed
from bedside.serving.together import LOOK, Told

Recorded: TypeAlias = asyncio.Future[Told]
Headers: TypeAlias = list[tuple[bytes, bytes]]
"""What the server gives every answer; a new list when one of them changes (`Date`)."""

_OK = b"HTTP/1.1 200 OK\r\n"
_LENGTH = b"content-length: "
_JSON = (b"content-type", b"application/json")


class Direct:
    """The lane of one application, for its connections; used on its event loop."""

    def __init__(self, lane: Lane, envelope: Envelope) -> None:
        self.lane = lane
        self.envelope = envelope
        self._usual: tuple[Headers, bytes] = ([], b"")

    def hold(self, scope: Any) -> Held | None:
        """Return a request that is answered here, once its body is here; None for every other.

        Args:
            scope: The request's head, as ASGI has it.
        """
        if scope["method"] != "POST" or not self.envelope.has_room:
            return None
        asked = self.lane.asked(scope)
        if asked is None:
            return None
        try:
            self.lane.admit(scope, asked)
        except BedsideError:
            return None  # nothing was taken: the route refuses it in the same words
        self.envelope.enter()
        scope[ROUTE] = "predict"
        return Held(self, scope, asked)

    def head(self, scope: Any, defaults: Headers, *, keep_alive: bool) -> bytes:
        """Return the head of an answer, with `%d` where its length is told."""
        if TOLD in scope or not keep_alive or self.envelope.draining:
            return self._head(scope, defaults, keep_alive=keep_alive)
        if self._usual[0] is not defaults:
            self._usual = (defaults, self._head(scope, defaults, keep_alive=True))
        return self._usual[1]

    def _head(self, scope: Any, defaults: Headers, *, keep_alive: bool) -> bytes:
        lines = [*defaults, (b"content-length", b""), *self.envelope.headers(scope, (_JSON,))]
        if not (keep_alive or self.envelope.draining):
            lines.append(CLOSE)
        told = b"".join([b"%b: %b\r\n" % one for one in lines]).replace(b"%", b"%%")
        return _OK + told.replace(_LENGTH, _LENGTH + b"%d", 1) + b"\r\n"


class Held:
    """One request between its head and its answer."""

    __slots__ = ("_asked", "_begun", "_direct", "_scope")

    def __init__(self, direct: Direct, scope: Any, asked: Asked) -> None:
        self._direct = direct
        self._scope = scope
        self._asked = asked
        self._begun = time.perf_counter()

    @property
    def closes(self) -> bool:
        """Whether the answer says that the connection is closed: the service is being stopped."""
        return self._direct.envelope.draining

    def ask(self, data: bytes) -> Recorded | None:
        """Return what will be told, now that the body is here; None where the route must look."""
        return self._direct.lane.ask(self._asked, data)

    def answer(
        self, told: Recorded, defaults: Headers, *, keep_alive: bool
    ) -> bytes | ASGIApp | None:
        """Return the bytes of the answer; or what tells why there is none; or None: the route must look.

        Args:
            told: Done.
            defaults: Headers that the server gives every answer.
            keep_alive: Whether the connection stays open after it.
        """
        if told.cancelled():  # the server stops, and waits no longer
            return self.telling(not_confirmed(LOOK))
        try:
            body = self._direct.lane.spelled(told.result())
            if body is None:
                return None
            head = self._direct.head(self._scope, defaults, keep_alive=keep_alive)
        except Exception as error:  # noqa: BLE001 - not swallowed: told, and in the log
            return self.telling(error)
        return head % len(body) + body

    def telling(self, error: Exception) -> ASGIApp:
        """Return what answers the request with `error`."""
        return self._direct.envelope.telling(error)

    def leave(self) -> None:
        """Count, measure and log the request, which is answered."""
        self._direct.envelope.leave(self._scope, 200, self._begun)

    def pass_on(self) -> None:
        """Leave the request to the routes."""
        self._direct.envelope.pass_on(self._scope, self._begun)
