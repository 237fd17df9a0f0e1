from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import Cli, Laboratory


def test_inspect_shows_what_it_is_for_whom_and_how_good(cli: Cli, laboratory: Laboratory) -> None:
    shown = cli.done("inspect", laboratory.package)
    package = laboratory.trained.frozen.package
    for expected in (
        "breast-cancer@1.0.0",
        "Not for diagnosis",
        "mean radius",
        "0 to 37.64",
        "malignant (malignant)",
        f"threshold    {laboratory.trained.threshold.value:g}: ",
        "sklearn.linear_model.LogisticRegression",
        "sensitivity",
        "Wilson score",
        package.digest,
        "golden cases  24, within 1e-05",
    ):
        assert expected in shown, expected
    assert package.signature is not None
    assert f"{package.signature.key} (not checked here" in shown


def test_inspect_as_json_holds_the_whole_manifest(cli: Cli, laboratory: Laboratory) -> None:
    shown = cli.json("inspect", laboratory.package)
    package = laboratory.trained.frozen.package
    assert shown["manifest"] == package.manifest.model_dump(mode="json")
    assert shown["digest"] == package.digest


def test_a_missing_file_is_named(cli: Cli) -> None:
    assert "There is no package file nothing.bedside" in cli.refused("inspect", "nothing.bedside")


def test_what_is_no_package_is_refused(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "notes.bedside"
    path.write_text("hello")
    assert "Not a Bedside package" in cli.refused("inspect", path)
    assert cli("inspect", path, "--json").json["error"]["kind"] == "PackageDamaged"
