"""The log's lines of requests: written some at a time, so that no answer waits for one.

The lines are those that the log's formatter gives. Where the log is set up otherwise than by
`journal.configuration` (a test that listens, an operator's own handler), each line goes the usual way at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
from typing import Any, Final, NamedTuple

from bedside.api.journal import REQUESTS, JsonLines, tell

WRITE_SECONDS: Final = 0.01
"""How long a line may wait; what a killed process had not written yet is in the ledger all the same."""

MOST_WORDS: Final = 4096
"""Spellings that are kept of methods, routes and people's ids."""


class Line(NamedTuple):
    """One answered request.

    Attributes:
        at: Seconds since 1970.
        message: What happened.
        method: Of the request.
        route: The name of the route.
        status: Of the answer.
        ms: Milliseconds until it was answered.
        person: Id of whoever asked; None where nobody signed in.
    """

    at: float
    message: str
    method: str
    route: str
    status: int
    ms: float
    person: str | None


class RequestLines:
    """The lines of one application; used on its event loop."""

    def __init__(self) -> None:
        self._kept: list[Line] = []
        self._words: dict[str | None, str] = {}
        self._second = (0, "")

    def add(self, line: Line) -> None:
        """Write a line, now or in a moment."""
        if not REQUESTS.isEnabledFor(logging.INFO):
            return
        if _plain_handler() is None:
            tell(REQUESTS, logging.INFO, line.message, **_facts(line))
            return
        self._kept.append(line)
        if len(self._kept) == 1:
            asyncio.get_running_loop().call_later(WRITE_SECONDS, self.write)

    def write(self) -> None:
        """Write what waits."""
        kept, self._kept = self._kept, []
        handler = _plain_handler()
        if handler is None:
            for line in kept:
                tell(REQUESTS, logging.INFO, line.message, **_facts(line))
            return
        formatter = handler.formatter
        worker = formatter.worker if isinstance(formatter, JsonLines) else None
        more = "" if worker is None else f', "worker": {worker}'
        text = "".join([self._spelled(line, more) for line in kept])
        with handler.lock or contextlib.nullcontext(), contextlib.suppress(OSError, ValueError):
            handler.stream.write(text)
            handler.stream.flush()

    def _spelled(self, line: Line, more: str) -> str:
        """Return a line as `JsonLines.format` would, and its end."""
        second = int(line.at)
        if second != self._second[0]:
            told = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
            self._second = (second, told)
        word = self._word
        return (
            f'{{"at": "{self._second[1]}.{int((line.at - second) * 1000):03d}Z", "level": "info", '
            f'"logger": "bedside.requests", "message": {word(line.message)}{more}, '
            f'"method": {word(line.method)}, "route": {word(line.route)}, '
            f'"status": {line.status}, "ms": {line.ms}, "person": {word(line.person)}}}\n'
        )

    def _word(self, text: str | None) -> str:
        found = self._words.get(text)
        if found is None:
            if len(self._words) >= MOST_WORDS:
                self._words.clear()
            found = self._words[text] = json.dumps(text)
        return found


def _facts(line: Line) -> dict[str, Any]:
    return {name: getattr(line, name) for name in Line._fields[2:]}


def _plain_handler() -> logging.StreamHandler[Any] | None:
    """Return the one handler of the whole log, where it is the one of `journal.configuration`."""
    if REQUESTS.handlers or REQUESTS.filters or not REQUESTS.propagate:
        return None
    handlers = logging.root.handlers
    if len(handlers) != 1 or type(handlers[0]) is not logging.StreamHandler:
        return None
    handler = handlers[0]
    plain = type(handler.formatter) is JsonLines and not handler.filters
    return handler if plain and handler.level <= logging.INFO else None
