"""What the heads of a domain look like, learned from label maps of tissues: no scan is needed.

Each map is painted in each contrast, with brightnesses drawn around those of the contrast, tilted a
little, shaded and made noisy; the reference of a contrast is the mean thumbnail of its heads. The
smallest likeness that is still of the domain is what the least alike of the painted heads reach
when their own map is left out. Painting label maps in random contrasts: Billot et al., "SynthSeg",
Medical Image Analysis 86 (2023).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from bedside.errors import UsageError
from bedside.imaging.measuring.head import head_of
from bedside.imaging.volume import Affine, Volume, Voxels
from bedside.imaging.volume_likeness import SIDE, likeness_of, mean_likeness, nearness
from bedside.package.images import CROWD
from bedside.package.volumes import VolumeLikeness

Contrast: TypeAlias = Literal["t1", "t2", "pd", "flair"]

Tissue: TypeAlias = Literal[
    "air", "white", "grey", "fluid", "bone", "marrow", "soft", "skin", "eye", "vessel"
]

_TISSUES: Final[tuple[Tissue, ...]] = (
    "air", "white", "grey", "fluid", "bone", "marrow", "soft", "skin", "eye", "vessel",
)  # fmt: skip

BRIGHTNESS: Final[Mapping[Contrast, tuple[float, ...]]] = MappingProxyType(
    {
        "t1": (0.0, 1.00, 0.72, 0.20, 0.10, 0.60, 0.65, 0.70, 0.25, 0.50),
        "t2": (0.0, 0.40, 0.55, 1.00, 0.05, 0.40, 0.40, 0.50, 1.00, 0.30),
        "pd": (0.0, 0.75, 0.90, 0.85, 0.10, 0.60, 0.75, 0.80, 0.90, 0.50),
        "flair": (0.0, 0.60, 0.75, 0.12, 0.05, 0.50, 0.50, 0.70, 0.15, 0.40),
    }
)
"""Of each tissue in the order of `Tissue`; roughly those of clinical sequences at 1.5 and 3 T."""

CONTRASTS: Final[tuple[Contrast, ...]] = ("t1", "t2", "pd", "flair")

_WHITE: Final = (2, 7, 16, 28, 41, 46, 60, 77, 85, 512, 530)
_FLUID: Final = (4, 5, 14, 15, 24, 43, 44, 72)
_OTHERS: Final[Mapping[Tissue, tuple[int, ...]]] = MappingProxyType(
    {
        "white": _WHITE,
        "fluid": _FLUID,
        "bone": (165, 515),
        "marrow": (516,),
        "soft": (258, 507, 508, 509),
        "skin": (511,),
        "eye": (259, 506),
        "vessel": (514,),
        "air": (0, 502),
    }
)
"""FreeSurfer's labels of the brain, and SynthSeg's of what surrounds it; the rest below 500 is grey."""

LABELS: Final = 1_024
"""Labels are below this."""

_FINEST: Final = 4.0
"""Millimetres to which maps are thinned out: far finer than a thumbnail's cells."""

_SPREAD: Final = 0.2
_NOISE: Final = 0.05
_SHADE: Final = 0.15
_TILT: Final = 15.0
"""Degrees around each axis, at most."""

_DIGITS: Final = 6
"""Of the numbers of a reference, after the point."""

_SLACK: Final = 0.02
"""How much less alike a real head may be than the least alike of the painted ones."""


def learned(
    maps: Sequence[Volume],
    contrasts: Sequence[Contrast] = CONTRASTS,
    *,
    seed: int = 0,
    otherwise: Literal["refuse", "flag"] = "refuse",
) -> VolumeLikeness:
    """Return the likeness of the heads that label maps are of.

    Args:
        maps: Label maps of whole heads in FreeSurfer's and SynthSeg's labels, at least `CROWD`.
        contrasts: In which the model was trained; each has a reference of its own.
        seed: Of what is drawn.
        otherwise: What happens to a volume that does not look like one of them.

    Raises:
        UsageError: too few maps, no contrast, or a map with no head or with other labels.
    """
    if len(maps) < CROWD or not contrasts:
        raise UsageError(
            f"A likeness is not learned from {len(maps)} label maps in {len(contrasts)} contrasts.",
            advice=f"Give at least {CROWD} maps and one contrast.",
        )
    random = np.random.default_rng(seed)
    thumbnails = {one: [_thumbnail(each, one, random) for each in maps] for one in contrasts}
    references = [mean_likeness(thumbnails[one]) for one in contrasts]
    least = min(left_out(thumbnails[one]) for one in contrasts)
    return VolumeLikeness(
        side=SIDE,
        references=tuple(
            tuple(round(float(value), _DIGITS) for value in one) for one in references
        ),
        volumes=len(maps),
        minimum=max(float(np.floor((least - _SLACK) * 100) / 100), 0.01),
        otherwise=otherwise,
    )


