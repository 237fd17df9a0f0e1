"""How good a mask of several regions is, such as lesions: which are found, and how much is wrongly found.

A region is a connected part of 26 neighbours. One of the reference is found where the mask touches
it; one of the mask is false where it touches none. Source: L. Maier-Hein et al., Metrics reloaded,
Nature Methods 21 (2024), detection by "any overlap".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bedside.imaging.measuring.masks import Mask, voxel_millilitres
from bedside.imaging.volume import Affine

TOUCHING: Final = np.ones((3, 3, 3), dtype=np.bool_)
THRESHOLDS: Final = tuple(round(0.05 * step, 2) for step in range(1, 20))

Labelled: TypeAlias = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class RegionScores:
    """The regions of a mask against those of a reference.

    Attributes:
        least_ml: Regions of the reference that are smaller count neither as found nor as missed, and
            make no region of the mask that touches them false.
        regions: Of the reference, so large or larger.
        found: How many of them the mask touches.
        called: Regions of the mask.
        false: How many of them touch no region of the reference, of whatever size.
        missed_ml: Volumes of those that were missed, mL, the largest first.
        found_ml: Of those that were found.
    """

    least_ml: float
    regions: int
    found: int
    called: int
    false: int
    missed_ml: tuple[float, ...]
    found_ml: tuple[float, ...]

    @property
    def sensitivity(self) -> float | None:
        """Share of the regions that were found; None where there is none."""
        return self.found / self.regions if self.regions else None


@dataclass(frozen=True, slots=True)
class Counted:
    """The regions of one scan at one threshold of the probability.

    Attributes:
        threshold: At or above it a voxel is called.
        regions: Of the reference.
        found: How many of them.
        false: Regions that are false.
    """

    threshold: float
    regions: int
    found: int
    false: int


@dataclass(frozen=True, slots=True)
class FreeResponse:
    """One point of a free-response curve.

    Attributes:
        threshold: At or above it a voxel is called.
        sensitivity: Share of all regions of all scans that are found.
        false_per_scan: False regions, mean over the scans.
    """

    threshold: float
    sensitivity: float
    false_per_scan: float


def region_scores(
    mask: Mask, reference: Mask, affine: Affine, least_ml: float = 0.0
) -> RegionScores:
    """Return which regions of a reference a mask finds, and how many of its own are false.

    Args:
        mask: Along i, j, k.
        reference: On the same grid.
        affine: Voxel indices to mm.
        least_ml: Smallest region of the reference that counts, mL.
    """
    regions, count = _labelled(reference)
    called, number = _labelled(mask)
    volumes = np.bincount(regions.ravel(), minlength=count + 1)[1:] * voxel_millilitres(affine)
    touched = np.zeros(count + 1, dtype=np.bool_)
    touched[np.unique(regions[mask])] = True
    true = np.unique(called[reference])
    large = volumes >= least_ml
    missed, hit = (np.sort(volumes[large & one])[::-1] for one in (~touched[1:], touched[1:]))
    return RegionScores(
        least_ml=least_ml,
        regions=int(large.sum()),
        found=int((large & touched[1:]).sum()),
        called=number,
        false=number - int(np.count_nonzero(true)),
        missed_ml=tuple(float(one) for one in missed),
        found_ml=tuple(float(one) for one in hit),
    )


def counted(
    probability: NDArray[np.float32],
    reference: Mask,
    affine: Affine,
    least_ml: float = 0.0,
    thresholds: Sequence[float] = THRESHOLDS,
) -> tuple[Counted, ...]:
    """Return the regions of one scan, counted at every threshold.

    Args:
        probability: Along i, j, k.
        reference: On the same grid.
        affine: Voxel indices to mm.
        least_ml: Smallest region of the reference that counts, mL.
        thresholds: Rising.
    """
    found = []
    for threshold in thresholds:
        one = region_scores(probability >= threshold, reference, affine, least_ml)
        found.append(Counted(threshold, one.regions, one.found, one.false))
    return tuple(found)


def free_response(scans: Sequence[tuple[Counted, ...]]) -> tuple[FreeResponse, ...]:
    """Return the free-response curve over scans that were counted at the same thresholds.

    Source: P. C. Bunch et al., J Appl Photogr Eng 4 (1978) 166.
    """
    points = []
    for each in zip(*scans, strict=True):
        regions, found = sum(one.regions for one in each), sum(one.found for one in each)
        false = sum(one.false for one in each) / len(each)
        points.append(FreeResponse(each[0].threshold, found / regions if regions else 1.0, false))
    return tuple(points)


def _labelled(mask: Mask) -> tuple[Labelled, int]:
    labels = np.zeros(mask.shape, dtype=np.int32)
    count = int(ndimage.label(mask, TOUCHING, output=labels))
    return labels, count
