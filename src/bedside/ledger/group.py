"""Group commit: many callers, one durable transaction at a time, no waiting for company.

While one group is being written, the next one gathers. A disk that needs a millisecond for a
commit then serves as many callers in that millisecond as there are.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TypeAlias

from bedside.errors import BedsideError, Conflict, Unavailable, UsageError
from bedside.ledger.events import Draft, Entry, Prepared, prepare
from bedside.ledger.fences import FenceMoved
from bedside.ledger.ledger import Ledger, Outcome

MAX_GROUP = 256
"""Drafts in one transaction: it should not keep other processes waiting for long."""

MAX_WAITING = 8192
"""Drafts that may wait; beyond it the caller is told at once instead of piling up memory."""

Recorded: TypeAlias = Future[tuple[Entry, ...]]


@dataclass(frozen=True, slots=True)
class _Submission:
    drafts: tuple[Prepared, ...]
    future: Recorded


class GroupCommit:
    """One writing thread for one process; start it after a fork."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._waiting: deque[_Submission] = deque()
        self._count = 0
        self._changed = threading.Condition()
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

    def submit(self, drafts: Sequence[Draft]) -> Recorded:
        """Return a future of the recorded entries; it is done when they are durable.

        The future fails with `FenceMoved`, with the error of a bad draft, or with `Unavailable`
        when the database cannot answer; other callers' drafts are not touched by it.

        Raises:
            Unavailable: closed or not started, or too many drafts are waiting.
        """
        future: Recorded = Future()
        future.set_running_or_notify_cancel()  # what was accepted cannot be called back
        try:
            prepared = tuple(prepare(draft) for draft in drafts)
        except BedsideError as problem:
            future.set_exception(problem)
            return future
        with self._changed:
            if self._closing or self._thread is None:
                raise Unavailable("The ledger takes no more events: it is being closed.")
            if self._count + len(prepared) > MAX_WAITING:
                raise Unavailable(
                    f"{self._count} events wait to be recorded.", advice="Try again in a moment."
                )
            self._count += len(prepared)
            self._waiting.append(_Submission(prepared, future))
            self._changed.notify()
        return future

    def close(self) -> None:
        """Record everything that was accepted, then stop."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while group := self._gather():
            self._commit(group)

    def _gather(self) -> list[_Submission]:
        """Return what waits now, at most `MAX_GROUP` drafts; empty only when closed and drained."""
        with self._changed:
            while not self._waiting and not self._closing:
                self._changed.wait()
            group: list[_Submission] = []
            count = 0
            while self._waiting:
                count += len(self._waiting[0].drafts)
                if group and count > MAX_GROUP:
                    break
                group.append(self._waiting.popleft())
                self._count -= len(group[-1].drafts)
            return group

    def _commit(self, group: list[_Submission]) -> None:
        try:
            outcomes = self._ledger.record_each([one.drafts for one in group])
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


def _settle(future: Recorded, outcome: Outcome) -> None:
    if isinstance(outcome, FenceMoved):
        future.set_exception(outcome)
    else:
        future.set_result(outcome)


def _fail(group: list[_Submission], problem: Exception) -> None:
    for one in group:
        one.future.set_exception(problem)
