"""Which of the stacks in a set of files is read: one, chosen as somebody said.

Nothing is chosen by its place in a list, a localizer only by its name, and a part of a series never
by a rule.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bedside.errors import VolumeRefused
from bedside.imaging.choice import Choice
from bedside.imaging.dicom.planes import Plane
from bedside.imaging.dicom.series import SHORTEST, Series, same_spacing, uid_of
from bedside.imaging.dicom.stacking import Stack

_MOST_TOLD: Final = 24
_CHOOSE: Final = "Say which series is meant by its name in this list, or send one series alone."

_PARALLEL: Final = 0.999
"""Least cosine between the normals of slices of one picture; they may point opposite ways."""

_EVEN: Final = 0.1
"""Of a gap: how unlike the gaps of two stacks that are taken for one may be."""


def chosen(found: Sequence[Series], choice: Choice) -> tuple[Series, str]:
    """Return the series that `choice` means, and what was left out, in words; empty for nothing.

    Raises:
        VolumeRefused: several fit or none does (`several-series`, `no-such-series`), a rule would
            take a part of a series for the whole (`several-series`), it is a localizer that nobody
            named, or it is no volume: then with its own reason.
    """
    named = list(found) if choice.series is None else _named(found, choice.series)
    if not named:
        raise VolumeRefused(
            "no-such-series", f"No series here is called as was asked. {_listed(found)}",
            advice=_CHOOSE,
        )  # fmt: skip
    left = _by_rule(named, choice)
    if len(left) > 1:
        raise VolumeRefused(
            "several-series", f"There are {len(left)} series. {_listed(left)}", advice=_CHOOSE
        )
    one = left[0]
    if one.origin.is_localizer and choice.series is None:
        raise VolumeRefused(
            "localizer",
            f"The series is a localizer, made to plan others. {_listed([one])}",
            advice="Send the series that is meant, or name this one if it is.",
        )
    _check_whole(one, one.stack, named)
    return one, _left_out(one, found)


def _by_rule(named: Sequence[Series], choice: Choice) -> Sequence[Series]:
    if choice.rule == "only":
        return named
    left = [one for one in named if one.is_volumetric] or named
    if choice.rule == "only-volumetric":
        return left
    most = max(one.voxels for one in left)
    return [one for one in left if one.voxels == most]


def _left_out(one: Series, found: Sequence[Series]) -> str:
    """Return the series that was chosen and how many others were not; empty where there are none."""
    others = [other for other in found if other is not one]
    parts = sum(other.origin.series == one.origin.series for other in others)
    rest = len(others) - parts
    words = [
        one.told() if others else "",
        f"{parts} other stack{'s' if parts > 1 else ''} of the same series left out"
        if parts
        else "",
        f"{rest} other series left out" if rest else "",
    ]
    return "; ".join(word for word in words if word)


def _check_whole(one: Series, stack: Stack, named: Sequence[Series]) -> None:
    """Refuse a stack that a rule chose, where others of its series hold slices that it misses."""
    parts = [other for other in named if other is not one and _misses(one, stack, other)]
    if parts:
        raise VolumeRefused(
            "several-series",
            "The series falls into parts that differ in Image Type, direction, echo, time or kind of "
            f"pixels, and no part is the whole. {_listed([one, *parts])}",
            advice=_CHOOSE,
        )


def _misses(one: Series, stack: Stack, other: Series) -> bool:
    """Return whether `other` holds slices of the picture that `stack` is of, which it has not.

    They lie beyond its ends, or between its slices so that together they are evenly spaced. Slices
    of another direction or pixel size are of another picture, and so are thick ones among thin.
    """
    planes = [plane for plane in other.planes if plane.is_placed]
    if _picture(one) != _picture(other) or other.origin.is_localizer or not planes:
        return False
    normal = _normals(stack.planes)[0]
    parallel = bool((np.abs(_normals(planes) @ normal) >= _PARALLEL).all())
    if not parallel or not same_spacing(stack.planes[0], planes[0]):
        return False
    own = np.array([plane.position for plane in stack.planes]) @ normal
    its = np.array([plane.position for plane in planes]) @ normal
    gap = float(np.ptp(own)) / (len(own) - 1)
    if its.min() < own.min() - gap / 2 or its.max() > own.max() + gap / 2:
        return True
    gaps = np.diff(np.sort(np.concatenate((own, its))))
    return float(np.ptp(gaps)) <= _EVEN * float(np.median(gaps))


def _picture(series: Series) -> tuple[str, int, int]:
    return uid_of(series.origin), series.origin.rows, series.origin.columns


def _normals(planes: Sequence[Plane]) -> NDArray[np.float64]:
    """Return the unit vector upright on each plane, a row each; NaN where its header says none."""
    said = np.array([plane.orientation for plane in planes])
    with np.errstate(all="ignore"):
        normals = np.cross(said[:, :3], said[:, 3:])
        unit: NDArray[np.float64] = normals / np.linalg.norm(normals, axis=1, keepdims=True)
    return unit


def _named(found: Sequence[Series], said: str) -> list[Series]:
    """Return what is called so: the one of that name, or all stacks of the UIDs that end so."""
    exact = [one for one in found if one.name == said]
    if exact:
        return exact
    end, _, number = said.partition("/")
    if len(end) < SHORTEST:
        return []
    stacks = [one for one in found if uid_of(one.origin).endswith(end)]
    return [one for one in stacks if not number or (one.name.partition("/")[2] or "1") == number]


def _listed(series: Sequence[Series]) -> str:
    lines = "; ".join(one.told() for one in series[:_MOST_TOLD])
    more = f"; and {len(series) - _MOST_TOLD} more" if len(series) > _MOST_TOLD else ""
    return f"Here: {lines}{more}."
