"""A package is held against every reference, and what its gate refuses is told."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from bedside.canonical import digest
from bedside.errors import UsageError, VolumeRefused
from bedside.imaging.measuring.masks import Mask
from bedside.lab.datasets.manifest import Case, Dataset, open_dataset
from bedside.lab.evaluating.analysed import Found, Segmenter
from bedside.lab.evaluating.evaluating import CaseResult, Compared, Wish, evaluate
from bedside.lab.evaluating.maps import Exhibits
from bedside.lab.evaluating.orientations import turned_alike
from bedside.lab.evaluating.pictures import WorstPictures
from bedside.lab.evaluating.report import make_report, write_report
from bedside.runtime.analysis import Stated
from tests.volume_packages import A_NUMBER, THREE_SLIDING, opened

HEAD = Stated(modality="MR", body_part="HEAD")


@pytest.fixture(scope="module")
def segmenter() -> Iterator[Segmenter]:
    found = Segmenter(opened())
    yield found
    found.close()


def silent(name: str, place: int, count: int) -> None: ...


def forget(case: Case, found: Found, reference: Mask, one: Compared) -> None: ...


@pytest.fixture(scope="module")
def dataset(heads: Path) -> Dataset:
    return open_dataset(heads)


@pytest.fixture(scope="module")
def results(segmenter: Segmenter, dataset: Dataset) -> tuple[CaseResult, ...]:
    other = Segmenter(opened(THREE_SLIDING))
    return evaluate(segmenter, dataset, Wish(stated=HEAD), (silent, forget), [other])


def test_a_mask_is_held_against_every_reference(results: tuple[CaseResult, ...]) -> None:
    one, two, _ = results
    assert [found.reference for found in one.compared] == ["mask", "drawn-three@1.0.0"]
    assert [found.reference for found in two.compared] == [
        "mask",
        "mask.second",
        "drawn-three@1.0.0",
    ]
    exact, half = two.compared[0].scores, two.compared[1].scores
    assert (exact.dice, exact.hausdorff_95, exact.volume_error) == (1.0, 0.0, 0.0)
    assert exact.specificity == exact.sensitivity == 1.0
    assert half.sensitivity == 1.0
    assert half.precision == pytest.approx(0.5, abs=0.15)
    assert half.volume_error == pytest.approx(half.volume_ml / half.reference_ml - 1)
    assert half.hausdorff_95 is not None
    assert half.hausdorff_95 > 20
    assert 0 < one.compared[1].scores.dice < 1


def test_an_image_that_is_refused_in_another_orientation_does_not_end_the_evaluation(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(Segmenter(opened())) as segmenter:
        found = segmenter.analyse(dataset.path_of(dataset.cases[0], "image"), HEAD)

        def refuse(path: Path, stated: Stated) -> Found:
            raise VolumeRefused("made-up", "not readable so")

        monkeypatch.setattr(segmenter, "analyse", refuse)
        assert [one.dice for one in turned_alike(segmenter, found, HEAD, 2)] == [None, None]


def test_what_the_gate_refuses_is_told_and_in_no_mean(
    results: tuple[CaseResult, ...], segmenter: Segmenter, dataset: Dataset
) -> None:
    assert "it takes at least 32" in results[2].refused
    assert results[2].compared == ()
    report = make_report(segmenter, dataset, results)
    (mean,) = (
        one
        for one in report.summaries
        if (one.reference, one.measure, one.subgroup) == ("mask", "dice", "")
    )
    assert (mean.cases, mean.patients, mean.mean) == (2, 2, 1.0)


def test_a_report_has_tables_for_machines_and_people_and_pictures_the_worst_first(
    segmenter: Segmenter, dataset: Dataset, tmp_path: Path
) -> None:
    worst = WorstPictures(tmp_path / "pictures", 1)
    results = evaluate(segmenter, dataset, Wish(stated=HEAD), (silent, worst.keep))
    report = make_report(segmenter, dataset, results)
    told = write_report(report, tmp_path, worst.paths)
    document = (tmp_path / "evaluation.json").read_bytes()
    assert digest(document) == told
    kept = json.loads(document)
    assert kept["evaluation"]["data"]["digest"] == dataset.manifest.digest
    with (tmp_path / "cases.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["case"] for row in rows] == ["one", "two", "two", "three"]
    assert rows[0]["sex"] == "f"
    assert rows[3]["refused"]
    page = (tmp_path / "report.md").read_text()
    assert "| sensitivity | sex f | 1.0000 (one patient) |" in page
    metrics = [one for one in kept["evaluation"]["metrics"] if one["name"] == "Dice, mask"]
    methods = {one["subgroup"]: one["method"] for one in metrics}
    assert methods["sex f"] == "mean; one patient, so no interval"
    assert "bootstrap of patients" in methods[None]
    assert page.index("| three |") < page.index("| two |") < page.index("| one |")
    names = [path.name for path in worst.paths]
    assert len(names) == len(list((tmp_path / "pictures").iterdir())) == 1  # the better one is gone
    assert names[0].endswith("two-mask.second.png")
    assert f"(pictures/{names[0]})" in page
    assert (tmp_path / "charts.png").read_bytes().startswith(b"\x89PNG")


def test_the_same_mask_is_found_however_the_image_is_stored(
    segmenter: Segmenter, dataset: Dataset
) -> None:
    few = Dataset(dataset.manifest.model_copy(update={"cases": dataset.cases[:1]}), dataset.folder)
    (one,) = evaluate(segmenter, few, Wish(stated=HEAD, orientations=3), (silent, forget))
    assert len({found.code for found in one.turned}) == 3
    assert "RAS" not in {found.code for found in one.turned}
    assert [found.dice for found in one.turned] == [1.0, 1.0, 1.0]


def test_a_mask_that_depends_on_how_the_image_is_stored_is_seen(
    segmenter: Segmenter, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = segmenter.analyse(dataset.path_of(dataset.cases[0], "image"), HEAD)
    monkeypatch.setattr(segmenter, "analyse", lambda path, stated: first)
    few = Dataset(dataset.manifest.model_copy(update={"cases": dataset.cases[:1]}), dataset.folder)
    (one,) = evaluate(segmenter, few, Wish(stated=HEAD, orientations=2), (silent, forget))
    assert not all(found.alike for found in one.turned)


def test_regions_are_counted_case_by_case_and_over_thresholds(
    segmenter: Segmenter, dataset: Dataset, tmp_path: Path
) -> None:
    exhibits = Exhibits(tmp_path, 0, mapped=True)
    results = evaluate(segmenter, dataset, Wish(stated=HEAD, regions=0.5), (silent, exhibits.keep))
    maps = sorted(path.name for path in (tmp_path / "probabilities").iterdir())
    assert maps == ["one.nii.gz", "two.nii.gz"]  # the third was refused
    one = results[0].compared[0]
    assert one.regions is not None
    assert (one.regions.regions, one.regions.found, one.regions.false) == (1, 1, 0)
    assert [point.threshold for point in one.counted] == [round(0.05 * n, 2) for n in range(1, 20)]
    report = make_report(segmenter, dataset, results)
    write_report(report, tmp_path)
    assert (
        "Sensitivity 1.000 (2 of 2); 0.00 false regions a scan."
        in (tmp_path / "report.md").read_text()
    )
    curves = json.loads((tmp_path / "evaluation.json").read_bytes())["free_response"]
    assert len(curves["mask"]) == 19


def test_some_classes_of_several_make_the_mask(dataset: Dataset) -> None:
    three = opened(THREE_SLIDING)
    path = dataset.path_of(dataset.cases[0], "image")
    both, bright = (Segmenter(three, names) for names in ((), ("bright",)))
    masks = [one.analyse(path, HEAD).mask for one in (both, bright)]
    assert masks[0].sum() > masks[1].sum() > 0
    with pytest.raises(UsageError, match=r"no class 'dark'.*grey, bright"):
        Segmenter(three, ["dark"])


def test_what_gives_no_mask_or_has_no_reference_is_refused(
    segmenter: Segmenter, dataset: Dataset
) -> None:
    with pytest.raises(UsageError, match="gives no mask"):
        Segmenter(opened(A_NUMBER))
    case = dataset.cases[0]
    bare = case.model_copy(update={"files": {"image": case.files["image"]}})
    few = Dataset(dataset.manifest.model_copy(update={"cases": (bare,)}), dataset.folder)
    with pytest.raises(UsageError, match="'mask' unless --against"):
        evaluate(segmenter, few, Wish(), (silent, forget))


def test_a_file_that_changed_is_not_measured_on(
    segmenter: Segmenter, dataset: Dataset, tmp_path: Path
) -> None:
    for file in dataset.folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    mask = tmp_path / "one-mask.nii.gz"
    mask.write_bytes((tmp_path / "two-mask.nii.gz").read_bytes())
    with pytest.raises(UsageError, match="is not the file of the manifest"):
        evaluate(
            segmenter, open_dataset(tmp_path / "heads.json"), Wish(stated=HEAD), (silent, forget)
        )
