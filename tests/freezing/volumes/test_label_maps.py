from __future__ import annotations

from pathlib import Path

import pytest

from bedside.canonical import Json
from bedside.errors import NotFound, UsageError
from bedside.freezing.volumes.label_maps import with_likeness
from bedside.freezing.volumes.spec import make_volume_spec
from bedside.imaging.volume_writing import nifti_bytes
from tests.freezing.volumes.building import volume_answers
from tests.freezing.volumes.test_likeness import MAPS


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A spec's folder with label maps in `labels`, and something else."""
    (tmp_path / "labels").mkdir()
    for number, one in enumerate(MAPS):
        data = nifti_bytes(one.values, one.affine, compressed=False)
        (tmp_path / "labels" / f"{number}.nii").write_bytes(data)
    (tmp_path / "labels" / "README.txt").write_text("label maps")
    return tmp_path


def answers(**likeness: Json) -> dict[str, Json]:
    whole = volume_answers()
    volume = whole["volume"]
    assert isinstance(volume, dict)
    return {**whole, "volume": {**volume, "likeness": likeness}}


def test_a_folder_of_label_maps_becomes_a_likeness(folder: Path) -> None:
    asked = answers(label_maps="labels", contrasts=["t1", "t2"], otherwise="flag")
    likeness = make_volume_spec(with_likeness(asked, folder)).volume.likeness
    assert likeness is not None
    assert (len(likeness.references), likeness.volumes, likeness.otherwise) == (2, 5, "flag")


def test_other_answers_stay_as_they_are(folder: Path) -> None:
    for untouched in (volume_answers(), answers(minimum=0.5), {"volume": "none"}):
        assert with_likeness(untouched, folder) is untouched


def test_a_folder_that_is_not_there_is_named(folder: Path) -> None:
    with pytest.raises(NotFound, match=r"no folder of label maps at .*maps"):
        with_likeness(answers(label_maps="maps"), folder)


def test_an_answer_that_does_not_fit_is_named(folder: Path) -> None:
    with pytest.raises(UsageError, match=r"volume\.likeness\.contrasts\.0: .* may have contrasts"):
        with_likeness(answers(label_maps="labels", contrasts=["ct"]), folder)
    with pytest.raises(UsageError, match=r"volume\.likeness\.least"):
        with_likeness(answers(label_maps="labels", least=0.5), folder)


def test_a_file_that_is_no_volume_is_named(folder: Path) -> None:
    (folder / "labels" / "9.nii").write_bytes(b"not a volume")
    with pytest.raises(UsageError, match=r"9\.nii is no label map"):
        with_likeness(answers(label_maps="labels"), folder)
