"""How many voxels the operations may make of a volume, before there is a volume.

Upper bounds from the declared domain and a number of voxels: what memory is set aside by.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from bedside.errors import LimitExceeded
from bedside.package.volume_operations import (
    PATIENT_AXES,
    Conform,
    CropForeground,
    CropOrPad,
    PadToMultiple,
    Reorient,
    Resample,
    Shape,
    Transpose,
    VolumeOperation,
    multiples,
)
from bedside.package.volumes import MOST_VOXELS, VolumeDomain

MOST_SCORES: Final = 2**29
"""Numbers that a network may give for one volume, all classes together: 2 GiB in float32."""


@dataclass(frozen=True, slots=True)
class Growth:
    """What becomes of a volume of the domain, at most.

    Attributes:
        widest: Voxels after the operation that makes most of them; of the volume, if none does.
        last: Voxels that the network gets.
        padded: Voxels of that, once no side is shorter than a window's.
    """

    widest: int
    last: int
    padded: int


def padded_shape(sides: Sequence[int], patch: Shape) -> Shape:
    """Return the sides of a volume that holds at least one window."""
    i, j, k = (max(side, window) for side, window in zip(sides, patch, strict=True))
    return i, j, k


def check_scores(channels: int, sides: Sequence[int]) -> None:
    """Refuse more scores than one volume may have, before memory is taken for them.

    Args:
        channels: Score channels.
        sides: Voxels along i, j, k of what the network gets, padded as it will be.

    Raises:
        LimitExceeded: more than `MOST_SCORES`.
    """
    if (count := channels * math.prod(sides)) > MOST_SCORES:
        raise LimitExceeded(
            f"{channels} score channel(s) of {' × '.join(map(str, sides))} voxels are {count} scores; "
            f"at most {MOST_SCORES}.",
            advice="Send a volume of fewer voxels.",
        )


def growth(
    operations: Sequence[VolumeOperation],
    declared: VolumeDomain,
    voxels: int,
    patch: Shape | None = None,
) -> Growth:
    """Return what the operations make of any volume of the domain with so many voxels.

    Args:
        operations: In an order that `check_order` lets through.
        declared: The domain.
        voxels: Of the volume as it was read.
        patch: Sides of a window; None where the network sees all at once.
    """
    now = _Bounds.of(declared, voxels)
    widest = voxels
    for operation in operations:
        now = _after(operation, now, declared)
        widest = max(widest, now.voxels)
    if patch is None:
        return Growth(widest, now.voxels, now.voxels)
    return Growth(widest, now.voxels, now.most(lambda shape: padded_shape(shape, patch)))


@dataclass(frozen=True, slots=True)
class _Bounds:
    """What is known of a shape: its sides lie between two bounds, and their product is so large.

    Attributes:
        least: Fewest voxels along i, j, k.
        largest: Most voxels along i, j, k.
        voxels: In all, at most.
        axes: Which of the patient's axes each of i, j, k lies along.
    """

    least: Shape
    largest: Shape
    voxels: int
    axes: Shape = (0, 1, 2)

    @classmethod
    def of(cls, declared: VolumeDomain, voxels: int) -> _Bounds:
        """Return what is known along RAS+ of any volume of the domain with so many voxels."""
        view, spacing, sides = declared.field_of_view, declared.spacing, declared.sides
        reaches = (view.left_right, view.back_front, view.foot_head)
        lows = [max(math.floor(one.minimum / spacing.maximum), sides.minimum) for one in reaches]
        highs = [min(math.ceil(one.maximum / spacing.minimum), sides.maximum) for one in reaches]
        return cls((lows[0], lows[1], lows[2]), (highs[0], highs[1], highs[2]), voxels)

    def most(self, grown: Callable[[Shape], Shape]) -> int:
        """Return the most voxels of `grown(shape)`, for any shape within the bounds.

        The logarithm of a grown side, as of n + c or max(n, c), is a convex function of that of the
        side: the most lies at a corner of what is allowed, where two sides are at a bound.
        """
        found = max(self.voxels, math.prod(grown(self.least)))
        for free in range(3):
            others = [axis for axis in range(3) if axis != free]
            for ends in itertools.product((self.least, self.largest), repeat=2):
                sides = [0, 0, 0]
                for axis, end in zip(others, ends, strict=True):
                    sides[axis] = max(end[axis], 1)
                rest = -(-self.voxels // (sides[others[0]] * sides[others[1]]))
                if rest >= self.least[free]:
                    sides[free] = max(min(rest, self.largest[free]), 1)
                    found = max(found, math.prod(grown((sides[0], sides[1], sides[2]))))
        return found


def _after(operation: VolumeOperation, now: _Bounds, declared: VolumeDomain) -> _Bounds:
    """Return what is known after one operation; those of the values change nothing."""
    after = now
    match operation:
        case Reorient():
            i, j, k = (PATIENT_AXES[letter] for letter in operation.axes)
            after = _turned(replace(now, axes=(i, j, k)), (i, j, k))
        case Resample():
            after = _resampled(operation, now, declared)
        case Conform():
            after = _fixed((operation.side, operation.side, operation.side))
        case CropForeground():
            after = replace(now, least=(1, 1, 1))
        case CropOrPad():
            after = _fixed(operation.shape)
        case PadToMultiple():
            after = _padded(operation.multiple, now)
        case Transpose():
            after = _turned(now, operation.order)
    return after


def _turned(now: _Bounds, order: Shape) -> _Bounds:
    """Return the bounds with axis `order[a]` as axis a."""
    least, largest = ([one[axis] for axis in order] for one in (now.least, now.largest))
    return replace(
        now,
        least=(least[0], least[1], least[2]),
        largest=(largest[0], largest[1], largest[2]),
    )


def _resampled(operation: Resample, now: _Bounds, declared: VolumeDomain) -> _Bounds:
    view = declared.field_of_view
    reaches = (view.left_right, view.back_front, view.foot_head)
    along = [reaches[axis] for axis in now.axes]
    pairs = list(zip(along, operation.spacing, strict=True))
    lows = [max(math.floor(one.minimum / step), 1) for one, step in pairs]
    highs = [math.ceil(one.maximum / step) + 1 for one, step in pairs]
    finer = declared.spacing.maximum**3 / math.prod(operation.spacing)
    edge = math.prod(1 + 1 / one for one in lows)  # a voxel begun counts as one
    voxels = min(math.ceil(now.voxels * finer * edge), math.prod(highs), MOST_VOXELS)
    return replace(
        now,
        least=(lows[0], lows[1], lows[2]),
        largest=(highs[0], highs[1], highs[2]),
        voxels=voxels,
    )


def _padded(multiple: Shape, now: _Bounds) -> _Bounds:
    least, largest = (multiples(one, multiple) for one in (now.least, now.largest))
    if least == largest:
        return replace(now, least=least, largest=largest, voxels=math.prod(least))

    def reached(shape: Shape) -> Shape:
        """Below the next multiple of any shape as large: a staircase is no convex function."""
        i, j, k = (side + one - 1 for side, one in zip(shape, multiple, strict=True))
        return i, j, k

    voxels = min(now.most(reached), math.prod(largest), MOST_VOXELS)
    return replace(now, least=least, largest=largest, voxels=voxels)


def _fixed(shape: Shape) -> _Bounds:
    return _Bounds(shape, shape, math.prod(shape))
