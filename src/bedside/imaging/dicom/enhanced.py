"""Enhanced multi-frame objects: what their functional groups say of each frame.

A group stands either once for all frames (shared) or once for each (per frame).
Source: DICOM PS3.3, sections C.7.6.16 and C.7.6.17.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from bedside.imaging.dicom.header import Header
from bedside.imaging.dicom.planes import (
    B_VALUE,
    FRAMES,
    FUNCTIONAL_GROUPS,
    ORIENTATION,
    POSITION,
    SOP_INSTANCE,
    SPACING,
    Origin,
    Plane,
    Weighting,
    origin_of,
    region_of,
    written_alike,
)
from bedside.imaging.refusals import corrupt, too_large, unsupported

_POSITIONS, _ORIENTATIONS, _MEASURES = 0x00209113, 0x00209116, 0x00289110
_TRANSFORMATION, _ANATOMY, _CONTENT = 0x00289145, 0x00209071, 0x00209111
_FRAME_TYPES: Final = (0x00189226, 0x00189329, 0x00189751)
"""Frame Type Sequences of MR, CT and PET. Sources: sections C.8.13.5.1, C.8.15.3.1, C.8.22.5.1."""

_ECHO, _ECHO_TIME, _FRAME_TYPE, _STACK = 0x00189114, 0x00189082, 0x00089007, 0x00209056
_TIME, _DIFFUSION, _PARTS = 0x00209128, 0x00189117, 0x00209163


@dataclass(frozen=True, slots=True, eq=False)
class Groups:
    """The functional groups of one frame.

    Attributes:
        shared: The item that holds for all frames, or None.
        own: The frame's own item, or None.
        top: The object's header.
    """

    shared: Header | None
    own: Header | None
    top: Header

    def item(self, sequence: int) -> Header | None:
        """Return the first item of a group, the frame's own before the shared one."""
        for holder in (self.own, self.shared):
            if holder is not None and sequence in holder:
                return next(iter(holder.items(sequence)), None)
        return None

    @property
    def rescale(self) -> Header:
        """Where the rescale of this frame stands: in its group, or at the top of the object."""
        return self.item(_TRANSFORMATION) or self.top


def frame_count(header: Header) -> int:
    """Return Number of Frames; 1 where it is not said.

    Raises:
        PictureRefused: it is no positive number.
    """
    count = header.integer(FRAMES)
    if count is not None and count < 1:
        raise corrupt(f"it says that it has {count} frames")
    return 1 if count is None else count


def groups_of(header: Header, most: int) -> Iterator[Groups]:
    """Yield the functional groups of each frame; empty ones where the object has none.

    Raises:
        PictureRefused: there are more than `most` frames, or not as many groups as frames.
    """
    count = frame_count(header)
    if count > most:
        raise too_large(f"{count} frames", f"{most}")
    shared = next(iter(header.items(FUNCTIONAL_GROUPS[0])), None)
    if FUNCTIONAL_GROUPS[1] not in header:
        yield from (Groups(shared, None, header) for _ in range(count))
        return
    found = 0
    for own in header.items(FUNCTIONAL_GROUPS[1]):
        found += 1
        yield Groups(shared, own, header)
    if found != count:
        raise corrupt(f"it has {count} frames and functional groups for {found}")


def planes_of(header: Header, file: int, most: int) -> Iterator[tuple[Origin, Plane]]:
    """Yield origin and plane of each frame of an enhanced object.

    Args:
        header: The object's header.
        file: Its place in the file set.
        most: Most frames.

    Raises:
        PictureRefused: the groups contradict the header, or it is one part of several.
    """
    if max(header.shorts(_PARTS), default=1) > 1:
        raise unsupported(
            "The object is one part of a concatenation", "Export the object as a whole."
        )
    whole = file if frame_count(header) > 1 else None
    common = replace(origin_of(header), whole=whole)
    for frame, groups in enumerate(groups_of(header, most)):
        plane = Plane(
            file,
            frame,
            _numbers(groups, _POSITIONS, POSITION),
            _numbers(groups, _ORIENTATIONS, ORIENTATION),
            _numbers(groups, _MEASURES, SPACING),
            header.uid(SOP_INSTANCE),
        )
        yield _origin(common, groups), plane


def _numbers(groups: Groups, sequence: int, tag: int) -> tuple[float, ...]:
    item = groups.item(sequence)
    return () if item is None else item.decimals(tag)


def _origin(common: Origin, groups: Groups) -> Origin:
    """Return what tells this frame's stack from another's in the same object."""
    kinds = common.kinds
    for sequence in _FRAME_TYPES:
        item = groups.item(sequence)
        if item is not None and _FRAME_TYPE in item:
            kinds = tuple(one.upper() for one in item.texts(_FRAME_TYPE))
    anatomy = groups.item(_ANATOMY)
    part = common.body_part or (region_of(anatomy) if anatomy else None)
    return replace(common, kinds=kinds, weighting=_weighting(groups), body_part=part)


def _weighting(groups: Groups) -> Weighting:
    """Return echo, time and diffusion of a frame.

    Sources: sections C.7.6.16.2.2 (Frame Content), C.8.13.5.4 (MR Echo), C.8.13.5.9 (MR Diffusion).
    """
    echo, content = groups.item(_ECHO), groups.item(_CONTENT)
    diffusion = groups.item(_DIFFUSION)
    return Weighting(
        echo_time=written_alike(echo.doubles(_ECHO_TIME)) if echo else (),
        time=written_alike(content.longs(_TIME)) if content else (),
        b_value=written_alike(diffusion.doubles(B_VALUE)) if diffusion else (),
        stack=content.texts(_STACK) if content else (),
    )
