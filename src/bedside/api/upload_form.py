"""A form with volumes, read as it comes: each file goes on at once, and is never in memory whole.

As strict as `multipart`, whose parser and rules it has; only the parts `volume` may stand several
times. Source: RFC 7578; RFC 2046, section 5.1.
"""

from __future__ import annotations

from typing import Final, Protocol

from python_multipart.exceptions import FormParserError

from bedside.api.multipart import ADVICE, BLANK, Form, boundary_of, parser_of
from bedside.errors import LimitExceeded, UsageError

VOLUME: Final = "volume"
"""Name of the parts that hold files."""

MAX_TEXT: Final = 1000
"""Bytes of a part that is text: longer than any subject, code or UID."""


class Taker(Protocol):
    """What takes the files, one after the other."""

    def begin(self, name: str) -> None:
        """Begin a file."""

    def add(self, data: bytes) -> None:
        """Take some of its bytes."""

    def end(self) -> None:
        """End it."""


class _Streamed(Form):
    """Hands the parts of one name on, and keeps the others, which are short."""

    def __init__(self, known: tuple[str, ...], taker: Taker) -> None:
        super().__init__((*known, VOLUME))
        self._taker = taker
        self._count = 0
        self._short = 0

    def end_headers(self) -> None:
        """Read the part's head, and begin a file where it holds one."""
        super().end_headers()
        self._short = 0
        if self.name == VOLUME:
            self._count += 1
            self._taker.begin(f"{self._count:05d}")

    def take_data(self, data: bytes, start: int, end: int) -> None:
        """Hand bytes of a file on; keep those of a short part."""
        if self.name == VOLUME:
            self._taker.add(data[start:end])
            return
        self._short += end - start
        if self._short > MAX_TEXT:
            raise LimitExceeded(f"The part {self.name!r} has more than {MAX_TEXT} bytes.")
        super().take_data(data, start, end)

    def end_part(self) -> None:
        """End the file, or keep the short part."""
        if self.name == VOLUME:
            self._taker.end()
        else:
            super().end_part()


class UploadForm:
    """One form as it comes."""

    def __init__(self, content_type: str, known: tuple[str, ...], taker: Taker) -> None:
        """Begin with the header that names the boundary.

        Args:
            content_type: The header.
            known: Names of the other parts that may be there, each once.
            taker: Takes the files.

        Raises:
            UsageError: no boundary that can be used.
        """
        boundary = boundary_of(content_type)
        self._form = _Streamed(known, taker)
        self._parser = parser_of(self._form, boundary)
        self._delimiter = b"\r\n--" + boundary + b"--"
        self._tail = b""

    def take(self, data: bytes) -> None:
        """Take the next bytes of the body.

        Raises:
            UsageError: not such a form, a part that is not known or stands twice, or anything
                behind the form's end.
            LimitExceeded: too many parts, a text too long, or whatever the taker refuses.
        """
        if self._whole():
            self._refuse_behind(data, 0)
            return
        try:
            self._parser.write(data)
        except FormParserError as problem:
            raise UsageError(f"The form cannot be read: {problem}.", advice=ADVICE) from problem
        ending = self._tail + data
        if self._whole():
            end = ending.find(self._delimiter)
            if end < 0:
                raise UsageError("The form cannot be read: its end is missing.", advice=ADVICE)
            self._refuse_behind(ending, end + len(self._delimiter))
        self._tail = ending[-len(self._delimiter) :]

    def texts(self) -> dict[str, str]:
        """Return the short parts of the whole form, by name.

        Raises:
            UsageError: it was cut off, or a part is no text.
        """
        if not self._form.complete:
            raise UsageError("The form cannot be read: its end is missing.", advice=ADVICE)
        found: dict[str, str] = {}
        for name, part in self._form.parts.items():
            try:
                found[name] = part.data.decode("utf-8")
            except UnicodeDecodeError as problem:
                raise UsageError(
                    f"The part {name!r} is not UTF-8.", advice="Send UTF-8."
                ) from problem
            if not found[name]:
                raise UsageError(
                    f"The part {name!r} is empty.", advice="Fill it in, or leave it out."
                )
        return found

    def _whole(self) -> bool:
        return self._form.complete

    def _refuse_behind(self, data: bytes, start: int) -> None:
        if not BLANK.fullmatch(data, start):
            raise UsageError("The form cannot be read: something follows its end.", advice=ADVICE)
