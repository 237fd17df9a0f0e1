"""How good a probability of lesions is on one drawn case: lesion by lesion, and voxel by voxel."""

from __future__ import annotations

from typing import Final

import numpy as np
from torch import Tensor

from bedside.lab.evaluating.regions import RegionScores, region_scores

SEEN: Final = 0.5
"""A voxel is lesion where its share, or its probability, is at least this."""


def judged(logits: Tensor, share: Tensor, spacing: float, smallest: float) -> dict[str, float]:
    """Return lesion-wise F1, sensitivity and false lesions, and Dice, of one case.

    Of a case without lesions the sensitivity is 1, and F1 is 1 where none is found and else 0.

    Args:
        logits: (1, 1, i, j, k).
        share: Of the same shape.
        spacing: Of the grid, mm.
        smallest: The smallest lesion that counts, mm³.
    """
    found = (logits[0, 0].float().sigmoid() >= SEEN).cpu().numpy()
    true = (share[0, 0] >= SEEN).cpu().numpy()
    affine = np.diag([spacing, spacing, spacing, 1.0])
    scores = region_scores(found, true, affine, smallest / 1_000)
    voxels = int(found.sum()) + int(true.sum())
    return {
        "f1": f1(scores),
        "sensitivity": 1.0 if scores.sensitivity is None else scores.sensitivity,
        "false": float(scores.false),
        "dice": 2 * int((found & true).sum()) / voxels if voxels else 1.0,
    }


def f1(scores: RegionScores) -> float:
    """Return the harmonic mean of lesion-wise sensitivity and precision."""
    wrong = scores.regions - scores.found + scores.false
    counted = 2 * scores.found + wrong
    return 2 * scores.found / counted if counted else 1.0
