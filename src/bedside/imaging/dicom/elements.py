"""The data elements of a data set, walked once within bounds; nothing is copied that is not asked.

A length never leads to memory being taken: it is held against the bytes that are there.
Elements must stand in ascending order, so that no tag can stand twice and mean two things.
Source: DICOM PS3.5, sections 7.1 to 7.5 and A.4.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from bedside.imaging.refusals import corrupt, too_large

MOST_ELEMENTS: Final = 50_000
"""Enhanced objects of hundreds of frames have as many; a radiograph has some hundred."""

MOST_FRAGMENTS: Final = 4_096
"""64 MiB in fragments of 16 KiB."""

MOST_DEPTH: Final = 16
"""Sequences inside sequences; structured reports, which are no pictures, go deepest."""

PIXEL_DATA: Final = 0x7FE00010
_UNDEFINED: Final = 0xFFFFFFFF
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD

_LONG: Final = frozenset(
    ("OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV")
)
_SHORT: Final = frozenset(
    (
        *("AE", "AS", "AT", "CS", "DA", "DS", "DT", "FD", "FL", "IS", "LO"),
        *("LT", "PN", "SH", "SL", "SS", "ST", "TM", "UI", "UL", "US"),
    )
)
"""Value representations with a length of 32 and of 16 bits. Source: section 7.1.2."""


@dataclass(frozen=True, slots=True)
class Syntax:
    """How a data set is written: value representations left out or not, and the byte order."""

    implicit: bool
    big_endian: bool = False

    @property
    def order(self) -> str:
        """The byte order as `struct` writes it."""
        return ">" if self.big_endian else "<"


EXPLICIT: Final = Syntax(implicit=False)
IMPLICIT: Final = Syntax(implicit=True)


@dataclass(frozen=True, slots=True)
class Element:
    """One element of a data set.

    Attributes:
        tag: Group and element number as one number.
        vr: Value representation; empty where the syntax leaves it out.
        start: Where its value begins.
        end: Where its value ends; the delimiter of an undefined length lies behind.
        fragments: (start, end) of each item of encapsulated pixel data, else None.
    """

    tag: int
    vr: str
    start: int
    end: int
    fragments: tuple[tuple[int, int], ...] | None = None


class Walk:
    """A walk through the elements of one file; it counts them, nested ones too.

    What was passed over once is passed over again in one step: an item that is opened later does
    not cost the elements inside it a second time.
    """

    def __init__(self, data: bytes, most: int = MOST_ELEMENTS) -> None:
        self._data = data
        self._count = 0
        self._most = most
        self._ends = dict[
            int, int
        ]()  # of items of undefined length: where they begin, where they end

    @property
    def count(self) -> int:
        """How many elements were looked at."""
        return self._count

    def elements(
        self, start: int, end: int, syntax: Syntax, *, group: int | None = None
    ) -> Iterator[Element]:
        """Yield the elements from `start` to `end`, in ascending order of their tags.

        Args:
            start: Where the first begins.
            end: Where the last must end.
            syntax: How they are written.
            group: Stop before the first element of another group.

        Raises:
            PictureRefused: they contradict themselves, or are too many or too deep.
        """
        position, before = start, -1
        while position < end:
            if group is not None and self._group(position, syntax) != group:
                return
            tag, vr, value, length = self._header(position, end, syntax)
            if tag <= before:
                raise corrupt(f"the element {told(tag)} stands after {told(before)}")
            before = tag
            if length == _UNDEFINED:
                element, position = self._undefined(tag, vr, value, end, syntax)
            else:
                element, position = Element(tag, vr, value, value + length), value + length
            yield element

    def items(self, element: Element, syntax: Syntax) -> Iterator[tuple[int, int]]:
        """Yield (start, end) of the items of a sequence."""
        position = element.start
        while position < element.end:
            tag, start, length = self._item_header(position, element.end, syntax)
            if tag == _SEQUENCE_END:
                return
            if length == _UNDEFINED:
                position = self._skip_item(start, element.end, syntax, 1)
                yield start, position - 8
            else:
                position = start + length
                yield start, position

    def _group(self, position: int, syntax: Syntax) -> int:
        byteorder: Literal["big", "little"] = "big" if syntax.big_endian else "little"
        return int.from_bytes(self._data[position : position + 2], byteorder)

    def _header(self, position: int, end: int, syntax: Syntax) -> tuple[int, str, int, int]:
        """Return tag, value representation, start and length of the element at `position`."""
        self._count += 1
        if self._count > self._most:
            raise too_large(f"more than {self._most} data elements", f"{self._most}")
        if position + 8 > end:
            raise corrupt(f"a data element at byte {position} is cut")
        high, low = struct.unpack_from(f"{syntax.order}HH", self._data, position)
        tag, vr, value = high << 16 | low, "", position + 8
        if syntax.implicit or high == 0xFFFE:
            (length,) = struct.unpack_from(f"{syntax.order}I", self._data, position + 4)
        else:
            vr = self._data[position + 4 : position + 6].decode("latin-1")
            length, value = self._explicit_length(tag, vr, position, end, syntax)
        if length != _UNDEFINED and value + length > end:
            raise corrupt(
                f"the element {told(tag)} says it has {length} bytes, {end - value} are there"
            )
        return tag, vr, value, length

    def _explicit_length(
        self, tag: int, vr: str, position: int, end: int, syntax: Syntax
    ) -> tuple[int, int]:
        if vr in _SHORT:
            (length,) = struct.unpack_from(f"{syntax.order}H", self._data, position + 6)
            return length, position + 8
        if vr not in _LONG:
            raise corrupt(f"the element {told(tag)} has the value representation {vr!r}")
        if position + 12 > end:
            raise corrupt(f"the element {told(tag)} is cut")
        (length,) = struct.unpack_from(f"{syntax.order}I", self._data, position + 8)
        return length, position + 12

    def _undefined(
        self, tag: int, vr: str, start: int, end: int, syntax: Syntax
    ) -> tuple[Element, int]:
        """Return the element of undefined length at `start`, and the place behind its delimiter."""
        if tag == PIXEL_DATA:
            fragments, position = self._fragments(start, end, syntax)
            return Element(tag, vr, start, position - 8, fragments), position
        if vr not in ("", "SQ", "UN"):
            raise corrupt(f"the element {told(tag)} of kind {vr} has no length")
        inside = IMPLICIT if vr == "UN" else syntax  # PS3.5, section 6.2.2, note 7
        position = self._skip_sequence(start, end, inside, 1)
        return Element(tag, vr, start, position - 8), position

    def _fragments(
        self, start: int, end: int, syntax: Syntax
    ) -> tuple[tuple[tuple[int, int], ...], int]:
        """Return the items of encapsulated pixel data, the offset table first; section A.4."""
        found, position = list[tuple[int, int]](), start
        while True:
            tag, value, length = self._item_header(position, end, syntax)
            if tag == _SEQUENCE_END:
                return tuple(found), value
            if length == _UNDEFINED:
                raise corrupt("a fragment of its pixel data has no length")
            if len(found) > MOST_FRAGMENTS:
                raise too_large(f"more than {MOST_FRAGMENTS} fragments", f"{MOST_FRAGMENTS}")
            found.append((value, value + length))
            position = value + length

    def _item_header(self, position: int, end: int, syntax: Syntax) -> tuple[int, int, int]:
        tag, _, value, length = self._header(position, end, syntax)
        if tag not in (_ITEM, _SEQUENCE_END) or (tag == _SEQUENCE_END and length):
            raise corrupt(f"{told(tag)} stands where an item must begin")
        return tag, value, length

    def _skip_sequence(self, position: int, end: int, syntax: Syntax, depth: int) -> int:
        """Return the place behind the delimiter of a sequence of undefined length."""
        if depth > MOST_DEPTH:
            raise too_large(f"sequences more than {MOST_DEPTH} deep", f"{MOST_DEPTH}")
        while True:
            tag, value, length = self._item_header(position, end, syntax)
            if tag == _SEQUENCE_END:
                return value
            if length == _UNDEFINED:
                position = self._skip_item(value, end, syntax, depth)
            else:
                position = value + length

    def _skip_item(self, position: int, end: int, syntax: Syntax, depth: int) -> int:
        """Return the place behind the delimiter of an item of undefined length."""
        start = position
        if start in self._ends:
            return self._ends[start]
        while True:
            tag, vr, value, length = self._header(position, end, syntax)
            if tag == _ITEM_END and not length:
                self._ends[start] = value
                return value
            if length != _UNDEFINED:
                position = value + length
            elif vr in ("", "SQ", "UN") and tag != PIXEL_DATA:
                inside = IMPLICIT if vr == "UN" else syntax
                position = self._skip_sequence(value, end, inside, depth + 1)
            else:
                raise corrupt(f"the element {told(tag)} inside a sequence has no length")


def told(tag: int) -> str:
    """Return a tag as the standard writes it."""
    return f"({tag >> 16:04X},{tag & 0xFFFF:04X})" if tag >= 0 else "nothing"
