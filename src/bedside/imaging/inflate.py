"""How much a zlib or deflate stream grows to, found out in pieces that are thrown away."""

from __future__ import annotations

import zlib
from typing import Final

from bedside.imaging.refusals import corrupt

RAW: Final = -zlib.MAX_WBITS
WITH_HEADER: Final = zlib.MAX_WBITS
_PIECE: Final = 2**18


def inflated_size(stream: bytes, most: int, kind: int) -> tuple[int, bytes]:
    """Return how many bytes come out, counted no further than above `most`, and what follows.

    Args:
        stream: The compressed bytes.
        most: Where counting may stop.
        kind: RAW (RFC 1951) or WITH_HEADER (RFC 1950, whose checksum is held against the bytes).

    Returns:
        The size; `most + 1` or more means that it is larger. The bytes behind the stream's end.

    Raises:
        PictureRefused: the stream is damaged or cut.
    """
    inflating, size, rest = zlib.decompressobj(kind), 0, stream
    try:
        while not inflating.eof and size <= most:
            piece = inflating.decompress(rest, _PIECE)
            rest = inflating.unconsumed_tail
            size += len(piece)
            if not piece and not rest and not inflating.eof:
                raise corrupt("its compressed bytes end too early")
    except zlib.error as problem:
        raise corrupt(f"its compressed bytes cannot be inflated ({problem})") from problem
    return size, inflating.unused_data
