"""The author's pictures as other devices and programs would send them: tried beside the originals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from bedside.freezing.domain import Group
from bedside.freezing.frozen import PICTURES_AT_ONCE
from bedside.freezing.images.sizes import largest, resized, smallest
from bedside.freezing.images.writing import PictureWriter, quantised
from bedside.freezing.rows import RawRow
from bedside.runtime.gate import Refusals
from bedside.runtime.image_gate import Film, ImageGate

LIGHT = ((1.0, 0.1), (1.0, -0.1), (1.25, 0.0), (0.8, 0.0))
"""Contrast and brightness: what developing and processing change from one device to another."""

NOISE = 0.03
"""Standard deviation, of the whole range: a low-dose film."""

Unit = NDArray[np.float32] | NDArray[np.float64]


def variations(
    films: Sequence[Film], writer: PictureWriter, random: np.random.Generator
) -> Iterator[Group]:
    """Yield groups of pictures inside the declared domain, made of `films`."""
    units = [film.unit for film in films]
    declared = writer.declared
    light = [(f"× {c:g} {b:+g}", (one - 0.5) * c + 0.5 + b) for one in units for c, b in LIGHT]
    yield from _group("brighter, darker, with more and less contrast", light, writer)
    noisy = [("with noise", one + random.normal(0, NOISE, one.shape)) for one in units]
    yield from _group("with noise", noisy, writer)
    sizes = [
        (f"{rows} × {columns}", resized(one, rows, columns))
        for one in units[:2]
        for rows, columns in dict.fromkeys((smallest(declared), largest(declared)))
    ]
    yield from _group("the smallest and the largest that are allowed", sizes, writer)
    yield from _kinds(units[:2], writer)


def _group(name: str, made: Sequence[tuple[str, Unit]], writer: PictureWriter) -> Iterator[Group]:
    rows = [(told, writer.row(quantised(unit))) for told, unit in made]
    yield from inside(name, rows, writer)


def _kinds(units: Sequence[Unit], writer: PictureWriter) -> Iterator[Group]:
    """Yield the same pictures in each declared kind of file, DICOM as a negative too."""
    rows: list[tuple[str, RawRow]] = []
    for unit in units:
        pixels = quantised(unit)
        rows += [(medium, writer.row(pixels, medium)) for medium in writer.declared.media]
        if "dicom" in writer.declared.media and unit.ndim == 2:
            rows.append(("MONOCHROME1", writer.row(pixels, "dicom", negative=True)))
    yield from inside("each kind of file", rows, writer)


def inside(name: str, rows: Sequence[tuple[str, RawRow]], writer: PictureWriter) -> Iterator[Group]:
    """Yield one group of those `rows` that lie inside the domain; none where none does."""
    kept = [(told, row) for told, row in rows if admitted(row, writer)]
    if kept:
        yield Group(
            f"your pictures, {name}",
            tuple(row for _, row in kept),
            told=tuple(told for told, _ in kept),
            at_once=PICTURES_AT_ONCE,
        )


def admitted(row: RawRow, writer: PictureWriter) -> bool:
    """Return whether the declared domain holds `row`."""
    refusals = Refusals()
    ImageGate(writer.declared, writer.windowing).check(row, 0, refusals)
    return not refusals.found
