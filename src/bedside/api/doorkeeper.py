"""Signing in for many requests at once: one look at the database for all that came meanwhile.

While one look is under way, the next requests gather, and the same key is looked up once for all
of them. A look begins after the request came, so a key that was revoked before never opens.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import TypeAlias

from bedside.errors import BedsideError
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
        if isinstance(outcome, BedsideError):
            raise outcome
        return outcome

    async def _look(self) -> None:
        try:
            while self._waiting:
                waiting, self._waiting = self._waiting, defaultdict(list)
                counts = {secret: len(futures) for secret, futures in waiting.items()}
                try:
                    found = await asyncio.to_thread(self._outcomes, counts)
                except BaseException as problem:
                    _fail(waiting, problem)
                    raise
                for secret, futures in waiting.items():
                    for future, outcome in zip(futures, found[secret], strict=True):
                        if not future.done():  # a client that went away cancelled its own
                            future.set_result(outcome)
        finally:
            self._looking = None

    def _outcomes(self, counts: dict[str | None, int]) -> dict[str | None, list[Outcome]]:
        return {secret: self._outcomes_of(secret, count) for secret, count in counts.items()}

    def _outcomes_of(self, secret: str | None, count: int) -> list[Outcome]:
        found = self._outcome(secret)
        if isinstance(found, Caller):
            return [found] * count
        return [found, *(self._outcome(secret) for _ in range(count - 1))]  # each is recorded

    def _outcome(self, secret: str | None) -> Outcome:
        try:
            return self._people.sign_in(secret, self._door)
        except BedsideError as problem:
            return problem


def _fail(waiting: Waiting, problem: BaseException) -> None:
    for futures in waiting.values():
        for future in futures:
            if not future.done():
                future.set_exception(problem)
