"""The stacks of planes in a set of DICOM files, listed; `choosing` takes one of them.

A series may hold several stacks (a localizer in three directions, two echoes, times or diffusion
weightings); each stands in the list on its own. What files are called decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from bedside.errors import VolumeRefused
from bedside.imaging.dicom.planes import Origin, Plane
from bedside.imaging.dicom.stacking import Stack, stacked
from bedside.imaging.volume_refusals import too_large, unsupported

NO_UID: Final = "no-uid"
"""How a series without a UID is called."""

_LEAST_VOLUMETRIC: Final = 3
SHORTEST: Final = 6
"""Least characters that a series is called by."""

_MOST_STACKS: Final = 128

_SAME_DIRECTION: Final = 1e-3
"""Of each number of Image Orientation: directions written in three digits are one. Whether pixels
then lie where the stack says is checked apart."""

_SAME_SPACING: Final = 1e-3
"""Of the spacing: what rounding to three digits does."""


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """One stack of planes that could be a volume.

    Attributes:
        name: The end of its Series Instance UID, with `/2` for the second stack of a series.
        origin: What its planes have in common.
        planes: In an order that has nothing to do with their files.
        outcome: The planes in order and where they lie, or why they are no volume.
    """

    name: str
    origin: Origin
    planes: tuple[Plane, ...]
    outcome: Stack | VolumeRefused

    @property
    def refused(self) -> VolumeRefused | None:
        """Why its planes are no volume; None where they are one."""
        return self.outcome if isinstance(self.outcome, VolumeRefused) else None

    @property
    def stack(self) -> Stack:
        """Its planes in order and where they lie.

        Raises:
            VolumeRefused: they are no volume.
        """
        if isinstance(self.outcome, VolumeRefused):
            raise self.outcome
        return self.outcome

    @property
    def voxels(self) -> int:
        """Number of voxels."""
        return self.origin.rows * self.origin.columns * len(self.planes)

    @property
    def is_volumetric(self) -> bool:
        """Whether it is a volume of three or more slices and no localizer."""
        return (
            self.refused is None
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
            origin.weighting.told(),
            "localizer" if origin.is_localizer else "",
            f"no volume ({self.refused.code})" if self.refused is not None else "",
        ]  # fmt: skip
        return f"{self.name}: {', '.join(word for word in words if word)}"


def series_of(planes: Iterable[tuple[Origin, Plane]]) -> tuple[Series, ...]:
    """Return the stacks that planes belong to, in the order of their names.

    Where planes of a stack say different body parts or descriptions, one that says something
    counts, whichever file it is in.

    Raises:
        VolumeRefused: a series has more than 128 directions or pixel sizes.
    """
    groups, said = dict[Origin, list[Plane]](), dict[Origin, Origin]()
    for origin, plane in planes:
        groups.setdefault(origin, []).append(plane)
        said[origin] = max(said.get(origin, origin), origin, key=_words)
    flat = [(said[origin], stack) for origin, all_ in groups.items() for stack in _parallel(all_)]
    flat.sort(key=_rank)
    names = _names([origin for origin, _ in flat])
    return tuple(
        _series(name, origin, stack) for name, (origin, stack) in zip(names, flat, strict=True)
    )


def _parallel(planes: list[Plane]) -> list[tuple[Plane, ...]]:
    """Return planes of one origin in stacks; which file holds which plane decides nothing."""
    stacks = list[list[Plane]]()
    for plane in sorted(planes, key=lambda plane: plane.key):
        for stack in stacks:
            if _together(stack[0], plane):
                stack.append(plane)
                break
        else:
            stacks.append([plane])
            if len(stacks) > _MOST_STACKS:
                raise too_large(f"slices of more than {_MOST_STACKS} directions", f"{_MOST_STACKS}")
    return [tuple(stack) for stack in stacks]


def _words(origin: Origin) -> tuple[str, str]:
    return origin.body_part or "", origin.words


def _rank(group: tuple[Origin, tuple[Plane, ...]]) -> tuple[object, ...]:
    """Return what stacks are sorted by; only of those that are alike in all else, their files."""
    origin, planes = group
    first = min((plane.file, plane.frame) for plane in planes)
    series = origin.series or ""
    return series, -len(planes), origin.weighting.key, origin.kinds, planes[0].key, first


def _together(one: Plane, other: Plane) -> bool:
    """Return whether two planes are parallel and have pixels of one size."""
    if (len(one.orientation), len(one.spacing)) != (len(other.orientation), len(other.spacing)):
        return False
    turned = max(
        (abs(a - b) for a, b in zip(one.orientation, other.orientation, strict=True)), default=0.0
    )
    return turned <= _SAME_DIRECTION and same_spacing(one, other)


def same_spacing(one: Plane, other: Plane) -> bool:
    """Return whether two planes that both say it have pixels of one size."""
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
        return Series(name, origin, planes, stacked(planes, origin.rows, origin.columns))
    except VolumeRefused as refused:
        return Series(name, origin, planes, refused)


def _names(origins: Sequence[Origin]) -> list[str]:
    """Return the shortest ends of the UIDs that tell them apart, with `/2` for a second stack."""
    uids = {uid_of(origin) for origin in origins}
    length = SHORTEST
    while len({uid[-length:] for uid in uids}) < len(uids):
        length += 1
    names, seen = list[str](), dict[str, int]()
    for origin in origins:
        name = uid_of(origin)[-length:]
        seen[name] = seen.get(name, 0) + 1
        names.append(name if seen[name] == 1 else f"{name}/{seen[name]}")
    return names


def uid_of(origin: Origin) -> str:
    """Return Series Instance UID, or what stands for it where there is none."""
    return origin.series or NO_UID
