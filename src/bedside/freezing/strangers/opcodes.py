"""A pickle's program, opcode by opcode, read without carrying any of it out.

Long texts, numbers and byte strings are passed over, so that a file of any size costs no more
than its opcodes.

Source: Python's Lib/pickletools.py, which describes every opcode of protocols 0 to 5; a test
compares this reader with `pickletools.genops`.
"""

from __future__ import annotations

import pickletools
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, NamedTuple, TypeAlias

from bedside.freezing.strangers.stream import Lost, Stream

MAX_OPCODES: Final = 300_000
"""A forest of a thousand trees has some 150,000; a network's state dict, a few thousand."""

LONGEST_TEXT: Final = 512
"""Bytes of a text that is kept; module names and keys are shorter, and all else is not needed."""

Argument: TypeAlias = "str | int | tuple[str, str] | None"
"""A short text, a number, or the two lines of GLOBAL and INST; None for all that is not needed."""


class Opcode(NamedTuple):
    """One step of a pickle's program."""

    name: str
    argument: Argument
    position: int


@dataclass(slots=True)
class Budget:
    """How many opcodes may still be read of a file, all of its pickles together."""

    left: int = MAX_OPCODES


_Reader: TypeAlias = Callable[[Stream], Argument]


def read_opcodes(stream: Stream, budget: Budget) -> Iterator[Opcode]:
    """Yield the opcodes from here to STOP.

    Raises:
        Lost: an unknown opcode, an argument that does not fit, the end of the file, or more
            opcodes than `budget` allows.
    """
    table = _table()
    while budget.left > 0:
        budget.left -= 1
        position = stream.position
        code = stream.take(1)
        known = table.get(code)
        if known is None:
            raise Lost(f"byte {position} is {code!r}, which is no opcode")
        name, reader = known
        yield Opcode(name, reader(stream) if reader else None, position)
        if name == "STOP":
            return
    raise Lost(f"it has more than {MAX_OPCODES} opcodes")


def _table() -> Mapping[bytes, tuple[str, _Reader | None]]:
    """Return name and reader of every opcode, by its byte."""
    return MappingProxyType(
        {
            one.code.encode("latin-1"): (one.name, _READERS[one.arg.name] if one.arg else None)
            for one in pickletools.opcodes
        }
    )


def _number(form: str) -> _Reader:
    known = struct.Struct(form)

    def read(stream: Stream) -> int:
        return int(known.unpack(stream.take(known.size))[0])

    return read


def _counted(form: str, *, text: bool = False) -> _Reader:
    """Read a length, then keep a short text and pass over everything else."""
    known = struct.Struct(form)

    def read(stream: Stream) -> str | None:
        length = known.unpack(stream.take(known.size))[0]
        if length < 0:
            raise Lost(f"a length of {length} stands before byte {stream.position}")
        if text and length <= LONGEST_TEXT:
            return stream.take(length).decode("utf-8", "replace")
        stream.skip(length)
        return None

    return read


def _long(stream: Stream) -> int | None:
    """Read a whole number of at most eight bytes; a longer one is not kept."""
    length = stream.take(1)[0]
    if length <= 8:
        return int.from_bytes(stream.take(length), "little", signed=True)
    stream.skip(length)
    return None


def _float(stream: Stream) -> None:
    stream.skip(8)


def _line(stream: Stream) -> str | None:
    """Read the line of a protocol 0 argument that may be a text or a number."""
    found = stream.line()
    return found.decode("latin-1") if len(found) <= LONGEST_TEXT else None


def _quoted(stream: Stream) -> str | None:
    """Read a quoted line; one with escapes is not kept, since names need none."""
    found = stream.line()
    if len(found) > LONGEST_TEXT or b"\\" in found:
        return None
    return found[1:-1].decode("latin-1")


def _unicode(stream: Stream) -> str | None:
    found = stream.line()
    if len(found) > LONGEST_TEXT or b"\\" in found:
        return None
    return found.decode("latin-1")


def _decimal(stream: Stream) -> int | None:
    """Read a decimal line, such as the key of a PUT; a number of many digits is not kept."""
    found = stream.line()
    digits = found.removesuffix(b"L")
    if digits.removeprefix(b"-").isdigit() and len(digits) <= 18:
        return int(digits)
    return None


def _two_lines(stream: Stream) -> tuple[str, str]:
    first, second = stream.line(), stream.line()
    return first.decode("utf-8", "replace"), second.decode("utf-8", "replace")


_READERS: Final[Mapping[str, _Reader]] = MappingProxyType(
    {
        "uint1": _number("<B"),
        "uint2": _number("<H"),
        "int4": _number("<i"),
        "uint4": _number("<I"),
        "uint8": _number("<Q"),
        "float8": _float,
        "decimalnl_short": _decimal,
        "decimalnl_long": _decimal,
        "floatnl": _line,
        "stringnl": _quoted,
        "stringnl_noescape": _line,
        "stringnl_noescape_pair": _two_lines,
        "unicodestringnl": _unicode,
        "string1": _counted("<B", text=True),
        "string4": _counted("<i", text=True),
        "bytes1": _counted("<B"),
        "bytes4": _counted("<I"),
        "bytes8": _counted("<Q"),
        "bytearray8": _counted("<Q"),
        "unicodestring1": _counted("<B", text=True),
        "unicodestring4": _counted("<I", text=True),
        "unicodestring8": _counted("<Q", text=True),
        "long1": _long,
        "long4": _counted("<i"),
    }
)
