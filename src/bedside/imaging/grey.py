"""Modality values to brightness: the one place where a picture gets the range 0 to 1.

1 is bright. A MONOCHROME1 picture is turned over here, and nowhere else. A colour picture keeps
its three channels, and takes the full range only.
"""

from __future__ import annotations

from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from bedside.errors import UsageError
from bedside.imaging.picture import Picture

Unit: TypeAlias = NDArray[np.float32]

LUMA: Final = (0.299, 0.587, 0.114)
"""Weights of red, green and blue. Source: ITU-R BT.601-7, section 2.5.1."""


def full_range(picture: Picture) -> Unit:
    """Return `(value - lowest) / (highest - lowest)`: all that bits and rescale can say.

    Returns:
        float32, rows × columns, or rows × columns × 3 where the picture has colour; 0 to 1.
    """
    unit = picture.values - np.float32(picture.lowest)
    unit /= np.float32(picture.highest - picture.lowest)
    return _bright(picture, _clipped(unit))


def header_window(picture: Picture) -> Unit:
    """Return brightness through the first window of the header; the full range without one.

    `picture.windows` says which of the two it will be. A caller who takes the full range must say so.

    Raises:
        UsageError: the picture has colour, or its header asks for what cannot be used.
    """
    _check_grey(picture)
    if picture.unused:
        raise UsageError(f"The header's brightness cannot be followed: {picture.unused}.")
    if not picture.windows:
        return full_range(picture)
    if picture.curve == "sigmoid":
        return _sigmoid(picture, *picture.windows[0])
    return fixed_window(picture, *picture.windows[0])


def fixed_window(picture: Picture, centre: float, width: float) -> Unit:
    """Return brightness through a window, by DICOM's function LINEAR.

    Source: DICOM PS3.3, section C.11.2.1.2.1; y from 0 to 1.

    Args:
        picture: A grey one; the window is in the units of its values.
        centre: Window Center.
        width: Window Width, at least 1.

    Raises:
        UsageError: the picture has colour, or this is no window.
    """
    _check_grey(picture)
    if not (np.isfinite(centre) and np.isfinite(width) and width >= 1):
        raise UsageError(
            f"The window has centre {centre} and width {width}; its width is at least 1."
        )
    if width == 1:
        return _bright(picture, (picture.values > centre - 0.5).astype(np.float32))
    unit = picture.values - np.float32(centre - 0.5)
    unit /= np.float32(width - 1)
    unit += np.float32(0.5)
    return _bright(picture, _clipped(unit))


def percentile_window(picture: Picture, low: float, high: float) -> Unit:
    """Return brightness from one percentile (0) to another (1); what lies beyond is clipped.

    The percentiles are of all values in the order of brightness, the darkest being percentile 0
    (so that a picture and its MONOCHROME1 twin give the same), by NumPy's method `linear`. Padding
    does not count. Where both are one value, or all is padding, the picture is 0 everywhere.

    Raises:
        UsageError: the picture has colour, or not 0 ≤ low < high ≤ 100.
    """
    _check_grey(picture)
    if not 0 <= low < high <= 100:
        raise UsageError(f"The percentiles {low} and {high} are not 0 ≤ low < high ≤ 100.")
    bright = -picture.values if picture.negative else picture.values
    counted = bright if picture.padding is None else bright[~picture.padding]
    if not counted.size:
        return np.zeros(bright.shape, dtype=np.float32)
    darkest, brightest = np.percentile(counted, (low, high), method="linear")
    if brightest <= darkest:
        return np.zeros(bright.shape, dtype=np.float32)
    unit = bright - np.float32(darkest)
    unit /= np.float32(brightest - darkest)
    return _clipped(unit)


def luma(colour: Unit) -> Unit:
    """Return 0.299 R + 0.587 G + 0.114 B, rows × columns, of rows × columns × 3 (ITU-R BT.601).

    Nothing is clipped: values that were normalised before, or overshot in a resize, stay what
    they are.
    """
    red, green, blue = (np.float32(weight) for weight in LUMA)
    grey: Unit = red * colour[..., 0] + green * colour[..., 1] + blue * colour[..., 2]
    return grey


def _sigmoid(picture: Picture, centre: float, width: float) -> Unit:
    """Return `1 / (1 + exp(-4 (x - c) / w))`. Source: PS3.3, section C.11.2.1.3.1; y from 0 to 1."""
    unit = picture.values - np.float32(centre)
    with np.errstate(over="ignore"):
        unit *= np.float32(-4 / width)
        np.exp(unit, out=unit)
    unit += np.float32(1)
    return _bright(picture, np.reciprocal(unit, out=unit))


def _clipped(unit: Unit) -> Unit:
    return np.clip(unit, np.float32(0), np.float32(1), out=unit)


def _bright(picture: Picture, unit: Unit) -> Unit:
    return np.subtract(1, unit, out=unit) if picture.negative else unit


def _check_grey(picture: Picture) -> None:
    if picture.is_colour:
        raise UsageError(
            "A window is made for grey values, and this picture has colour.",
            advice="Use the full range.",
        )
