"""Made `volume-1.bedside`, `volume-1.pub` and `volume-1.json`; never run again.

    python -m tests.golden.make_volume_1 OUT

A volume package of the first format: a network of 32³ in windows, three classes, a likeness, and
most operations. The package is of the code that wrote it; nobody makes it anew. Its key was thrown
away. `volume-1.json` says what the package answered while it was new.
"""

from __future__ import annotations

import gzip
import sys
from pathlib import Path
from typing import Final

import numpy as np

from bedside.canonical import Json, canonical_bytes
from bedside.imaging.measuring.head import head_of
from bedside.imaging.phantoms import head_file
from bedside.imaging.volume import Volume
from bedside.imaging.volume_likeness import likeness_of
from bedside.keys.signing import SigningKey
from bedside.package.golden import GoldenCase, write_golden
from bedside.package.package import Package, build_package, describe_entries, open_package
from bedside.package.segmentation import FillHoles, LargestRegion, RemoveSmall
from bedside.package.volume_models import SlidingInference
from bedside.package.volume_operations import (
    ClipValues,
    CropForeground,
    CropOrPad,
    Percentiles,
    Reorient,
    Resample,
    Transpose,
)
from bedside.package.volumes import VolumeInput, VolumeLikeness
from bedside.runtime.analysis_files import measurements_of
from bedside.runtime.runner import Runner
from bedside.runtime.volume_golden import golden_case
from bedside.runtime.volume_rows import read_row, volume_row
from tests.volume_packages import INPUT, MR_HEAD, THREE, Made, head, volume_package

LIKENESS_SIDE: Final = 6


def main(out: Path) -> None:
    """Write the three files into `out`."""
    key = SigningKey.new()
    archive = _archive(key)
    package = open_package(archive)
    (out / "volume-1.bedside").write_bytes(archive)
    (out / "volume-1.pub").write_text(key.public.to_pem())
    (out / "volume-1.json").write_bytes(canonical_bytes(_said(package)) + b"\n")


def _archive(key: SigningKey) -> bytes:
    """Return the package with one golden case, a drawn head of 32³."""
    bare = open_package(volume_package(None, _made()))
    drawn = head(1)
    whole = Volume(np.rint(drawn.values), np.array(drawn.affine), drawn.facts)
    row = volume_row(gzip.compress(head_file(whole), 9, mtime=0), MR_HEAD)
    analysis = Runner(bare).analyse(whole, MR_HEAD)
    case = golden_case("drawn", row, analysis, "a drawn head")
    entries = {**bare.entries, "golden.json": write_golden((case,))}
    golden = bare.manifest.golden.model_copy(update={"cases": 1})
    changes = {"entries": describe_entries(entries), "golden": golden, "name": "kept-volume"}
    return build_package(bare.manifest.model_copy(update=changes), entries, key)


def _made() -> Made:
    output = THREE.model_copy(
        update={
            "operations": (
                LargestRegion(labels=("bright",)),
                FillHoles(label="bright"),
                RemoveSmall(label="grey", least_millilitres=1.5),
            ),
            "measurements": ("volume", "extents", "centre", "head-centre", "regions"),
        }
    )
    operations = (
        Reorient(axes="LIA"),
        Resample(spacing=(7.5, 7.5, 7.5), interpolation="cubic", anchor="first"),
        CropForeground(above=20.0, margin=1),
        CropOrPad(shape=(32, 32, 32)),
        ClipValues(low=0.0, high=30_000.0),
        Percentiles(low=1.0, high=99.5, of="non-zero"),
        Transpose(order=(2, 0, 1)),
    )
    window = SlidingInference(patch=(20, 24, 16), overlap=0.5)
    return Made(output=output, inference=window, operations=operations, declared=_declared())


def _declared() -> VolumeInput:
    """Return the domain with what heads look like, coarsely."""
    volume = head(0)
    where = head_of(volume.values, volume.affine)
    if where is None:
        raise SystemExit("The drawn head has no head.")
    own = likeness_of(volume.values, volume.affine, where, LIKENESS_SIDE)
    known = np.nan_to_num(own)
    numbers = (known - known.mean()) / known.std()
    likeness = VolumeLikeness(
        side=LIKENESS_SIDE,
        references=(tuple(float(one) for one in numbers.ravel()),),
        volumes=5,
        minimum=0.6,
        otherwise="flag",
    )
    return INPUT.model_copy(update={"likeness": likeness})


def _said(package: Package) -> dict[str, Json]:
    """Return what the package is, and what it answers to its own golden case."""
    (case,) = package.golden
    return {"package": package.digest, "answer": _answer(package, case)}


def _answer(package: Package, case: GoldenCase) -> Json:
    declared = package.manifest.input
    assert isinstance(declared, VolumeInput)
    analysis = Runner(package).analyse(*read_row(case.input, declared))
    return measurements_of(analysis, package.manifest)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
