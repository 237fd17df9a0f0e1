"""A data set's manifest names every byte, keeps people together, and names nobody."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from bedside.errors import NotFound, UsageError
from bedside.lab.datasets.listing import (
    Words,
    as_they_are,
    keyed_naming,
    list_folder,
    list_table,
    rooted,
)
from bedside.lab.datasets.manifest import Dataset, open_dataset, write_dataset
from bedside.lab.datasets.parting import parted

WORDS = Words("Scans", "CC0", "nobody's data", "made up")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four scans of three people, one of them a folder of slices."""
    found = tmp_path / "data"
    (found / "series").mkdir(parents=True)
    for number in range(3):
        (found / f"scan-{number}.nii.gz").write_bytes(bytes([number]) * 50)
    for number in range(2):
        (found / "series" / f"{number}.dcm").write_bytes(bytes([number]) * 20)
    (tmp_path / "table.csv").write_text(
        "case,patient,contrast,image,fact:sex\n"
        "a,Yamada Hanako,T1,scan-0.nii.gz,f\n"
        "b,Yamada Hanako,T2,scan-1.nii.gz,f\n"
        "c,Suzuki Taro,T1,scan-2.nii.gz,\n"
        "d,Sato Jiro,CT,series,m\n"
    )
    return found


@pytest.fixture
def dataset(folder: Path, tmp_path: Path) -> Dataset:
    made = list_table(folder, tmp_path / "table.csv", WORDS, as_they_are)
    write_dataset(rooted(made, folder, tmp_path / "set.json"), tmp_path / "set.json")
    return open_dataset(tmp_path / "set.json")


def test_a_file_is_the_file_of_the_manifest_or_it_is_refused(
    dataset: Dataset, folder: Path
) -> None:
    case = dataset.cases[0]
    assert dataset.path_of(case, "image").read_bytes() == bytes(50)
    with pytest.raises(NotFound, match=r"has no 'mask'.*It has image"):
        dataset.path_of(case, "mask")
    (folder / "scan-0.nii.gz").write_bytes(b"\1" + bytes(49))
    with pytest.raises(UsageError, match="is not the file of the manifest"):
        dataset.path_of(case, "image")


def test_a_series_is_the_series_of_the_manifest_or_it_is_refused(
    dataset: Dataset, folder: Path
) -> None:
    case = dataset.cases[3]
    assert dataset.path_of(case, "image").is_dir()
    (folder / "series" / "2.dcm").write_bytes(b"one more")
    with pytest.raises(UsageError, match="is not the file of the manifest"):
        dataset.path_of(case, "image")


def test_the_digest_is_the_same_wherever_the_files_lie_and_another_with_another_file(
    dataset: Dataset, folder: Path, tmp_path: Path
) -> None:
    moved = tmp_path / "elsewhere" / "deep"
    shutil.copytree(folder, moved)
    again = list_table(moved, tmp_path / "table.csv", WORDS, as_they_are)
    there = rooted(again, moved, tmp_path / "again.json")
    assert there.root != dataset.manifest.root
    assert there.digest == dataset.manifest.digest
    (moved / "scan-1.nii.gz").write_bytes(b"other")
    changed = list_table(moved, tmp_path / "table.csv", WORDS, as_they_are)
    assert changed.digest != dataset.manifest.digest


def test_patients_become_pseudonyms_that_are_the_same_under_one_key(
    folder: Path, tmp_path: Path
) -> None:
    key = tmp_path / "key"
    made = list_table(folder, tmp_path / "table.csv", WORDS, keyed_naming(key))
    again = list_table(folder, tmp_path / "table.csv", WORDS, keyed_naming(key))
    other = list_table(folder, tmp_path / "table.csv", WORDS, keyed_naming(tmp_path / "other"))
    assert made == again != other
    assert key.stat().st_mode & 0o777 == 0o600
    text = made.model_dump_json()
    assert not any(name in text for name in ("Yamada", "Suzuki", "Sato"))
    assert made.cases[0].patient == made.cases[1].patient != made.cases[2].patient
    assert [one.name.partition("/")[2] for one in made.cases] == ["1", "2", "1", "1"]


def test_a_folder_is_a_data_set_whose_files_are_cases(folder: Path) -> None:
    made = list_folder(folder, "labels", WORDS, as_they_are)
    assert [one.name for one in made.cases] == ["scan-0", "scan-1", "scan-2"]
    assert set(made.cases[0].files) == {"labels"}
    with pytest.raises(NotFound, match=r"no file that ends in \.nii"):
        list_folder(folder / "series", "labels", WORDS, as_they_are)


