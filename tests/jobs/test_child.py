"""A child is not believed: what it says and makes is bounded, and its end is noticed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bedside.canonical import Json
from bedside.clock import new_id
from bedside.errors import LimitExceeded
from bedside.jobs import sealing
from bedside.jobs.child import Child, ChildEnded
from bedside.jobs.folder import JobFiles
from bedside.jobs.frames import Frame, Garbled, read_words, spell, spell_file, spell_json
from bedside.jobs.inside import MEMORY_BESIDE, MOST_WRITTEN
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


def test_a_child_writes_no_core_and_no_endless_file() -> None:
    with Child("tests.jobs.toy_child", ["normal"]) as child:
        done(child, {"do": "give-back"})
        limits = Path(f"/proc/{child.pid}/limits").read_text()
        words, home = child._words.fileno(), child._home
        assert os.fstat(words).st_size > 0
        child.rest()
        assert os.fstat(words).st_size == 0  # the words of one job are nothing for the next
        assert home.stat().st_mode & 0o777 == 0o700
    assert re.search(r"Max core file size +0 +0", limits)
    assert re.search(rf"Max file size +{MOST_WRITTEN} +{MOST_WRITTEN}", limits)
    assert not home.exists()


def test_whoever_waits_for_a_child_that_takes_nothing_is_asked_whether_to_go_on() -> None:
    asked: list[int] = []

    def going_on() -> None:
        asked.append(1)
        if len(asked) > 3:
            raise KeyboardInterrupt

    with Child("tests.jobs.mute_child") as child, pytest.raises(KeyboardInterrupt):
        child.say([b"x" * 2**20], going_on)


def test_a_child_that_refuses_before_it_heard_all_does_the_next_job_rightly() -> None:
    with Child("tests.jobs.toy_child", ["normal"]) as child:
        refused, _ = done(child, {"do": "refuse-early"}, b"of the first" * 2**20)
        assert refused["message"] == "Nothing of it was read."
        assert child.quiet
        said, files = done(child, {"do": "give-back"}, b"second")
        assert "pid" in said
        assert files == b"dnoces"


def test_a_child_may_speak_before_it_heard_all() -> None:
    with Child("tests.jobs.toy_child", ["normal"]) as child:
        _, files = done(child, {"do": "speak-early"}, b"y" * (20 * 2**20))
        assert len(files) == 22 * 2**20


def test_a_child_that_speaks_unasked_is_not_kept() -> None:
    with Child("tests.jobs.toy_child", ["normal"]) as child:
        done(child, {"do": "give-back"})
        assert child.quiet
        child.say([spell_json(Frame.WORDS, {"do": "speak-unasked"})], lambda: None)
        end = time.monotonic() + 20
        while child.quiet:
            assert time.monotonic() < end
            time.sleep(0.02)


def test_a_job_gets_no_more_memory_than_it_declared_and_says_so() -> None:
    with Child("tests.jobs.toy_child", ["normal"]) as child:
        much = {"do": "take", "bytes": 2 * MEMORY_BESIDE}
        refused, _ = done(child, {**much, "memory": 2**20})
        assert refused["problem"] == "memory"
        said, _ = done(child, {**much, "memory": 4 * MEMORY_BESIDE})
        assert "pid" in said


def done(child: Child, asked: dict[str, Json], data: bytes = b"") -> tuple[dict[str, Json], bytes]:
    """Let a child do a job; return its last words, and the bytes of all files that it made."""
    frames = [spell_json(Frame.WORDS, asked), *spell_file({"name": "one"}, data), spell(Frame.LAST)]
    child.say(frames, lambda: None)
    files = bytearray()
    for frame in child.hear():
        if frame is not None and frame[0] is Frame.PIECE:
            files += frame[1]
        if frame is not None and frame[0] is Frame.WORDS:
            return read_words(frame[1]), bytes(files)
    raise AssertionError


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
    for name, data in (("one", b"1234"), ("two", b"5678")):
        for frame in spell_file({"name": name, "media_type": "text/plain"}, data):
            taking.take(Frame(frame[:1]), frame[5:])
    with pytest.raises(LimitExceeded, match="more than 2 files"):
        taking.take(Frame.FILE, ABOUT)
    assert [one.size for one in taking.files] == [4, 4]
    other = Sealing(files, new_id(), 1)
    other.take(Frame.FILE, ABOUT)
    with pytest.raises(LimitExceeded, match="more than 10 bytes"):
        other.take(Frame.PIECE, b"x" * 11)
    other.drop()
