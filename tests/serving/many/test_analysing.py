from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from bedside.errors import Conflict, UsageError
from bedside.imaging.files import files_at
from bedside.imaging.folders import Found, volumes_in
from bedside.imaging.volume_reading import read_volume
from bedside.jobs.task import Finished, Heard, Step, Task
from bedside.keys.signing import SigningKey
from bedside.package.package import open_package
from bedside.serving.analysis_words import Order
from bedside.serving.many import analysing
from bedside.serving.many.analysing import Progress, analyse_many
from bedside.serving.many.diary import NAME, Diary, Entry
from bedside.serving.many.plan import Plan, at_once
from bedside.store.disk import replace_file
from tests.volume_packages import head_nifti, volume_package

FILES = {"mask.nii.gz": b"mask", "measurements.json": b"{}"}
ANSWER = {"values": {"bright": 12.5}, "flags": [["mask-empty", "0 mL"]], "out_of_domain": 0.25}
FOUND = tuple(Found(name, (), f"sha256:{name}") for name in ("one", "two", "two/three", "four"))


@cache
def the_plan() -> Plan:
    """One package for all tests of this file."""
    archive = volume_package(SigningKey.new())
    package = open_package(archive)
    return Plan(package.manifest, package.digest, archive, Order(modality="MR"))


class Told:
    """Workers that say what they are told to say, and remember what they were asked."""

    def __init__(self, said: dict[str, dict[str, object]] | None = None) -> None:
        self.said = said or {}
        self.asked: list[str] = []

    def run(self, tasks: Iterable[Task]) -> Iterator[Heard]:
        for task in tasks:
            self.asked.append(task.name)
            yield Step(task.name, "infer", 1, 2)
            said = self.said.get(task.name, {"answer": ANSWER})
            if "stop" in said:
                raise KeyboardInterrupt
            yield Finished(task.name, dict(said), FILES if "answer" in said else {})


def told(problem: str) -> dict[str, object]:
    return {"problem": problem, "message": f"It is {problem}.", "advice": "Look."}


def run(
    folder: Path,
    workers: Told,
    found: Sequence[Found] = FOUND,
    plan: Plan | None = None,
    *,
    again: bool = False,
) -> dict[str, Entry]:
    heard: list[Progress] = []
    entries = analyse_many(found, plan or the_plan(), folder, workers, heard.append, again=again)
    assert [one.name for one in entries] == [one.name for one in found]
    assert heard[-1].done == heard[-1].total == len(found)
    return {one.name: one for one in entries}


def test_the_files_of_each_lie_in_a_folder_of_its_own(tmp_path: Path) -> None:
    entries = run(tmp_path, Told())
    assert (tmp_path / "two" / "mask.nii.gz").read_bytes() == b"mask"
    assert (tmp_path / "two" / "three" / "measurements.json").read_bytes() == b"{}"
    assert entries["one"].values == {"bright": 12.5}
    assert entries["one"].flags == (("mask-empty", "0 mL"),)


def test_one_that_fails_or_is_refused_keeps_no_other_back(tmp_path: Path) -> None:
    workers = Told({"one": told("ended"), "two": told("VolumeRefused")})
    entries = run(tmp_path, workers)
    assert [one.state for one in entries.values()] == ["failed", "refused", "done", "done"]
    assert entries["two"].reason == "It is VolumeRefused. Look."
    assert (tmp_path / "two" / "three" / "mask.nii.gz").exists()