def test_a_table_that_does_not_say_whom_it_shows_is_refused(folder: Path, tmp_path: Path) -> None:
    table = tmp_path / "bad.csv"
    table.write_text("case,image\na,scan-0.nii.gz\n")
    with pytest.raises(UsageError, match="no column 'patient'"):
        list_table(folder, table, WORDS, as_they_are)
    table.write_text("case,patient,image\na,p,scan-0.nii.gz\na,q,scan-1.nii.gz\n")
    with pytest.raises(UsageError, match="the case 'a' stands twice"):
        list_table(folder, table, WORDS, as_they_are)
    table.write_text("case,patient,The Image\na,p,scan-0.nii.gz\n")
    with pytest.raises(UsageError, match="must be like image, labels"):
        list_table(folder, table, WORDS, as_they_are)
    table.write_text("case,patient,image\na,p,scan-9.nii.gz\n")
    with pytest.raises(NotFound, match=r"scan-9\.nii\.gz cannot be read"):
        list_table(folder, table, WORDS, as_they_are)


def test_a_patient_is_the_same_with_blanks_around_and_a_row_without_one_is_refused(
    folder: Path, tmp_path: Path
) -> None:
    table = tmp_path / "blanks.csv"
    table.write_text("patient,image\n4711,scan-0.nii.gz\n4711 ,scan-1.nii.gz\n")
    made = list_table(folder, table, WORDS, keyed_naming(tmp_path / "key"))
    assert made.cases[0].patient == made.cases[1].patient
    table.write_text("patient,image\n4711,scan-0.nii.gz\n ,scan-1.nii.gz\n")
    with pytest.raises(UsageError, match="Row 2 names no patient"):
        list_table(folder, table, WORDS, keyed_naming(tmp_path / "key"))


def test_the_same_scan_under_two_names_is_never_on_both_sides(folder: Path, tmp_path: Path) -> None:
    table = tmp_path / "twice.csv"
    (folder / "empty-0.nii.gz").write_bytes(b"nothing")
    (folder / "empty-1.nii.gz").write_bytes(b"nothing")
    (folder / "again.nii.gz").write_bytes((folder / "scan-0.nii.gz").read_bytes())
    lines = "a,p,{},empty-0.nii.gz\nb,q,scan-1.nii.gz,empty-1.nii.gz\nc,r,{},\n"
    table.write_text("case,patient,image,mask\n" + lines.format("scan-0.nii.gz", "scan-2.nii.gz"))
    made = Dataset(list_table(folder, table, WORDS, as_they_are), folder)
    assert parted(made, seed=1, named=["p"]).validation[0].name == "a"  # empty masks are alike
    table.write_text("case,patient,image,mask\n" + lines.format("scan-0.nii.gz", "again.nii.gz"))
    twice = Dataset(list_table(folder, table, WORDS, as_they_are), folder)
    with pytest.raises(
        UsageError, match=r"'a' of the patient 'p' and 'c' of 'r' are the same file"
    ):
        parted(twice, seed=1, named=["p"])
    assert len(parted(twice, seed=1, named=["q"]).training) == 2


def test_what_is_no_manifest_is_refused_with_the_first_fault(
    dataset: Dataset, tmp_path: Path
) -> None:
    told = dataset.manifest.model_dump(mode="json")
    told["cases"][0]["files"]["image"]["digest"] = "sha256:short"
    path = tmp_path / "bad.json"
    path.write_text(json.dumps(told))
    with pytest.raises(UsageError, match=r"cases\.0\.files\.image\.digest"):
        open_dataset(path)
    with pytest.raises(NotFound, match="no manifest"):
        open_dataset(tmp_path / "nowhere.json")


@pytest.mark.parametrize("seed", range(6))
def test_nobody_is_in_two_parts(dataset: Dataset, seed: int) -> None:
    parts = parted(dataset, seed=seed, share=0.34)
    sides = [{one.patient for one in part} for part in (parts.training, parts.validation)]
    assert sides[0]
    assert sides[1]
    assert not sides[0] & sides[1]
    assert len(parts.training) + len(parts.validation) == 4
    assert f"seed {seed}" in parts.words
    assert parts == parted(dataset, seed=seed, share=0.34)


def test_patients_for_validation_can_be_named(dataset: Dataset) -> None:
    parts = parted(dataset, seed=1, named=["Sato Jiro"])
    assert [one.name for one in parts.validation] == ["d"]
    assert "named" in parts.words
    with pytest.raises(UsageError, match=r"no patient 'Tanaka'.*Sato Jiro, Suzuki Taro"):
        parted(dataset, seed=1, named=["Tanaka"])
    everybody = sorted({one.patient for one in dataset.cases})
    with pytest.raises(UsageError, match="too few for two parts"):
        parted(dataset, seed=1, named=everybody)


def test_a_part_has_a_digest_of_its_own(dataset: Dataset) -> None:
    whole, part = dataset.described(dataset.cases), dataset.described(dataset.cases[:2], "training")
    assert (whole.digest, whole.rows) == (dataset.manifest.digest, 4)
    assert (part.name, part.rows) == ("Scans, training", 2)
    assert part.digest not in {whole.digest, dataset.described(dataset.cases[2:]).digest}
