"""Bones: ribs, spine, clavicles, shoulder blades and upper arms, as thicknesses along the ray."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bedside.lab.films.grid import Grid, Plane, blurred, dome, soft
from bedside.lab.films.patient import Patient
from bedside.lab.films.tissue import LEFT, RIGHT, lateral

Line = NDArray[np.float64]

RIBS = 10
ALONG, ACROSS = 220, 15
"""Dots along a bone and across it: closer than the pixels of a film of 1024 rows."""


def drawn_slim_bones(grid: Grid, patient: Patient) -> Plane:
    """Return the thickness of ribs and clavicles; the middle of a rib is about 0.1."""
    random = patient.generator(3)
    sides = (RIGHT, LEFT)
    strips = [_rib(patient, number, side, random) for number in range(RIBS) for side in sides]
    strips += [_clavicle(patient, side, random) for side in sides]
    x, y, weight = (np.concatenate(parts) for parts in zip(*strips, strict=True))
    return grid.dots(x, y, weight, blur=0.004) * patient.bones


def drawn_broad_bones(grid: Grid, patient: Patient) -> Plane:
    """Return the thickness of the spine, the shoulder blades and the upper arms."""
    random = patient.generator(5)
    return (_spine(grid, random) + _shoulders(grid, patient, random)) * patient.bones


def strip(x: Line, y: Line, half: Line, thick: Line) -> tuple[Line, Line, Line]:
    """Return dots that fill a flat bone along a curve, denser at both edges, where cortex is.

    Args:
        x: Places along the curve.
        y: The same length.
        half: Half breadth at each place.
        thick: Thickness at each place.

    Returns:
        x, y and weight of the dots, each of one dimension.
    """
    dx, dy = np.gradient(x), np.gradient(y)
    length = np.hypot(dx, dy) + 1e-9
    u = np.linspace(-1, 1, ACROSS)[None, :]
    px = x[:, None] - (dy / length * half)[:, None] * u
    py = y[:, None] + (dx / length * half)[:, None] * u
    area = (length * 2 * half / ACROSS)[:, None]
    weight = area * thick[:, None] * (0.6 + 1.1 * np.abs(u) ** 6)
    return px.ravel(), py.ravel(), weight.ravel()


def _rib(
    patient: Patient, number: int, side: int, random: np.random.Generator
) -> tuple[Line, Line, Line]:
    """Return a rib: a ring, low in front, of which the part near the breastbone is cartilage."""
    start = -0.735 + 0.128 * number + 0.4 * patient.depth + random.normal(0, 0.006)
    drop = 0.13 + 0.035 * number if number < 7 else 0.375 - 0.02 * (number - 7)
    t = np.linspace(0.02, np.pi * (0.80 if number < 7 else 0.62), ALONG)
    breadth = float(np.interp(start + 0.45 * drop, *lateral(patient))) + 0.012
    x = side * (0.055 + (breadth - 0.055) * np.sin(t))
    y = start + drop * (1 - np.cos(t)) - 0.055 * np.sin(t) * (1 - number / 14)
    front = t / np.pi
    half = np.interp(front, [0, 0.3, 0.5, 0.8], [0.020, 0.023, 0.021, 0.029])
    fading = np.interp(front, [0, 0.5, 0.7, 0.80], [1.0, 1.0, 0.75, 0.35])
    deep = np.hypot(breadth * np.cos(t), 0.5 * np.sin(t))
    seen = np.hypot(np.gradient(x), np.gradient(y)) / (t[1] - t[0])
    steep = np.clip(deep / np.maximum(seen, 0.08), 0.7, 2.2)
    return strip(x, y, half, 0.085 * fading * steep)


def _clavicle(patient: Patient, side: int, random: np.random.Generator) -> tuple[Line, Line, Line]:
    t = np.linspace(0, 1, ALONG)
    inner, outer = -0.52 + random.normal(0, 0.02), -0.70 + patient.shoulders
    x = side * (0.07 + 0.78 * patient.breadth * t)
    y = inner + 0.4 * patient.depth + (outer - inner) * t + 0.035 * np.sin(2 * np.pi * t)
    half = np.interp(t, [0, 0.12, 0.5, 1], [0.036, 0.026, 0.022, 0.027])
    return strip(x, y, half, np.full(ALONG, 0.11))


def _spine(grid: Grid, random: np.random.Generator) -> Plane:
    half = grid.by_height([-1.1, -0.7, 0.0, 1.0], [0.07, 0.062, 0.072, 0.09])
    away = np.abs(grid.x) / half
    column = soft(1 - away, 0.4) * (0.75 + 0.25 * np.clip(away * away, 0, 1))
    period = grid.by_height([-1.2, 1.2], [-1.2 / 0.092, 1.2 / 0.132], 0.3)
    phase = np.cos(2 * np.pi * (period + random.random()))
    discs = 1 - 0.22 * soft(phase - 0.55, 0.5)
    knobs = soft(0.35 - np.abs(away - 0.55), 0.3) * soft(-phase, 0.8)
    return np.asarray(column * discs * 0.10 + 0.035 * knobs * column, dtype=np.float32)


def _shoulders(grid: Grid, patient: Patient, random: np.random.Generator) -> Plane:
    """Return heads and shafts of the upper arms, and the shoulder blades; both sides alike."""
    up, out = patient.shoulders, patient.breadth
    outward = np.abs(grid.x)
    dx, dy = (outward - 0.99 * out) / 0.105, (grid.y + (0.56 - up)) / 0.12
    head = 0.18 * dome(1 - dx * dx - dy * dy)
    axis = grid.by_height([-0.6, 0.0, 1.0], [1.03 * out, 1.11 * out, 1.2 * out])
    away = np.abs(outward - axis) / 0.052
    inside = np.clip(away, 0, 1)
    shaft = soft(1 - away, 0.2) * (0.5 + 0.5 * inside * inside * inside)
    arm = head + 0.17 * shaft * soft(grid.y + (0.5 - up), 0.1)
    return arm + _blade(grid, patient, outward - random.normal(0, 0.03))


def _blade(grid: Grid, patient: Patient, outward: Plane) -> Plane:
    out, up = patient.breadth, patient.shoulders
    inner = grid.by_height([-0.7, -0.5, -0.1, 0.1], [0.62 * out, 0.60 * out, 0.70 * out, 0.8 * out])
    outer = grid.by_height([-0.7, -0.55, -0.1, 0.1], [0.98 * out, 0.94 * out, 0.8 * out, 0.8 * out])
    inside = soft(outward - inner, 0.02) * soft(outer - outward, 0.02)
    inside = inside * soft(grid.y + (0.68 - up), 0.05) * soft((0.06 + up) - grid.y, 0.08)
    rim = inside - blurred(inside, 0.018 * grid.side / 2)
    return np.asarray(0.05 * inside + 0.16 * np.clip(rim, 0, None), dtype=np.float32)