class TestTakenUpAgain:
    def test_does_what_is_left_and_what_failed(self, tmp_path: Path) -> None:
        first = Told({"one": told("memory"), "two": told("InputRefused"), "four": {"stop": 1}})
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path, first)
        again = Told()
        entries = run(tmp_path, again)
        assert again.asked == ["one", "four"]
        assert [one.state for one in entries.values()] == ["done", "refused", "done", "done"]
        assert run(tmp_path, nobody := Told()) == entries
        assert nobody.asked == []

    def test_does_what_changed_or_whose_files_are_gone(self, tmp_path: Path) -> None:
        run(tmp_path, Told())
        (tmp_path / "one" / "mask.nii.gz").unlink()
        changed = [*FOUND[:3], Found("four", (), "sha256:other")]
        run(tmp_path, again := Told(), changed)
        assert again.asked == ["one", "four"]

    def test_leaves_nothing_old_beside_a_new_refusal(self, tmp_path: Path) -> None:
        run(tmp_path, Told())
        changed = [FOUND[0], Found("two", (), "sha256:other"), *FOUND[2:]]
        run(tmp_path, Told({"two": told("InputRefused")}), changed)
        assert not (tmp_path / "two" / "mask.nii.gz").exists()
        assert (tmp_path / "two" / "three" / "mask.nii.gz").exists()

    def test_writes_over_nothing_that_is_not_its_own(self, tmp_path: Path) -> None:
        mine = tmp_path / "two" / "mask.nii.gz"
        mine.parent.mkdir()
        mine.write_bytes(b"drawn by hand")
        for workers in (Told(), Told({"two": told("InputRefused")})):
            with pytest.raises(Conflict, match="did not come of an earlier run"):
                run(tmp_path, workers)
            assert workers.asked == []
        assert mine.read_bytes() == b"drawn by hand"
        run(tmp_path, Told({"two": told("InputRefused")}), again=True)
        assert mine.read_bytes() == b"drawn by hand"
        run(tmp_path, Told(), again=True)
        assert mine.read_bytes() == b"mask"

    def test_writes_over_nothing_that_was_changed_by_hand(self, tmp_path: Path) -> None:
        run(tmp_path, Told())
        mine = tmp_path / "two" / "mask.nii.gz"
        mine.write_bytes(b"corrected")
        with pytest.raises(Conflict, match="was changed since"):
            run(tmp_path, Told())
        assert mine.read_bytes() == b"corrected"

    def test_goes_on_where_a_volume_was_half_written(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real = replace_file

        def failing(path: Path, data: bytes, mode: int) -> None:
            if path.name == "measurements.json" and path.parent.name == "two":
                raise KeyboardInterrupt
            real(path, data, mode)

        monkeypatch.setattr(analysing, "replace_file", failing)
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path, Told())
        monkeypatch.undo()
        run(tmp_path, again := Told())
        assert again.asked == ["two", "two/three", "four"]

    def test_by_two_at_a_time_is_refused(self, tmp_path: Path) -> None:
        with Diary(tmp_path, {}), pytest.raises(Conflict, match="Another process"):
            run(tmp_path, Told())

    def test_anew_leaves_nothing_old_beside_a_new_refusal(self, tmp_path: Path) -> None:
        run(tmp_path, Told())
        other = replace(the_plan(), order=Order(modality="CT"))
        run(tmp_path, Told({"two": told("InputRefused")}), plan=other, again=True)
        assert not (tmp_path / "two" / "mask.nii.gz").exists()

    def test_anew_and_interrupted_it_is_gone_on_with(self, tmp_path: Path) -> None:
        run(tmp_path, Told())
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path, Told({"two": {"stop": 1}}), again=True)
        run(tmp_path, rest := Told())
        assert rest.asked == ["two", "two/three", "four"]

    def test_anew_and_interrupted_it_writes_over_nothing_that_was_changed_since(
        self, tmp_path: Path
    ) -> None:
        run(tmp_path, Told())
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path, Told({"one": {"stop": 1}}), again=True)
        (tmp_path / "two" / "mask.nii.gz").write_bytes(b"corrected")
        with pytest.raises(Conflict, match="was changed since"):
            run(tmp_path, Told())

    @pytest.mark.parametrize("cut", [1, 20])
    def test_does_what_a_cut_off_line_told_of(self, tmp_path: Path, cut: int) -> None:
        run(tmp_path, Told())
        diary = tmp_path / NAME
        diary.write_bytes(diary.read_bytes()[:-cut])
        run(tmp_path, again := Told())
        assert again.asked == ["four"]
        run(tmp_path, nobody := Told())
        assert nobody.asked == []

    def test_by_another_question_is_refused(self, tmp_path: Path) -> None:
        run(tmp_path, Told())
        for order in (Order(modality="CT"), Order(modality="MR", language="ja")):
            with pytest.raises(Conflict, match="other questions"):
                run(tmp_path, Told(), plan=replace(the_plan(), order=order))

    @pytest.mark.parametrize(
        "line", [b"[]", b"no json", b'{"name":1}', b'{"name":"one","extra":2,"flags":[]}']
    )
    def test_beside_what_is_no_diary_is_refused(self, tmp_path: Path, line: bytes) -> None:
        run(tmp_path, Told())
        with (tmp_path / NAME).open("ab") as stream:
            stream.write(line + b"\n")
        with pytest.raises(UsageError, match="no record of analyses"):
            run(tmp_path, Told())


class TestHowMany:
    def test_are_as_many_as_wanted_and_fit_into_the_memory(self) -> None:
        plan = the_plan()
        assert at_once(plan, 3, cores=2, memory=100 * plan.memory) == 3
        assert at_once(plan, None, cores=5, memory=100 * plan.memory) == 5
        assert at_once(plan, 8, cores=8, memory=int(2.5 * plan.memory)) == 2
        assert at_once(plan, 8, cores=8, memory=1) == 1

    def test_are_more_where_the_headers_say_that_the_volumes_are_small(
        self, tmp_path: Path
    ) -> None:
        for name in ("a.nii", "b.nii"):
            (tmp_path / name).write_bytes(head_nifti())
        (tmp_path / "cut.nii").write_bytes(head_nifti()[:400])
        plan = the_plan()
        small = plan.of(volumes_in(tmp_path))
        assert small.voxels == read_volume(files_at(tmp_path / "a.nii")).values.size
        assert 0 < small.memory < plan.memory
        assert at_once(small, 8, cores=8, memory=3 * small.memory) == 3
        assert plan.of(()).memory == plan.memory

    def test_are_not_none(self) -> None:
        with pytest.raises(UsageError, match="0 analyses"):
            at_once(the_plan(), 0, cores=2)


def test_a_child_is_told_what_was_asked_and_that_nothing_is_recorded() -> None:
    asked = the_plan().task(FOUND[0]).asked
    assert asked["recorded"] is False
    assert asked["stated"] == {"modality": "MR", "body_part": None}
    json.dumps(asked)
