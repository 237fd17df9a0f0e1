from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zlib
from collections.abc import Callable

import joblib
import numpy as np
import pytest

from bedside.freezing.strangers.stream import Lost, Part
from bedside.freezing.strangers.unpacking import FREE, Unpacked, compression

PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "zlib": zlib.compress,
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "lzma": lambda data: lzma.compress(data, lzma.FORMAT_ALONE),
}
NOISE = np.random.default_rng(1).bytes(300_000)


def unpacked(data: bytes) -> Unpacked:
    name = compression(data)
    assert name is not None
    return Unpacked(Part(io.BytesIO(data), 0, len(data)), name)


def all_of(stream: Unpacked) -> bytes:
    return b"".join(iter(lambda: stream.read(70_000), b""))


@pytest.mark.parametrize("name", PACKERS)
def test_what_was_packed_comes_back(name: str) -> None:
    for data in (b"", b"x", NOISE, bytes(1_000_000)):
        packed = PACKERS[name](data)
        assert compression(packed) == name
        assert all_of(unpacked(packed)) == data
        assert unpacked(packed).skip(len(data) + 5) == len(data)


@pytest.mark.parametrize("name", ["zlib", "gzip", "bz2", "xz", "lzma"])
def test_what_joblib_packs_is_recognised(name: str) -> None:
    buffer = io.BytesIO()
    joblib.dump({"a": NOISE}, buffer, compress=(name, 3))
    assert NOISE in all_of(unpacked(buffer.getvalue()))


@pytest.mark.parametrize("name", PACKERS)
def test_a_bomb_is_found_before_it_is_unpacked(name: str) -> None:
    stream = unpacked(PACKERS[name](bytes(2 * FREE)))
    with pytest.raises(Lost, match="decompression bomb"):
        stream.skip(2 * FREE)
    assert stream.size < 1.5 * FREE


@pytest.mark.parametrize("name", PACKERS)
def test_data_that_are_cut_short_damaged_or_followed_by_more_are_not_followed(name: str) -> None:
    packed = PACKERS[name](NOISE)
    for broken in (packed[:-1000], packed + b"more", packed[:100] + b"\0" * 100 + packed[200:]):
        with pytest.raises(Lost, match=name):
            all_of(unpacked(broken))


@pytest.mark.parametrize(
    ("magic", "name"), [(b"\x04\x22\x4d\x18", "lz4"), (b"ZF0x", "joblib 0.9's")]
)
def test_what_cannot_be_unpacked_here_is_named(magic: bytes, name: str) -> None:
    with pytest.raises(Lost, match=name):
        unpacked(magic + bytes(100))


def test_a_pickle_is_not_taken_for_packed_data() -> None:
    for first in (b"\x80\x04", b"(lp0\n", b"cos\n", b"N.", b"}", b"]"):
        assert compression(first) is None
