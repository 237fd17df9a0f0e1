"""Group commit: many callers, one durable transaction at a time, no waiting for company.

While one group is being written, the next one gathers. A disk that needs a millisecond for a
commit then serves as many callers in that millisecond as there are.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Final, TypeAlias

from bedside.errors import BedsideError, Conflict, Unavailable, UsageError
from bedside.ledger.appending import Outcome
from bedside.ledger.claims import Claim
from bedside.ledger.events import Draft, Entry, Prepared, prepare
from bedside.ledger.ledger import Ledger

_FAULTS: Final = logging.getLogger("bedside.faults")

MAX_GROUP = 256
"""Drafts in one transaction: it should not keep other processes waiting for long."""

MAX_WAITING = 8192
"""Drafts that may wait; beyond it the caller is told at once instead of piling up memory."""

Recorded: TypeAlias = Future[tuple[Entry, ...]]
Outcomes: TypeAlias = list[Outcome | BaseException]


@dataclass(frozen=True, slots=True)
class _Submission:
    drafts: tuple[Prepared, ...]
    future: Recorded | _Place
    claim: Claim | None = None


class _Together:
    """The outcomes of several groups that are told at once; the writing thread alone sets them."""

    __slots__ = ("_done", "_left", "_outcomes")

    def __init__(self, count: int, done: Callable[[Outcomes], object]) -> None:
        self._done = done
        self._outcomes: Outcomes = [()] * count
        self._left = count

    def told(self, place: int, outcome: Outcome | BaseException) -> None:
        """Keep the outcome of one group; with the last one all are told."""
        self._outcomes[place] = outcome
        self._left -= 1
        if not self._left:
            try:
                self._done(self._outcomes)
            except Exception:  # noqa: BLE001 - not swallowed: in the log; whoever waits for others must not suffer from it
                _FAULTS.exception("what was recorded could not be told")


class _Place:
    """Where the outcome of one of several groups goes: what the writing thread needs of a future."""

    __slots__ = ("_place", "_together")

    def __init__(self, together: _Together, place: int) -> None:
        self._together = together
        self._place = place

    def set_result(self, entries: tuple[Entry, ...]) -> None:
        self._together.told(self._place, entries)

    def set_exception(self, problem: BaseException) -> None:
        self._together.told(self._place, problem)


_END: Final = _Submission((), Future())
"""Behind it nothing is submitted."""


class GroupCommit:
    """One writing thread for one process; start it after a fork."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._waiting: SimpleQueue[_Submission] = SimpleQueue()  # wakes its reader without Python
        self._first: _Submission | None = None  # of the next group, where this one was full
        self._count = 0
        self._guard = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closing = False

    def start(self) -> None:
        """Start the thread.

        Raises:
            UsageError: it was started before.
        """
        if self._thread is not None:
            raise UsageError("This group commit was started before.")
        self._thread = threading.Thread(target=self._run, name="ledger-group-commit", daemon=True)
        self._thread.start()

    def submit(self, drafts: Sequence[Draft | Prepared], claim: Claim | None = None) -> Recorded:
        """Return a future of the recorded entries; it is done when they are durable.

        The future fails with `FenceMoved`, with `ClaimTaken` where the claim was taken before, with
        the error of a bad draft, or with `Unavailable` when the database cannot answer; other
        callers' drafts are not touched by it.

        Args:
            drafts: Recorded together or not at all; prepared ones as they are.
            claim: What they take when they are recorded.

        Raises:
            Unavailable: closed or not started, or too many drafts are waiting.
        """
        future: Recorded = Future()
        future.set_running_or_notify_cancel()  # what was accepted cannot be called back
        try:
            prepared = tuple([d if isinstance(d, Prepared) else prepare(d) for d in drafts])
            if claim is not None and not prepared:
                raise UsageError("A claim needs an event that stands under it.")
        except BedsideError as problem:
            future.set_exception(problem)
            return future
        self._put([_Submission(prepared, future, claim)], len(prepared))
        return future

    def submit_each(
        self, groups: Sequence[tuple[Prepared, ...]], done: Callable[[Outcomes], object]
    ) -> None:
        """Record each group, or refuse it by its fence, for itself; one hand-over there, one back.

        Args:
            groups: At least one.
            done: Called in the writing thread, once all are durable, with what became of each: its
                entries, or the error that `submit` would have raised for it. It must not fail or wait.

        Raises:
            Unavailable: closed or not started, or too many drafts are waiting.
        """
        together = _Together(len(groups), done)
        submissions = [
            _Submission(group, _Place(together, place)) for place, group in enumerate(groups)
        ]
        self._put(submissions, sum(map(len, groups)))

    def _put(self, submissions: Sequence[_Submission], count: int) -> None:
        with self._guard:
            if self._closing or self._thread is None:
                raise Unavailable("The ledger takes no more events: it is being closed.")
            if self._count and self._count + count > MAX_WAITING:
                raise Unavailable(
                    f"{self._count} events wait to be recorded.", advice="Try again in a moment."
                )
            self._count += count
            for one in submissions:
                self._waiting.put(one)

    def close(self) -> None:
        """Record everything that was accepted, then stop."""
        with self._guard:
            if not self._closing:
                self._closing = True
                self._waiting.put(_END)
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while group := self._gather():
            self._commit(group)

    def _gather(self) -> list[_Submission]:
        """Return what waits now, at most `MAX_GROUP` drafts; empty only when closed and drained."""
        one: _Submission | None = self._first or self._waiting.get()
        self._first, group, count = None, list[_Submission](), 0
        while one is not None:
            if one is _END or (group and count + len(one.drafts) > MAX_GROUP):
                self._first = one
                break
            group.append(one)
            count += len(one.drafts)
            one = None if self._waiting.empty() else self._waiting.get()
        with self._guard:
            self._count -= count
        return group

    def _commit(self, group: list[_Submission]) -> None:
        try:
            claims = [one.claim for one in group] if any(one.claim for one in group) else []
            outcomes = self._ledger.record_each([one.drafts for one in group], claims)
        except Conflict as problem:
            if len(group) == 1:
                _fail(group, problem)
            else:  # one of them repeats an id: each for itself, so that only that one fails
                for one in group:
                    self._commit([one])
        except Exception as problem:  # noqa: BLE001 - not swallowed: every waiting caller gets it
            _fail(group, problem)
        else:
            for one, outcome in zip(group, outcomes, strict=True):
                _settle(one.future, outcome)


def _settle(future: Recorded | _Place, outcome: Outcome) -> None:
    if isinstance(outcome, tuple):
        future.set_result(outcome)
    else:
        future.set_exception(outcome)


def _fail(group: list[_Submission], problem: Exception) -> None:
    for one in group:
        one.future.set_exception(problem)
