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
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias

from bedside.clock import new_ids
from bedside.errors import BedsideError
from bedside.keys.subjects import SubjectKey, SubjectKeys
from bedside.ledger.appending import Outcome
from bedside.ledger.events import Entry, Fence, Prepared, prepare_spelled
from bedside.ledger.fences import FenceMoved
from bedside.ledger.group import GroupCommit
from bedside.people.person import Caller
from bedside.runtime.postprocess import Answer
from bedside.serving.outcomes import RECORD_SECONDS, not_confirmed
from bedside.serving.released import Loaded
from bedside.serving.spelling import Said
from bedside.serving.values import Prediction, Row

MOST: Final = 64
"""Requests in one group: what is computed at once on the event loop stays under some milliseconds."""

_LOOK: Final = "Look into the ledger before you send it again."

Told: TypeAlias = Prediction | FenceMoved | None
"""A recorded prediction; or, for whoever must go the long way: the fence that moved, or None."""


@dataclass(slots=True)
class Wanted:
    """One plain row that somebody waits for.

    Attributes:
        caller: Who asks.
        loaded: What answers.
        row: The row.
        fences: What must still be so besides the release when it is recorded.
        begun: Nanoseconds of the performance counter.
        told: Where the caller waits.
        key: Seals its event, where that is at hand.
    """

    caller: Caller
    loaded: Loaded
    row: Row
    fences: tuple[Fence, ...]
    begun: int
    told: asyncio.Future[Told]
    key: SubjectKey | None = None


class _Served(NamedTuple):
    wanted: Wanted
    prediction_id: str
    answer: Answer
    prepared: Prepared


class Together:
    """Serves what is asked for on one event loop; only its `_worked` may run in another thread."""

    def __init__(self, group: GroupCommit, subject_keys: SubjectKeys) -> None:
        self._group = group
        self._subject_keys = subject_keys
        self._waiting: list[Wanted] = []
        self._busy = False

    def ask(
        self, caller: Caller, loaded: Loaded, row: Row, fences: tuple[Fence, ...] = ()
    ) -> asyncio.Future[Told]:
        """Return a future of what became of a row; whoever asks may give it up, the record stands.

        Args:
            caller: Who asks; permitted.
            loaded: What answers; it has a spelling.
            row: What for.
            fences: What must still be so besides the release when it is recorded.

        Raises (through the future):
            Unavailable: the record failed, or is not confirmed within `RECORD_SECONDS`.
            LedgerBroken: the ledger is not whole.
        """
        loop = asyncio.get_running_loop()
        told: asyncio.Future[Told] = loop.create_future()
        self._waiting.append(Wanted(caller, loaded, row, fences, time.perf_counter_ns(), told))
        if not self._busy:
            self._busy = True
            loop.call_soon(self._begin, loop)  # after all that has come by now
        return told

    def _begin(self, loop: asyncio.AbstractEventLoop) -> None:
        """Serve what waits: on the loop where that takes no look at the disk, else in a thread."""
        group, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
        if self._at_hand(group):
            self._submit(loop, group, self._worked(group))
            return
        working = loop.run_in_executor(None, self._worked, group)
        working.add_done_callback(
            lambda done: self._submit(loop, group, [] if done.cancelled() else done.result())
        )

    def _at_hand(self, group: Sequence[Wanted]) -> bool:
        """Return whether the keys of a group are in memory, and give each row its own."""
        if any(one.row.subject is not None for one in group):
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
            said = Said(one.row, answer, key, microseconds, (release, *one.fences))
            spelled = spelling.event(one.caller, (ids[2 * at], ids[2 * at + 1]), said)
            served.append(_Served(one, ids[2 * at], answer, prepare_spelled(spelled)))
        return served

    def _submit(
        self, loop: asyncio.AbstractEventLoop, group: Sequence[Wanted], served: list[_Served]
    ) -> None:
        """Hand over what was spelled, and send the others the long way."""
        if len(served) < len(group):
            known = {id(one.wanted) for one in served}
            for one in group:
                if id(one) not in known:
                    _tell(one.told, None)
        if not served:
            self._next(loop)
            return
        try:
            recorded = self._group.submit_each([(one.prepared,) for one in served])
        except BedsideError as problem:
            self._failed(loop, served, problem)
            return
        late = loop.call_later(RECORD_SECONDS, self._failed, loop, served, not_confirmed(_LOOK))
        recorded.add_done_callback(
            lambda done: loop.call_soon_threadsafe(self._settle, loop, served, (done, late))
        )

    def _settle(
        self,
        loop: asyncio.AbstractEventLoop,
        served: list[_Served],
        done: tuple[Future[list[Outcome | BaseException]], asyncio.TimerHandle],
    ) -> None:
        """Tell everybody what became of it, once that is on the disk."""
        recorded, late = done
        late.cancel()
        problem = recorded.exception()
        if problem is not None:
            self._failed(loop, served, problem)
            return
        for one, outcome in zip(served, recorded.result(), strict=True):
            if isinstance(outcome, tuple):
                _tell(one.wanted.told, _prediction(one, outcome[0]))
            elif isinstance(outcome, FenceMoved):
                _tell(one.wanted.told, outcome)
            else:
                _fail(one.wanted.told, outcome)
        self._next(loop)

    def _failed(
        self, loop: asyncio.AbstractEventLoop, served: Sequence[_Served], problem: BaseException
    ) -> None:
        """Tell a whole group what is wrong with its record."""
        for one in served:
            _fail(one.wanted.told, problem)
        self._next(loop)

    def _next(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin with what has come meanwhile."""
        self._busy = bool(self._waiting)
        if self._waiting:
            loop.call_soon(self._begin, loop)


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
        if isinstance(problem, BedsideError):  # a copy: one raised by many gathers tracebacks
            problem = type(problem)(problem.message, advice=problem.advice)
        told.set_exception(problem)
