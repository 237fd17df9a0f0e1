from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bedside.canonical import Json
from bedside.errors import NotFound, UsageError
from bedside.jobs.frames import spell_file
from bedside.jobs.pool import Pool
from bedside.jobs.task import Finished, Step, Task

CHILD = "tests.jobs.many_child"
COMMON = tuple(spell_file({"name": "common"}, b"abc"))


def task(name: str, **asked: Json) -> Task:
    return Task(name, asked, lambda: [("own", name.encode())])


def finished(tasks: list[Task], at_once: int = 2) -> dict[str, Finished]:
    heard = list(Pool(CHILD, COMMON, at_once, "normal").run(tasks))
    found = [one for one in heard if isinstance(one, Finished)]
    assert len(found) == len(tasks)
    return {one.name: one for one in found}


def test_each_task_gets_its_own_files_and_those_of_all() -> None:
    found = finished([task("one"), task("two"), task("three")])
    assert found["two"].files == {"common.out": b"cba", "own.out": b"owt"}


def test_a_child_goes_on_with_what_it_has_loaded() -> None:
    found = finished([task(str(number)) for number in range(4)], at_once=1)
    assert len({one.said["answer"]["pid"] for one in found.values()}) == 1
    assert [one.said["answer"]["began"] for one in found.values()] == [1, 2, 3, 4]


def test_several_work_at_once() -> None:
    steps: set[str] = set()
    together = 0
    for heard in Pool(CHILD, COMMON, 2, "normal").run([task("a", seconds=1), task("b", seconds=1)]):
        if isinstance(heard, Step):
            steps.add(heard.name)
            together = max(together, len(steps))
        else:
            steps.discard(heard.name)
    assert together == 2


def test_a_death_is_told_after_a_second_try_and_the_others_go_on(tmp_path: Path) -> None:
    found = finished(
        [
            task("dies", die=True),
            task("once", once=str(tmp_path / "mark")),
            *(task(str(number)) for number in range(3)),
        ]
    )
    assert found["dies"].said["problem"] == "ended"
    assert "SIGKILL" in str(found["dies"].said["message"])
    assert "answer" in found["once"].said
    assert all("answer" in found[str(number)].said for number in range(3))


def test_a_refusal_keeps_the_child_and_any_other_problem_does_not(tmp_path: Path) -> None:
    tasks = [
        task("fine"),
        task("refused", refuse=True),
        task("next"),
        task("early", early=True),  # what it did not hear would be taken for the next task
        task("last", once=str(tmp_path / "mark")),  # needs both of its attempts
    ]
    found = finished(tasks, at_once=1)
    assert found["refused"].said["problem"] == "InputRefused"
    assert found["next"].said["answer"]["began"] == 3
    assert found["early"].said["problem"] == "UsageError"
    assert found["last"].said["answer"]["began"] == 1


@pytest.mark.parametrize(
    ("problem", "words"),
    [(NotFound("There is no file.", advice="Look."), "There is no file."),
     (PermissionError(13, "Permission denied"), "Permission denied")],
    ids=["ours", "the disk's"],
)  # fmt: skip
def test_a_file_that_cannot_be_read_is_told(problem: Exception, words: str) -> None:
    def unreadable() -> Iterator[tuple[str, bytes]]:
        yield "first", b"x"
        raise problem

    found = finished([Task("unread", {}, unreadable), task("fine")])
    assert words in str(found["unread"].said["message"])
    assert "answer" in found["fine"].said


def test_whoever_stops_listening_ends_all() -> None:
    begun = time.monotonic()
    heard = Pool(CHILD, COMMON, 2, "normal").run([task(str(one), seconds=60) for one in range(9)])
    assert isinstance(next(heard), Step)
    heard.close()  # type: ignore[attr-defined]
    assert time.monotonic() - begun < 30
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    assert not any("many_child" in Path(f"/proc/{one}/cmdline").read_text() for one in children)


def test_nobody_at_work_is_refused() -> None:
    with pytest.raises(UsageError, match="0 tasks at once"):
        Pool(CHILD, COMMON, 0)
