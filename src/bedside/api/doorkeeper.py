"""Signing in for many requests at once: one look at the database for all that came meanwhile.

While one look is under way, the next requests gather, and all their keys are looked up in one query.
A look begins after the request came, so a key that was revoked before never opens. Whoever is
known goes in at once; strangers are put on record after that, so a flood of them holds up nobody.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import TypeAlias

from bedside.errors import BedsideError
from bedside.people.api_key import Stranger
from bedside.people.people import People
from bedside.people.person import Caller

Outcome: TypeAlias = Caller | BedsideError
Waiting: TypeAlias = dict[str | None, list[asyncio.Future[Outcome]]]


class Doorkeeper:
    """Signs people in off the event loop; one for each application."""

    def __init__(self, people: People, door: str) -> None:
        self._people = people
        self._door = door
        self._waiting: Waiting = defaultdict(list)
        self._looking: asyncio.Task[None] | None = None

    async def sign_in(self, secret: str | None) -> Caller:
        """Return the caller whose API key this is.

        Raises:
            SignInRefused: no API key, or one that opens nothing; recorded, each attempt.
            Unavailable: the database does not answer.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Outcome] = loop.create_future()
        self._waiting[secret].append(future)
        if self._looking is None:
            self._looking = loop.create_task(self._look())
        outcome = await future
        if isinstance(outcome, BedsideError):  # a copy: one raised by many gathers tracebacks
            raise type(outcome)(outcome.message, advice=outcome.advice)
        return outcome

    async def _look(self) -> None:
        try:
            while self._waiting:
                waiting, self._waiting = self._waiting, defaultdict(list)
                try:
                    found = await asyncio.to_thread(self._recognised, list(waiting))
                    strangers: dict[str | None, Stranger] = {}
                    for secret, outcome in found.items():
                        if isinstance(outcome, Stranger):
                            strangers[secret] = outcome
                        else:
                            _tell(waiting[secret], outcome)
                    times = {secret: len(waiting[secret]) for secret in strangers}
                    turned = await asyncio.to_thread(self._turned_away, strangers, times)
                except BaseException as problem:
                    _fail(waiting, problem)
                    raise
                for secret, error in turned.items():
                    _tell(waiting[secret], error)
        finally:
            self._looking = None

    def _recognised(self, secrets: list[str | None]) -> dict[str | None, Outcome | Stranger]:
        try:
            return {**self._people.recognise(secrets, self._door)}
        except BedsideError as problem:
            return dict.fromkeys(secrets, problem)

    def _turned_away(
        self, strangers: dict[str | None, Stranger], times: dict[str | None, int]
    ) -> dict[str | None, BedsideError]:
        return {
            secret: self._error(stranger, times[secret]) for secret, stranger in strangers.items()
        }

    def _error(self, stranger: Stranger, times: int) -> BedsideError:
        try:
            return self._people.turn_away(stranger, self._door, times)
        except BedsideError as problem:
            return problem


def _tell(futures: list[asyncio.Future[Outcome]], outcome: Outcome) -> None:
    for future in futures:
        if not future.done():  # a client that went away cancelled its own
            future.set_result(outcome)


def _fail(waiting: Waiting, problem: BaseException) -> None:
    for futures in waiting.values():
        for future in futures:
            if not future.done():
                future.set_exception(problem)
