"""Files of jobs: sealed, whole or not there, and removed with all that nobody tells of."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bedside.clock import new_id
from bedside.errors import NotFound, SiteProblem, Unavailable, UsageError
from bedside.jobs.folder import JobFiles

PLAIN = bytes(range(256)) * 3000


@pytest.fixture
def files(tmp_path: Path) -> JobFiles:
    return JobFiles(tmp_path / "files")


def put(files: JobFiles, name: str, data: bytes = PLAIN) -> bytes:
    with files.writing(name) as writer:
        writer.write(data)
    return writer.key


def test_what_was_written_is_read_and_lies_sealed(files: JobFiles) -> None:
    name = f"uploads/{new_id()}"
    key = put(files, name)
    assert files.read(name, key) == PLAIN
    stored = files.path(name).read_bytes()
    assert PLAIN[:64] not in stored
    assert files.size(name) == len(stored)
    assert files.names() == [name]


def test_two_files_have_two_keys(files: JobFiles) -> None:
    one, two = f"uploads/{new_id()}", f"uploads/{new_id()}"
    key, other = put(files, one), put(files, two)
    assert key != other
    with pytest.raises(SiteProblem, match="damaged"):
        files.read(two, key)


@pytest.mark.parametrize("place", [0, 80, 400_000, -1])
def test_an_altered_byte_is_noticed(files: JobFiles, place: int) -> None:
    name = f"uploads/{new_id()}"
    key = put(files, name)
    data = bytearray(files.path(name).read_bytes())
    data[place] ^= 1
    files.path(name).write_bytes(data)
    with pytest.raises(SiteProblem, match="damaged"):
        files.read(name, key)


def test_a_file_that_was_cut_off_at_a_chunk_is_noticed(files: JobFiles) -> None:
    name = f"uploads/{new_id()}"
    key = put(files, name)
    path = files.path(name)
    line = path.read_bytes().index(b"\n") + 1
    os.truncate(path, line + 256 * 1024 + 16)
    with pytest.raises(SiteProblem, match="damaged"):
        files.read(name, key)


def test_what_is_broken_off_is_not_there(files: JobFiles) -> None:
    name = f"uploads/{new_id()}"
    with pytest.raises(TypeError), files.writing(name) as writer:
        writer.write("no bytes")  # type: ignore[arg-type]
    assert files.names() == []
    assert list((files.folder / "uploads").iterdir()) == []
    with pytest.raises(NotFound):
        files.read(name, b"k" * 32)


@pytest.mark.parametrize(
    "name",
    [
        "uploads/x",
        "../site.toml",
        f"uploads/../{new_id()[:0]}x",
        "results/a/1-0",
        "/etc/passwd",
        "",
    ],
    ids=["short", "above", "around", "no-id", "absolute", "empty"],
)
def test_what_is_no_name_never_becomes_a_path(files: JobFiles, name: str) -> None:
    with pytest.raises(UsageError):
        files.path(name)


def test_results_of_one_attempt_are_removed_alone(files: JobFiles) -> None:
    job = new_id()
    for name in ("1-0", "2-0", "2-1"):
        put(files, f"results/{job}/{name}", b"x")
    files.remove_results(job, 1)
    assert files.names() == [f"results/{job}/2-0", f"results/{job}/2-1"]
    files.remove_results(job)
    assert files.names() == []
    files.remove_results(job)  # twice is the same


def test_a_folder_that_was_lost_is_nothing_to_remove_from(files: JobFiles) -> None:
    files.remove_upload(new_id())
    files.remove_results(new_id())


def test_uploads_leave_room_on_the_disk(files: JobFiles) -> None:
    files.refuse_without_room()
    with pytest.raises(Unavailable, match="must stay free"):
        JobFiles(files.folder, free=2**62).refuse_without_room()


def test_files_that_nobody_tells_of_are_found_once_they_are_old(files: JobFiles) -> None:
    known, unknown, job = new_id(), new_id(), new_id()
    for name in (f"uploads/{known}", f"uploads/{unknown}", f"results/{job}/1-0"):
        put(files, name, b"x")
    now = files.path(f"uploads/{known}").stat().st_mtime
    assert files.strangers([known], now - 10) == []
    strangers = files.strangers([known], now + 10)
    assert sorted(one.name for one in strangers) == sorted([unknown, job])
    for path in strangers:
        files.remove(path)
    assert files.names() == [f"uploads/{known}"]


def test_a_disk_that_refuses_is_told(files: JobFiles, tmp_path: Path) -> None:
    (tmp_path / "files").write_text("not a folder")
    with pytest.raises(Unavailable, match="could not be written"):
        files.writer(f"uploads/{new_id()}")
