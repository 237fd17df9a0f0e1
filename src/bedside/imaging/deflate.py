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
    parts = [_bits([value for value, _ in _HEAD], [width for _, width in _HEAD])]
    parts.append(_bits([_reversed(length, 4) for length in (*lengths, 0)], [4] * (_SYMBOLS + 1)))
    out, rest = bytearray(), np.concatenate(parts)
    for start in range(0, len(values), _PIECE):
        piece = values[start : start + _PIECE]
        bits = np.concatenate([rest, _bits(codes[piece], widths[piece])])
        whole = len(bits) // 8 * 8
        out += np.packbits(bits[:whole], bitorder="little").tobytes()
        rest = bits[whole:]
    last = np.concatenate([rest, _bits(codes[_END:], widths[_END:])])
    return bytes(out) + np.packbits(last, bitorder="little").tobytes()


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


def _bits(
    values: Sequence[int] | NDArray[np.int32], widths: Sequence[int] | NDArray[np.int32]
) -> NDArray[np.uint8]:
    """Return one 0 or 1 for each bit of each value, lowest first."""
    numbers, lengths = np.asarray(values, dtype=np.int32), np.asarray(widths, dtype=np.int32)
    starts = np.cumsum(lengths) - lengths
    places = np.arange(int(lengths.sum()), dtype=np.int32) - np.repeat(starts, lengths)
    return ((np.repeat(numbers, lengths) >> places) & 1).astype(np.uint8)
