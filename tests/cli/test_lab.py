from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Cli, Laboratory
from tests.package.building_images import (
    STATED,
    ImageRecipe,
    expected_probability,
    film,
    png,
)


def test_training_leaves_a_package_that_verifies(
    cli: Cli, laboratory: Laboratory, tmp_path: Path
) -> None:
    told = cli.json("lab", "train", tmp_path / "out", "--key", laboratory.secret)
    assert told["ref"] == "breast-cancer@1.0.0"
    assert told["threshold"]["target_sensitivity"] == 0.97
    cli.done("verify", told["package"], "--trust", laboratory.public)
    shown = cli.done("lab", "train", tmp_path / "again", "--key", laboratory.secret)
    assert "chosen for a sensitivity of 97%" in shown
    assert "DeLong 1988" in shown


@pytest.fixture
def labelled(laboratory: Laboratory, tmp_path: Path) -> Path:
    path = tmp_path / "labelled.json"
    trained = laboratory.trained
    pairs = zip(trained.rows, trained.labels, strict=True)
    path.write_text(json.dumps([row | {"diagnosis": label} for row, label in pairs]))
    return path


def test_a_package_is_measured_on_labelled_rows(
    cli: Cli, laboratory: Laboratory, labelled: Path
) -> None:
    words = ("lab", "evaluate", laboratory.package, "--data", labelled, "--label", "diagnosis")
    told = cli.json(*words)
    stated = {one.name: one.value for one in laboratory.trained.metrics}
    found = {one["name"]: one["value"] for one in told["metrics"]}
    assert found.pop("average precision") > 0.9
    assert found == pytest.approx(stated)
    assert "sensitivity" in cli.done(*words)


def test_curves_and_subgroups_are_written_into_a_folder(
    cli: Cli, laboratory: Laboratory, labelled: Path, tmp_path: Path
) -> None:
    rows = json.loads(labelled.read_text())
    labelled.write_text(
        json.dumps(
            [row | {"ward": "north" if place % 2 else "south"} for place, row in enumerate(rows)]
        )
    )
    words = ("lab", "evaluate", laboratory.package, "--data", labelled, "--label", "diagnosis")
    told = cli.json(*words, "--subgroup", "ward", "-o", tmp_path / "out")
    assert {one["subgroup"] for one in told["metrics"]} == {None, "ward north", "ward south"}
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        *("curves.png", "evaluation.json", "metrics.csv", "report.md"),
    }
    answer = cli(*words, "--subgroup", "age")
    assert answer.code == 2
    assert "no value in the column 'age'" in answer.err


def test_a_package_of_rows_needs_the_true_column(
    cli: Cli, laboratory: Laboratory, labelled: Path
) -> None:
    answer = cli("lab", "evaluate", laboratory.package, "--data", labelled)
    assert answer.code == 2
    assert "--label" in answer.err


def test_a_column_that_is_not_there_is_wrong_usage(
    cli: Cli, laboratory: Laboratory, labelled: Path
) -> None:
    words = ("lab", "evaluate", laboratory.package, "--data", labelled, "--label", "truth")
    answer = cli(*words)
    assert answer.code == 2
    assert "no value in the column 'truth'" in answer.err
    assert "diagnosis" in answer.err


def test_a_label_that_the_package_does_not_know_is_wrong_usage(
    cli: Cli, laboratory: Laboratory, labelled: Path
) -> None:
    labelled.write_text(labelled.read_text().replace('"malignant"', '"evil"'))
    words = ("lab", "evaluate", laboratory.package, "--data", labelled, "--label", "diagnosis")
    answer = cli(*words)
    assert answer.code == 2
    assert "'evil'" in answer.err


def test_a_package_of_pictures_is_measured_on_a_data_set(cli: Cli, tmp_path: Path) -> None:
    package, lines = (
        tmp_path / "film.bedside",
        ["patient,image,fact:truth,fact:modality,fact:body_part,fact:ward"],
    )
    package.write_bytes(ImageRecipe().archive())
    for number, centre in enumerate((20.0, 60.0, 91.0, 120.0, 170.0, 250.0)):
        pixels = film(centre)
        (tmp_path / f"{number}.png").write_bytes(png(pixels))
        truth = "opacity" if expected_probability(pixels) >= 0.62 else "clear"
        ward = "north" if number % 2 else "south"
        lines.append(
            f"p{number},{number}.png,{truth},{STATED['modality']},{STATED['body_part']},{ward}"
        )
    (tmp_path / "films.csv").write_text("\n".join(lines) + "\n")
    about = ("--name", "Films", "--licence", "CC0", "--consent", "nobody's", "--origin", "drawn")
    data = tmp_path / "films.json"
    table = ("--table", tmp_path / "films.csv", "--as-they-are")
    cli.done("lab", "dataset", tmp_path, "-o", data, *about, *table)
    told = cli.json("lab", "evaluate", package, "--data", data, "--label", "truth")
    found = {one["name"]: one["value"] for one in told["metrics"]}
    assert (told["rows"], found["accuracy"], found["AUROC"]) == (6, 1.0, 1.0)
    answer = cli("lab", "evaluate", package, "--data", data, "--label", "diagnosis")
    assert answer.code == 2
    assert "no value in the column 'diagnosis'" in answer.err
    assert "truth" in answer.err
