"""The gate of a picture: is it readable, of the declared domain, and does it look like it?

A header goes before what the sender states, and what neither says is not guessed. Everything
that can be said of a picture is said at once. `docs/spec/package.md`, section 4.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bedside.canonical import Json
from bedside.errors import PictureRefused
from bedside.imaging.likeness import correlation, thumbnail
from bedside.imaging.picture import Facts, Picture, PictureLimits
from bedside.imaging.reading import read_picture
from bedside.package.image_operations import HeaderWindow, Windowing
from bedside.package.images import ImageInput, Likeness, is_code_string
from bedside.runtime.flags import Flag
from bedside.runtime.gate import Refusals
from bedside.runtime.stated_codes import Adder, CodeField, check_code
from bedside.runtime.windowing import unwindowed, window
from bedside.runtime.wording import shown

STATED: Final = ("modality", "body_part", "view")
"""What a sender may state beside the picture."""

MAX_PICTURE_BYTES: Final = 64 * 2**20
"""A radiograph of 4,096 × 4,096 pixels with 16 bits, uncompressed, has half of this."""

_UNPADDED: Final = re.compile(r"[A-Za-z0-9+/]*+")

GREY_LEVELS: Final = 65_536


@dataclass(frozen=True, slots=True, eq=False)
class Film:
    """A picture that the gate let through.

    Attributes:
        unit: Values from 0 (dark) to 1 (bright): rows × columns, or rows × columns × 3.
        facts: What the file and the sender say of it.
        flags: What the reader of the answer must know.
    """

    unit: NDArray[np.float32]
    facts: Facts
    flags: tuple[Flag, ...]

    def without_pixels(self) -> Film:
        """Return what was found, the pixels given back."""
        return replace(self, unit=np.zeros((0, 0), dtype=np.float32))


class ImageGate:
    """The declared domain of a picture, compiled once, used for every request."""

    __slots__ = ("_declared", "_limits", "_reference", "_windowing")

    def __init__(self, declared: ImageInput, windowing: Windowing) -> None:
        self._declared = declared
        self._windowing = windowing
        longest = max(declared.rows.maximum, declared.columns.maximum)  # it may lie on its side
        self._limits = PictureLimits(file_bytes=MAX_PICTURE_BYTES, rows=longest, columns=longest)
        likeness = declared.likeness
        self._reference = None if likeness is None else np.array(likeness.reference)

    def check(self, row: Json, position: int, refusals: Refusals) -> Film | None:
        """Return the film in `row`, or None after its reasons were added to `refusals`."""
        before = len(refusals.found)
        if not isinstance(row, dict):
            refusals.add(position, "", "wrong-type", shown(row), "an object with an image")
            return None
        for name in row:
            if name not in ("image", *STATED):
                allowed = f"image, {', '.join(STATED)}"
                refusals.add(position, str(name), "unknown-field", shown(row[name]), allowed)
        picture = self._read(row.get("image"), position, refusals)
        if picture is None:
            return None
        add = Adder(position, refusals)
        flags = [*self._facts(picture.facts, row, add)]
        self._geometry(picture, add)
        self._brightness(picture, add)
        if len(refusals.found) > before:
            return None
        self._intensity(picture, add)
        if len(refusals.found) > before:
            return None
        flags += unwindowed(picture, self._windowing)
        unit, more = self._likeness(picture, add)
        if len(refusals.found) > before:
            return None
        return Film(unit, self._as_used(picture.facts, row), (*flags, *more))

    def _as_used(self, facts: Facts, row: Mapping[str, Json]) -> Facts:
        """Return the facts, with what the sender stated where the file says nothing.

        What a header says in the place of a code and is none may be any text; it is left out.
        """
        written = {name: getattr(facts, name) for name in (*STATED, "laterality")}
        known = {name: value if is_code_string(value) else None for name, value in written.items()}
        stated = {name: row[name] for name in STATED if written[name] is None and name in row}
        return replace(facts, **{**known, **stated})

    def _read(self, sent: Json, position: int, refusals: Refusals) -> Picture | None:
        allowed = f"a {' or '.join(self._declared.media)} file, as base64"
        if sent is None:
            refusals.add(position, "image", "missing", "nothing", allowed)
            return None
        if not isinstance(sent, str):
            refusals.add(position, "image", "wrong-type", shown(sent), allowed)
            return None
        try:
            data = base64.b64decode(sent, validate=True)
        except (binascii.Error, ValueError):
            refusals.add(position, "image", "wrong-type", no_base64(sent), allowed)
            return None
        try:
            picture = read_picture(data, self._limits)
        except PictureRefused as problem:
            refusals.add(position, "image", problem.code, problem.message, allowed)
            return None
        if picture.facts.medium not in self._declared.media:
            refusals.add(position, "image", "out-of-domain", picture.facts.medium, allowed)
            return None
        return picture

    def _facts(self, facts: Facts, row: Mapping[str, Json], add: Adder) -> Iterator[Flag]:
        declared = self._declared
        for name, written, allowed in (
            ("modality", facts.modality, declared.modalities),
            ("body_part", facts.body_part, declared.body_parts),
            ("view", facts.view, declared.views),
        ):
            code = CodeField(name, written, row.get(name), allowed)
            yield from check_code(code, declared.unstated, add)

    def _geometry(self, picture: Picture, add: Adder) -> None:
        declared, (rows, columns) = self._declared, picture.values.shape[:2]
        for name, found, allowed in (
            ("rows", rows, declared.rows),
            ("columns", columns, declared.columns),
        ):
            if not allowed.minimum <= found <= allowed.maximum:
                words = f"from {allowed.minimum} to {allowed.maximum} {name}"
                add("image", "out-of-range", f"{found} {name}", words)
        ratio = max(rows, columns) / min(rows, columns)
        if ratio > declared.most_elongated:
            words = f"the longer side at most {declared.most_elongated:g} times the shorter"
            add("image", "out-of-range", f"{rows} rows by {columns} columns", words)
        grey = picture.values.ndim == 2
        if grey is not (declared.pixels == "grey"):
            add("image", "out-of-domain", "grey" if grey else "colour", declared.pixels)

    def _brightness(self, picture: Picture, add: Adder) -> None:
        if isinstance(self._windowing, HeaderWindow) and picture.unused:
            words = "a window of the function LINEAR, LINEAR_EXACT or SIGMOID"
            add("image", "unsupported", f"the header asks for {picture.unused}", words)

    def _intensity(self, picture: Picture, add: Adder) -> None:
        """Count values, on 65,536 levels of what is possible; the channels' mean where colour."""
        wanted, values = self._declared.intensity, picture.values
        grey = values if values.ndim == 2 else values.mean(axis=2)
        unit = (grey.astype(np.float64) - picture.lowest) / (picture.highest - picture.lowest)
        unit = np.clip(unit, 0, 1) * (GREY_LEVELS - 1)
        levels = np.bincount(unit.astype(np.int64).ravel())
        found, most = int(np.count_nonzero(levels)), float(levels.max() / grey.size)
        if found < wanted.levels:
            add("image", "out-of-domain", f"{found} grey value(s)", f"at least {wanted.levels}")
        if most > wanted.most_at_one_level:
            add(
                "image",
                "out-of-domain",
                f"{most:.0%} of all pixels have the same value",
                f"at most {wanted.most_at_one_level:.0%}",
            )

    def _likeness(self, picture: Picture, add: Adder) -> tuple[NDArray[np.float32], Sequence[Flag]]:
        likeness, unit = self._declared.likeness, window(picture, self._windowing)
        if likeness is None or self._reference is None:
            return unit, ()
        grey = unit if unit.ndim == 2 else unit.mean(axis=2)
        near = correlation(self._reference, thumbnail(grey))
        if near >= likeness.minimum:
            return unit, ()
        if likeness.polarity == "by-likeness" and -near >= likeness.minimum:
            told = f"bright and dark were exchanged: its negative is of the domain ({-near:.2f})"
            turned = replace(picture, negative=not picture.negative)
            return window(turned, self._windowing), (Flag("polarity-overruled", told),)
        return unit, self._unlike(near, likeness, add)

    def _unlike(self, near: float, likeness: Likeness, add: Adder) -> Sequence[Flag]:
        if likeness.otherwise == "flag":
            told = f"its likeness to the pictures of the domain is {near:.3f}, below {likeness.minimum:g}"
            return (Flag("unlike-the-domain", told),)
        add(
            "image",
            "out-of-domain",
            f"a likeness of {near:.3f} to the pictures that the model knows",
            f"at least {likeness.minimum:g}",
        )
        return ()


def no_base64(sent: str) -> str:
    """Return what is wrong with text that is no base64, where it is one of the common mistakes."""
    if sent.startswith("data:"):
        return "a data: address; only what follows its comma is base64"
    if any(space in sent for space in " \t\r\n"):
        return "base64 with white space; it must be one line"
    if "-" in sent or "_" in sent:
        return "base64 in the alphabet for addresses; the one with + and / is meant"
    if len(sent) % 4 > 1 and _UNPADDED.fullmatch(sent):
        return f"base64 without its padding; {'=' * (4 - len(sent) % 4)!r} is missing at its end"
    return "text that is no base64"
