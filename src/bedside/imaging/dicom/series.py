"""The stacks of planes in a set of DICOM files: listed, and one chosen as somebody said.

A series may hold several stacks (a localizer in three directions, two echoes); each stands in the
list on its own. Nothing is chosen by its place in a list, and a localizer only by its name.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from bedside.errors import VolumeRefused
from bedside.imaging.choice import Choice
from bedside.imaging.dicom.planes import Origin, Plane
from bedside.imaging.dicom.stacking import Stack, by_place, check_corners, holds_places, stacked
from bedside.imaging.volume_refusals import too_large, unsupported

NO_UID: Final = "no-uid"
"""How a series without a UID is called."""

_LEAST_VOLUMETRIC: Final = 3
_SHORTEST: Final = 6
_MOST_TOLD: Final = 24
_MOST_STACKS: Final = 128
_SAME_DIRECTION: Final = 1e-3
_SAME_SPACING: Final = 1e-3
_CHOOSE: Final = "Say which series is meant by its name in this list, or send one series alone."


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """One stack of planes that could be a volume.

    Attributes:
        name: The end of its Series Instance UID, with `/2` for the second stack of a series.
        origin: What its planes have in common.
        planes: In an order that has nothing to do with their files.
        stack: The planes in order and where they lie; None where they are no volume.
        refused: Why they are none; None where they are one.
    """

    name: str
    origin: Origin
    planes: tuple[Plane, ...]
    stack: Stack | None
    refused: VolumeRefused | None

    @property
    def voxels(self) -> int:
        """Number of voxels."""
        return self.origin.rows * self.origin.columns * len(self.planes)

    @property
    def is_volumetric(self) -> bool:
        """Whether it is a volume of three or more slices and no localizer."""
        return (
            self.stack is not None
            and len(self.planes) >= _LEAST_VOLUMETRIC
            and not self.origin.is_localizer
        )

    def told(self) -> str:
        """Return one line of the list that names nobody."""
        origin = self.origin
        words = [
            origin.modality or "no modality", f'"{origin.words}"' if origin.words else "",
            f"{len(self.planes)} slice{'s' if len(self.planes) > 1 else ''} of "
            f"{origin.columns} × {origin.rows}",
            "localizer" if origin.is_localizer else "",
            f"no volume ({self.refused.code})" if self.refused is not None else "",
        ]  # fmt: skip
        return f"{self.name}: {', '.join(word for word in words if word)}"


def series_of(planes: Iterable[tuple[Origin, Plane]]) -> tuple[Series, ...]:
    """Return the stacks that planes belong to, in the order of their names.

    Raises:
        VolumeRefused: a series has more than 128 directions or pixel sizes.
    """
    groups = dict[Origin, list[Plane]]()
    for origin, plane in planes:
        groups.setdefault(origin, []).append(plane)
    flat = [(origin, stack) for origin, found in groups.items() for stack in _parallel(found)]
    flat.sort(key=_rank)
    names = _names([origin for origin, _ in flat])
    return tuple(
        _series(name, origin, stack) for name, (origin, stack) in zip(names, flat, strict=True)
    )


def _parallel(planes: list[Plane]) -> list[tuple[Plane, ...]]:
    """Return planes of one origin in stacks; which file holds which plane decides nothing."""
    stacks = list[list[Plane]]()
    for plane in sorted(planes, key=by_place):
        for stack in stacks:
            if _together(stack[0], plane):
                stack.append(plane)
                break
        else:
            stacks.append([plane])
            if len(stacks) > _MOST_STACKS:
                raise too_large(f"slices of more than {_MOST_STACKS} directions", f"{_MOST_STACKS}")
    return [tuple(stack) for stack in stacks]


def chosen(found: Sequence[Series], choice: Choice) -> tuple[Series, str]:
    """Return the series that `choice` means, and what was left out, in words; empty for nothing.

    Raises:
        VolumeRefused: several fit or none does (`several-series`, `no-such-series`), it is a
            localizer that nobody named, or it is no volume: then with its own reason.
    """
    left = list(found) if choice.series is None else _named(found, choice.series)
    if not left:
        raise VolumeRefused(
            "no-such-series", f"No series here is called as was asked. {_listed(found)}",
            advice=_CHOOSE,
        )  # fmt: skip
    if choice.rule != "only":
        left = [one for one in left if one.is_volumetric] or left
    if choice.rule == "largest":
        most = max(one.voxels for one in left)
        left = [one for one in left if one.voxels == most]
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
    if one.refused is not None:
        raise one.refused
    if choice.rule != "only" and choice.series is None:
        _check_whole(one, found)
    rest = len(found) - 1
    return one, f"{one.told()}; {rest} other series left out" if rest else ""


def _check_whole(one: Series, found: Sequence[Series]) -> None:
    """Refuse a stack that a rule chose, where another of its series lies beside it."""
    parts = [other for other in found if other is not one and _continues(other, one)]
    if parts:
        raise VolumeRefused(
            "several-series",
            f"The series falls into parts that differ in Image Type, echo, direction or kind of "
            f"pixels, and no part is the whole. {_listed([one, *parts])}",
            advice=_CHOOSE,
        )


def _continues(other: Series, one: Series) -> bool:
    """Return whether a stack has slices like those of `one`, of its series, where it has none."""
    alike = (other.origin.series, other.origin.rows, other.origin.columns) == (
        one.origin.series,
        one.origin.rows,
        one.origin.columns,
    )
    if not alike or other.origin.is_localizer or one.stack is None:
        return False
    placed = [plane for plane in other.planes if plane.is_placed]
    sized = [plane for plane in placed if _sized(one.planes[0], plane)]
    return bool(sized) and not holds_places(one.stack, [plane.position for plane in sized])


def _rank(
    group: tuple[Origin, tuple[Plane, ...]],
) -> tuple[str, int, tuple[str, ...], tuple[float, ...], int, int]:
    origin, planes = group
    first = min(planes, key=lambda plane: (plane.file, plane.frame))
    return (
        origin.series or "",
        -len(planes),
        origin.echo,
        planes[0].orientation,
        first.file,
        first.frame,
    )


def _together(one: Plane, other: Plane) -> bool:
    """Return whether two planes are parallel and have pixels of one size."""
    if (len(one.orientation), len(one.spacing)) != (len(other.orientation), len(other.spacing)):
        return False
    turned = max(
        (abs(a - b) for a, b in zip(one.orientation, other.orientation, strict=True)), default=0.0
    )
    return turned <= _SAME_DIRECTION and _sized(one, other)


def _sized(one: Plane, other: Plane) -> bool:
    return all(
        abs(a - b) <= _SAME_SPACING * abs(a)
        for a, b in zip(one.spacing, other.spacing, strict=True)
    )


def _series(name: str, origin: Origin, planes: tuple[Plane, ...]) -> Series:
    try:
        if origin.is_mosaic:
            raise unsupported(
                "Its images are sheets of many planes (MOSAIC)",
                "Export it as an enhanced object, or convert it to NIfTI.",
            )
        stack = stacked(planes)
        check_corners(stack, origin.rows, origin.columns)
        return Series(name, origin, planes, stack, None)
    except VolumeRefused as refused:
        return Series(name, origin, planes, None, refused)


def _names(origins: Sequence[Origin]) -> list[str]:
    """Return the shortest ends of the UIDs that tell them apart, with `/2` for a second stack."""
    uids = {_uid(origin) for origin in origins}
    length = _SHORTEST
    while len({uid[-length:] for uid in uids}) < len(uids):
        length += 1
    names, seen = list[str](), dict[str, int]()
    for origin in origins:
        name = _uid(origin)[-length:]
        seen[name] = seen.get(name, 0) + 1
        names.append(name if seen[name] == 1 else f"{name}/{seen[name]}")
    return names


def _uid(origin: Origin) -> str:
    return origin.series or NO_UID


def _named(found: Sequence[Series], said: str) -> list[Series]:
    """Return what is called so: the one of that name, or all stacks of the UIDs that end so."""
    exact = [one for one in found if one.name == said]
    if exact:
        return exact
    end, _, number = said.partition("/")
    if len(end) < _SHORTEST:
        return []
    stacks = [one for one in found if _uid(one.origin).endswith(end)]
    return [one for one in stacks if not number or (one.name.partition("/")[2] or "1") == number]


def _listed(series: Sequence[Series]) -> str:
    lines = "; ".join(one.told() for one in series[:_MOST_TOLD])
    more = f"; and {len(series) - _MOST_TOLD} more" if len(series) > _MOST_TOLD else ""
    return f"Here: {lines}{more}."
