"""A child is not believed: what it says and makes is bounded, and its end is noticed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bedside.clock import new_id
from bedside.errors import LimitExceeded
from bedside.jobs import sealing
from bedside.jobs.child import Child, ChildEnded
from bedside.jobs.folder import JobFiles
from bedside.jobs.frames import Frame, Garbled, spell, spell_file, spell_json
from bedside.jobs.sealing import Sealing

ABOUT = b'{"name":"a","media_type":"text/plain"}'

PARENT = """
import sys, time
from bedside.jobs.child import Child
from bedside.jobs.frames import Frame, spell, spell_json
child = Child("tests.jobs.toy_child", ["normal"])
child.say([spell_json(Frame.WORDS, {"do": "wait"}), spell(Frame.LAST)], lambda: None)
next(one for one in child.hear() if one)
print(child.pid, flush=True)
time.sleep(600)
"""


@pytest.fixture
def files(tmp_path: Path) -> JobFiles:
    return JobFiles(tmp_path / "files")


def test_a_child_ends_when_its_worker_was_killed() -> None:
    root = Path(__file__).resolve().parents[2]
    with subprocess.Popen(
        [sys.executable, "-c", PARENT],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(root)},
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.kill()
    end = time.monotonic() + 20
    while Path(f"/proc/{pid}/stat").exists() and " Z " not in Path(f"/proc/{pid}/stat").read_text():
        assert time.monotonic() < end, "the child lives on"
        time.sleep(0.02)


def test_a_child_ends_when_its_worker_is_cut_off_in_the_middle_of_a_word() -> None:
    with Child("tests.jobs.toy_child", ["normal"]) as child:
        stream = child._process.stdin
        assert stream is not None
        stream.write(spell_json(Frame.WORDS, {"do": "wait"}) + spell(Frame.PIECE, b"abc")[:-1])
        stream.close()
        assert child._process.wait(20) == 3


def test_a_child_has_the_lowest_priority() -> None:
    with Child("tests.jobs.toy_child", ["idle"]) as child:
        child.say([spell_json(Frame.WORDS, {"do": "wait"}), spell(Frame.LAST)], lambda: None)
        next(one for one in child.hear() if one)
        fields = Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2].split()
        assert int(fields[16]) == 19  # nice; proc(5), field 19
        assert int(fields[38]) == 5  # SCHED_IDLE; proc(5), field 41
        assert Path(f"/proc/{child.pid}/oom_score_adj").read_text().strip() == "1000"
        group = Path(f"/proc/{child.pid}/autogroup")
        assert not group.exists() or group.read_text().split()[-1] == "19"


def test_the_end_of_a_child_is_told_with_its_last_words() -> None:
    with (
        Child("tests.jobs.nothing_of_that_name", ["normal"]) as child,
        pytest.raises(ChildEnded) as ended,
    ):
        list(child.hear())
    assert ended.value.status == 1
    assert "nothing_of_that_name" in ended.value.words
    assert "nothing_of_that_name" not in ended.value.message  # words may tell of a person


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        (Frame.PIECE, b"data"),
        (Frame.END, b""),
        (Frame.LAST, b""),
        (Frame.FILE, b'{"name":7,"media_type":"x"}'),
        (Frame.FILE, b"{}"),
    ],
    ids=["piece", "end", "last", "number", "nothing"],
)
def test_a_frame_that_belongs_to_no_file_is_refused(
    files: JobFiles, kind: Frame, payload: bytes
) -> None:
    with pytest.raises(Garbled):
        Sealing(files, new_id(), 1).take(kind, payload)


def test_a_file_inside_a_file_is_refused_and_nothing_of_it_stays(files: JobFiles) -> None:
    taking = Sealing(files, new_id(), 1)
    taking.take(Frame.FILE, ABOUT)
    with pytest.raises(Garbled):
        taking.take(Frame.FILE, ABOUT)
    taking.drop()
    assert [path for path in files.folder.rglob("*") if path.is_file()] == []


def test_there_is_an_end_to_files_and_to_bytes(
    files: JobFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealing, "MOST_FILES", 2)
    monkeypatch.setattr(sealing, "MOST_RESULT_BYTES", 10)
    taking = Sealing(files, new_id(), 1)
    for data in (b"1234", b"5678"):
        for frame in spell_file({"name": "a", "media_type": "b"}, data):
            taking.take(Frame(frame[:1]), frame[5:])
    with pytest.raises(LimitExceeded, match="more than 2 files"):
        taking.take(Frame.FILE, ABOUT)
    assert [one.size for one in taking.files] == [4, 4]
    other = Sealing(files, new_id(), 1)
    other.take(Frame.FILE, ABOUT)
    with pytest.raises(LimitExceeded, match="more than 10 bytes"):
        other.take(Frame.PIECE, b"x" * 11)
    other.drop()
