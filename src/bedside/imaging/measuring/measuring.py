"""Measures a mask by the methods that are asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final, TypeAlias

import numpy as np

from bedside.errors import UsageError
from bedside.imaging.measuring.extents import centre, extents
from bedside.imaging.measuring.head import Head
from bedside.imaging.measuring.masks import Mask, check_mask, voxel_millilitres
from bedside.imaging.measuring.measurement import METHODS, TOWARDS, Measurement, MethodName
from bedside.imaging.measuring.regions import regions
from bedside.imaging.volume import Affine

_SIDES: Final = ("left-right", "back-front", "foot-head")

HEAD_NOTE: Final = (
    "relative to the middle of the box around the head, towards the patient's right, front and head"
)

_Method: TypeAlias = Callable[[Mask, Affine, Head | None], tuple[Measurement, ...]]


def measured(
    mask: Mask, affine: Affine, methods: Sequence[MethodName], head: Head | None = None
) -> tuple[Measurement, ...]:
    """Return the measurements of a mask, in the order of `METHODS`.

    Of an empty mask there is a volume of 0 and no region; it has no extents and no centre.

    Args:
        mask: bool along (i, j, k).
        affine: Voxel indices to mm, RAS+.
        methods: What to measure.
        head: Where the head lies; `head-centre` is left out where it is None.

    Raises:
        UsageError: an unknown method, or an array that is no mask.
    """
    check_mask(mask)
    for name in methods:
        if name not in METHODS:
            raise UsageError(
                f"{name!r} is no method of measurement.", advice=f"Known are {', '.join(METHODS)}."
            )
    found = (_BY_NAME[name](mask, affine, head) for name in METHODS if name in methods)
    return tuple(one for several in found for one in several)


def _volume(mask: Mask, affine: Affine, _: Head | None) -> tuple[Measurement, ...]:
    found = int(np.count_nonzero(mask)) * voxel_millilitres(affine)
    return (Measurement("volume", (found,), "mL", "voxel-count"),)


def _extents(mask: Mask, affine: Affine, _: Head | None) -> tuple[Measurement, ...]:
    found = extents(mask, affine)
    if found is None:
        return ()
    return (Measurement("extents", found, "mm", "box-along-patient-axes", parts=_SIDES),)


def _centre(mask: Mask, affine: Affine, _: Head | None) -> tuple[Measurement, ...]:
    found = centre(mask, affine)
    if found is None:
        return ()
    return (Measurement("centre", found, "mm", "centre-of-mass", parts=TOWARDS, note="RAS+"),)


def _head_centre(mask: Mask, affine: Affine, head: Head | None) -> tuple[Measurement, ...]:
    found = centre(mask, affine)
    if found is None or head is None:
        return ()
    right, front, up = (one - middle for one, middle in zip(found, head.centre, strict=True))
    method = "centre-of-mass-from-head-box"
    return (
        Measurement("head-centre", (right, front, up), "mm", method, parts=TOWARDS, note=HEAD_NOTE),
    )


def _regions(mask: Mask, affine: Affine, _: Head | None) -> tuple[Measurement, ...]:
    found = regions(mask, affine)
    method = "components-26"
    out = [Measurement("region-count", (float(found.count),), "1", method)]
    for number, one in enumerate(found.listed, start=1):
        out.append(Measurement("region-volume", (one.millilitres,), "mL", method, region=number))
        out.append(
            Measurement(
                "region-centre", one.centre, "mm", method, parts=TOWARDS, region=number, note="RAS+"
            )
        )
    return tuple(out)


_BY_NAME: Final[Mapping[MethodName, _Method]] = MappingProxyType(
    {
        "volume": _volume,
        "extents": _extents,
        "centre": _centre,
        "head-centre": _head_centre,
        "regions": _regions,
    }
)
