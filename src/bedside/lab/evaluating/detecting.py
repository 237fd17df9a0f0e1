"""Free response by region: how high the probability rises in each lesion, and where there is none.

A candidate is a connected part (26 neighbours) of what lies at or above a low floor; its score is the
highest probability in it. A lesion's score is that of the best candidate that touches it, 0 where none
does; a candidate that touches no lesion is false. One threshold of scores is one point of the curve,
as if a reader were shown the candidates from the surest on (D. P. Chakraborty, Med Phys 16 (1989) 561).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bedside.imaging.measuring.masks import Mask, voxel_millilitres
from bedside.imaging.volume import Affine
from bedside.lab.evaluating.regions import TOUCHING, FreeResponse

FLOOR: Final = 0.1
"""Probability from which voxels make a candidate."""


@dataclass(frozen=True, slots=True)
class Responses:
    """What came of one scan.

    Attributes:
        volumes_ml: Of the lesions that count, mL.
        scores: Of each of them, 0 to 1.
        false: Scores of the candidates that touch no lesion of whatever size, the surest first.
    """

    volumes_ml: tuple[float, ...]
    scores: tuple[float, ...]
    false: tuple[float, ...]


def responses(
    probability: NDArray[np.float32],
    reference: Mask,
    affine: Affine,
    least_ml: float = 0.0,
    floor: float = FLOOR,
) -> Responses:
    """Return the scores of the lesions of one scan, and of what is falsely found.

    Args:
        probability: Along i, j, k.
        reference: On the same grid.
        affine: Voxel indices to mm.
        least_ml: Smallest lesion that counts, mL; one that is smaller makes no candidate false.
        floor: From which voxels make a candidate.
    """
    regions, count = ndimage.label(reference, TOUCHING)
    candidates, number = ndimage.label(probability >= floor, TOUCHING)
    volumes = np.bincount(regions.ravel(), minlength=count + 1)[1:] * voxel_millilitres(affine)
    peaks = np.zeros(number + 1)
    np.maximum.at(peaks, candidates[candidates > 0], probability[candidates > 0])
    best = np.zeros(count + 1)
    touching = (regions > 0) & (candidates > 0)
    np.maximum.at(best, regions[touching], peaks[candidates[touching]])
    false = np.ones(number + 1, dtype=np.bool_)
    false[0] = False
    false[np.unique(candidates[touching])] = False
    counts = volumes >= least_ml
    return Responses(
        volumes_ml=tuple(float(one) for one in volumes[counts]),
        scores=tuple(float(one) for one in best[1:][counts]),
        false=tuple(sorted((float(one) for one in peaks[false]), reverse=True)),
    )


def candidate_response(
    scans: Sequence[Responses], least_ml: float = 0.0
) -> tuple[FreeResponse, ...]:
    """Return the curve over all scans, the highest threshold first, a point for each that matters.

    Args:
        scans: Each with its scores.
        least_ml: Smallest lesion that counts here, mL.
    """
    scores = np.array([score for one in scans for score in _scores(one, least_ml)])
    false = np.array([score for one in scans for score in one.false])
    points = []
    for threshold in sorted({*scores[scores > 0].tolist(), *false.tolist()}, reverse=True):
        found = float((scores >= threshold).mean()) if len(scores) else 1.0
        wrong = int((false >= threshold).sum()) / len(scans)
        points.append(FreeResponse(float(threshold), found, wrong))
    return tuple(points)


def sensitivity_at(points: Sequence[FreeResponse], false_per_scan: float) -> float:
    """Return the largest sensitivity of a curve with at most so many false regions a scan; 0 for none."""
    reached = [one.sensitivity for one in points if one.false_per_scan <= false_per_scan]
    return max(reached, default=0.0)


def _scores(scan: Responses, least_ml: float) -> list[float]:
    pairs = zip(scan.volumes_ml, scan.scores, strict=True)
    return [score for volume, score in pairs if volume >= least_ml]
