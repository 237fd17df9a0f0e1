"""Plain predictions that are asked for at the same time are served as one group.

While one group is being recorded, the next one gathers. All rows of a group that go to one model pass
its gate and its network together; each event is sealed under a key of its own and spelled from the
release's templates; one hand-over takes them to the thread that writes the ledger, and one brings
the outcome back. A row that is not plain, or whose record was refused, touches no other: its caller is
told to go the long way, `Serving.predict`, where every rule and every refusal is.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Final, NamedTuple, TypeAlias

from bedside.clock import new_ids
from bedside.errors import BedsideError
from bedside.keys.subjects import SubjectKey, SubjectKeys
from bedside.ledger.events import Entry, Prepared, prepare_spelled
from bedside.ledger.fences import FenceMoved
from bedside.ledger.group import GroupCommit, Outcomes
from bedside.people.person import Caller
from bedside.runtime.postprocess import Answer
from bedside.serving.attempt import INLINE_SECONDS
from bedside.serving.outcomes import RECORD_SECONDS, not_confirmed
from bedside.serving.released import Loaded
from bedside.serving.spelling import Said
from bedside.serving.values import Prediction, Row

MOST: Final = 64
"""Requests in one group: what is computed at once on the event loop stays under some milliseconds."""

LOOK: Final = "Look into the ledger before you send it again."
"""What to do where nobody knows whether something was recorded."""

Told: TypeAlias = Prediction | FenceMoved | None
"""A recorded prediction; or, for whoever must go the long way: the fence that moved, or None."""


@dataclass(slots=True)
class Wanted:
    """One plain row that somebody waits for.

    Attributes:
        caller: Who asks.
        loaded: What answers.
        row: The row.
        begun: Nanoseconds of the performance counter.
        told: Where the caller waits.
        key: Seals its event, where that is at hand.
    """

    caller: Caller
    loaded: Loaded
    row: Row
    begun: int
    told: asyncio.Future[Told]
    key: SubjectKey | None = None


class _Served(NamedTuple):
    wanted: Wanted
    prediction_id: str
    answer: Answer
    prepared: Prepared


@dataclass(slots=True)
class _Group:
    """What is served at once, on which loop, whether that is over, and when it is given up."""

    loop: asyncio.AbstractEventLoop
    wanted: Sequence[Wanted]
    over: bool = False
    late: asyncio.TimerHandle | None = None


class Together:
    """Serves what is asked for on one event loop; only its `_worked` may run in another thread.

    Whatever happens to a group, each of it hears something, and the next group begins.
    """

    def __init__(self, group: GroupCommit, subject_keys: SubjectKeys) -> None:
        self._group = group
        self._subject_keys = subject_keys
        self._waiting: list[Wanted] = []
        self._busy = False

    def ask(self, caller: Caller, loaded: Loaded, row: Row) -> asyncio.Future[Told]:
        """Return a future of what became of a row; whoever asks may give it up, the record stands.

        Args:
            caller: Who asks; permitted. Their fences must still be so when it is recorded.
            loaded: What answers; it has a spelling.
            row: What for.

        Raises (through the future):
            Unavailable: the record failed, or is not confirmed within `RECORD_SECONDS`.
            LedgerBroken: the ledger is not whole.
        """
        loop = asyncio.get_running_loop()
        told: asyncio.Future[Told] = loop.create_future()
        self._waiting.append(Wanted(caller, loaded, row, time.perf_counter_ns(), told))
        if not self._busy:
            self._busy = True
            loop.call_soon(self._begin, loop)  # after all that has come by now
        return told

    def _begin(self, loop: asyncio.AbstractEventLoop) -> None:
        """Serve what waits: on the loop where that is quick and asks no disk, else in a thread."""
        group = _Group(loop, self._waiting[:MOST])
        del self._waiting[:MOST]
        try:
            if self._at_hand(group.wanted):
                self._submit(group, self._worked(group.wanted))
                return
            working = loop.run_in_executor(None, self._worked, group.wanted)
        except Exception as problem:  # noqa: BLE001 - not swallowed: told to each
            self._failed(group, problem)
            return
        working.add_done_callback(partial(self._hand_over, group))

    def _at_hand(self, group: Sequence[Wanted]) -> bool:
        """Return whether a group may be served on the loop, and give each row its key from memory."""
        if any(one.row.subject is not None for one in group):
            return False
        if sum([one.loaded.runner.row_seconds for one in group]) > INLINE_SECONDS:
            return False
        keys = self._subject_keys.at_hand(len(group))
        for one, key in zip(group, keys or (), strict=False):
            one.key = key
        return keys is not None

    def _worked(self, group: Sequence[Wanted]) -> list[_Served]:
        """Return what was answered and spelled of a group; what failed must go the long way."""
        served: list[_Served] = []
        for loaded in {id(one.loaded): one.loaded for one in group}.values():
            mine = [one for one in group if one.loaded is loaded]
            try:
                served += self._answered(loaded, mine)
            except Exception:  # noqa: BLE001, S112 - not swallowed: alone, each meets its own problem
                continue
        return served

    def _answered(self, loaded: Loaded, wanted: Sequence[Wanted]) -> list[_Served]:
        spelling = loaded.spelling
        if spelling is None:
            return []
        places, answers = loaded.runner.plain([one.row.input for one in wanted])
        if not places:
            return []
        plain = [wanted[place] for place in places]
        keys = [one.key for one in plain if one.key is not None]
        if len(keys) < len(plain):  # in a thread
            keys = self._subject_keys.many([one.row.subject for one in plain])
        ids = new_ids(2 * len(plain))
        now, release = time.perf_counter_ns(), loaded.release.fence
        served = []
        for at, (one, answer, key) in enumerate(zip(plain, answers, keys, strict=True)):
            microseconds = (now - one.begun) // 1000
            said = Said(one.row, answer, key, microseconds, (release, *one.caller.fences))
            spelled = spelling.event(one.caller, (ids[2 * at], ids[2 * at + 1]), said)
            served.append(_Served(one, ids[2 * at], answer, prepare_spelled(spelled)))
        return served

    def _hand_over(self, group: _Group, worked: asyncio.Future[list[_Served]]) -> None:
        """Go on with what a thread has worked on."""
        try:
            self._submit(group, [] if worked.cancelled() else worked.result())
        except Exception as problem:  # noqa: BLE001 - not swallowed: told to each
            self._failed(group, problem)

    def _submit(self, group: _Group, served: list[_Served]) -> None:
        """Hand over what was spelled, and send the others the long way."""
        if len(served) < len(group.wanted):
            known = {id(one.wanted) for one in served}
            for one in group.wanted:
                if id(one) not in known:
                    _tell(one.told, None)
        if not served:
            self._next(group)
            return
        group.late = group.loop.call_later(RECORD_SECONDS, self._given_up, group)
        told = partial(self._recorded, group, served)
        self._group.submit_each([(one.prepared,) for one in served], told)

    def _recorded(self, group: _Group, served: list[_Served], outcomes: Outcomes) -> None:
        """Go on where the group came from; called in the writing thread."""
        with suppress(RuntimeError):  # its loop is closed: nobody waits there any more
            group.loop.call_soon_threadsafe(self._settle, group, served, outcomes)

    def _settle(self, group: _Group, served: list[_Served], outcomes: Outcomes) -> None:
        """Tell everybody what became of it, once that is on the disk."""
        try:
            for one, outcome in zip(served, outcomes, strict=True):
                if isinstance(outcome, tuple):
                    _tell(one.wanted.told, _prediction(one, outcome[0]))
                elif isinstance(outcome, FenceMoved):
                    _tell(one.wanted.told, outcome)
                else:
                    _fail(one.wanted.told, outcome)
        except Exception as problem:  # noqa: BLE001 - not swallowed: told to each
            self._failed(group, problem)
        else:
            self._next(group)

    def _given_up(self, group: _Group) -> None:
        """Tell all of a group that nobody confirmed their record in time."""
        self._failed(group, not_confirmed(LOOK))

    def _failed(self, group: _Group, problem: BaseException) -> None:
        """Tell all of a group who have heard nothing yet what is wrong."""
        for one in group.wanted:
            _fail(one.told, problem)
        self._next(group)

    def _next(self, group: _Group) -> None:
        """Begin with what has come meanwhile, once for each group: one given up may end later."""
        if group.over:
            return
        group.over = True
        if group.late is not None:
            group.late.cancel()
        self._busy = bool(self._waiting)
        if self._waiting:
            group.loop.call_soon(self._begin, group.loop)


def _prediction(served: _Served, entry: Entry) -> Prediction:
    release, answer = served.wanted.loaded.release, served.answer
    return Prediction(
        id=served.prediction_id,
        manifest=served.wanted.loaded.manifest,
        package=release.digest,
        epoch=release.epoch,
        label=answer.label,
        scores=answer.scores,
        threshold=answer.threshold,
        index=entry.index,
        at=entry.at,
    )


def _tell(told: asyncio.Future[Told], outcome: Told) -> None:
    if not told.done():  # whoever went away cancelled it
        told.set_result(outcome)


def _fail(told: asyncio.Future[Told], problem: BaseException) -> None:
    if not told.done():
        told.set_exception(_copy(problem))


def _copy(problem: BaseException) -> BaseException:
    """Return a copy of one of our errors, as far as it can be made: one raised by many gathers tracebacks."""
    if not isinstance(problem, BedsideError):
        return problem
    try:
        return type(problem)(problem.message, advice=problem.advice)
    except TypeError:  # made of other things than a message
        return problem
