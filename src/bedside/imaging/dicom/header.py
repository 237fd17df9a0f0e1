"""Typed values of a data set's elements; every value is checked before it is believed.

Source: DICOM PS3.5, section 6.2, for what each value representation may hold.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from bedside.imaging.dicom.elements import IMPLICIT, Element, Syntax, Walk, told
from bedside.imaging.refusals import corrupt

MOST_TEXT: Final = 1_024
"""Longest value that is read as text or numbers; the longest of them, a list of windows, is shorter."""

_DECIMAL: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?")
_INTEGER: Final = re.compile(r"[+-]?\d{1,11}")
_UID: Final = re.compile(r"[0-9.]{1,64}")
_PADDING: Final = " \0"


@dataclass(frozen=True, slots=True, eq=False)
class Header:
    """The elements of one data set, or of one item of a sequence.

    Attributes:
        data: The bytes that the elements point into.
        syntax: How they are written.
        elements: By tag.
        walk: The walk that found them; it goes on counting.
    """

    data: bytes
    syntax: Syntax
    elements: Mapping[int, Element]
    walk: Walk

    def __contains__(self, tag: int) -> bool:
        return tag in self.elements

    def raw(self, tag: int, most: int = MOST_TEXT) -> bytes:
        """Return the bytes of a value; none where the element is missing.

        Raises:
            PictureRefused: there are more than `most`.
        """
        element = self.elements.get(tag)
        if element is None:
            return b""
        if element.end - element.start > most:
            raise corrupt(
                f"the element {told(tag)} has {element.end - element.start} bytes; at most {most}"
            )
        return self.data[element.start : element.end]

    def texts(self, tag: int) -> tuple[str, ...]:
        """Return the values of a text element without padding; none where it is empty."""
        try:
            text = self.raw(tag).decode("ascii").strip(_PADDING)
        except UnicodeDecodeError as problem:
            raise corrupt(f"the element {told(tag)} is not written in ASCII") from problem
        if not text.isprintable():
            raise corrupt(f"the element {told(tag)} holds control characters")
        return tuple(value.strip(_PADDING) for value in text.split("\\")) if text else ()

    def code(self, tag: int) -> str | None:
        """Return a code string in capitals; several values as they stand; None where empty."""
        return "\\".join(self.texts(tag)).upper() or None

    def uid(self, tag: int) -> str | None:
        """Return a unique identifier; None where there is none, or one that is not valid."""
        values = self.texts(tag)
        return values[0] if len(values) == 1 and _UID.fullmatch(values[0]) else None

    def decimals(self, tag: int) -> tuple[float, ...]:
        """Return decimal strings (DS) as numbers."""
        values = self.texts(tag)
        for value in values:
            if not _DECIMAL.fullmatch(value):
                raise corrupt(f"the element {told(tag)} holds {value[:40]!r}, which is no number")
        return tuple(float(value) for value in values)

    def integer(self, tag: int) -> int | None:
        """Return an integer string (IS); None where it is empty."""
        values = self.texts(tag)
        if not values:
            return None
        if len(values) > 1 or not _INTEGER.fullmatch(values[0]):
            raise corrupt(f"the element {told(tag)} holds {values[:3]}, which is no whole number")
        return int(values[0])

    def shorts(self, tag: int, *, signed: bool = False, most: int = MOST_TEXT) -> tuple[int, ...]:
        """Return 16-bit numbers (US or SS)."""
        value = self.raw(tag, most)
        if len(value) % 2:
            raise corrupt(
                f"the element {told(tag)} has {len(value)} bytes, which are no 16-bit numbers"
            )
        return struct.unpack(f"{self.syntax.order}{len(value) // 2}{'h' if signed else 'H'}", value)

    def longs(self, tag: int) -> tuple[int, ...]:
        """Return 32-bit numbers (UL)."""
        value = self.raw(tag)
        if len(value) % 4:
            raise corrupt(
                f"the element {told(tag)} has {len(value)} bytes, which are no 32-bit numbers"
            )
        return struct.unpack(f"{self.syntax.order}{len(value) // 4}I", value)

    def doubles(self, tag: int) -> tuple[float, ...]:
        """Return 64-bit floating-point numbers (FD)."""
        value = self.raw(tag)
        if len(value) % 8:
            raise corrupt(
                f"the element {told(tag)} has {len(value)} bytes, which are no 64-bit numbers"
            )
        return struct.unpack(f"{self.syntax.order}{len(value) // 8}d", value)

    def short(self, tag: int, name: str) -> int:
        """Return one 16-bit number that must be there.

        Raises:
            PictureRefused: it is missing, or there are several.
        """
        values = self.shorts(tag)
        if len(values) != 1:
            raise corrupt(f"{name} {told(tag)} has {len(values)} values where one must stand")
        return values[0]

    def items(self, tag: int) -> Iterator[Header]:
        """Yield the items of a sequence; none where it is missing."""
        if tag not in self.elements:
            return
        sequence = self.elements[tag]
        syntax = IMPLICIT if sequence.vr == "UN" else self.syntax  # PS3.5, section 6.2.2, note 7
        for start, end in self.walk.items(sequence, syntax):
            inside = self.walk.elements(start, end, syntax)
            yield Header(self.data, syntax, {one.tag: one for one in inside}, self.walk)
