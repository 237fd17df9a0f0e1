"""A file's bytes in order, inflated on the way where it is packed with gzip (RFC 1952)."""

from __future__ import annotations

import zlib
from typing import Final, Protocol

from bedside.imaging.files import Reading
from bedside.imaging.volume_refusals import corrupt, too_large

GZIP: Final = b"\x1f\x8b"
WITH_GZIP: Final = 16 + zlib.MAX_WBITS
_PIECE: Final = 2**18
_MOST_PADDING: Final = 4_096
"""Zeros that may follow the last voxel; some writers fill a block."""

_MOST_MEMBERS: Final = 2**16
"""Of one file; bgzip writes one for each 64 KiB, 8,208 for the largest volume."""


class Digest(Protocol):
    """What every byte of the file is given to."""

    def update(self, data: bytes, /) -> None:
        """Take the next bytes."""


class Stream:
    """Reads a file from its beginning; every byte of it goes into the digest.

    Attributes:
        packed: Whether it is packed with gzip.
    """

    def __init__(self, source: Reading, digest: Digest) -> None:
        self._source = source
        self._digest = digest
        self._back = b""
        self._rest = self._more()
        self.packed = self._rest.startswith(GZIP)
        self._inflating = zlib.decompressobj(WITH_GZIP)
        self._members = 1

    def read(self, count: int) -> bytes:
        """Return the next `count` bytes, fewer only at the end.

        Raises:
            VolumeRefused: the file is damaged.
        """
        taken, self._back = self._back[:count], self._back[count:]
        if len(taken) == count:
            return taken
        take = self._inflated if self.packed else self._plain
        parts, missing = [taken], count - len(taken)
        while missing > 0:
            part = take(missing)
            if not part:
                break
            parts.append(part)
            missing -= len(part)
        return b"".join(parts)

    def pushed_back(self, data: bytes) -> None:
        """Put what was read first in front again."""
        self._back = data + self._back

    def skip(self, count: int) -> None:
        """Leave out the next bytes.

        Raises:
            VolumeRefused: there are fewer.
        """
        while count > 0:
            part = self.read(min(count, _PIECE))
            if not part:
                raise corrupt("it ends before its first voxel: it was cut")
            count -= len(part)

    def finish(self) -> None:
        """Read to the end, where nothing but a few zeros may be; the checksum is held against it.

        Raises:
            VolumeRefused: something follows, or the checksum does not fit.
        """
        behind = self.read(_MOST_PADDING + 1)
        if len(behind) > _MOST_PADDING or behind.strip(b"\0"):
            raise corrupt("it goes on after its last voxel")

    def _more(self) -> bytes:
        data = self._source.read(_PIECE)
        self._digest.update(data)
        return data

    def _plain(self, most: int) -> bytes:
        data = self._rest or self._more()
        self._rest = data[most:]
        return data[:most]

    def _inflated(self, most: int) -> bytes:
        """Return some of the next bytes, at most `most`; none at the end."""
        while True:
            data = self._rest or self._more()
            if self._inflating.eof:
                if not data:
                    return b""
                self._next_member(data)
                continue
            try:
                part = self._inflating.decompress(data, most)
            except zlib.error as problem:
                raise corrupt(f"its compressed bytes cannot be inflated ({problem})") from problem
            self._rest = self._inflating.unconsumed_tail or self._inflating.unused_data
            if part:
                return part
            if not data and not self._inflating.eof:
                raise corrupt("its compressed bytes end too early: it was cut")

    def _next_member(self, data: bytes) -> None:
        """Begin the next of several gzip members, as bgzip writes them; zeros may fill a block."""
        if not data.startswith(GZIP):
            if data.strip(b"\0"):
                raise corrupt("something follows its compressed bytes")
            self._rest = b""
            return
        self._members += 1
        if self._members > _MOST_MEMBERS:
            raise too_large(f"more than {_MOST_MEMBERS} gzip members", f"{_MOST_MEMBERS}")
        self._inflating = zlib.decompressobj(WITH_GZIP)
        self._rest = data
