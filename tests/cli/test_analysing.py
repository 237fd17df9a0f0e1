"""`bedside analyse`: one volume and many, unrecorded; and one by a site, recorded."""

from __future__ import annotations

import csv
import json
import zipfile
from pathlib import Path

import nibabel
import numpy as np
import pytest

from bedside.imaging.files import files_of
from bedside.imaging.views.picture import picture
from bedside.imaging.views.view import Findings, ShownClass, Style
from bedside.imaging.volume_reading import read_volume
from bedside.keys.signing import SigningKey
from bedside.runtime.runner import Runner
from bedside.site.settings import SETTINGS_FILE
from tests.cli.conftest import Cli, Laboratory, Ward
from tests.volume_packages import A_NUMBER, head_nifti, volume_package

FILES = ["mask.nii.gz", "measurements.json", "picture.png", "probability.nii.gz"]
MR = ("--modality", "MR", "--body-part", "HEAD")
DRAWN = ("--language", "ja", "--convention", "neurological")


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package for drawn heads, signed by somebody."""
    path = tmp_path_factory.mktemp("volumes") / "drawn-head.bedside"
    path.write_bytes(volume_package(SigningKey.new()))
    return path


@pytest.fixture
def head(tmp_path: Path) -> Path:
    path = tmp_path / "head.nii"
    path.write_bytes(head_nifti())
    return path


def released(cli: Cli, ward: Ward, folder: Path) -> None:
    """Release the package of drawn heads on a site."""
    key, ref = SigningKey.new(), "drawn-head@1.0.0"
    (folder / "author.pub").write_text(key.public.to_pem())
    (folder / "head.bedside").write_bytes(volume_package(key))
    cli.done("keys", "trust", folder / "author.pub", "--name", "Author", *ward.as_("admin"))
    cli.done("registry", "add", folder / "head.bedside", *ward.as_("developer"))
    cli.done("registry", "verify", ref, *ward.as_("developer"))
    for person in ("first", "second"):
        cli.done(
            "registry",
            "approve",
            ref,
            "--meaning",
            "I have read the evaluation.",
            *ward.as_(person),
        )
    cli.done("registry", "release", ref, "--reason", "first", *ward.as_("operator"))


def is_drawn_as_said(folder: Path, *, recorded: bool) -> bool:
    """Whether the picture has Japanese words and the patient's right at its right."""
    labels = np.asarray(nibabel.Nifti1Image.from_filename(folder / FILES[0]).dataobj, np.uint8)
    volume = read_volume(files_of([("head.nii", head_nifti())]))
    label = "bright"
    found = Findings(labels, None, (ShownClass(1, "明るい組織", label),))
    style = Style("ja", "neurological", recorded)
    drawn = picture(volume.values, volume.affine, found, style)
    return (folder / "picture.png").read_bytes() == drawn


