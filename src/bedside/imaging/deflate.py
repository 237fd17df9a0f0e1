"""Deflates bytes with one Huffman code and nothing else: the same bytes everywhere, any time.

The stream is one block with a code of its own, literals only. Source: RFC 1951, section 3.2.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

_SYMBOLS: Final = 257
_END: Final = 256
_LONGEST: Final = 15
_PIECE: Final = 2**16
_WORD: Final = 32
_LOW: Final = 2**_WORD - 1

_HEAD: Final = ((1, 1), (2, 2), (0, 5), (0, 5), (15, 4), *((0, 3),) * 3, *((4, 3),) * 16)
"""(value, bits): the last block, a code of its own, 257 lengths and 1, whose lengths are 4 bits.

The code for the lengths lists 16, 17 and 18 (repetitions) as unused, and gives 0 to 15 four bits
each, so that a length's code is the length itself. Source: section 3.2.7."""


def deflated(data: bytes) -> bytes:
    """Return `data` as one deflate stream that any inflater reads."""
    values = np.frombuffer(data, np.uint8)
    counts = np.bincount(values, minlength=_SYMBOLS)
    counts[0], counts[_END] = max(int(counts[0]), 1), 1  # a code has at least two symbols
    lengths = code_lengths(counts.tolist())
    codes, widths = _codes(lengths), np.array(lengths, dtype=np.int32)
    packed = _Packed()
    packed.add(*(np.array(column, dtype=np.int32) for column in zip(*_HEAD, strict=True)))
    told = np.array([_reversed(length, 4) for length in (*lengths, 0)], dtype=np.int32)
    packed.add(told, np.full(len(told), 4, dtype=np.int32))
    for start in range(0, len(values), _PIECE):
        piece = values[start : start + _PIECE]
        packed.add(codes[piece], widths[piece])
    packed.add(codes[_END:], widths[_END:])
    return packed.ended()


def code_lengths(counts: Sequence[int]) -> list[int]:
    """Return a Huffman code's length for each symbol, at most 15; 0 for one that never occurs.

    Where the best code is longer, rare symbols are made less rare until it is not. Equal counts
    are merged in the order of their symbols, so that there is one answer.
    """
    while True:
        heap: list[tuple[int, int, tuple[int, ...]]] = [
            (count, symbol, (symbol,)) for symbol, count in enumerate(counts) if count
        ]
        heapq.heapify(heap)
        lengths = [0] * len(counts)
        while len(heap) > 1:
            (few, first, left), (more, _, right) = heapq.heappop(heap), heapq.heappop(heap)
            for symbol in (*left, *right):
                lengths[symbol] += 1
            heapq.heappush(heap, (few + more, first, (*left, *right)))
        if max(lengths) <= _LONGEST:
            return lengths
        counts = [(count + 1) // 2 for count in counts]


def _codes(lengths: Sequence[int]) -> NDArray[np.int32]:
    """Return each symbol's code, its first bit lowest. Source: section 3.2.2."""
    codes, code, before = np.zeros(len(lengths), dtype=np.int32), 0, 0
    for length, symbol in sorted(
        (length, symbol) for symbol, length in enumerate(lengths) if length
    ):
        code <<= length - before
        codes[symbol] = _reversed(code, length)
        code, before = code + 1, length
    return codes


def _reversed(code: int, length: int) -> int:
    return int(f"{code:0{length}b}"[::-1], 2)


class _Packed:
    """Bits as they are added, the lowest of each value first."""

    def __init__(self) -> None:
        self._out = bytearray()
        self._rest, self._spare = 0, 0

    def add(self, values: NDArray[np.int32], widths: NDArray[np.int32]) -> None:
        """Add values below 2**15 with so many bits each.

        Each is moved to its place in a word of 32 bits and the next one. No two share a bit, so that
        a sum, which is exact in double precision, is what all of a word come to.
        """
        starts = self._spare + np.cumsum(widths, dtype=np.int64) - widths
        end = int(starts[-1] + widths[-1])
        places = starts // _WORD
        moved = values.astype(np.int64) << (starts % _WORD)
        words = np.zeros(end // _WORD + 2)
        words[0] = self._rest
        words += np.bincount(places, moved & _LOW, len(words))
        words += np.bincount(places + 1, moved >> _WORD, len(words))
        whole = end // _WORD
        self._out += words[:whole].astype("<u4").tobytes()
        self._rest, self._spare = int(words[whole]), end % _WORD

    def ended(self) -> bytes:
        """Return all bytes, the last filled up with zeros."""
        last = self._rest.to_bytes(_WORD // 8, "little")[: -(-self._spare // 8)]
        return bytes(self._out) + last
