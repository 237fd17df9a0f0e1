"""All lesions of one drawn brain: how many, how large, where, and where they run together."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bedside.lab.evaluating.regions import TOUCHING
from bedside.lab.lesions.blobs import FORBIDDEN, Shape, Vector, axes_along, blob
from bedside.lab.lesions.places import (
    COARSE,
    DEEP,
    GREY,
    HIND,
    OPEN,
    STEPS,
    WHITE,
    Field,
    Kinds,
)
from bedside.lab.lesions.settings import LesionSynthesis
from bedside.lab.synthesis.chance import Chance

FINGERS: Final = 12.0
"""mm from a ventricle within which lesions may be long and point away from it, as Dawson's fingers."""


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """The part of a brain that lesions are drawn into.

    Attributes:
        kinds: Kind of place, (i, j, k).
        prior: Density of lesions' middles, relative to others.
        ventricle: Distance to a ventricle, quarters of mm.
        whole: Sum of the density over the whole brain, mm³.
        spacing: mm.
    """

    kinds: Kinds
    prior: Field
    ventricle: NDArray[np.uint8]
    whole: float
    spacing: float


@dataclass(frozen=True, slots=True, eq=False)
class Burden:
    """The lesions.

    Attributes:
        share: Of lesion in each voxel, 0 to 1.
        level: Brightness of the lesion there relative to the others of this brain; 1 elsewhere.
        volume: Of the lesion that a voxel lies in, mm³; of a confluent one `largest`; 0 elsewhere.
        count: How many were drawn, confluent ones not counted.
    """

    share: Field
    level: Field
    volume: Field
    count: int


def burden(ground: Ground, chance: Chance, settings: LesionSynthesis) -> Burden:
    """Return the lesions that chance gives to a part of a brain.

    Each has a volume from `smallest` to `largest` and lies where `Ground`
    has white matter, deep grey matter or stem; its edge may reach into grey matter, never into fluid
    or out of the brain. Where two meet they are one.
    """
    shape = ground.kinds.shape
    found = Burden(
        np.zeros(shape, np.float32), np.ones(shape, np.float32), np.zeros(shape, np.float32), 0
    )
    if chance.happens(settings.none):
        return found
    if chance.happens(settings.confluent):
        _run_together(found, ground, chance, settings)
    number = _number(ground, chance, settings)
    if not number:
        return found
    field = chance.smooth(1, shape, [max(3, round(side * ground.spacing / 3)) for side in shape])
    fields = (field[0].numpy() * np.float32(1.6), _cost(ground.kinds))
    volumes = _volumes(number, chance, settings)
    middles = _middles(ground, volumes, chance)
    drawn = 0
    for volume, middle in zip(volumes, middles, strict=True):
        asked = Shape(middle, volume, _axes(ground, middle, chance), chance.between(0.1, 0.5))
        level = chance.between(0.88, 1.12)
        drawn += _added(found, asked, fields, (ground.spacing, settings.smallest), level)
    return Burden(found.share, found.level, found.volume, drawn)


def _number(ground: Ground, chance: Chance, settings: LesionSynthesis) -> int:
    """Return how many of the brain's lesions lie in this part."""
    drawn = settings.typical * chance.numbers.lognormal(0.0, settings.spread)
    number = min(settings.most, round(drawn))
    here = float(ground.prior.sum(dtype=np.float64)) * ground.spacing**3
    if not here:
        return 0
    return int(chance.numbers.binomial(number, min(1.0, here / max(ground.whole, 1e-9))))


def _volumes(number: int, chance: Chance, settings: LesionSynthesis) -> NDArray[np.float64]:
    """Return volumes in mm³, the largest first; small ones of a brain with many are smaller."""
    median = settings.volume * chance.numbers.lognormal(0.0, 0.5)
    volumes = median * chance.numbers.lognormal(0.0, settings.volume_spread, number)
    return np.sort(volumes.clip(settings.smallest, settings.largest))[::-1]


