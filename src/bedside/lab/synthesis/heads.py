"""One head to draw from: its tissues and the mask that a network shall find, at 1 mm, cropped.

The mask is what lies within the dura, down to the lowest plane of the cerebellum: grey and white
matter with the ventricles, cerebellum, brain stem, and the fluid in and around all of them (`drawing`
adds what is around). Of dura, eyes, nerves and cord, and of the fluid around the cord, nothing is in it.
"""

from __future__ import annotations

import hashlib
import io
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bedside.errors import UsageError
from bedside.imaging.axes import reoriented
from bedside.imaging.files import files_at
from bedside.imaging.grid import Placed
from bedside.imaging.volume_reading import read_volume
from bedside.lab.synthesis.tissues import BRAIN, FLUID, LAYERS, Tissue, tissues_of
from bedside.store.disk import replace_file

VERSION: Final = 9
"""Of what `read_head` computes; a kept head of another version is computed anew."""

MODE: Final = 0o644

MASKED: Final = 64
"""Added to a tissue's value where the brain is."""

MARGIN: Final = 4
"""Voxels of nothing that are kept around a head."""

SPECKS: Final = 1_000
"""Voxels; what hangs together in fewer is no part of a head."""


@dataclass(frozen=True, slots=True, eq=False)
class Head:
    """One person's head, 1 mm, RAS+: i to the right, j to the front, k to the head.

    Attributes:
        name: Of its file.
        coded: `Tissue` of each voxel, (i, j, k), plus `MASKED` in the brain.
        middle: Voxel in the middle of the mask's bounding box.
    """

    name: str
    coded: NDArray[np.uint8]
    middle: tuple[float, float, float]


def read_head(path: Path, closing: float = 4.0, keep: Path | None = None) -> Head:
    """Return the head of a label map.

    Args:
        path: A NIfTI file with labels of `tissues`, 1 mm.
        closing: Half the width in mm of the widest gap that the mask bridges.
        keep: Folder where what was computed is kept, and found again by the file's digest.

    Raises:
        UsageError: the spacing is not 1 mm, or a label is unknown.
        VolumeRefused: the file cannot be read.
    """
    kept = None if keep is None else keep / _kept_name(path, closing)
    coded = None if kept is None else _coded_in(kept)
    if coded is not None:
        return _head(path.name, coded)
    head = _computed(path, closing)
    if kept is not None:
        kept.parent.mkdir(parents=True, exist_ok=True)
        data = io.BytesIO()
        np.savez_compressed(data, coded=head.coded)
        replace_file(kept, data.getvalue(), MODE)  # whole at once: other workers look for it, too
    return head


def _coded_in(kept: Path) -> NDArray[np.uint8] | None:
    """Return what was kept, or None where there is nothing or it is damaged."""
    try:
        with np.load(io.BytesIO(kept.read_bytes()), allow_pickle=False) as arrays:
            coded: NDArray[np.uint8] = arrays["coded"]
    except (OSError, EOFError, KeyError, ValueError, BadZipFile, zlib.error):
        return None
    return coded


def _computed(path: Path, closing: float) -> Head:
    volume = read_volume(files_at(path))
    if not np.allclose(volume.spacing, 1.0, atol=0.01):
        raise UsageError(f"{path.name} has voxels of {volume.spacing} mm; label maps have 1 mm.")
    labels = np.rint(reoriented(Placed.of(volume), "RAS").values).astype(np.int32)
    tissues = tissues_of(labels)
    tissues = _cropped(_without_specks(tissues))
    low = _lowest_plane(tissues)
    tissues = _with_whole_stem(tissues, low)
    brain = closed_brain(tissues, closing)
    parted = _with_dura(_parted_fluid(tissues, brain, low), brain)
    return _head(path.name, parted + MASKED * brain.astype(np.uint8))


def closed_brain(tissues: NDArray[np.uint8], closing: float) -> NDArray[np.bool_]:
    """Return where the brain is: tissue and ventricles, closed over fluid, without holes."""
    brain = np.isin(tissues, list(BRAIN))
    near = ndimage.distance_transform_edt(~brain) <= closing
    closed = ndimage.distance_transform_edt(near) > closing
    fluid = np.isin(tissues, [*FLUID, Tissue.VEIN])
    filled = ndimage.binary_fill_holes(brain | (closed & fluid))
    return _largest(filled)


def _largest(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the largest part of a mask that hangs together by faces."""
    regions, _ = ndimage.label(mask)
    largest: NDArray[np.bool_] = regions == np.bincount(regions.ravel())[1:].argmax() + 1
    return largest


def _lowest_plane(tissues: NDArray[np.uint8]) -> int:
    """Return the lowest plane of the cerebellum."""
    planes = np.isin(tissues, (Tissue.CEREBELLAR_GREY, Tissue.CEREBELLAR_WHITE)).any((0, 1))
    return int(planes.argmax())


def _with_whole_stem(tissues: NDArray[np.uint8], low: int) -> NDArray[np.uint8]:
    """Return tissues whose stem reaches down to a plane."""
    whole = tissues.copy()
    upper = whole[:, :, low:]
    upper[upper == Tissue.CORD] = Tissue.STEM
    return whole


def _parted_fluid(
    tissues: NDArray[np.uint8], brain: NDArray[np.bool_], low: int
) -> NDArray[np.uint8]:
    """Return tissues with fluid outside the brain told apart by its distance.

    What is below a plane, or does not hang together with the brain, is LOWER_FLUID.
    """
    parted = tissues.copy()
    outer = (tissues == Tissue.SULCAL_FLUID) & ~brain
    away = ndimage.distance_transform_edt(~brain)
    parted[outer] = Tissue.OUTER_FLUID
    for width, layer in reversed(tuple(enumerate(LAYERS, start=1))):
        parted[outer & (away <= width)] = layer
    held = brain | outer
    held[:, :, :low] &= brain[:, :, :low]
    parted[outer & ~_largest(held)] = Tissue.LOWER_FLUID
    return parted


def _with_dura(tissues: NDArray[np.uint8], brain: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Return tissues with a sheet of dura: bone that touches brain or fluid."""
    within = brain | np.isin(tissues, list(FLUID))
    sheet = (tissues == Tissue.BONE) & ndimage.binary_dilation(within)
    return np.where(sheet, np.uint8(Tissue.DURA), tissues)


def _without_specks(tissues: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the tissues without what hangs together in few voxels."""
    regions, _ = ndimage.label(tissues > 0)
    sizes = np.bincount(regions.ravel())
    sizes[0] = 0
    return np.where(sizes[regions] >= SPECKS, tissues, 0).astype(np.uint8)


def _cropped(tissues: NDArray[np.uint8]) -> NDArray[np.uint8]:
    where = ndimage.find_objects((tissues > 0).astype(np.uint8))[0]
    return np.pad(tissues[where], MARGIN)


def _head(name: str, coded: NDArray[np.uint8]) -> Head:
    where = ndimage.find_objects((coded >= MASKED).astype(np.uint8))[0]
    i, j, k = ((side.start + side.stop - 1) / 2 for side in where)
    return Head(name, coded, (i, j, k))


def _kept_name(path: Path, closing: float) -> str:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return f"{digest[:24]}-{closing:g}-v{VERSION}.npz"
