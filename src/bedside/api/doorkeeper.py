"""Signing in for many requests at once: one look at the database for all that came meanwhile.

While one look is under way, the next requests gather, and all their keys are looked up in one query.
A look begins after the request came, so a key that was revoked before never opens. Whoever is
known goes in at once; strangers are put on record beside that, so a flood of them holds up nobody.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import TypeAlias

from bedside.api.remembered import Remembered
from bedside.errors import BedsideError, SignInRefused, TooOften
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
        self._strangers: dict[str | None, Stranger] = {}
        self._outside: Waiting = defaultdict(list)
        self._turning: asyncio.Task[None] | None = None
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
            TooOften: so many sign-ins were refused that this one must wait; counted.
            Unavailable: the database does not answer.
        """
        try:
            self.lockout.check(address, secret)
        except TooOften:
            caller = await self._known_all_the_same(secret, address)
            if caller is None:
                self._locked_out()
                raise
            return caller
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

    async def _known_all_the_same(self, secret: str | None, address: str) -> Caller | None:
        """Return whose key this is though its address must wait; None if nobody's, or not looked at."""
        if secret is None or not self.lockout.may_look(address, secret):
            return None
        found = (await asyncio.to_thread(self._recognised, [secret]))[secret]
        if isinstance(found, BedsideError):
            raise found
        if isinstance(found, Stranger):
            return None
        self._let_in(secret, found)
        return found

    def _let_in(self, secret: str, caller: Caller) -> None:
        self.lockout.opened(secret)
        if self._remembered is not None:
            self._remembered.keep(secret, caller)

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
        """Look up all who wait, and those who come meanwhile, until nobody does."""
        waiting: Waiting = {}
        try:
            while self._waiting:
                waiting, self._waiting = self._waiting, defaultdict(list)
                try:
                    found = await asyncio.to_thread(self._recognised, list(waiting))
                    for secret, outcome in found.items():
                        self._told(secret, outcome, waiting[secret])
                except Exception as problem:  # noqa: BLE001 - not swallowed: told to each
                    _fail(waiting, problem)
        except BaseException:  # cancelled
            _give_up(waiting, self._waiting)
            raise
        finally:
            self._looking = None

    def _told(
        self,
        secret: str | None,
        outcome: Outcome | Stranger,
        futures: list[asyncio.Future[Outcome]],
    ) -> None:
        """Let somebody in, or have a stranger put on record, for which no look waits."""
        if not isinstance(outcome, Stranger):
            if self._remembered is not None and secret is not None and isinstance(outcome, Caller):
                self._remembered.keep(secret, outcome)
            _tell(futures, outcome)
            return
        self._strangers[secret] = outcome
        self._outside[secret] += futures
        if self._turning is None:
            self._turning = asyncio.get_running_loop().create_task(self._turn_away())

    async def _turn_away(self) -> None:
        """Put strangers on record and tell them; those who come meanwhile after that."""
        outside: Waiting = {}
        try:
            while self._strangers:
                strangers, self._strangers = self._strangers, {}
                outside, self._outside = self._outside, defaultdict(list)
                times = {secret: len(futures) for secret, futures in outside.items()}
                try:
                    turned = await asyncio.to_thread(self._turned_away, strangers, times)
                    for secret, error in turned.items():
                        _tell(outside[secret], error)
                except Exception as problem:  # noqa: BLE001 - not swallowed: told to each
                    _fail(outside, problem)
        except BaseException:
            _give_up(outside, self._outside)
            raise
        finally:
            self._turning = None

    def _recognised(self, secrets: list[str | None]) -> dict[str | None, Outcome | Stranger]:
        """Return who each secret belongs to."""
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


def _give_up(*waiting: Waiting) -> None:
    """Let nobody wait who was told nothing: whoever should have told them was cancelled."""
    for futures in waiting:
        for future in [one for several in futures.values() for one in several]:
            future.cancel()
