"""The short way of a plain prediction: one row of fields, sent as JSON, by somebody known.

The lane has no rule of its own. It takes a request only where nothing about it is in question, asks
`serving` the same as the route does, and tells the same answer; whatever is not plain (another form
of body, a row that the gate must look at, an unknown or outdated key, a failed record's fence) goes
on to the route, which begins anew with the same bytes and is where each refusal is. A test sends the
same requests both ways.
"""

from __future__ import annotations

import asyncio
from typing import Final, NamedTuple

from starlette.types import Message, Receive, Scope

from bedside.api.metrics import Metrics
from bedside.api.plain_body import plain_row
from bedside.api.rates import Rates
from bedside.api.remembered import Known, Remembered
from bedside.api.requests import MEDIA_TYPE
from bedside.api.spelled import AnswerSpelling
from bedside.people.currency import PEOPLE_FENCE
from bedside.people.permissions import Action, allowed
from bedside.serving.released import Loaded
from bedside.serving.serving import INLINE_BYTES, Serving
from bedside.serving.together import Told
from bedside.serving.values import Prediction

PERSON: Final = "bedside.person"
"""Where the id of the person who asked is left, for the log."""

_BEFORE: Final = "/v1/models/"
_AFTER: Final = "/predict"
_BEARER: Final = b"Bearer "
_JSON: Final = frozenset(
    MEDIA_TYPE.encode() + charset for charset in (b"", b"; charset=utf-8", b";charset=utf-8")
)
"""Spellings of the content type that leave no question; every other goes by the route."""

_ELSEWHERE: Final = (b"content-encoding", b"transfer-encoding", b"idempotency-key")
"""Headers whose requests go by the route."""

_DIGITS: Final = len(str(INLINE_BYTES))


class Asked(NamedTuple):
    """A request that the lane may take, before its body is here."""

    known: Known
    loaded: Loaded
    length: int


class Lane:
    """The short way of one application, on its event loop."""

    def __init__(
        self, serving: Serving, remembered: Remembered, rates: Rates, metrics: Metrics
    ) -> None:
        self._serving = serving
        self._remembered = remembered
        self._rates = rates
        self._metrics = metrics
        self._spelling = AnswerSpelling()

    def asked(self, scope: Scope) -> Asked | None:
        """Return what is asked, where it goes by the lane as far as one sees from its head."""
        path: str = scope["path"]
        if not (path.startswith(_BEFORE) and path.endswith(_AFTER)):
            return None
        loaded = self._serving.models.current(path[len(_BEFORE) : -len(_AFTER)])
        if loaded is None or loaded.spelling is None:
            return None
        headers: dict[bytes, bytes] = dict(scope["headers"])
        length = headers.get(b"content-length", b"")
        if len(headers) != len(scope["headers"]) or not _is_plain(headers, length):
            return None
        known = self._known(headers.get(b"authorization", b""))
        return None if known is None else Asked(known, loaded, int(length))

    def _known(self, authorization: bytes) -> Known | None:
        """Return who sent a request, where that is remembered and they may predict."""
        if not authorization.startswith(_BEARER):
            return None
        known = self._remembered.of(authorization[len(_BEARER) :])
        if known is None or not allowed(known.caller.person.roles, Action.PREDICT):
            return None
        return known

    def admit(self, scope: Scope, asked: Asked) -> None:
        """Let the request in; before its body, which may be sent slowly.

        Raises:
            BedsideError: the caller asks too often.
        """
        scope[PERSON] = asked.known.caller.person.id
        self._rates.admit(scope, asked.known.caller)

    def ask(self, asked: Asked, data: bytes) -> asyncio.Future[Told] | None:
        """Return what will be told of a request whose body is `data`; None where the route must look."""
        row = plain_row(data) if len(data) == asked.length else None
        if row is None or self._remembered.ended(
            asked.known.caller
        ):  # the body may have come slowly
            return None
        return self._serving.together().ask(asked.known.caller, asked.loaded, row)

    def spelled(self, told: Told) -> bytes | None:
        """Return the body of the answer, once it is recorded; None where the route must look."""
        if not isinstance(told, Prediction):
            if told is not None and told.fence == PEOPLE_FENCE:
                self._remembered.forget()
            return None
        self._metrics.predicted(told.manifest.name, told.manifest.version, told.label)
        return self._spelling(told)

    async def answer(self, scope: Scope, asked: Asked, receive: Receive) -> bytes | Receive:
        """Return the answer; or what gives the request once more, for the route.

        Raises:
            BedsideError: the caller asks too often, or the record failed.
        """
        self.admit(scope, asked)
        came: list[Message] = [await receive()]
        while came[-1]["type"] == "http.request" and came[-1].get("more_body", False):
            came.append(await receive())
        again = _again(came, receive)
        if came[-1]["type"] != "http.request":
            return again
        told = self.ask(asked, b"".join([message.get("body", b"") for message in came]))
        answer = None if told is None else self.spelled(await told)
        return again if answer is None else answer


def _again(came: list[Message], receive: Receive) -> Receive:
    """Return what gives the messages that came once more, and then those that still come."""
    kept = iter(came)

    async def receiving() -> Message:
        message = next(kept, None)
        return await receive() if message is None else message

    return receiving


def _is_plain(headers: dict[bytes, bytes], length: bytes) -> bool:
    """Return whether a body of JSON is sent as it is, and all of it is small."""
    if any(name in headers for name in _ELSEWHERE):
        return False
    if not length.isdigit() or len(length) > _DIGITS or int(length) > INLINE_BYTES:
        return False
    return headers.get(b"content-type") in _JSON
