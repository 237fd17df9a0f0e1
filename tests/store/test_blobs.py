from __future__ import annotations

import os
from pathlib import Path

import pytest

from bedside.canonical import digest
from bedside.errors import NotFound, SiteProblem, Unavailable, UsageError
from bedside.store.blobs import FolderBlobs


@pytest.fixture
def blobs(tmp_path: Path) -> FolderBlobs:
    return FolderBlobs(tmp_path / "blobs")


def only_file(tmp_path: Path) -> Path:
    (found,) = [path for path in (tmp_path / "blobs").rglob("*") if path.is_file()]
    return found


def test_what_is_put_is_got_back(blobs: FolderBlobs) -> None:
    name = blobs.put(b"data")
    assert name == digest(b"data")
    assert blobs.get(name) == b"data"
    assert blobs.size(name) == 4
    assert blobs.has(name)


def test_putting_twice_keeps_one(blobs: FolderBlobs, tmp_path: Path) -> None:
    assert blobs.put(b"data") == blobs.put(b"data")
    assert only_file(tmp_path).read_bytes() == b"data"


def test_what_was_never_put_is_not_found(blobs: FolderBlobs) -> None:
    name = digest(b"other")
    assert not blobs.has(name)
    with pytest.raises(NotFound, match=name):
        blobs.get(name)
    with pytest.raises(NotFound, match=name):
        blobs.size(name)


def test_damage_is_found_when_read(blobs: FolderBlobs, tmp_path: Path) -> None:
    name = blobs.put(b"data")
    only_file(tmp_path).write_bytes(b"dat\x00")
    with pytest.raises(SiteProblem, match=f"{name} is damaged"):
        blobs.get(name)


def test_putting_again_heals_damage(blobs: FolderBlobs, tmp_path: Path) -> None:
    name = blobs.put(b"data")
    only_file(tmp_path).write_bytes(b"dat\x00")
    blobs.put(b"data")
    assert blobs.get(name) == b"data"


@pytest.mark.parametrize("name", ["../../etc/passwd", "sha256:" + "A" * 64, "sha256:abc", ""])
def test_what_is_no_digest_never_becomes_a_path(blobs: FolderBlobs, name: str) -> None:
    with pytest.raises(UsageError, match="is not a digest"):
        blobs.get(name)


def test_a_blob_is_nobody_elses_to_read(blobs: FolderBlobs, tmp_path: Path) -> None:
    blobs.put(b"data")
    path = only_file(tmp_path)
    assert path.stat().st_mode & 0o077 == 0
    assert path.parent.stat().st_mode & 0o077 == 0


def test_a_write_that_fails_leaves_nothing_half_done(
    blobs: FolderBlobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Unavailable, match="No space left"):
        blobs.put(b"data")
    assert not blobs.has(digest(b"data"))
    assert [p for p in (tmp_path / "blobs").rglob("*") if p.is_file()] == []


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(SiteProblem, match="cannot be made"):
        FolderBlobs(tmp_path / "file" / "blobs")
