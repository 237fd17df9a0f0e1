from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest

from bedside.errors import NotFound
from bedside.imaging import folders
from bedside.imaging.files import GivenFile
from bedside.imaging.folders import volumes_in
from bedside.imaging.nifti.reading import beginning
from bedside.imaging.volume import VolumeLimits
from bedside.imaging.volume_reading import read_volume
from tests.imaging.test_files import closed_to_us
from tests.volume_packages import head_nifti

NIFTI = head_nifti()
SLICE = b"\0" * 128 + b"DICM" + b"\0" * 20


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, data in {
        "b.nii.gz": NIFTI,
        "a.nii": NIFTI,
        "people/one/IM2": SLICE,
        "people/one/IM1": SLICE,
        "people/one/notes.txt": b"words",
        "people/two/t1.nii": NIFTI,
        "people/two/t1.nii.gz": NIFTI,
        ".hidden.nii": NIFTI,
        ".hidden/c.nii": NIFTI,
        "__MACOSX/d.nii": NIFTI,
        "out/mask.nii": NIFTI,
        "readme.md": b"words",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    with zipfile.ZipFile(tmp_path / "c.zip", "w") as archive:
        archive.writestr("head.nii", NIFTI)
    return tmp_path


def test_finds_files_zips_and_folders_of_slices_by_how_they_begin(folder: Path) -> None:
    found = volumes_in(folder, folder / "out")
    assert [one.name for one in found] == [
        "a",
        "b",
        "c",
        "people/one",
        "people/two/t1.nii",  # shortened, it would be the other one's name
        "people/two/t1.nii.gz",
    ]
    assert [path.name for path in found[3].paths] == ["IM1", "IM2"]


def test_what_cannot_be_opened_is_a_volume_that_cannot_be_read(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("gone.nii.gz", "gone.txt", "people/one/IM3", "people/three/IM1.dcm"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).symlink_to(folder / "was-not-fetched")
    (folder / "closed").mkdir()
    closed_to_us(monkeypatch, folder / "closed")
    found = {one.name: one for one in volumes_in(folder, folder / "out")}
    assert found.keys() - {"a", "b", "c", "people/two/t1.nii", "people/two/t1.nii.gz"} == {
        "closed",
        "gone",
        "people/one",
        "people/three",
    }
    for name in ("closed", "gone", "people/one", "people/three"):
        with pytest.raises(NotFound):
            found[name].files(VolumeLimits())


def test_each_is_read_by_the_reader(folder: Path) -> None:
    found = {one.name: one for one in volumes_in(folder, folder / "out")}
    limits = VolumeLimits()
    volumes = [read_volume(found[name].files(limits), limits) for name in ("a", "b", "c")]
    assert len({one.values.tobytes() for one in volumes}) == 1


def test_a_folder_of_slices_is_a_volume_itself(folder: Path) -> None:
    assert [one.name for one in volumes_in(folder / "people" / "one")] == ["volume"]


def test_a_changed_file_has_another_fingerprint(folder: Path) -> None:
    before = {one.name: one.fingerprint for one in volumes_in(folder)}
    os.utime(folder / "people/one/IM2", ns=(1, 1))
    after = {one.name: one.fingerprint for one in volumes_in(folder)}
    assert {name for name, one in after.items() if before[name] != one} == {"people/one"}


def test_a_file_that_goes_while_it_is_looked_at_is_said_when_it_is_read(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = folder / "people/two/t1.nii"

    def then_gone(file: GivenFile) -> bytes:
        start = beginning(file)
        gone.unlink(missing_ok=True)
        return start

    monkeypatch.setattr(folders, "beginning", then_gone)
    found = {one.name: one for one in volumes_in(folder / "people/two")}
    monkeypatch.undo()
    with pytest.raises(NotFound):
        read_volume(found["t1.nii"].files(VolumeLimits()))


def test_a_link_out_of_the_folder_is_not_followed(folder: Path) -> None:
    (folder / "people" / "all").symlink_to(folder)
    assert len(volumes_in(folder, folder / "out")) == 6


def test_where_there_is_none_it_is_said(tmp_path: Path) -> None:
    (tmp_path / "readme.md").write_text("words")
    with pytest.raises(NotFound, match="no volume in"):
        volumes_in(tmp_path)
