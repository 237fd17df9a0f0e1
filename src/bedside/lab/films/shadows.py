"""What may lie in the lungs, or only seem to: opacities, and the shadows that are none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bedside.lab.films.grid import Grid, Plane, dome, soft
from bedside.lab.films.patient import Patient
from bedside.lab.films.tissue import LEFT, RIGHT, diaphragm, lateral


@dataclass(frozen=True, slots=True)
class Opacity:
    """Where a consolidation-like shadow lies, in patient coordinates.

    Attributes:
        x: Of its centre.
        y: The same.
        size: Its half breadth, about.
        share: How much of the air it takes, at most.
        at: Its share of the air at each pixel, 0 to 1.
    """

    x: float
    y: float
    size: float
    share: float
    at: Plane


def drawn_opacity(grid: Grid, patient: Patient, random: np.random.Generator) -> Opacity:
    """Return a consolidation-like shadow: ill-defined, patchy, anywhere in the lungs."""
    side = RIGHT if random.random() < 0.55 else LEFT
    y = float(random.uniform(-0.5, 0.38) + patient.depth * 0.7)
    outer = float(np.interp(y, *lateral(patient)))
    inner = 0.2 if side == RIGHT or y < -0.05 else 0.36 * patient.heart
    x = float(random.uniform(inner + 0.02, max(inner + 0.06, outer - 0.10)))
    y = min(y, float(np.interp(x, *diaphragm(patient, side))) - 0.06)
    size = float(np.exp(random.uniform(np.log(0.075), np.log(0.22))))
    share = float(random.uniform(0.32, 0.9) if size > 0.11 else random.uniform(0.45, 0.95))
    body = np.zeros_like(grid.x)
    for _ in range(int(random.integers(2, 6))):
        centre = (side * x + random.normal(0, 0.45 * size), y + random.normal(0, 0.4 * size))
        half = size * random.uniform(0.6, 1.2), size * random.uniform(0.55, 1.1)
        away = 1 - grid.ellipse(centre, half, random.uniform(-1.5, 1.5))
        body = np.maximum(body, np.exp(-np.minimum(away, 20)))
    patchy = np.clip(
        1 + 0.22 * grid.cloud(random, 0.05) + 0.15 * grid.cloud(random, 0.018), 0.2, 1.4
    )
    at = np.clip(body * patchy * share, 0, 0.97).astype(np.float32)
    return Opacity(side * x, y, size, share, at)


def drawn_distractors(grid: Grid, patient: Patient, random: np.random.Generator) -> Plane:
    """Return shadows that are no opacity: nipples, a dense rib, calcium, skin folds, electrodes."""
    total = np.zeros_like(grid.x)
    if random.random() < 0.3:
        total += _nipples(grid, patient, random)
    if random.random() < 0.15:
        centre = random.uniform(-0.6, 0.6), random.uniform(-0.5, 0.3)
        spot = grid.ellipse(centre, (random.uniform(0.008, 0.02),) * 2)
        total += 0.2 * soft(spot, 0.3)
    if random.random() < 0.15:
        centre = _side(random) * random.uniform(0.4, 0.7), random.uniform(-0.5, 0.3)
        total += 0.09 * soft(grid.ellipse(centre, (0.05, 0.018), random.uniform(-0.6, 0.6)), 0.6)
    if random.random() < 0.12:
        total += _fold(grid, random)
    if random.random() < 0.2:
        total += _electrodes(grid, random)
    if random.random() < 0.1:
        total += _clips(grid, random)
    return np.asarray(total, dtype=np.float32)


def _side(random: np.random.Generator) -> int:
    return RIGHT if random.random() < 0.5 else LEFT


def _nipples(grid: Grid, patient: Patient, random: np.random.Generator) -> Plane:
    y = 0.27 + patient.depth + random.normal(0, 0.05)
    total = np.zeros_like(grid.x)
    for side in (RIGHT, LEFT):
        centre = side * (0.5 + random.normal(0, 0.03)), y + random.normal(0, 0.015)
        spot = grid.ellipse(centre, (0.022 + 0.006 * random.random(),) * 2)
        total += 0.07 * random.random() * (dome(spot) + soft(spot, 0.5))
    return total


def _fold(grid: Grid, random: np.random.Generator) -> Plane:
    slope, start = random.uniform(1.5, 4) * _side(random), random.uniform(0.35, 0.7)
    side = _side(random)
    beyond = (grid.x * side - start) - (grid.y - 0.1) / slope
    return np.asarray(0.05 * soft(beyond, 0.012) * np.exp(-np.clip(beyond, 0, 3) / 0.06))


def _electrodes(grid: Grid, random: np.random.Generator) -> Plane:
    total = np.zeros_like(grid.x)
    for _ in range(int(random.integers(1, 4))):
        x, y = random.uniform(-0.75, 0.75), random.uniform(-0.5, 0.6)
        total += 0.22 * soft(grid.ellipse((x, y), (0.02, 0.02)), 0.2)
        t = np.linspace(0, 1, 1500)
        bend, out = random.uniform(-0.3, 0.3), _side(random)
        line = grid.dots(
            x + out * (1.3 - abs(x)) * t + bend * np.sin(np.pi * t) * 0.4,
            y + random.uniform(-0.5, 0.9) * t**1.5,
            np.full(t.shape, 0.0012 * 1.2 / len(t)) * 2,
            0.003,
        )
        total += np.minimum(line, 0.2)
    return total


def _clips(grid: Grid, random: np.random.Generator) -> Plane:
    total = np.zeros_like(grid.x)
    for _ in range(int(random.integers(3, 12))):
        centre = random.normal(0, 0.12), random.uniform(-0.5, 0.3)
        total += 0.5 * soft(grid.ellipse(centre, (0.004, 0.014), random.uniform(-1.5, 1.5)), 0.5)
    return total
