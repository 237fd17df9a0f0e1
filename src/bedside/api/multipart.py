"""The parts of a `multipart/form-data` body that is in memory already; nothing goes to disk.

Strict where readers differ: every part is named, no name stands twice, nothing follows the end.
Source: RFC 7578; RFC 2046, section 5.1.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from bedside.errors import LimitExceeded, UsageError

MAX_BOUNDARY: Final = 70
"""Characters of a boundary. Source: RFC 2046, section 5.1.1."""

MAX_HEADERS: Final = 8
"""Headers of one part; browsers and libraries send two or three."""

MAX_HEADER_BYTES: Final = 4096
"""Bytes of one header line: a name of a file in any script fits."""

_QUOTED: Final = re.compile(rb'"(?:[^"\\]|\\.)*+"', re.DOTALL)
_NAMES: Final = re.compile(rb";[ \t]*(name(?![a-z])[^=;]*?)[ \t]*=")
"""Every parameter that some reader takes for the name: `name`, `name*`, `name*0*`."""

_IDENTITY: Final = frozenset({"", "7bit", "8bit", "binary"})
"""Transfer encodings that change nothing. Source: RFC 2045, section 6.2; RFC 7578, section 4.7."""

BLANK: Final = re.compile(rb"[ \t\r\n]*+")
"""What may stand behind a form: transport padding and line ends (RFC 2046, section 5.1.1)."""

ADVICE: Final = "Let a library for HTTP write the form."


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a form.

    Attributes:
        data: Its bytes.
        media_type: Its declared type without parameters, in lower case, or an empty string.
    """

    data: bytes
    media_type: str


def read_parts(data: bytes, content_type: str, known: Collection[str]) -> dict[str, Part]:
    """Return the parts of a form by name; file names are not looked at.

    Args:
        data: The whole body.
        content_type: The header, with its boundary.
        known: Names of the parts that may be there.

    Raises:
        UsageError: not such a form, cut off, or a part without a name, unknown, named twice, or
            in a transfer encoding.
        LimitExceeded: more parts or headers than any honest form has.
    """
    boundary = boundary_of(content_type)
    form = Form(known)
    parser = parser_of(form, boundary)
    try:
        parser.write(data)
    except FormParserError as problem:
        raise UsageError(f"The form cannot be read: {problem}.", advice=ADVICE) from problem
    _check_end(data, b"\r\n--" + boundary + b"--", complete=form.complete)
    return form.parts


def parser_of(form: Form, boundary: bytes) -> MultipartParser:
    """Return a parser that tells `form` what it finds, within the limits of a part's head."""
    return MultipartParser(
        boundary,
        {
            "on_part_begin": form.begin_part,
            "on_part_data": form.take_data,
            "on_part_end": form.end_part,
            "on_header_begin": form.begin_header,
            "on_header_field": form.take_name,
            "on_header_value": form.take_value,
            "on_headers_finished": form.end_headers,
            "on_end": form.end,
        },
        max_header_count=MAX_HEADERS,
        max_header_size=MAX_HEADER_BYTES,
    )


def _check_end(data: bytes, delimiter: bytes, *, complete: bool) -> None:
    """Refuse a form that is cut off, or behind whose first closing delimiter stands anything."""
    end = data.find(delimiter)
    if not complete or end < 0:
        raise UsageError("The form cannot be read: its end is missing.", advice=ADVICE)
    if not BLANK.fullmatch(data, end + len(delimiter)):
        raise UsageError("The form cannot be read: something follows its end.", advice=ADVICE)


@dataclass(slots=True)
class Form:
    """Gathers what the parser finds."""

    known: Collection[str]
    parts: dict[str, Part] = field(default_factory=dict)
    complete: bool = False
    name: str = ""
    """Of the part that is being read."""
    _data: list[bytes] = field(default_factory=list)
    _headers: list[list[bytes]] = field(default_factory=list)
    _media_type: str = ""

    def begin_part(self) -> None:
        """Begin a part."""
        if len(self.parts) >= len(self.known):
            raise LimitExceeded(
                f"The form has more than {len(self.known)} parts.",
                advice=f"It takes {', '.join(self.known)}, each once.",
            )
        self._data, self._headers = [], []

    def begin_header(self) -> None:
        """Begin a header of it."""
        self._headers.append([b"", b""])

    def take_name(self, data: bytes, start: int, end: int) -> None:
        """Take some of the header's name."""
        self._headers[-1][0] += data[start:end]

    def take_value(self, data: bytes, start: int, end: int) -> None:
        """Take some of its value."""
        self._headers[-1][1] += data[start:end]

    def end_headers(self) -> None:
        """Read the part's head."""
        headers = {name.lower(): value for name, value in self._headers}
        if len(headers) != len(self._headers):
            raise UsageError("A part of the form has one header twice.", advice=ADVICE)
        self.name = self._named(headers.get(b"content-disposition", b""))
        media_type, _ = parse_options_header(headers.get(b"content-type", b""))
        self._media_type = media_type.decode("latin-1")
        encoding = headers.get(b"content-transfer-encoding", b"").decode("latin-1").strip().lower()
        if encoding not in _IDENTITY:
            raise UsageError(
                f"The part {self.name!r} has the transfer encoding {encoding[:40]!r}.",
                advice="Send its bytes as they are; for base64 use JSON.",
            )

    def take_data(self, data: bytes, start: int, end: int) -> None:
        """Take some of the part's bytes."""
        self._data.append(data[start:end])

    def end_part(self) -> None:
        """Keep the part."""
        self.parts[self.name] = Part(b"".join(self._data), self._media_type)

    def end(self) -> None:
        """Note that the form is whole."""
        self.complete = True

    def _named(self, disposition: bytes) -> str:
        kind, options = parse_options_header(disposition)
        stated = _NAMES.findall(_QUOTED.sub(b'""', disposition).lower())
        if len(stated) > 1 or b"name" not in (stated or (b"name",)):
            raise UsageError(
                "A part of the form has several names, or one in the extended form (name*=).",
                advice=ADVICE,
            )
        name = options.get(b"name", b"").decode("utf-8", "replace")
        if kind != b"form-data" or not name:
            raise UsageError("A part of the form has no name.", advice=ADVICE)
        if name not in self.known:
            raise UsageError(
                f"The form has a part {name[:40]!r}.", advice=f"It takes {', '.join(self.known)}."
            )
        if name in self.parts:
            raise UsageError(f"The part {name!r} stands twice.", advice="Send each part once.")
        return name


def boundary_of(content_type: str) -> bytes:
    """Return the boundary that a header declares.

    Raises:
        UsageError: none, several, or one that cannot be.
    """
    _, options = parse_options_header(content_type)
    boundary = options.get(b"boundary", b"")
    if not 1 <= len(boundary) <= MAX_BOUNDARY or content_type.lower().count("boundary=") != 1:
        raise UsageError(
            "The content type multipart/form-data names no boundary that can be used.",
            advice=ADVICE,
        )
    return boundary