def painted(labels: Voxels, contrast: Contrast, random: np.random.Generator) -> Voxels:
    """Return a head of a label map: its tissues in a contrast, shaded and noisy.

    Args:
        labels: Whole numbers below `LABELS` along (i, j, k).
        contrast: Which.
        random: Decides brightnesses, shade and noise.

    Raises:
        UsageError: other values than labels.
    """
    if labels.min() < 0 or labels.max() >= LABELS or (labels != np.rint(labels)).any():
        raise UsageError(
            f"A label map holds whole numbers from 0 to {LABELS - 1}; this has values from "
            f"{labels.min():g} to {labels.max():g}."
        )
    drawn = random.uniform(1 - _SPREAD, 1 + _SPREAD, len(_TISSUES))
    brightness = np.array(BRIGHTNESS[contrast]) * drawn
    values = brightness[_tissue_of_label()[labels.astype(np.int64)]] * _shade(labels.shape, random)
    noise = random.normal(0.0, _NOISE, (2, *labels.shape))
    magnitude: Voxels = np.hypot(values + noise[0], noise[1]).astype(np.float32)
    return magnitude


def thinned(labels: Volume) -> Volume:
    """Return every so manieth voxel of a label map, about `_FINEST` mm apart, copied."""
    i, j, k = (max(round(_FINEST / spacing), 1) for spacing in labels.spacing)
    affine = labels.affine.copy()
    affine[:3, :3] *= (i, j, k)
    return Volume(np.ascontiguousarray(labels.values[::i, ::j, ::k]), affine, labels.facts)


def _thumbnail(
    each: Volume, contrast: Contrast, random: np.random.Generator
) -> NDArray[np.float64]:
    few = thinned(each)
    values = painted(few.values, contrast, random)
    tilted = _tilt(random) @ few.affine
    head = head_of(values, tilted)
    if head is None:
        raise UsageError("A label map is empty: there is no head in it.")
    return likeness_of(values, tilted, head)


def left_out(thumbnails: list[NDArray[np.float64]]) -> float:
    """Return the smallest nearness of a head to the mean of all others."""
    found = []
    for place, own in enumerate(thumbnails):
        found.append(nearness(mean_likeness(thumbnails[:place] + thumbnails[place + 1 :]), own))
    return min(found)


def _tissue_of_label() -> NDArray[np.intp]:
    table = np.full(LABELS, _TISSUES.index("grey"), dtype=np.intp)
    table[500:] = _TISSUES.index("soft")
    for tissue, labels in _OTHERS.items():
        table[list(labels)] = _TISSUES.index(tissue)
    return table


def _shade(shape: tuple[int, ...], random: np.random.Generator) -> NDArray[np.float64]:
    """Return a slow change of brightness around 1, as a coil's sensitivity makes."""
    lines = [np.linspace(-1, 1, side) for side in shape]
    x, y, z = np.meshgrid(*lines, indexing="ij", sparse=True)
    a, b, c = random.uniform(-_SHADE, _SHADE, 3)
    shade: NDArray[np.float64] = 1 + a * x + b * y + c * z
    return shade


def _tilt(random: np.random.Generator) -> Affine:
    """Return a small turn around each of the patient's axes, 4 × 4."""
    turned = np.eye(4)
    for axis, angle in enumerate(np.radians(random.uniform(-_TILT, _TILT, 3))):
        one, other = (axis + 1) % 3, (axis + 2) % 3
        turn = np.eye(4)
        turn[one, one] = turn[other, other] = np.cos(angle)
        turn[one, other], turn[other, one] = -np.sin(angle), np.sin(angle)
        turned = turned @ turn
    return turned
