"""A volume window by window, where the network takes no more at once; overlaps are averaged.

The arithmetic is that of MONAI's `sliding_window_inference`, so that a network that was examined
with it keeps its answers: scores are averaged as the network gives them, before any activation.
Source: MONAI 1.5, `monai/inferers/utils.py` and `compute_importance_map` in
`monai/data/utils.py`; docs.monai.io.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from functools import partial
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from bedside.errors import LimitExceeded
from bedside.package.volume_growth import check_scores, padded_shape
from bedside.package.volume_models import SlidingInference
from bedside.package.volume_operations import Shape
from bedside.runtime.progress import Progress, Report

Tensor: TypeAlias = NDArray[np.float32]
"""Channels × i × j × k."""

Scoring: TypeAlias = Callable[[Tensor, Callable[[], None]], Tensor]
"""From one window to its scores, channels × the window's sides; calls the second from time to time."""

LEAST_WEIGHT: Final = 1e-3
"""A window's corners count at least so much, so that nothing is divided by almost 0."""

MOST_WINDOWS: Final = 20_000


def starts(side: int, window: int, overlap: float) -> tuple[int, ...]:
    """Return where windows begin along one axis; the last is moved back to end where it ends.

    Args:
        side: Voxels of the volume, at least `window`.
        window: Voxels of a window.
        overlap: Share of a window that the next covers again.
    """
    step = window if side == window else max(int(window * (1 - overlap)), 1)
    last = max(side - window, 0)
    return tuple(min(step * one, last) for one in range(-(-last // step) + 1))


def importance(inference: SlidingInference) -> NDArray[np.float32]:
    """Return how much each voxel of a window counts: i × j × k, above 0, at most 1."""
    if inference.weights == "uniform":
        return np.ones(inference.patch, dtype=np.float32)
    lines = []
    for side in inference.patch:
        away = np.arange(side, dtype=np.float64) - (side - 1) / 2
        lines.append(np.exp(-(away**2) / (2 * (side * inference.sigma) ** 2)))
    i, j, k = lines
    weights = i[:, np.newaxis, np.newaxis] * j[:, np.newaxis] * k
    found: NDArray[np.float32] = np.maximum(weights, max(weights.min(), LEAST_WEIGHT)).astype(
        np.float32
    )
    return found


def slid(
    tensor: Tensor, inference: SlidingInference, channels: int, score: Scoring, report: Report
) -> Tensor:
    """Return the scores of all of `tensor`, channels × i × j × k.

    Args:
        tensor: What the network would get if it could see all of it.
        inference: The windows.
        channels: Score channels.
        score: The network.
        report: Told before each window, and while one is computed.

    Raises:
        LimitExceeded: more than `MOST_WINDOWS` windows, or `MOST_SCORES` scores of what was padded.
    """
    sides = tensor.shape[1:]
    check_scores(channels, padded_shape(sides, inference.patch))
    padded, before = _padded(tensor, inference)
    places = windows(padded.shape[1:], inference)
    weights = importance(inference)
    total: Tensor = np.zeros((channels, *padded.shape[1:]), dtype=np.float32)
    counted = np.zeros(padded.shape[1:], dtype=np.float32)
    for done, place in enumerate(places):
        told = Progress("infer", done, len(places))
        report(told)
        box = tuple(slice(at, at + side) for at, side in zip(place, inference.patch, strict=True))
        scores = score(padded[(slice(None), *box)], partial(report, told))
        scores = scores * weights
        total[(slice(None), *box)] += scores
        counted[box] += weights
    report(Progress("infer", len(places), len(places)))
    total /= counted
    inner = tuple(slice(at, at + side) for at, side in zip(before, sides, strict=True))
    return total[(slice(None), *inner)]


def windows(sides: tuple[int, ...], inference: SlidingInference) -> list[Shape]:
    """Return where each window begins, the last axis fastest.

    Raises:
        LimitExceeded: more than `MOST_WINDOWS`.
    """
    along = [
        starts(side, window, inference.overlap)
        for side, window in zip(sides, inference.patch, strict=True)
    ]
    if (count := math.prod(map(len, along))) > MOST_WINDOWS:
        raise LimitExceeded(
            f"A volume of {' × '.join(map(str, sides))} takes {count} windows; at most "
            f"{MOST_WINDOWS}.",
            advice="Send a volume of fewer voxels, or freeze the model with larger windows.",
        )
    return [(i, j, k) for i, j, k in itertools.product(*along)]


def _padded(tensor: Tensor, inference: SlidingInference) -> tuple[Tensor, Shape]:
    """Return the tensor at least as large as a window, and how much stands before it."""
    sides = tensor.shape[1:]
    wanted = padded_shape(sides, inference.patch)
    short = [after - side for after, side in zip(wanted, sides, strict=True)]
    i, j, k = (one // 2 for one in short)
    if not any(short):
        return tensor, (i, j, k)
    widths = [(0, 0), *((at, one - at) for at, one in zip((i, j, k), short, strict=True))]
    return np.pad(tensor, widths, constant_values=np.float32(inference.pad)), (i, j, k)
