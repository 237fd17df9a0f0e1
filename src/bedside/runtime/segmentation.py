"""From a network's scores to labels on the volume's own grid: activation, the way back, refinement.

Probabilities go back, not labels: each class by itself, so that one class at a time is held on the
volume's grid. `docs/spec/package.md`, section 13.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from bedside.errors import PackageRefused
from bedside.imaging.cropping import box_of
from bedside.imaging.grid import Grid, Placed
from bedside.imaging.measuring.masks import voxel_millilitres
from bedside.imaging.refining import holes, largest_region, without_small
from bedside.imaging.resampling import resampled, strongest
from bedside.imaging.volume import Affine
from bedside.package.segmentation import (
    FillHoles,
    KeepLabels,
    LargestRegion,
    RemoveSmall,
    SegmentationOutput,
)
from bedside.runtime.engines.engine import Scores
from bedside.runtime.postprocess import PROBABILITY_SLACK
from bedside.runtime.progress import Progress, Report

Labels: TypeAlias = NDArray[np.uint8]
Probability: TypeAlias = NDArray[np.float32]

SLAB: Final = 2**22
"""Scores that are worked on at a time."""


@dataclass(frozen=True, slots=True, eq=False)
class Segmented:
    """What a segmentation gives, on the volume's own grid.

    Attributes:
        labels: Values of the classes, along (i, j, k).
        probability: That a voxel is no background, 0 … 1, before the labels were refined.
    """

    labels: Labels
    probability: Probability


def activated(scores: Scores, activation: str) -> Scores:
    """Return probabilities, channels × i × j × k; the scores' own memory is used.

    Raises:
        PackageRefused: with `none`, a score that rounding cannot have carried out of 0 … 1.
    """
    out = scores if scores.flags.writeable else scores.copy()
    if activation == "none":
        low, high = float(out.min()), float(out.max())
        if not (low >= -PROBABILITY_SLACK and high <= 1 + PROBABILITY_SLACK):
            raise PackageRefused(
                f"The model gave values from {low:g} to {high:g}, where probabilities must be; "
                "there is no answer to show.",
                advice="Freeze the model with the activation that its scores need.",
            )
        return np.clip(out, 0.0, 1.0, out=out)
    thick = max(SLAB // max(out[:, 0].size, 1), 1)
    for at in range(0, out.shape[1], thick):
        slab = out[:, at : at + thick]
        if activation == "softmax":
            with np.errstate(over="ignore", under="ignore"):  # far below is as good as -infinity
                slab -= slab.max(axis=0)
                np.exp(slab, out=slab)
            slab /= slab.sum(axis=0)
        else:
            slab[...] = _sigmoid(slab)
    return out


def _sigmoid(scores: Scores) -> Scores:
    """Return 1 / (1 + exp(-x)), without overflow."""
    with np.errstate(under="ignore"):
        small = np.exp(-np.abs(scores))
    found: Scores = np.where(scores >= 0, 1 / (1 + small), small / (1 + small))
    return found


def expected_millilitres(
    probabilities: Scores, affine: Affine, output: SegmentationOutput
) -> dict[str, float]:
    """Return by label the mL that the probabilities of each class but the background sum to.

    Unlike labels, it shows a class that is nowhere the most probable.

    Args:
        probabilities: Channels × i × j × k, on the network's grid.
        affine: Indices of that grid to mm.
        output: What the channels mean.
    """
    one = voxel_millilitres(affine)
    channels = probabilities[-1:] if output.threshold is not None else probabilities[1:]
    return {
        each.label: float(channel.sum(dtype=np.float64)) * one
        for each, channel in zip(output.classes[1:], channels, strict=True)
    }


@dataclass(frozen=True, slots=True, eq=False)
class WayBack:
    """From where the network's probabilities lie to the volume's own grid.

    Attributes:
        affine: Indices of the probabilities to mm, RAS+.
        grid: The volume's own.
        antialias: Whether a coarser grid gets them smoothed first, as on the way there.
    """

    affine: Affine
    grid: Grid
    antialias: bool = True


def restored(
    probabilities: Scores, way: WayBack, output: SegmentationOutput, report: Report
) -> Segmented:
    """Return labels and probability on the volume's own grid, not yet refined.

    Args:
        probabilities: Channels × i × j × k.
        way: Where those lie, and where they go.
        output: What the channels mean.
        report: Told before each step.
    """
    report(Progress("restore", 0, 2))
    if output.threshold is not None:
        probability = _unit(_there(probabilities[-1], way, 0.0))
        report(Progress("restore", 1, 2))
        marked = (probability >= np.float32(output.threshold.value)).view(np.uint8)
        labels = np.multiply(marked, np.uint8(output.classes[1].value), out=marked)
    else:
        probability = _unit(np.float32(1.0) - _there(probabilities[0], way, 1.0))
        report(Progress("restore", 1, 2))
        number, _ = strongest(probabilities, way.affine, way.grid, antialias=way.antialias)
        values = np.array([one.value for one in output.classes], dtype=np.uint8)
        labels = values[number]
    return Segmented(labels, probability)


def _there(probability: Probability, way: WayBack, outside: float) -> Probability:
    placed = Placed(probability, way.affine)
    return resampled(placed, way.grid, outside=outside, antialias=way.antialias).values


def _unit(values: Probability) -> Probability:
    found: Probability = np.clip(values, np.float32(0), np.float32(1), out=values)
    return found


def refined(
    labels: Labels, output: SegmentationOutput, millilitres: float, report: Report
) -> Labels:
    """Return the labels after the declared operations.

    They touch nothing outside of the box around what is labelled, so the work is done in it.

    Args:
        labels: Values of the classes, on the volume's own grid; along RAS+, so that of equally
            large regions the order in which a file stores its voxels chooses none.
        output: Names the classes and the operations.
        millilitres: Volume of one voxel.
        report: Told before each operation.
    """
    box = box_of(labels > 0)
    if box is None or not output.operations:
        return labels
    refined_there = np.zeros_like(labels)
    inner = tuple(slice(at, end) for at, end in zip(box.start, box.stop, strict=True))
    refined_there[inner] = _refined(labels[inner], output, millilitres, report)
    return refined_there


def _refined(
    labels: Labels, output: SegmentationOutput, millilitres: float, report: Report
) -> Labels:
    """Return labels after the declared operations, each over the whole array."""
    values = {one.label: one.value for one in output.classes}
    total = max(len(output.operations), 1)
    for done, operation in enumerate(output.operations):
        report(Progress("refine", done, total))
        match operation:
            case LargestRegion(labels=None):
                kept = largest_region(labels > 0, operation.neighbours)
                labels = np.where(kept, labels, np.uint8(0))
            case LargestRegion(labels=tuple() as named):
                for label in named:
                    marked = labels == values[label]
                    kept = largest_region(marked, operation.neighbours)
                    labels = np.where(marked & ~kept, np.uint8(0), labels)
            case FillHoles():
                inside = holes(labels == values[operation.label]) & (labels == 0)
                labels = np.where(inside, np.uint8(values[operation.label]), labels)
            case RemoveSmall():
                marked = labels == values[operation.label]
                least = _least_voxels(operation, millilitres)
                kept = without_small(marked, least)
                labels = np.where(marked & ~kept, np.uint8(0), labels)
            case KeepLabels():
                keeps = np.isin(labels, [values[label] for label in operation.labels])
                labels = np.where(keeps, labels, np.uint8(0))
    return labels


def _least_voxels(operation: RemoveSmall, millilitres: float) -> int:
    """Return how many voxels of a size are at least so many mL; rounding makes no voxel more."""
    return int(np.ceil(operation.least_millilitres / millilitres - 1e-6))
