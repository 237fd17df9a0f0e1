from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from bedside.errors import NotFound, VolumeRefused
from bedside.imaging import files as given_files
from bedside.imaging.files import GivenFile, files_at, files_of
from bedside.imaging.volume import VolumeLimits
from bedside.imaging.volume_reading import read_volume
from tests.imaging.made_volumes import STORED, files, nifti, packed, slices, zipped


def names(path: Path) -> list[str]:
    return [file.name for file in files_at(path).files]


def closed_to_us(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Let a folder be one that may not be looked into, for whoever runs the tests, root too."""
    real = os.scandir

    def refusing(path: str) -> Iterator[os.DirEntry[str]]:
        if Path(path) == folder:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", refusing)


class TestAFolder:
    def test_is_all_that_is_in_it_in_the_order_of_names(self, tmp_path: Path) -> None:
        for name in ("b", "a/z", "a/c/d", ".hidden", "c.txt", ".git/x", "__MACOSX/a/z"):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_bytes(b"1")
        assert names(tmp_path) == ["a/c/d", "a/z", "b", "c.txt"]

    def test_has_no_pipes(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "pipe")
        (tmp_path / "real").write_bytes(b"1")
        (tmp_path / "link").symlink_to(tmp_path / "real")
        assert names(tmp_path) == ["link", "real"]

    def test_with_a_link_to_nothing_is_refused_since_a_slice_may_be_missing(
        self, tmp_path: Path
    ) -> None:
        for name, data in zip("abc", files(slices()), strict=False):
            (tmp_path / name).write_bytes(data)
        (tmp_path / "z").symlink_to(tmp_path / "was-not-fetched")
        with pytest.raises(NotFound, match="cannot be read") as problem:
            files_at(tmp_path)
        assert "z" not in problem.value.message.split()

    def test_with_a_folder_that_may_not_be_looked_into_is_refused(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "real").write_bytes(b"1")
        (tmp_path / "closed").mkdir()
        closed_to_us(monkeypatch, tmp_path / "closed")
        with pytest.raises(NotFound, match="Permission denied"):
            files_at(tmp_path)

    def test_is_not_left_by_a_link(self, tmp_path: Path) -> None:
        (tmp_path / "inside").mkdir()
        (tmp_path / "inside" / "one").write_bytes(b"1")
        (tmp_path / "inside" / "round").symlink_to(tmp_path, target_is_directory=True)
        assert names(tmp_path / "inside") == ["one"]

    def test_that_is_empty_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(VolumeRefused) as problem:
            files_at(tmp_path)
        assert problem.value.code == "not-a-volume"

    def test_of_too_many_files_is_refused(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(given_files, "MOST_FILES", 3)
        for place in range(4):
            (tmp_path / str(place)).write_bytes(b"1")
        with pytest.raises(VolumeRefused, match="more than 3 files"):
            files_at(tmp_path)

    def test_from_which_a_file_vanishes_is_said(self, tmp_path: Path) -> None:
        (tmp_path / "one").write_bytes(b"1")
        (file,) = files_at(tmp_path).files
        (tmp_path / "one").unlink()
        with pytest.raises(NotFound, match="No such file") as problem:
            file.read()
        assert "one" not in problem.value.message

    def test_that_is_not_there_is_said(self, tmp_path: Path) -> None:
        with pytest.raises(NotFound, match="nothing-here"):
            files_at(tmp_path / "nothing-here")


class TestAVolume:
    def test_is_the_same_from_a_folder_a_zip_and_an_upload(self, tmp_path: Path) -> None:
        series = {f"IM{place}": data for place, data in enumerate(files(slices()))}
        folder, archive = tmp_path / "series", tmp_path / "series.zip"
        folder.mkdir()
        for name, data in series.items():
            (folder / name).write_bytes(data)
        archive.write_bytes(zipped({f"a/b/{name}": data for name, data in series.items()}))
        found = [
            read_volume(files)
            for files in (
                files_at(folder),
                files_at(archive),
                files_of(list(series.items())),
                files_of([("upload", archive.read_bytes())]),
            )
        ]
        assert len({volume.facts.digest for volume in found}) == 1
        assert all(np.array_equal(volume.values, found[0].values) for volume in found)

    def test_of_one_nifti_file_may_lie_in_a_zip_with_its_description(self) -> None:
        data = zipped({"head.nii.gz": packed(nifti()), "head.json": b"{}", "__MACOSX/._head": b"1"})
        assert np.array_equal(read_volume(files_of([("x", data)])).values, STORED)

    def test_is_not_looked_for_twice_as_deep(self) -> None:
        deep = zipped({"inner.zip": zipped({"head.nii": nifti()})})
        with pytest.raises(VolumeRefused) as problem:
            read_volume(files_of([("x", deep)]))
        assert "zip inside another" in problem.value.message


def test_an_upload_of_a_folder_has_no_hidden_files() -> None:
    given = [("a/IM1", b"1"), ("a/.Trash/IM1", b"1"), ("./b", b"2"), ("../c", b"3")]
    assert [file.name for file in files_of(given).files] == ["../c", "./b", "a/IM1"]


def test_an_upload_whose_files_all_lie_in_a_hidden_folder_has_them() -> None:
    given = [(f"home/.cache/{place}", b"1") for place in range(3)]
    assert len(files_of(given).files) == 3


def test_an_upload_of_too_many_files_is_refused_though_some_are_hidden(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(given_files, "MOST_FILES", 3)
    hidden = [(f".{place}", b"1") for place in range(5)]
    assert len(files_of([*hidden, *((str(place), b"1") for place in range(3))]).files) == 3
    with pytest.raises(VolumeRefused, match="more than 3 files"):
        files_of([*hidden, *((str(place), b"1") for place in range(4))])


class TestAFile:
    def test_that_grew_is_noticed(self) -> None:
        whole = files_of([("x", b"12345")]).files[0]
        grown = GivenFile("x", 3, whole.opened)
        with pytest.raises(VolumeRefused, match="grew"):
            grown.read()

    def test_shows_its_beginning(self) -> None:
        file = files_of([("x", b"12345")]).files[0]
        assert (file.start(2), file.start(9), file.read()) == (b"12", b"12345", b"12345")


def test_no_file_at_all_is_refused() -> None:
    with pytest.raises(VolumeRefused):
        files_of([])


def test_a_zip_above_the_limit_is_not_opened() -> None:
    with pytest.raises(VolumeRefused) as problem:
        files_of([("x", zipped({"a": bytes(100)}))], VolumeLimits(file_bytes=50))
    assert problem.value.code == "too-large"
