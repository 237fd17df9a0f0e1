"""Signing in for many requests at once: one look at the database for all that came meanwhile.

While one look is under way, the next requests gather, and all their keys are looked up in one query.
A look begins after the request came, so a key that was revoked before never opens. Whoever is
known goes in at once; strangers are put on record after that, so a flood of them holds up nobody.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import TypeAlias

from bedside.api.remembered import Remembered
from bedside.errors import BedsideError, SignInRefused, TooOften
from bedside.ledger.events import Fence
from bedside.people.api_key import SignInFault, Stranger
from bedside.people.lockout import Lockout
from bedside.people.people import People
from bedside.people.person import Caller

Outcome: TypeAlias = Caller | BedsideError
Waiting: TypeAlias = dict[str | None, list[asyncio.Future[Outcome]]]


class Doorkeeper:
    """Signs people in off the event loop; one for each application.

    Attributes:
        lockout: Who must wait because of refused sign-ins.
    """

    def __init__(
        self,
        people: People,
        door: str,
        remembered: Remembered | None = None,
        lockout: Lockout | None = None,
    ) -> None:
        self._people = people
        self._remembered = remembered
        self._door = door
        self._waiting: Waiting = defaultdict(list)
        self._looking: asyncio.Task[None] | None = None
        self.lockout = Lockout() if lockout is None else lockout
        self._unlooked = 0
        self._counting: asyncio.Task[None] | None = None

    async def sign_in(self, secret: str | None, address: str = "") -> Caller:
        """Return the caller whose API key this is.

        Args:
            secret: What was sent.
            address: Where it comes from, as refusals are counted; empty where that is not known.

        Raises:
            SignInRefused: no API key, or one that opens nothing; recorded, each attempt.
            TooOften: so many sign-ins were refused that this one is not looked at; counted.
            Unavailable: the database does not answer.
        """
        try:
            self.lockout.check(address, secret)
        except TooOften:
            self._locked_out()
            raise
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Outcome] = loop.create_future()
        self._waiting[secret].append(future)
        if self._looking is None:
            self._looking = loop.create_task(self._look())
        outcome = await future
        if isinstance(outcome, BedsideError):  # a copy: one raised by many gathers tracebacks
            if isinstance(outcome, SignInRefused):
                self.lockout.refused(address, secret)
            raise type(outcome)(outcome.message, advice=outcome.advice)
        if secret is not None:
            self.lockout.opened(secret)
        return outcome

    def _locked_out(self) -> None:
        """Have an attempt counted that is not looked at; nobody waits for that."""
        self._unlooked += 1
        if self._counting is None:
            self._counting = asyncio.get_running_loop().create_task(self._count_locked_out())

    async def _count_locked_out(self) -> None:
        try:
            while self._unlooked:
                times, self._unlooked = self._unlooked, 0
                await asyncio.to_thread(self._error, Stranger(SignInFault.LOCKED), times)
        finally:
            self._counting = None

    async def _look(self) -> None:
        try:
            while self._waiting:
                waiting, self._waiting = self._waiting, defaultdict(list)
                try:
                    found, fence = await asyncio.to_thread(self._recognised, list(waiting))
                    strangers: dict[str | None, Stranger] = {}
                    for secret, outcome in found.items():
                        if isinstance(outcome, Stranger):
                            strangers[secret] = outcome
                        else:
                            self._remember(secret, outcome, fence)
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

    def _recognised(
        self, secrets: list[str | None]
    ) -> tuple[dict[str | None, Outcome | Stranger], Fence | None]:
        """Return who each secret belongs to, and the fence of people from before this look."""
        try:
            fence = None if self._remembered is None else self._remembered.fence()
            return {**self._people.recognise(secrets, self._door)}, fence
        except BedsideError as problem:
            return dict.fromkeys(secrets, problem), None

    def _remember(self, secret: str | None, outcome: Outcome, fence: Fence | None) -> None:
        if self._remembered is None or fence is None or secret is None:
            return
        if isinstance(outcome, Caller):
            self._remembered.keep(secret, outcome, fence)

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
