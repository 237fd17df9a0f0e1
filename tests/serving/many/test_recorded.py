"""Tasks as jobs of a site, one that a test stands in for; the real one is in tests/cli."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from types import SimpleNamespace, TracebackType
from typing import Any, Self, cast

import pytest

from bedside.errors import LimitExceeded, Unavailable
from bedside.jobs.job import Job, State
from bedside.jobs.task import Finished, Step, Task
from bedside.serving.analysing import Analysing, Told
from bedside.serving.analysis_words import Order, Outcome
from bedside.serving.many import recorded
from bedside.serving.many.recorded import Recorded
from bedside.serving.released import Loaded

ANSWER = Outcome(answer={"values": {}, "flags": [], "out_of_domain": None})
GATE = ({"field": "volume", "code": "out-of-range"},)


class Receiving:
    """An upload that forgets."""

    def __init__(self, _caller: object) -> None: ...

    def begin(self, name: str) -> None: ...

    def add(self, data: bytes) -> None: ...

    def end(self) -> None: ...

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: object, trace: TracebackType | None
    ) -> None: ...


@dataclass
class Site:
    """Each job is looked at twice before it is over."""

    ends: dict[str, tuple[State, Outcome | None]] = field(default_factory=dict)
    looks: dict[str, int] = field(default_factory=dict)
    most: int = 0
    cancelled: list[str] = field(default_factory=list)
    refuses: BaseException | None = None

    def __post_init__(self) -> None:
        self.runner = SimpleNamespace(start=lambda: None)
        self.submitting = SimpleNamespace(receiving=Receiving)

    def submit(self, *_: object) -> tuple[Job, bool]:
        if self.refuses is not None:
            raise self.refuses
        job = job_of(str(len(self.looks)))
        self.looks[job.id] = 0
        self.most = max(self.most, sum(count < 2 for count in self.looks.values()))
        return job, False

    def told(self, _: object, job_id: str) -> Told:
        self.looks[job_id] += 1
        if self.looks[job_id] < 2:
            return Told(replace(job_of(job_id), state=State.RUNNING, stage="infer"), None)
        state, outcome = self.ends.get(job_id, (State.DONE, ANSWER))
        code = "memory" if state is State.FAILED else ""
        return Told(replace(job_of(job_id), state=state, code=code), outcome)

    def cancel(self, _: object, job_id: str) -> None:
        self.cancelled.append(job_id)


def job_of(name: str) -> Job:
    return Job(name, "analysis", "heads", "me", "key", "upload", "2026-11-21T08:00:00Z", b"", 1)


def tasks(count: int) -> Iterator[Task]:
    for one in range(count):
        yield Task(f"head {one}", {}, lambda: [("own", b"x")])


def workers(site: Site, at_once: int = 2) -> Recorded:
    nobody = cast("Any", None)
    return Recorded(cast("Analysing", site), nobody, cast("Loaded", None), Order(), at_once)


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorded, "LOOK_SECONDS", 0.0)


def test_so_many_are_under_way_and_each_is_told_once() -> None:
    site = Site(
        {
            "1": (State.REFUSED, Outcome(message="No head.", refusals=GATE)),
            "2": (State.FAILED, None),
        }
    )
    heard = list(workers(site).run(tasks(5)))
    found = {one.name: one.said for one in heard if isinstance(one, Finished)}
    assert site.most == 2
    assert list(found) == [f"head {one}" for one in range(5)]
    assert found["head 0"] == {"answer": ANSWER.answer, "id": "0"}
    assert (found["head 1"]["problem"], found["head 1"]["refusals"]) == ("InputRefused", [GATE[0]])
    assert found["head 2"]["problem"] == "memory"
    assert Step("head 4", "infer", 0, 0) in heard
    assert site.cancelled == []


def test_whoever_stops_listening_cancels_what_is_under_way() -> None:
    site = Site()
    heard = workers(site).run(tasks(5))
    next(heard)
    heard.close()  # type: ignore[attr-defined]
    assert site.cancelled == ["0", "1"]


def test_what_is_wrong_with_one_volume_keeps_no_other_back_and_what_is_with_all_does() -> None:
    told = list(workers(Site(refuses=LimitExceeded("Too large."))).run(tasks(3)))
    assert [one.said["message"] for one in told if isinstance(one, Finished)] == ["Too large."] * 3
    with pytest.raises(Unavailable):
        list(workers(Site(refuses=Unavailable("The disk is full."))).run(tasks(3)))
