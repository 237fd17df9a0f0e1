"""What the scans of a JPEG stream bring: everything that its frame promises, and to their end.

A decoder that runs out of entropy-coded bytes goes on with bits of its own, and says nothing. So
a stream is decoded a second time with `FILLER` behind each piece of entropy-coded bytes: a decoder
that had enough never looks at it, and one that had too little makes other pixels.
Source: ITU-T T.81, sections B.2.3, F.2.2.5 and G.1.1.1.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from bedside.imaging.refusals import corrupt

FILLER: Final = bytes((0xB6, 0x5B, 0xD3, 0x9A, 0x6D, 0xA5, 0xC9, 0x37)) * 8
"""Begins with a one, where decoders put zeros; no byte of it is FF."""

_RESTART: Final = re.compile(rb"\xff+[\xd0-\xd7]")
_FIRST_RESTART: Final = 0xD0
_COEFFICIENTS: Final = 64
_NEVER: Final = 255
_PROGRESSIVE: Final = 0xC2


class Coverage:
    """Which component, and which bits of its coefficients, the scans have brought so far."""

    __slots__ = ("_left", "_progressive")

    def __init__(self, components: Sequence[int], process: int) -> None:
        """Begin with nothing.

        Args:
            components: Identifiers of the frame's components.
            process: Second byte of the frame's marker, such as 0xC2.
        """
        self._progressive = process == _PROGRESSIVE
        parts = _COEFFICIENTS if self._progressive else 1
        self._left = {one: [_NEVER] * parts for one in components}

    def add(self, header: bytes) -> None:
        """Take a scan header up: the segment's body, behind its length.

        Raises:
            PictureRefused: its length, a component or its range of coefficients makes no sense.
        """
        count = header[0] if header else 0
        if not 1 <= count <= 4 or len(header) != 4 + 2 * count:
            raise corrupt(f"a JPEG scan header has {len(header)} bytes for {count} component(s)")
        first, last, low = header[-3], header[-2], header[-1] & 0x0F
        if self._progressive and not first <= last < _COEFFICIENTS:
            raise corrupt(f"a JPEG scan has the coefficients {first} to {last}")
        for component in header[1:-3:2]:
            left = self._left.get(component)
            if left is None:
                raise corrupt(f"a JPEG scan has the component {component}, which the frame has not")
            if self._progressive:
                left[first : last + 1] = [low] * (last + 1 - first)
            else:
                left[0] = 0

    def check(self) -> None:
        """Check that nothing is left to come.

        Raises:
            PictureRefused: a component, or bits of a coefficient, were in no scan.
        """
        for component, left in self._left.items():
            missing = sum(map(bool, left))
            if missing:
                part = f"{missing} of {len(left)} coefficients" if self._progressive else "a scan"
                raise corrupt(f"its JPEG component {component} lacks {part}: it was cut")


def filled(scan: bytes, restarts: int | None = None) -> bytes:
    """Return a scan's entropy-coded bytes with `FILLER` before each restart and at the end.

    Args:
        scan: All that stands between the scan's header and the next marker.
        restarts: How many there must be; None where that is not known: one more restart and filler
            follow then, for a decoder that lacks whole intervals. Others pass it over; GDCM does not.

    Raises:
        PictureRefused: its restarts are not numbered 0 to 7 in turn, or not as many, so that one
            was lost.
    """
    out, before, count = bytearray(), 0, 0
    for count, found in enumerate(_RESTART.finditer(scan), 1):
        if found[0][-1] != _FIRST_RESTART + (count - 1) % 8:
            raise corrupt(f"a JPEG scan has the restart {found[0][-1] & 7} as number {count}")
        out += scan[before : found.start()] + FILLER + found[0]
        before = found.end()
    if restarts is not None and count != restarts:
        raise corrupt(f"a JPEG scan has {count} restarts where {restarts} must stand")
    more = b"" if restarts is not None else bytes((0xFF, _FIRST_RESTART + count % 8))
    return bytes(out) + scan[before:] + FILLER + (more and more + FILLER)
