"""What is installed is what was tested: the wheel has the shipped packages, and analyses by itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest
from hatchling.builders.wheel import WheelBuilder

from bedside.imaging.phantoms import drawn_head, head_file
from bedside.package.shipped.catalogue import HERE, SHIPPED

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, unpacked as an installation is."""
    folder = tmp_path_factory.mktemp("wheel")
    (wheel,) = WheelBuilder(str(ROOT)).build(directory=str(folder), versions=["standard"])
    with ZipFile(wheel) as archive:
        archive.extractall(folder / "installed")
    return folder / "installed"


def test_the_wheel_has_every_shipped_package_and_its_key(installed: Path) -> None:
    there = installed / "bedside" / "package" / "shipped"
    for one in SHIPPED:
        for path in (one.path, one.path.with_suffix(".pub")):
            assert (there / path.name).read_bytes() == path.read_bytes()
    assert {path.name for path in there.iterdir()} == {
        path.name for path in HERE.iterdir() if path.is_file()
    }


INSTALLED = (
    "import sys, bedside; from bedside.__main__ import main; "
    "assert bedside.__file__.startswith(sys.argv[1]), bedside.__file__; main(sys.argv[2:])"
)


def test_what_was_installed_analyses_a_head_with_nothing_named(
    installed: Path, tmp_path: Path
) -> None:
    head = tmp_path / "head.nii"
    head.write_bytes(head_file(drawn_head((34, 42, 36), (5.0, 5.0, 5.0))))
    out = tmp_path / "out"
    done = subprocess.run(
        [sys.executable, "-P", "-c", INSTALLED, installed, "analyse", head, "-o", out, "--json"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["model"] == "brain-extraction"
    assert told["warning"] == "UNRECORDED, not for clinical use"
    brain = told["analysis"]["classes"][-1]
    assert brain["label"] == "brain"
    volume = next(one["value"] for one in brain["measurements"] if one["quantity"] == "volume")
    assert 1_300 < volume < 2_000
    assert (out / "mask.nii.gz").is_file()
