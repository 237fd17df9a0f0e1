"""What every request goes through, outside of routing: admission, headers, measuring, the log.

One plain ASGI layer, because each layer costs every prediction.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, MutableMapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bedside.api.headers import base_headers
from bedside.api.lane import PERSON, Asked, Lane
from bedside.api.metrics import Metrics
from bedside.api.problems import Problem, problem_of, respond
from bedside.api.rates import TAKEN, TOLD, Rates
from bedside.api.request_lines import Line, RequestLines
from bedside.api.unforeseen import unforeseen
from bedside.errors import BedsideError

ALWAYS_ADMITTED: Final = frozenset(
    {"/healthz", "/readyz", "/metrics", "/v2/health/live", "/v2/health/ready"}
)
"""Whoever watches the service must get through when it is full."""

KEYLESS: Final = ("/docs", "/openapi.json", "/v1/witness/")
"""Where nobody needs a key, and slow clients could hold their places for long."""

KEYLESS_SHARE: Final = 4
"""What part of all that is answered at once these may be: one in so many."""

CLIENT_GONE: Final = 499
"""The status, seen only in log and metrics, of a client that left before its request was here: closed,
or cut off for sending too slowly. nginx uses the same number."""

ROUTE: Final = "bedside.route"
"""Where the name of the route stands that answered without being looked for."""

BEGUN: Final = "bedside.begun"
"""Where the moment stands in which a request began that did not go by the lane after all."""

CLOSE: Final = (b"connection", b"close")
"""What tells a client that the connection is closed after the answer."""

_JSON: Final = (b"content-type", b"application/json")


@dataclass(slots=True)
class Service:
    """Where a running service stands.

    Attributes:
        in_flight: Requests being answered.
        keyless: Of these, the ones for which nobody needs a key.
        draining: Whether it is being stopped: what comes is answered, and its connection closed.
        rates: How often each key and person may ask; None where nobody counts.
        tls: Whether its clients reach it over TLS that a proxy ends.
        lines: The log's lines of requests.
    """

    in_flight: int = 0
    keyless: int = 0
    draining: bool = False
    rates: Rates | None = None
    tls: bool = False
    lines: RequestLines = field(default_factory=RequestLines)


class Envelope:
    """Admits at most `limit` requests at once and gives every answer its headers."""

    def __init__(
        self,
        app: ASGIApp,
        limit: int,
        service: Service,
        metrics: Metrics,
        lane: Lane | None = None,
    ) -> None:
        self._app = app
        self._lane = lane
        self._limit = limit
        self._service = service
        self._metrics = metrics
        self._plain = base_headers(tls=False)
        self._over_tls = base_headers(tls=True)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or pass on what is not one (the lifespan)."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 0
        begun = scope.get(BEGUN) or time.perf_counter()

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = self.headers(scope, message.get("headers", ()))
            await send(message)

        keyless = scope["path"].startswith(KEYLESS)
        self._service.keyless += keyless
        admitted = BEGUN in scope  # by the lane, which passed it on
        if not admitted:
            self.enter()
        try:
            if not admitted and self._is_full(scope["path"], keyless=keyless):
                await respond(_full(self._limit, scope["path"]))(scope, receive, sending)
            elif (asked := self._by_lane(scope)) is None:
                await self._app(scope, receive, sending)
            elif (again := await self._short_way(asked, scope, receive, sending)) is not None:
                await self._app(scope, again, sending)
        finally:
            self._service.keyless -= keyless
            self.leave(scope, status, begun)

    @property
    def has_room(self) -> bool:
        """Whether one more request is admitted that is not always admitted."""
        return self._service.in_flight < self._limit

    @property
    def draining(self) -> bool:
        """Whether the service is being stopped: each answer closes its connection."""
        return self._service.draining

    def enter(self) -> None:
        """Count a request that begins."""
        self._service.in_flight += 1

    def pass_on(self, scope: Scope, begun: float) -> None:
        """Leave a request to the routes; it was admitted, and keeps its place."""
        scope[BEGUN] = begun

    def leave(self, scope: Scope, status: int, begun: float) -> None:
        """Count, measure and log a request that ended."""
        service = self._service
        service.in_flight -= 1
        if (taken := scope.get(TAKEN)) is not None and service.rates is not None:
            service.rates.leave(taken)
        self._measure(scope, status, time.perf_counter() - begun)

    def headers(
        self, scope: Scope, own: Iterable[tuple[bytes, bytes]]
    ) -> list[tuple[bytes, bytes]]:
        """Return all headers of an answer that has `own`."""
        told = [*own, *scope.get(TOLD, ())]
        named = {name for name, _ in told}
        over_tls = self._service.tls or scope["scheme"] == "https"
        base = self._over_tls if over_tls else self._plain
        told += [header for header in base if header[0] not in named]
        if self._service.draining:
            told.append(CLOSE)
        return told

    def telling(self, error: Exception) -> ASGIApp:
        """Return an application that answers any request with `error`."""

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            if isinstance(error, BedsideError):
                problem = problem_of(error, scope["path"])
            else:
                problem = unforeseen(error, scope["path"])
            await respond(problem)(scope, receive, send)

        return Envelope(app, self._limit, self._service, self._metrics)

    def _is_full(self, path: str, *, keyless: bool) -> bool:
        service = self._service
        if keyless and service.keyless > self._limit // KEYLESS_SHARE:
            return True
        return service.in_flight > self._limit and path not in ALWAYS_ADMITTED

    def _by_lane(self, scope: Scope) -> Asked | None:
        if self._lane is None or scope["method"] != "POST" or BEGUN in scope:
            return None
        return self._lane.asked(scope)

    async def _short_way(
        self, asked: Asked, scope: Scope, receive: Receive, send: Send
    ) -> Receive | None:
        """Answer by the lane, or return what gives the request once more, for the routes."""
        assert self._lane is not None  # noqa: S101 - the lane asked
        scope[ROUTE] = "predict"
        try:
            answer = await self._lane.answer(scope, asked, receive)
        except BedsideError as error:
            await respond(problem_of(error, scope["path"]))(scope, receive, send)
            return None
        except Exception as error:  # noqa: BLE001 - not swallowed: in the log, and told
            await respond(unforeseen(error, scope["path"]))(scope, receive, send)
            return None
        if not isinstance(answer, bytes):
            return answer
        length = str(len(answer)).encode("ascii")
        headers = [(b"content-length", length), _JSON]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})
        return None

    def _measure(self, scope: MutableMapping[str, Any], status: int, seconds: float) -> None:
        route: str = scope.get(ROUTE, "") or getattr(scope.get("endpoint"), "__name__", "none")
        self._metrics.answered(route, status, seconds)
        message = "left" if status == CLIENT_GONE else "answered"
        milliseconds, person = round(seconds * 1000, 3), scope.get(PERSON)
        self._service.lines.add(
            Line(time.time(), message, scope["method"], route, status, milliseconds, person)
        )


def _full(limit: int, path: str) -> Problem:
    return Problem(
        kind="unavailable",
        status=HTTPStatus.SERVICE_UNAVAILABLE,
        detail=f"{limit} requests are being answered; no more are admitted now.",
        advice="Send the request again in a second.",
        instance=path,
        headers={"retry-after": "1"},
    )
