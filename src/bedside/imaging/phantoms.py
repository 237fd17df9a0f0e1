"""Drawn heads: what stands in for a person in golden cases and tests, made of ellipsoids alone.

A head of an adult's size in a stated field of view: skin, bone, fluid, grey and white matter as
nested ellipsoids, with a seeded tilt, a slow change of brightness and noise. It looks like nobody.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bedside.canonical import digest
from bedside.imaging.grid import Shape, Triple
from bedside.imaging.volume import Affine, Volume, VolumeFacts
from bedside.imaging.volume_writing import nifti_bytes

_SHELLS: Final = (
    (0.92, 0.95, 0.96),  # skin and fat
    (0.86, 0.89, 0.90),  # bone
    (0.80, 0.83, 0.84),  # fluid
    (0.77, 0.80, 0.81),  # grey matter
    (0.62, 0.66, 0.66),  # white matter
    (0.16, 0.30, 0.14),  # ventricles
)
"""Half axes as shares of the head's, along R, A, S."""

_BELOW: Final = (
    ((0.0, 0.45, -0.58), (0.72, 0.50, 0.58)),  # face
    ((0.0, -0.25, -1.05), (0.72, 0.62, 0.95)),  # neck
)
"""Centres and half axes as shares of the head's; what the shells leave of them."""


@dataclass(frozen=True, slots=True)
class Brightness:
    """How bright a drawn head is, in grey values.

    Attributes:
        shells: Skin and fat, bone, fluid, grey matter, white matter, ventricles.
        below: Face and neck.
    """

    shells: tuple[float, float, float, float, float, float]
    below: float


T1_WEIGHTED: Final = Brightness((620.0, 90.0, 160.0, 420.0, 640.0, 150.0), 200.0)

BRAIN_SHELL: Final = 3
"""The first of the shells that is brain."""

FLUID_SHELL: Final = 2
"""The fluid around the brain; bone lies around it."""

HEAD: Final = (80.0, 100.0, 95.0)
"""Half axes of the head in mm, along R, A, S."""

_NOISE: Final = 12.0
_SHADE: Final = 0.08
_TILT: Final = 0.1


def drawn_head(
    shape: Shape = (32, 32, 32),
    spacing: Triple = (7.0, 7.5, 7.0),
    seed: int = 0,
    brightness: Brightness = T1_WEIGHTED,
) -> Volume:
    """Return a drawn head in the middle of the field of view, the axes in RAS+.

    Args:
        shape: Voxels along i, j, k.
        spacing: mm along i, j, k.
        seed: Decides tilt, shade and noise; 0 to 2**32 - 1.
        brightness: Of its tissues.
    """
    values = np.zeros(shape, dtype=np.float32)
    random = np.random.default_rng(seed)
    affine = _middle(shape, spacing)
    away = _away(shape, affine, random)
    for centre, axes in _BELOW:
        values[_inside(away - _standing(centre), axes)] = brightness.below
    for axes, bright in zip(_SHELLS, brightness.shells, strict=True):
        values[_inside(away, axes)] = bright
    values *= _shade(shape, random)
    noise = random.normal(0.0, _NOISE, (2, *shape)).astype(np.float32)
    values = np.round(np.hypot(values + noise[0], noise[1]))  # Rician, as a magnitude image's is
    facts = VolumeFacts(
        medium="nifti", digest=digest(values.tobytes()), frame="scanner", stored="float32"
    )
    return Volume(values.astype(np.float32), affine, facts)


def drawn_brain(
    shape: Shape, spacing: Triple, seed: int, shell: int = BRAIN_SHELL
) -> NDArray[np.bool_]:
    """Return where the brain lies in the head that `drawn_head` draws with the same arguments.

    Args:
        shape: Voxels along i, j, k.
        spacing: mm along i, j, k.
        seed: Of the drawing.
        shell: The outermost that counts: `BRAIN_SHELL`, or `FLUID_SHELL` for the fluid around as well.
    """
    random = np.random.default_rng(seed)
    away = _away(shape, _middle(shape, spacing), random)
    return _inside(away, _SHELLS[shell])


def head_file(volume: Volume) -> bytes:
    """Return a volume as the bytes of a NIfTI file, the same on every machine."""
    return nifti_bytes(volume.values, volume.affine, frame=volume.facts.frame, compressed=False)


def _middle(shape: Shape, spacing: Triple) -> Affine:
    affine = np.diag([*spacing, 1.0])
    affine[:3, 3] = [-step * (side - 1) / 2 for step, side in zip(spacing, shape, strict=True)]
    return affine


def _away(shape: Shape, affine: Affine, random: np.random.Generator) -> NDArray[np.float64]:
    """Return places in shares of the head's half axes, tilted: 3 × i × j × k."""
    lines = [
        affine[axis, axis] * np.arange(side) + affine[axis, 3] for axis, side in enumerate(shape)
    ]
    x, y, z = np.meshgrid(*lines, indexing="ij", sparse=True)
    nod, turn = random.uniform(-_TILT, _TILT, 2)
    front = y * np.cos(nod) - z * np.sin(nod)
    up = y * np.sin(nod) + z * np.cos(nod)
    right = x * np.cos(turn) - front * np.sin(turn)
    front = x * np.sin(turn) + front * np.cos(turn)
    placed = np.broadcast_arrays(right / HEAD[0], front / HEAD[1], up / HEAD[2])
    return np.stack(placed)


def _standing(place: Triple) -> NDArray[np.float64]:
    """Return a place as it is taken from a grid of places."""
    return np.array(place)[:, np.newaxis, np.newaxis, np.newaxis]


def _inside(away: NDArray[np.float64], axes: Triple) -> NDArray[np.bool_]:
    scaled = away / _standing(axes)
    found: NDArray[np.bool_] = (scaled**2).sum(axis=0) <= 1
    return found


def _shade(shape: Shape, random: np.random.Generator) -> NDArray[np.float32]:
    """Return a slow change of brightness around 1, as a coil's sensitivity makes."""
    lines = [np.linspace(-1, 1, side, dtype=np.float32) for side in shape]
    x, y, z = np.meshgrid(*lines, indexing="ij", sparse=True)
    a, b, c = random.uniform(-_SHADE, _SHADE, 3).astype(np.float32)
    found: NDArray[np.float32] = 1 + a * x + b * y + c * z
    return found
