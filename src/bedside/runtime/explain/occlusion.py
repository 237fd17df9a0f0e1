"""Where a picture speaks for its answer: how much the answer falls where a patch is covered.

`docs/spec/package.md`, section 12.3.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice, product
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from bedside.package.explanation import Occlusion, check_passes, places
from bedside.package.image_operations import (
    Greyscale,
    ImageOperation,
    Normalise,
    RepeatChannel,
)
from bedside.runtime.explain.scales import on_scale

PICTURES_AT_ONCE: Final = 16
"""Pictures that are asked together; bounds memory, whatever the patch."""

GREY_WEIGHTS: Final = (0.299, 0.587, 0.114)
"""Of red, green and blue in a grey value. Source: ITU-R BT.601-7, section 2.5.1."""

Picture: TypeAlias = NDArray[np.float32]
"""The network's input of one picture: channels × rows × columns."""

Scoring: TypeAlias = Callable[[NDArray[np.float32]], NDArray[np.float64]]
"""From pictures × channels × rows × columns to the score that is explained of each picture."""


@dataclass(frozen=True, slots=True, eq=False)
class OcclusionMap:
    """How much the score falls where the picture is covered.

    Attributes:
        grid: Rows × columns of the network's input, on the declared scale: the mean fall over the
            patches that cover a place; positive where it speaks for what is explained.
        base: The score of the whole picture, on that scale.
        passes: Pictures that the network computed.
    """

    grid: NDArray[np.float64]
    base: float
    passes: int


def occlusion(
    explanation: Occlusion, picture: Picture, cover: NDArray[np.float32], score: Scoring
) -> OcclusionMap:
    """Return where `picture` speaks for its score.

    Args:
        explanation: As the manifest declares it.
        picture: The network's input, channels × rows × columns.
        cover: What a patch is filled with, one value for each channel, from `covering`.
        score: Probabilities of the class that is explained, calibrated, or values. It is asked
            for `PICTURES_AT_ONCE` pictures at most.

    Raises:
        PackageDamaged: the declared cost is not that of this picture.
        PackageRefused: a score is not finite.
    """
    _, rows, columns = picture.shape
    check_passes(explanation, rows, columns)
    patch = explanation.patch
    corners = tuple(
        product(places(rows, patch, explanation.stride), places(columns, patch, explanation.stride))
    )
    covered = (_covered(picture, corner, patch, cover) for corner in corners)
    pictures = chain([picture], covered)
    parts = [score(part) for part in _together(pictures)]
    base, *scores = on_scale(np.concatenate(parts), explanation).tolist()
    fallen, covers = np.zeros((rows, columns)), np.zeros((rows, columns))
    for (row, column), reached in zip(corners, scores, strict=True):
        fallen[row : row + patch, column : column + patch] += base - reached
        covers[row : row + patch, column : column + patch] += 1
    return OcclusionMap(fallen / covers, base, 1 + len(corners))


def covering(
    explanation: Occlusion, picture: Picture, operations: Sequence[ImageOperation]
) -> NDArray[np.float32]:
    """Return what a patch is filled with, one value for each channel of the network's input.

    Args:
        explanation: As the manifest declares it.
        picture: The network's input, channels × rows × columns.
        operations: The declared preprocessing; a stated fill goes through it as a picture of
            that one value would.
    """
    if explanation.fill == "mean":
        return np.asarray(picture.mean(axis=(1, 2), dtype=np.float64), dtype=np.float32)
    shades = [explanation.fill]
    for operation in operations:
        match operation:
            case RepeatChannel():
                shades = shades * 3
            case Normalise():
                by_channel = zip(operation.mean, operation.deviation, strict=True)
                shades = [(shades[i % len(shades)] - m) / d for i, (m, d) in enumerate(by_channel)]
            case Greyscale() if len(shades) == 3:
                shades = [sum(w * s for w, s in zip(GREY_WEIGHTS, shades, strict=True))]
            case _:  # moves, scales or weighs values; one shade stays that shade
                pass
    return np.resize(np.array(shades, dtype=np.float32), len(picture))


def _covered(
    picture: Picture, corner: tuple[int, int], patch: int, cover: NDArray[np.float32]
) -> Picture:
    row, column = corner
    copy = picture.copy()
    copy[:, row : row + patch, column : column + patch] = cover[:, np.newaxis, np.newaxis]
    return copy


def _together(pictures: Iterator[Picture]) -> Iterator[NDArray[np.float32]]:
    while part := list(islice(pictures, PICTURES_AT_ONCE)):
        yield np.stack(part)
