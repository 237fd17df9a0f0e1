"""What every request goes through, outside of routing: admission, headers, measuring, the log.

One plain ASGI layer, because each layer costs every prediction.
"""

from __future__ import annotations

import logging
import time
from collections.abc import MutableMapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bedside.api.journal import REQUESTS, tell
from bedside.api.metrics import Metrics
from bedside.api.problems import Problem, respond

ALWAYS_ADMITTED: Final = frozenset({"/healthz", "/readyz", "/metrics"})
"""Whoever watches the service must get through when it is full."""

CLIENT_GONE: Final = 499
"""The status, seen only in log and metrics, of a client that left before its request was here: closed,
or cut off for sending too slowly. nginx uses the same number."""

PERSON: Final = "bedside.person"
"""Where a route leaves the id of the person who asked, for the log."""

_HEADERS: Final = [
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
]
_CLOSE: Final = (b"connection", b"close")


@dataclass(slots=True)
class Service:
    """Where a running service stands.

    Attributes:
        in_flight: Requests being answered.
        draining: Whether it is being stopped: what comes is answered, and its connection closed.
    """

    in_flight: int = 0
    draining: bool = False


class Envelope:
    """Admits at most `limit` requests at once and gives every answer its headers."""

    def __init__(self, app: ASGIApp, limit: int, service: Service, metrics: Metrics) -> None:
        self._app = app
        self._limit = limit
        self._service = service
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or pass on what is not one (the lifespan)."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        service = self._service
        status = 0
        begun = time.perf_counter()

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = self._headers(message)
            await send(message)

        service.in_flight += 1
        try:
            if service.in_flight > self._limit and scope["path"] not in ALWAYS_ADMITTED:
                await respond(_full(self._limit, scope["path"]))(scope, receive, sending)
            else:
                await self._app(scope, receive, sending)
        finally:
            service.in_flight -= 1
            self._measure(scope, status, time.perf_counter() - begun)

    def _headers(self, message: Message) -> list[tuple[bytes, bytes]]:
        own: list[tuple[bytes, bytes]] = list(message.get("headers", ()))
        named = {name for name, _ in own}
        own += [header for header in _HEADERS if header[0] not in named]
        if self._service.draining:
            own.append(_CLOSE)
        return own

    def _measure(self, scope: MutableMapping[str, Any], status: int, seconds: float) -> None:
        route = getattr(scope.get("endpoint"), "__name__", "none")
        self._metrics.answered(route, status, seconds)
        if REQUESTS.isEnabledFor(logging.INFO):
            tell(
                REQUESTS,
                logging.INFO,
                "left" if status == CLIENT_GONE else "answered",
                method=scope["method"],
                route=route,
                status=status,
                ms=round(seconds * 1000, 3),
                person=scope.get(PERSON),
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
