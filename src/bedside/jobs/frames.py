"""What goes between a worker and its child: frames over a pipe, each of a kind and a stated length.

    frame = kind (1 byte) ‖ length (4 bytes, big-endian) ‖ payload

Neither side believes the other's lengths: a payload is bounded before it is read.
"""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Iterator
from enum import Enum
from typing import BinaryIO, Final

from bedside.canonical import Json, read_json
from bedside.errors import SiteProblem

PIECE_BYTES: Final = 256 * 1024
"""Bytes of a file in one frame."""

MAX_PAYLOAD_BYTES: Final = 1024 * 1024
"""Of any frame; what is said in words is far shorter."""

MADE_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
"""Of a file that a child made: it stands in paths, addresses and headers, and a child that a hostile
volume took over says what it likes."""

MADE_TYPES: Final = frozenset(
    {
        "application/gzip",
        "application/json",
        "application/octet-stream",
        "image/png",
        "text/plain",
    }
)
"""Media types of such files: none of them is run by what shows it."""

_HEAD: Final = struct.Struct(">cI")


class Frame(Enum):
    """The kinds of frame."""

    WORDS = b"W"
    """JSON: what is asked, or what came of it."""
    FILE = b"F"
    """JSON: the name of a file; its pieces follow."""
    PIECE = b"P"
    """Bytes of the file named last."""
    END = b"E"
    """The file is whole."""
    LAST = b"L"
    """No file follows."""
    STAGE = b"S"
    """JSON: how far the work is."""


class Garbled(SiteProblem):
    """What came over a pipe, or out of a file, is no frame."""


def spell(kind: Frame, payload: bytes = b"") -> bytes:
    """Return a frame as bytes."""
    return _HEAD.pack(kind.value, len(payload)) + payload


def spell_json(kind: Frame, value: Json) -> bytes:
    """Return a frame that holds JSON."""
    return spell(kind, json.dumps(value, separators=(",", ":")).encode("ascii"))


def spell_file(about: Json, data: bytes) -> Iterator[bytes]:
    """Yield the frames of a file: what it is, its pieces, its end."""
    yield spell_json(Frame.FILE, about)
    for start in range(0, len(data), PIECE_BYTES):
        yield spell(Frame.PIECE, data[start : start + PIECE_BYTES])
    yield spell(Frame.END)


def read_words(payload: bytes) -> dict[str, Json]:
    """Return the JSON object of a frame.

    Raises:
        Garbled: it is none.
        UsageError: not JSON.
    """
    value = read_json(payload)
    if not isinstance(value, dict):
        raise Garbled("A frame holds no JSON object.")
    return value


def read_made(payload: bytes) -> tuple[str, str]:
    """Return the name and the media type of a file that a child made.

    Raises:
        Garbled: it has none, or one that is none here.
        UsageError: not JSON.
    """
    about = read_words(payload)
    name, media_type = str(about.get("name")), str(about.get("media_type"))
    if not MADE_NAME.fullmatch(name) or media_type not in MADE_TYPES:
        raise Garbled("A file has a name or a type that is none here.")
    return name, media_type


class Frames:
    """Takes bytes as they come and gives whole frames."""

    def __init__(self) -> None:
        self._data = bytearray()

    def add(self, data: bytes) -> Iterator[tuple[Frame, bytes]]:
        """Yield the frames that are whole now.

        Raises:
            Garbled: an unknown kind, or a length beyond `MAX_PAYLOAD_BYTES`.
        """
        self._data += data
        while len(self._data) >= _HEAD.size:
            kind, length = _checked(bytes(self._data[: _HEAD.size]))
            end = _HEAD.size + length
            if len(self._data) < end:
                return
            payload = bytes(self._data[_HEAD.size : end])
            del self._data[:end]
            yield kind, payload

    @property
    def whole(self) -> bool:
        """Whether no part of a frame waits for its rest."""
        return not self._data


def read_frame(source: BinaryIO) -> tuple[Frame, bytes] | None:
    """Return the next frame of a blocking stream, or None at its end.

    Raises:
        Garbled: no frame, or one that is cut off.
    """
    head = source.read(_HEAD.size)
    if not head:
        return None
    if len(head) < _HEAD.size:
        raise Garbled("A frame is cut off.")
    kind, length = _checked(head)
    payload = source.read(length)
    if len(payload) < length:
        raise Garbled("A frame is cut off.")
    return kind, payload


def _checked(head: bytes) -> tuple[Frame, int]:
    sign, length = _HEAD.unpack(head)
    try:
        kind = Frame(sign)
    except ValueError as problem:
        raise Garbled(f"{sign!r} begins no frame.") from problem
    if length > MAX_PAYLOAD_BYTES:
        raise Garbled(f"A frame of {length} bytes; at most {MAX_PAYLOAD_BYTES}.")
    return kind, int(length)
