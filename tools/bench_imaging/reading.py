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

Read = Callable[[Path], tuple[Any, Any]]
"""From a path to float32 values along i, j, k, and the affine: indices to millimetres, RAS+."""

LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


def bedside() -> Read:
    """Return ours: bounded, checked, with a digest of the bytes."""
    from bedside.imaging.files import files_at  # noqa: PLC0415 - not in every environment
    from bedside.imaging.volume_reading import read_volume  # noqa: PLC0415

    def read(path: Path) -> tuple[Any, Any]:
        volume = read_volume(files_at(path))
        return volume.values, volume.affine

    return read


def nibabel() -> Read:
    """Return nibabel alone."""
    import nibabel as nib  # noqa: PLC0415

    def read(path: Path) -> tuple[Any, Any]:
        image: Any = nib.load(path)
        return np.asarray(image.dataobj, dtype=np.float32), image.affine

    return read


def pydicom() -> Read:
    """Return pydicom alone: every file, rescaled, sorted along the normal of the slices.

    Source of the affine: DICOM PS3.3, C.7.6.2.1.1.
    """
    import pydicom as dicom  # noqa: PLC0415

    def read(path: Path) -> tuple[Any, Any]:
        slices = [dicom.dcmread(file) for file in sorted(path.iterdir()) if file.is_file()]
        along_row, along_column = np.array(slices[0].ImageOrientationPatient, float).reshape(2, 3)
        normal = np.cross(along_row, along_column)
        slices.sort(key=lambda one: float(normal @ np.array(one.ImagePositionPatient, float)))
        first, last = (np.array(slices[at].ImagePositionPatient, float) for at in (0, -1))
        between_rows, between_columns = map(float, slices[0].PixelSpacing)
        affine = np.eye(4)
        affine[:3, 0] = along_row * between_columns
        affine[:3, 1] = along_column * between_rows
        affine[:3, 2] = (last - first) / (len(slices) - 1)
        affine[:3, 3] = first
        planes = [
            one.pixel_array.astype(np.float32) * float(one.RescaleSlope)
            + float(one.RescaleIntercept)
            for one in slices
        ]
        return np.stack(planes).T, LPS_TO_RAS @ affine

    return read


def simpleitk() -> Read:
    """Return SimpleITK alone."""
    sitk: Any = import_module("SimpleITK")  # in an environment of its own

    def read(path: Path) -> tuple[Any, Any]:
        if path.is_dir():
            names = sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(path))
            image = sitk.ReadImage(names, sitk.sitkFloat32)
        else:
            image = sitk.ReadImage(str(path), sitk.sitkFloat32)
        affine = np.eye(4)
        affine[:3, :3] = np.reshape(image.GetDirection(), (3, 3)) * image.GetSpacing()
        affine[:3, 3] = image.GetOrigin()
        return sitk.GetArrayFromImage(image).T, LPS_TO_RAS @ affine

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
    processor, clock, found = [], [], None
    read(path)  # what a library does once is not counted
    forget_peak()
    for _ in range(rounds):
        found = None
        begun = time.process_time(), time.perf_counter()
        found = read(path)
        processor.append(time.process_time() - begun[0])
        clock.append(time.perf_counter() - begun[1])
    assert found is not None
    values, affine = found
    told = {
        "processor": statistics.median(processor),
        "clock": statistics.median(clock),
        "peak": peak(),
        "voxels": int(values.size),
        "sum": float(np.sum(values, dtype=np.float64)),
        "box": box(values.shape, affine),
    }
    print(json.dumps(told))


def box(shape: tuple[int, ...], affine: Any) -> list[float]:
    """Return the least and the largest R, A, S in mm of the corners' voxels, in whatever order."""
    ends = np.array(np.meshgrid(*[(0, side - 1) for side in shape])).reshape(3, -1)
    corners = (affine @ np.vstack([ends, np.ones(ends.shape[1])]))[:3]
    return [*corners.min(axis=1).tolist(), *corners.max(axis=1).tolist()]


if __name__ == "__main__":
    main(sys.argv[1:])