def _middles(ground: Ground, volumes: NDArray[np.float64], chance: Chance) -> Vector:
    """Return (number, 3) places drawn by the prior, in voxels."""
    below = np.cumsum(ground.prior.ravel(), dtype=np.float64)
    found = np.searchsorted(below, chance.numbers.uniform(0, below[-1], len(volumes)), "right")
    places = np.stack(np.unravel_index(found, ground.prior.shape), axis=1)
    return places + chance.numbers.uniform(-0.45, 0.45, places.shape)


def _axes(ground: Ground, middle: Vector, chance: Chance) -> Vector:
    """Return the axes of a lesion: by chance, or away from the ventricle that is near."""
    direction = chance.numbers.normal(size=3)
    at = tuple(np.rint(middle).astype(int))
    long = math.exp(abs(chance.numbers.normal(0, 0.25)))
    if ground.ventricle[at] < FINGERS * STEPS and chance.happens(0.6):
        away = _slope(ground.ventricle, at)
        if np.any(away):
            direction = away + 0.2 * np.linalg.norm(away) * chance.numbers.normal(size=3)
            long = chance.between(1.2, 2.6)
    if not np.any(direction):
        direction = np.array([1.0, 0.0, 0.0])
    return axes_along(direction, long, chance.between(0.6, 1.6), chance.between(0, math.pi))


def _slope(values: NDArray[np.uint8], at: tuple[int, ...]) -> Vector:
    """Return the direction in which values rise, from voxels a little away on both sides."""
    found = np.zeros(3)
    for axis, side in enumerate(values.shape):
        ends = []
        for way in (-COARSE - 1, COARSE + 1):
            place = list(at)
            place[axis] = min(max(place[axis] + way, 0), side - 1)
            ends.append(float(values[tuple(place)]))
        found[axis] = ends[1] - ends[0]
    return found


def _cost(kinds: Kinds) -> Field:
    """Return how hardly a lesion grows into each voxel."""
    table = np.full(OPEN + 1, FORBIDDEN, dtype=np.float32)
    table[[WHITE, DEEP, HIND, GREY]] = 1.0, 1.1, 1.1, 1.8
    cost: Field = table[kinds]
    return cost


def _added(
    found: Burden,
    asked: Shape,
    fields: tuple[Field, Field],
    bounds: tuple[float, float],
    level: float,
) -> bool:
    """Draw one lesion into what was found; tell whether there was room for it.

    `bounds` are the spacing in mm and the smallest volume in mm³.
    """
    spacing, smallest = bounds
    made = blob(asked, *fields, spacing)
    if made is None:
        return False
    box, share = made
    if np.count_nonzero(share > 0.5) * spacing**3 < smallest:
        return False
    more = share > found.share[box]
    found.share[box][more] = share[more]
    found.level[box][more] = level
    found.volume[box][more & (found.volume[box] == 0)] = asked.volume
    return True


def _run_together(found: Burden, ground: Ground, chance: Chance, settings: LesionSynthesis) -> None:
    """Draw lesions along the ventricles: bands and caps whose width changes, here and there none."""
    shape, spacing = found.share.shape, ground.spacing
    knots = [max(3, round(side * spacing / chance.between(9, 22))) for side in shape]
    wide = chance.smooth(1, shape, knots)[0].numpy()
    width = chance.between(1.0, 5.0) * (1 + chance.between(0.5, 2.0) * wide - chance.between(0, 1))
    away = ground.ventricle.astype(np.float32) / STEPS
    share = ((width - away) / np.float32(spacing) + np.float32(0.5)).clip(0, 1)
    share *= np.isin(ground.kinds, (WHITE, DEEP)) & (width > 1.5 * spacing)
    regions, count = ndimage.label(share > 0.5, TOUCHING)
    sizes = np.bincount(regions.ravel(), minlength=count + 1) * spacing**3
    kept = sizes >= settings.smallest * 10  # what runs together is no speck
    kept[0] = False
    inside = kept[regions]
    share *= ndimage.binary_dilation(inside, TOUCHING)
    np.copyto(found.share, share.astype(np.float32))
    found.volume[share > 0] = settings.largest
