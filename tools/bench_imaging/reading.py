"""One file or series read by one library, several times; the library's own import is not counted.

Run as `python -m tools.bench_imaging.reading LIBRARY PATH ROUNDS`; prints its figures. SimpleITK
lives in an environment of its own, so nothing is imported here that it may not have.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from tools.bench_imaging.meter import forget_peak, peak

Read = Callable[[Path], Any]
"""From a path to float32 values along three axes; the affine is computed too."""


def bedside() -> Read:
    """Return ours: bounded, checked, with a digest of the bytes."""
    from bedside.imaging.files import files_at  # noqa: PLC0415 - not in every environment
    from bedside.imaging.volume_reading import read_volume  # noqa: PLC0415

    return lambda path: read_volume(files_at(path)).values


def nibabel() -> Read:
    """Return nibabel alone."""
    import nibabel as nib  # noqa: PLC0415

    def read(path: Path) -> Any:
        image: Any = nib.load(path)
        assert image.affine.shape == (4, 4)
        return np.asarray(image.dataobj, dtype=np.float32)

    return read


def pydicom() -> Read:
    """Return pydicom alone: every file, rescaled, sorted by position."""
    import pydicom as dicom  # noqa: PLC0415

    def read(path: Path) -> Any:
        slices = [dicom.dcmread(file) for file in sorted(path.iterdir()) if file.is_file()]
        slices.sort(key=lambda one: float(one.ImagePositionPatient[2]))
        return np.stack(
            [
                one.pixel_array.astype(np.float32) * float(one.RescaleSlope)
                + float(one.RescaleIntercept)
                for one in slices
            ]
        )

    return read


def simpleitk() -> Read:
    """Return SimpleITK alone."""
    sitk: Any = import_module("SimpleITK")  # in an environment of its own

    def read(path: Path) -> Any:
        if path.is_dir():
            names = sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(path))
            image = sitk.ReadImage(names, sitk.sitkFloat32)
        else:
            image = sitk.ReadImage(str(path), sitk.sitkFloat32)
        assert len(image.GetDirection()) == 9
        return sitk.GetArrayFromImage(image)

    return read


LIBRARIES: dict[str, Callable[[], Read]] = {
    "bedside": bedside,
    "nibabel": nibabel,
    "pydicom": pydicom,
    "SimpleITK": simpleitk,
}


def main(words: list[str]) -> None:
    """Read, and print what it cost."""
    read = LIBRARIES[words[0]]()
    path, rounds = Path(words[1]), int(words[2])
    processor, clock, values = [], [], None
    read(path)  # what a library does once is not counted
    forget_peak()
    for _ in range(rounds):
        values = None
        begun = time.process_time(), time.perf_counter()
        values = read(path)
        processor.append(time.process_time() - begun[0])
        clock.append(time.perf_counter() - begun[1])
    assert values is not None
    told = {
        "processor": statistics.median(processor),
        "clock": statistics.median(clock),
        "peak": peak(),
        "voxels": int(values.size),
        "sum": float(np.sum(values, dtype=np.float64)),
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main(sys.argv[1:])
