"""The log of a run outlives whatever happens to those who write it."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest

from bedside.lab.training.diary import NAME, Diary, read_diary


def diary(folder: Path) -> Diary:
    made = Diary(folder, 0)
    for step in (1, 2, 3):
        made.write({"step": step})
    return made


def test_what_is_done_again_is_cut_and_a_torn_line_too(tmp_path: Path) -> None:
    diary(tmp_path)
    with (tmp_path / NAME).open("ab") as stream:
        stream.write(b'{"step":')
    Diary(tmp_path, 2).write({"step": 3, "again": True})
    assert read_diary(tmp_path) == [{"step": 1}, {"step": 2}, {"step": 3, "again": True}]


def test_a_log_that_cannot_be_cut_stands_as_it_was_and_one_that_need_not_be_is_not_written(
    tmp_path: Path,
) -> None:
    diary(tmp_path)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        with pytest.raises(OSError, match="too large"):
            Diary(tmp_path, 2)
        Diary(tmp_path, 3)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert len(read_diary(tmp_path)) == 3
