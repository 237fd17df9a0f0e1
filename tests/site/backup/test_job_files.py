"""Files of jobs that come out of a backup are put where they belong, and nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest

from bedside.clock import new_id
from bedside.errors import SiteProblem
from bedside.site.backup.job_files import JobFileTaker
from bedside.site.files import JOB_FILES_FOLDER


def test_pieces_become_the_file(tmp_path: Path) -> None:
    taker, name = JobFileTaker(tmp_path), f"uploads/{new_id()}"
    taker.begin({"name": name, "size": 5})
    seen = []
    for piece in (b"ab", b"cde"):
        taker.add(piece)
        seen.append(taker.busy)
    assert seen == [True, False]
    path = tmp_path / JOB_FILES_FOLDER / name
    assert path.read_bytes() == b"abcde"
    assert path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "name", ["../site.toml", "/etc/passwd", "uploads/../../x", "keys/site.key", "", None]
)
def test_another_name_is_refused(tmp_path: Path, name: str | None) -> None:
    with pytest.raises(SiteProblem, match="which is no job's"):
        JobFileTaker(tmp_path).begin({"name": name, "size": 1})
    assert list(tmp_path.rglob("*")) == []


@pytest.mark.parametrize("size", [-1, "5", None, True])
def test_a_size_that_is_none_is_refused(tmp_path: Path, size: object) -> None:
    with pytest.raises(SiteProblem, match="the size"):
        JobFileTaker(tmp_path).begin({"name": f"uploads/{new_id()}", "size": size})


def test_bytes_beyond_the_file_are_refused(tmp_path: Path) -> None:
    taker = JobFileTaker(tmp_path)
    with pytest.raises(SiteProblem, match="belong to no file"):
        taker.add(b"x")
    taker.begin({"name": f"uploads/{new_id()}", "size": 1})
    with pytest.raises(SiteProblem, match="belong to no file"):
        taker.add(b"xy")
    taker.add(b"x")
