"""How well a mask is likely to fit: the doubts that the package names, weighed as it says.

On the grid of the network, where probabilities are: what is expected of a mask depends neither on
the order nor on the size of the voxels that a file stores. `docs/spec/package.md`, section 13.5.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

import numpy as np

from bedside.imaging.grid import Grid
from bedside.imaging.measuring.doubt import doubts
from bedside.imaging.measuring.masks import Mask, voxel_millilitres
from bedside.imaging.measuring.measurement import Measurement
from bedside.imaging.volume import Voxels
from bedside.package.predicted_overlap import PredictedOverlap
from bedside.package.segmentation import SegmentationOutput
from bedside.runtime.engines.engine import Scores
from bedside.runtime.progress import silent
from bedside.runtime.segmentation import WayBack, refined

NOTE: Final = "with the whole of it, also where the field of view ends"

_EDGE: Final = 1e-3
"""Share of a voxel by which rounding may put a point out of the field of view."""


def overlap_of(
    image: Voxels | None, probabilities: Scores, way: WayBack, output: SegmentationOutput
) -> float | None:
    """Return the overlap (Dice) that is to be expected, 0 … 1; None where none is declared.

    Args:
        image: What the network saw (its first channel); not looked at where none is declared.
        probabilities: Channels × i × j × k, after activation.
        way: Where those lie, and the volume's own grid: the field of view.
        output: What the channels mean, and what is declared.
    """
    declared = output.predicted_overlap
    if declared is None or image is None:
        return None
    return weighed(declared, doubts_of(image, probabilities, way, output))


def measured_overlap(overlap: float | None) -> tuple[Measurement, ...]:
    """Return a predicted overlap as a measurement; none where none is declared."""
    if overlap is None:
        return ()
    return (Measurement("predicted-dice", (overlap,), "1", "logistic-of-doubts", note=NOTE),)


def doubts_of(
    image: Voxels, probabilities: Scores, way: WayBack, output: SegmentationOutput
) -> dict[str, float]:
    """Return all doubts by name, as `overlap_of` weighs them; none where nothing was found.

    Raises:
        ValueError: the output has more than two classes.
    """
    if output.threshold is None:
        raise ValueError("doubts are told of two classes")
    i, j, k = image.shape
    grid = Grid((i, j, k), np.array(way.affine))
    seen = shown(grid, way.grid)  # what is padded around it is no part of the answer
    probability = np.where(seen, probabilities[-1], np.float32(0))
    marked = probability >= np.float32(output.threshold.value)
    labels = marked.astype(np.uint8) * np.uint8(output.classes[1].value)
    mask = refined(labels, output, voxel_millilitres(way.affine), silent) > 0
    found = doubts(image, probability, mask, seen, grid)
    if found:
        added = int(np.count_nonzero(mask & ~marked))
        found["filled"] = added / int(np.count_nonzero(mask))
    return found


def weighed(declared: PredictedOverlap, found: Mapping[str, float]) -> float:
    """Return the overlap that doubts let one expect; 0 where nothing was found.

    Args:
        declared: The weights.
        found: The doubts by name.
    """
    if not found:
        return 0.0
    logit = declared.intercept
    for one in declared.terms:
        logit -= one.weight * math.log1p(found[one.doubt] / one.scale)
    return 1 / (1 + math.exp(-max(logit, -700.0)))


def shown(grid: Grid, field: Grid) -> Mask:
    """Return which points of a grid lie in a field of view.

    Args:
        grid: Whose points.
        field: A voxel is a box around its point; the field of view is all of them.
    """
    across = np.linalg.inv(field.affine) @ grid.affine
    axes = [np.arange(side, dtype=np.float32) for side in grid.shape]
    i, j, k = np.meshgrid(*axes, indexing="ij", sparse=True)
    inside = np.ones(grid.shape, dtype=np.bool_)
    for row, side in zip(across[:3].astype(np.float32), field.shape, strict=True):
        place = row[0] * i + row[1] * j + row[2] * k + row[3]
        inside &= (place >= -0.5 - _EDGE) & (place <= side - 0.5 + _EDGE)
    return inside
