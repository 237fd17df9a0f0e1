"""What was found, drawn over a plane: outlines of classes, or a heat map of the probability."""

from __future__ import annotations

from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Colour: TypeAlias = tuple[float, float, float]
"""Red, green, blue from 0 to 1."""

Coloured: TypeAlias = NDArray[np.float32]
"""Rows × columns × 3, from 0 to 1."""

COLOURS: Final[tuple[Colour, ...]] = (
    (230 / 255, 159 / 255, 0.0),
    (86 / 255, 180 / 255, 233 / 255),
    (0.0, 158 / 255, 115 / 255),
    (204 / 255, 121 / 255, 167 / 255),
    (240 / 255, 228 / 255, 66 / 255),
    (213 / 255, 94 / 255, 0.0),
    (0.0, 114 / 255, 178 / 255),
)
"""Of the classes in turn, told apart by every kind of colour vision (Okabe and Ito, 2008)."""

LEAST_SHOWN: Final = 0.05
"""Probability below which nothing is drawn."""

_TINT: Final = np.float32(0.1)
_HEAT_PLACES: Final = (0.0, 0.5, 1.0)
_HEAT: Final[tuple[Colour, ...]] = ((0.30, 0.05, 0.45), (0.90, 0.35, 0.10), (1.0, 0.95, 0.45))
"""From dark violet over vermillion to light yellow: lighter means more, without hue too."""


def colour_of(place: int) -> Colour:
    """Return the colour of the class at a place of the list; from the eighth on they repeat."""
    return COLOURS[place % len(COLOURS)]


def outlined(picture: Coloured, inside: NDArray[np.float32], colour: Colour) -> Coloured:
    """Return a plane with one class over it: a line along its inner edge, a tint within.

    Args:
        picture: The plane.
        inside: Rows × columns: share of the class, 0 to 1; it is inside from 0.5 on.
        colour: Its colour.
    """
    mask = inside >= 0.5
    paint = np.array(colour, dtype=np.float32)
    opacity = np.where(mask & ~ndimage.binary_erosion(mask), np.float32(1), _TINT * mask)
    return _blended(picture, paint, opacity.astype(np.float32))


def heated(picture: Coloured, probability: NDArray[np.float32]) -> Coloured:
    """Return a plane with a heat map over it; nothing is drawn below `LEAST_SHOWN`."""
    chance = np.clip(probability, 0, 1)
    opacity = np.where(chance < LEAST_SHOWN, 0, 0.25 + 0.3 * chance).astype(np.float32)
    return _blended(picture, heat(chance), opacity)


def heat(probability: NDArray[np.float32]) -> Coloured:
    """Return the colours of probabilities, … × 3."""
    channels = [
        np.interp(probability, _HEAT_PLACES, [colour[channel] for colour in _HEAT])
        for channel in range(3)
    ]
    return np.stack(channels, axis=-1).astype(np.float32)


def _blended(picture: Coloured, paint: Coloured, opacity: NDArray[np.float32]) -> Coloured:
    share = opacity[..., np.newaxis]
    blended: Coloured = picture * (1 - share) + paint * share
    return blended
