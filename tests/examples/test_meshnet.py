"""The MeshNet example: with a small network of the tests' own, and with real weights on a real head."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from bedside.errors import InputRefused
from bedside.freezing.volumes.spec import VolumeSpec, read_volume_spec
from bedside.imaging.files import files_at
from bedside.imaging.phantoms import drawn_head, head_file
from bedside.imaging.volume_reading import read_volume
from bedside.package.volumes import VolumeInput
from bedside.runtime.analysis import Stated
from bedside.runtime.volume_gate import VolumeGate
from tests.freezing.meshnet.folders import PLAIN, folder_of

EXAMPLE = Path(__file__).parents[2] / "examples" / "meshnet"
MAPS = ("01", "02", "05", "06", "08")
"""Label maps that stand in for the folder of whoever follows the example."""


def without_likeness(spec: str) -> str:
    """The spec without what label maps are needed for."""
    found, times = re.subn(r"\[volume\.likeness\]\n(?:\w.*\n)+", "", spec)
    assert times == 1
    return found


@pytest.fixture(scope="module")
def spec(samples: Path, tmp_path_factory: pytest.TempPathFactory) -> VolumeSpec:
    """A spec as it lies there, with the folder that its README asks for."""
    folder = tmp_path_factory.mktemp("example")
    shutil.copy(EXAMPLE / "gray-white.toml", folder)
    (folder / "labels").mkdir()
    for number in MAPS:
        name = f"synthseg_training_seg_{number}.nii.gz"
        (folder / "labels" / name).symlink_to(samples / "labels" / name)
    return read_volume_spec(folder / "gray-white.toml")


def run(*words: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", EXAMPLE / "freeze_and_look.py", *words],
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=1_000,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_leaves_a_package_and_four_files_of_a_head(tmp_path: Path) -> None:
    spec = without_likeness((EXAMPLE / "gray-white.toml").read_text("utf-8"))
    for wrote, small in (
        ("side = 256", "side = 32"),
        ("spacing = 1.0", "spacing = 8.0"),
        ("maximum = 5.0", "maximum = 8.0"),
        ("minimum = 32", "minimum = 8"),
        ("cases = 2", "cases = 1"),
    ):
        assert wrote in spec
        spec = spec.replace(wrote, small)
    (tmp_path / "spec.toml").write_text(spec, "utf-8")
    head = tmp_path / "head.nii"
    head.write_bytes(head_file(drawn_head()))
    folder = folder_of(PLAIN, side=32).write(tmp_path / "tiny")
    told = run(folder, tmp_path / "spec.toml", head, tmp_path / "out")
    assert "replaying the golden cases" in told
    assert sorted(one.name for one in (tmp_path / "out").iterdir()) == [
        "mask.nii.gz",
        "measurements.json",
        "model.bedside",
        "picture.png",
        "probability.nii.gz",
    ]
    measured = json.loads((tmp_path / "out" / "measurements.json").read_text("utf-8"))
    assert measured["recorded"] is False


@pytest.mark.parametrize("name", ["mindgrab", "gray-white"])
def test_both_specs_are_whole_and_speak_both_languages(name: str, tmp_path: Path) -> None:
    whole = (EXAMPLE / f"{name}.toml").read_text("utf-8")
    (tmp_path / "spec.toml").write_text(without_likeness(whole), "utf-8")
    spec = read_volume_spec(tmp_path / "spec.toml")
    assert spec.name == name
    assert set(spec.title) == {"en", "ja"}
    assert [one.op for one in spec.preprocessing] == ["conform", "eight_bit", "minimum_maximum"]


def test_what_looks_like_no_head_is_refused_and_real_heads_are_not(
    spec: VolumeSpec, samples: Path
) -> None:
    """MR_Gd, a brain without its skull, has the size, the spacing and the values of a head."""
    declared = spec.volume.declared()
    assert isinstance(declared, VolumeInput)
    gate, stated = VolumeGate(declared), Stated("MR", "HEAD")
    for name in ("MNI152_T1_2mm.nii.gz", "MoAE_t1.nii.gz"):
        found = gate.check(read_volume(files_at(samples / "heads" / name)), stated)
        assert found.out_of_domain is not None
        assert found.out_of_domain < 0.12, name
    brain = read_volume(files_at(samples / "negatives" / "MR_Gd.nii.gz"))
    with pytest.raises(InputRefused, match=r"a likeness of 0\.\d{3} to the volumes") as refused:
        gate.check(brain, stated)
    assert [one.code for one in refused.value.refusals] == ["out-of-domain"]


@pytest.mark.slow
def test_real_weights_find_the_brain_of_a_real_head(tmp_path: Path, samples: Path) -> None:
    """Grey and white matter of colin27, as good as when this was written."""
    heads, out = samples / "heads", tmp_path / "out"
    spec = without_likeness((EXAMPLE / "gray-white.toml").read_text("utf-8"))
    (tmp_path / "spec.toml").write_text(spec.replace("cases = 2", "cases = 1"), "utf-8")
    weights = samples / "meshnet" / "gray-white"
    run(weights, tmp_path / "spec.toml", heads / "colin27_T1.nii.gz", out)
    mask, wanted = (
        np.asarray(nib.loadsave.load(path).dataobj) > 0  # type: ignore[attr-defined]
        for path in (out / "mask.nii.gz", heads / "colin27_brainmask_closed.nii.gz")
    )
    assert 2 * np.count_nonzero(mask & wanted) / (mask.sum() + wanted.sum()) > 0.93