class TestOneVolume:
    def test_leaves_mask_probability_measurements_and_picture(
        self, cli: Cli, package: Path, head: Path, tmp_path: Path
    ) -> None:
        shown = cli.done("analyse", head, "-o", tmp_path / "out", "--package", package, *MR)
        assert shown.startswith("UNRECORDED, not for clinical use\n")
        assert "bright tissue\n  volume " in shown
        assert sorted(one.name for one in (tmp_path / "out").iterdir()) == FILES
        mask = nibabel.Nifti1Image.from_filename(tmp_path / "out" / "mask.nii.gz")
        source = nibabel.Nifti1Image.from_filename(head)
        assert mask.shape == source.shape
        assert np.allclose(mask.affine, source.affine)
        told = json.loads((tmp_path / "out" / "measurements.json").read_text())
        assert told["recorded"] is False

    def test_may_be_a_zip_and_is_told_in_json(
        self, cli: Cli, package: Path, tmp_path: Path
    ) -> None:
        with zipfile.ZipFile(tmp_path / "head.zip", "w") as archive:
            archive.writestr("head.nii", head_nifti())
        words = ("analyse", tmp_path / "head.zip", "-o", tmp_path / "out", "--package", package)
        found = cli.json(*words, *MR, *DRAWN)
        assert is_drawn_as_said(tmp_path / "out", recorded=False)
        assert found["warning"] == "UNRECORDED, not for clinical use"
        assert sorted(found["files"]) == FILES
        assert found["analysis"]["classes"][0]["measurements"][0]["unit"] == "mL"
        assert set(found["seconds"]) >= {"gate", "infer", "all"}
        again = cli(*words)
        assert again.code == 2
        assert "--again" in again.err

    def test_of_which_a_number_is_asked_has_no_mask(
        self, cli: Cli, head: Path, tmp_path: Path
    ) -> None:
        (tmp_path / "n.bedside").write_bytes(volume_package(SigningKey.new(), A_NUMBER))
        shown = cli.done(
            "analyse", head, "-o", tmp_path / "out", "--package", tmp_path / "n.bedside"
        )
        assert "brightness  0." in shown
        assert [one.name for one in (tmp_path / "out").iterdir()] == ["measurements.json"]

    def test_of_another_domain_is_refused_and_leaves_nothing(
        self, cli: Cli, package: Path, head: Path, tmp_path: Path
    ) -> None:
        words = ("analyse", head, "-o", tmp_path / "out", "--package", package)
        refused = cli.refused(*words, "--modality", "CT")
        assert refused.startswith(
            "Refused: The gate refused the volume:\n  out-of-domain: modality: 'CT'"
        )
        assert "row" not in refused
        assert not (tmp_path / "out").exists()

    def test_that_is_not_there_is_told_before_the_golden_answers(
        self, cli: Cli, package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(Runner, "replay_golden", lambda _: pytest.fail("it was loaded"))
        nowhere = ("analyse", tmp_path / "no.nii", "-o", tmp_path / "out", "--package", package)
        assert "No file or folder" in cli.refused(*nowhere)
        (tmp_path / "text.nii").write_text("words")
        cli.refused("analyse", tmp_path / "text.nii", *nowhere[2:])

    def test_that_is_damaged_is_refused(self, cli: Cli, package: Path, tmp_path: Path) -> None:
        (tmp_path / "cut.nii").write_bytes(head_nifti()[:1000])
        refused = cli.refused(
            "analyse", tmp_path / "cut.nii", "-o", tmp_path / "out", "--package", package
        )
        assert "damaged" in refused


class TestMany:
    def test_are_analysed_side_by_side_and_resumed(
        self, cli: Cli, package: Path, tmp_path: Path
    ) -> None:
        heads, out = tmp_path / "heads", tmp_path / "heads" / "out"
        (heads / "sub").mkdir(parents=True)
        (heads / "sub" / "b.nii").write_bytes(head_nifti())
        (heads / "cut.nii").write_bytes(head_nifti()[:1000])
        words = ("analyse", heads, "-o", out, "--package", package, "--jobs", "2", *MR, *DRAWN)
        refused = cli(*words)
        assert refused.code == 1
        assert "1 of 2 volumes were not analysed" in refused.err
        with (out / "summary.csv").open(newline="") as table:
            rows = list(csv.DictReader(table))
        assert [(row["volume"], row["state"]) for row in rows] == [
            ("cut", "refused"),
            ("sub/b", "done"),
        ]
        assert "damaged" in rows[0]["reason"]
        mask = out / "sub" / "b" / "mask.nii.gz"
        assert is_drawn_as_said(mask.parent, recorded=False)
        written = mask.stat().st_mtime_ns
        (heads / "cut.nii").write_bytes(head_nifti())
        found = cli.json(*words)
        assert found["counts"] == {"done": 2, "refused": 0, "failed": 0}
        assert mask.stat().st_mtime_ns == written, "what was done is not done again"
        for name in FILES:  # two processes, one answer
            assert (out / "cut" / name).read_bytes() == (out / "sub" / "b" / name).read_bytes()

    @pytest.mark.parametrize("where", ["heads", ".", "heads/../heads"])
    def test_never_get_their_results_among_themselves(
        self, cli: Cli, package: Path, tmp_path: Path, where: str
    ) -> None:
        for name in ("a.nii", "b.nii"):
            (tmp_path / "heads").mkdir(exist_ok=True)
            (tmp_path / "heads" / name).write_bytes(head_nifti())
        words = ("analyse", tmp_path / "heads", "-o", tmp_path / where, "--package", package)
        answer = cli(*words)
        assert answer.code == 2
        assert "among the volumes" in answer.err
        assert sorted(one.name for one in (tmp_path / "heads").iterdir()) == ["a.nii", "b.nii"]

    def test_of_a_folder_without_any_are_not_found(
        self, cli: Cli, package: Path, tmp_path: Path
    ) -> None:
        (tmp_path / "empty").mkdir()
        words = ("analyse", tmp_path / "empty", "-o", tmp_path / "out", "--package", package)
        assert "no volume in" in cli.refused(*words)


class TestASite:
    def test_records_the_analysis_as_a_job(
        self, cli: Cli, ward: Ward, head: Path, tmp_path: Path
    ) -> None:
        with (ward.site / SETTINGS_FILE).open("a") as settings:
            settings.write('\n[jobs]\npriority = "normal"\n')
        released(cli, ward, tmp_path)
        words = ("analyse", head, "-o", tmp_path / "out", "--model", "drawn-head", *MR, *DRAWN)
        found = cli.json(*words, "--subject", "p-17", *ward.as_("clinician"))
        assert found["recorded"] is True
        assert "warning" not in found
        assert is_drawn_as_said(tmp_path / "out", recorded=True)
        assert sorted(one.name for one in (tmp_path / "out").iterdir()) == FILES
        trace = cli.json("trace", found["id"], *ward.as_("clinician"))
        assert found["id"] in json.dumps(trace)
        refused = cli.refused(
            *words[:3], tmp_path / "two", *words[4:], "--again", *ward.as_("auditor")
        )
        assert "auditor" in refused or "may not" in refused
        folder = tmp_path / "folder"
        folder.mkdir()
        (folder / "a.nii").write_bytes(head.read_bytes())
        (folder / "cut.nii").write_bytes(head.read_bytes()[:1000])
        many = ("analyse", folder, "-o", tmp_path / "many", "--model", "drawn-head", *MR)
        answer = cli(*many, "--json", *ward.as_("clinician"))
        assert answer.code == 1
        assert [one["state"] for one in answer.json["volumes"]] == ["done", "refused"]
        assert "damaged" in answer.json["volumes"][1]["reason"]
        assert answer.json["recorded"] is True
        assert cli.json("trace", answer.json["volumes"][0]["id"], *ward.as_("clinician"))
        away = cli(
            "analyse", head, "-o", tmp_path / "three", "--model", "drawn-head",
            "--modality", "CT", *ward.as_("clinician"),
        )  # fmt: skip
        assert away.code == 1
        assert "out-of-domain" in away.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--model", "x"), "no site that has it"),
        (("--package", "p.bedside", "--subject", "p-1"), "nothing is recorded"),
        (("--package", "p.bedside", "--jobs", "2"), "folder of many"),
        (("--site", "s"), "--model"),
        (("--site", "s", "--model", "m", "--package", "p.bedside"), "--package"),
        (("--site", "s", "--model", "m", "--ray", "h:1"), "folder of many"),
    ],
    ids=[
        "a model alone",
        "a subject",
        "jobs of one",
        "a site alone",
        "both",
        "ray of one",
    ],
)
def test_what_makes_no_sense_is_told(
    cli: Cli, head: Path, tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    answer = cli("analyse", head, "-o", tmp_path / "out", *words)
    assert answer.code == 2
    assert said in answer.err


def test_a_model_of_rows_analyses_nothing(
    cli: Cli, laboratory: Laboratory, head: Path, tmp_path: Path
) -> None:
    answer = cli("analyse", head, "-o", tmp_path / "out", "--package", laboratory.package)
    assert answer.code == 2
    assert "takes no volumes" in answer.err
