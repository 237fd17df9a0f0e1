from __future__ import annotations

from pathlib import Path

import pytest

from bedside.errors import NotFound, UsageError
from bedside.lab.datasets.label_maps import PartedMaps, named_dataset
from bedside.lab.datasets.manifest import Case, Dataset, DatasetManifest, stored_at


@pytest.fixture
def maps(tmp_path: Path) -> Dataset:
    cases = []
    for name in ("a", "b", "c"):
        path = tmp_path / f"{name}.nii"
        path.write_bytes(name.encode())
        cases.append(Case(name=name, patient=name, files={"labels": stored_at(path, path.name)}))
    told = DatasetManifest(
        name="Maps", licence="CC0", consent_basis="nobody's", origin="made", cases=tuple(cases)
    )
    return Dataset(told, tmp_path)


def test_who_is_held_out_is_in_no_file_to_draw_from(maps: Dataset) -> None:
    found = PartedMaps(maps, 1, ("b",))
    assert [path.name for path in found.validation] == ["b.nii"]
    assert [path.name for path in found.training] == ["a.nii", "c.nii"]
    assert [one.rows for one in found.data] == [2, 1]
    assert "patient" in found.split


def test_a_file_that_was_changed_is_not_drawn_from(maps: Dataset) -> None:
    found = PartedMaps(maps, 1, ("b",))
    (maps.folder / "a.nii").write_bytes(b"another")
    with pytest.raises(UsageError, match="not the file of the manifest"):
        _ = found.training


def test_a_data_set_must_be_named_and_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No data set is named"):
        named_dataset("")
    with pytest.raises(NotFound, match="no manifest"):
        named_dataset(str(tmp_path / "gone.json"))
