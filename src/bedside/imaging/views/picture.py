"""A volume on one page: three planes through what was found, and a mosaic of axial planes.

All planes lie along the patient's own axes and have one scale; letters say what lies at each side
(L, R, A, P, S, I), a bar shows millimetres, and a line says on which side the patient's right is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bedside.errors import UsageError
from bedside.imaging.measuring.extents import Triple, bounds
from bedside.imaging.measuring.head import body_of
from bedside.imaging.measuring.regions import regions
from bedside.imaging.views.canvas import (
    GREY,
    WARNING,
    blank,
    class_legend,
    heat_legend,
    letter,
    put,
    scale_bar,
    write,
)
from bedside.imaging.views.overlay import Coloured, colour_of, heated, outlined
from bedside.imaging.views.planes import Box, Plane, box_of, sampled
from bedside.imaging.views.strokes import HEIGHT
from bedside.imaging.views.view import Findings, Style
from bedside.imaging.views.window import brightness, window_of
from bedside.imaging.views.words import CATALOGUE
from bedside.imaging.volume import Affine, Voxels
from bedside.imaging.writing import grey_pixels, write_png

WIDTH: Final = 1_200
"""Columns of the page."""

TALLEST: Final = 480
"""Rows of one of the three planes, at most."""

TILES: Final = (2, 6)
"""Rows and columns of the mosaic."""

MARGIN: Final = 10.0
"""Millimetres shown around what stands out, or a tenth of it where that is small."""

_GAP: Final = 6
_INSET: Final = 0.06
"""Of the height in which the mosaic lies, left out at both ends."""


@dataclass(frozen=True, slots=True, eq=False)
class _Scene:
    """All that a plane is drawn from."""

    values: Voxels
    affine: Affine
    findings: Findings
    style: Style
    box: Box
    focus: Triple
    height: tuple[float, float]


def picture(
    values: Voxels, affine: Affine, findings: Findings | None = None, style: Style | None = None
) -> bytes:
    """Return a PNG: three planes above a mosaic, the convention over both, a legend below.

    Args:
        values: float32 along (i, j, k).
        affine: Voxel indices to mm, RAS+.
        findings: What is drawn over it, on the same grid.
        style: Language, convention, outline or heat map.

    Raises:
        UsageError: the findings lie on another grid.
    """
    scene = _scene(values, affine, findings or Findings(), style or Style())
    return _page(scene, [_three_planes(scene), _mosaic(scene)])


def three_planes(
    values: Voxels, affine: Affine, findings: Findings | None = None, style: Style | None = None
) -> bytes:
    """Return a PNG of the axial, coronal and sagittal plane; arguments as of `picture`."""
    scene = _scene(values, affine, findings or Findings(), style or Style())
    return _page(scene, [_three_planes(scene)])


def mosaic(
    values: Voxels, affine: Affine, findings: Findings | None = None, style: Style | None = None
) -> bytes:
    """Return a PNG of axial planes from the lowest to the highest; arguments as of `picture`."""
    scene = _scene(values, affine, findings or Findings(), style or Style())
    return _page(scene, [_mosaic(scene)])


def _scene(values: Voxels, affine: Affine, findings: Findings, style: Style) -> _Scene:
    if values.ndim != 3:
        raise UsageError(f"A volume has three axes; this has {values.shape}.")
    findings.check(values.shape)
    if style.window is None:
        style = replace(style, window=window_of(values))
    whole = box_of(values.shape, affine)
    body = body_of(values, affine)
    box = Box(*body) if body else whole
    found = findings.found()
    inside = None if found is None else bounds(found, affine)
    if inside:
        box = box.joined(Box(*inside))
    margin = min(MARGIN, 0.1 * max(box.size(axis) for axis in range(3)))
    box = box.grown(margin).within(whole)
    focus, height = box.centre, (box.lowest[2], box.highest[2])
    if found is not None and inside:
        focus = findings.focus or regions(found, affine).listed[0].centre
        height = (inside[0][2], inside[1][2])
    return _Scene(values, affine, findings, style, box, focus, height)


def _three_planes(scene: _Scene) -> Coloured:
    wide = 2 * scene.box.size(0) + scene.box.size(1)
    tall = max(scene.box.size(1), scene.box.size(2))
    scale = min((WIDTH - 2 * _GAP) / wide, TALLEST / tall)
    words = CATALOGUE[scene.style.language]
    planes = [
        Plane("axial", scene.focus[2], scene.box, scene.style.convention, scale),
        Plane("coronal", scene.focus[1], scene.box, scene.style.convention, scale),
        Plane("sagittal", scene.focus[0], scene.box, scene.style.convention, scale),
    ]
    panels = []
    for plane, panel in zip(planes, _drawn(scene, planes), strict=True):
        letter(panel, plane)
        write(panel, words.planes[plane.name], 2, 4, GREY)
        panels.append(panel)
    scale_bar(panels[0], scale)
    return _beside(panels)


def _mosaic(scene: _Scene) -> Coloured:
    rows, columns = TILES
    scale = (WIDTH - (columns - 1) * _GAP) / (columns * scene.box.size(0))
    scale = min(scale, TALLEST / scene.box.size(1))
    low, high = scene.height
    inset = (high - low) * _INSET
    places = np.linspace(low + inset, high - inset, rows * columns)
    planes = [
        Plane("axial", float(place), scene.box, scene.style.convention, scale) for place in places
    ]
    panels = _drawn(scene, planes)
    for plane, panel in zip(planes, panels, strict=True):
        write(panel, f"{'S' if plane.place >= 0 else 'I'} {abs(plane.place):.0f}", 0, 2, GREY)
        middle = (panel.shape[0] - HEIGHT) // 2
        write(panel, plane.letters[0], middle, 2, GREY)
    scale_bar(panels[-1], scale)
    lines = [_beside(panels[row * columns : (row + 1) * columns]) for row in range(rows)]
    return _below(lines)


def _drawn(scene: _Scene, planes: Sequence[Plane]) -> list[Coloured]:
    """Return the planes with what was found over them.

    Class by class, so that only one class at a time is a volume of its own.
    """
    findings, style = scene.findings, scene.style
    window = style.window or (0.0, 1.0)
    pictures = []
    for plane in planes:
        grey = brightness(sampled(scene.values, scene.affine, plane, window[0]), window)
        pictures.append(np.repeat(grey[..., np.newaxis], 3, axis=2))
    if style.probability and findings.probability is not None:
        chances = findings.probability
        return [
            heated(one, sampled(chances, scene.affine, plane))
            for one, plane in zip(pictures, planes, strict=True)
        ]
    for place, inside in enumerate(findings.each_class()):
        for number, plane in enumerate(planes):
            share = sampled(inside, scene.affine, plane)
            pictures[number] = outlined(pictures[number], share, colour_of(place))
    return pictures


def _page(scene: _Scene, parts: Sequence[Coloured]) -> bytes:
    words = CATALOGUE[scene.style.language]
    head = blank(HEIGHT + 2, WIDTH)
    end = write(head, words.conventions[scene.style.convention], 0, 4)
    if not scene.style.recorded:
        write(head, words.unrecorded, 0, end + 24, WARNING)
    lines = [head, *parts]
    if scene.style.probability and scene.findings.probability is not None:
        lines.append(heat_legend(words.probability, WIDTH))
    elif scene.findings.classes:
        lines.append(class_legend(scene.findings.classes, WIDTH))
    return write_png(grey_pixels(_below(lines)))


def _beside(panels: Sequence[Coloured]) -> Coloured:
    """Return panels in a row, `WIDTH` wide, evenly spaced."""
    wide = sum(panel.shape[1] for panel in panels)
    sheet = blank(max(len(panel) for panel in panels), WIDTH)
    spaces = max(len(panels) - 1, 1)
    free = max(WIDTH - wide, 0)
    column = 0
    for number, panel in enumerate(panels):
        put(sheet, panel, (len(sheet) - len(panel)) // 2, column + free * number // spaces)
        column += panel.shape[1]
    return sheet


def _below(lines: Sequence[Coloured]) -> Coloured:
    """Return lines of the page below each other."""
    rows: list[NDArray[np.float32]] = []
    for line in lines:
        rows += [line, blank(_GAP, WIDTH)]
    return np.vstack(rows[:-1])
