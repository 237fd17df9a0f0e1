"""An upload as it comes: bounded, sealed, and gone unless somebody keeps it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bedside.errors import LimitExceeded, Unavailable, UsageError
from bedside.jobs.folder import UPLOADS, JobFiles
from bedside.serving.receiving import Receiving
from tests.imaging.made_volumes import zipped
from tests.volume_packages import head_nifti


@pytest.fixture
def files(tmp_path: Path) -> JobFiles:
    return JobFiles(tmp_path / "files")


@contextmanager
def filled(
    files: JobFiles, *parts: bytes, most_bytes: int = 1000, most_files: int = 3
) -> Iterator[Receiving]:
    with Receiving(files, most_bytes, most_files) as received:
        for number, data in enumerate(parts):
            received.begin(str(number))
            received.add(data)
            received.end()
        yield received


def test_what_came_is_told_by_digest_and_lies_sealed(files: JobFiles) -> None:
    with filled(files, b"first" * 20, b"second") as received:
        sent = received.whole("patient-1")
        received.keep()
    assert [one.bytes for one in sent.files] == [100, 6]
    assert (sent.subject, sent.size) == ("patient-1", 106)
    name = f"{UPLOADS}/{received.id}"
    assert b"first" in files.read(name, sent.key)
    assert b"first" not in files.path(name).read_bytes()


@pytest.mark.parametrize("whole", [True, False])
def test_what_nobody_keeps_is_gone(files: JobFiles, *, whole: bool) -> None:
    with filled(files, b"data") as received:
        if whole:
            received.whole(None)
    assert [path for path in files.folder.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize(
    ("limits", "words"),
    [({"most_bytes": 10}, "more than 10 bytes"), ({"most_files": 1}, "More than 1 files")],
    ids=["bytes", "files"],
)
def test_there_is_an_end_to_bytes_and_to_files(
    files: JobFiles, limits: dict[str, int], words: str
) -> None:
    with pytest.raises(LimitExceeded, match=words), filled(files, b"12345", b"678901", **limits):
        pass


def test_a_first_file_is_refused_without_room_before_anything_of_it_comes(files: JobFiles) -> None:
    def full() -> None:
        raise Unavailable("there is no room")

    with Receiving(files, 1000, 3, full) as received, pytest.raises(Unavailable, match="no room"):
        received.begin("1")
    scarce = JobFiles(files.folder, free=2**62)
    with Receiving(scarce, 1000, 3) as received:
        received.begin("1")
        with pytest.raises(Unavailable, match="must stay free"):
            received.add(b"data")


def test_nothing_and_what_is_empty_is_no_upload(files: JobFiles) -> None:
    with filled(files) as received, pytest.raises(UsageError, match="No file was sent"):
        received.whole(None)
    with filled(files, b"") as received, pytest.raises(UsageError, match="empty"):
        received.whole(None)


def test_what_lies_beside_slices_adds_no_voxels_and_what_tells_of_none_is_of_unknown_size(
    files: JobFiles,
) -> None:
    head = head_nifti()
    with filled(files, head, most_bytes=10**7) as alone:
        voxels = alone.whole(None).voxels
    assert voxels
    with filled(files, head, b"words of a README", b"", most_bytes=10**7) as beside:
        assert beside.whole(None).voxels == voxels
    with filled(files, head, zipped({"head.nii": head}), most_bytes=10**7) as packed:
        assert packed.whole(None).voxels is None
    with filled(files, b"words of a README") as words:
        assert words.whole(None).voxels is None
