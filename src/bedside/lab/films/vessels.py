"""Vessels of the lungs: two trees from the hila, thinner with each branching."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bedside.lab.films.grid import Grid, Plane, doubled
from bedside.lab.films.patient import Patient
from bedside.lab.films.tissue import LEFT, RIGHT

Dots = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]
"""x, y and weight."""

STEPS = 40
"""Dots along one branch."""

BLURS = (0.011, 0.009, 0.0055, 0.0055, 0.0055)
"""How wide the branches of each generation look."""


def drawn_vessels(grid: Grid, patient: Patient) -> Plane:
    """Return the vessels' thickness, where there is air around them."""
    random = patient.generator(4)
    trees = _trees(patient, random)
    total = np.zeros_like(grid.x)
    for blur in sorted(set(BLURS)):
        alike = [dots for dots, looks in zip(trees, BLURS, strict=True) if looks == blur]
        x, y, weight = (np.concatenate(parts) for parts in zip(*alike, strict=True))
        total += grid.dots(x, y, weight, blur)
    return (total + doubled(_hila(grid.coarse, patient, random))) * patient.markings


def _hila(grid: Grid, patient: Patient, random: np.random.Generator) -> Plane:
    total = np.zeros_like(grid.x)
    for side in (RIGHT, LEFT):
        for _ in range(3):
            centre = (
                side * (0.17 + abs(random.normal(0, 0.03))),
                -0.06 + 0.5 * patient.depth + random.normal(0, 0.07) - 0.03 * (side == LEFT),
            )
            half = random.uniform(0.03, 0.06), random.uniform(0.04, 0.08)
            total += np.clip(grid.ellipse(centre, half, random.uniform(-1, 1)), 0, 1) * 0.10
    return total


def _trees(patient: Patient, random: np.random.Generator) -> list[Dots]:
    """Return the dots of each generation of branches, the thickest first."""
    sides = np.repeat([RIGHT, LEFT], 9)
    x = sides * 0.16 + random.normal(0, 0.015, len(sides))
    y = -0.06 + 0.5 * patient.depth + random.normal(0, 0.04, len(sides))
    angle = np.tile(np.linspace(-1.45, 1.35, 9), 2) + random.normal(0, 0.15, len(sides))
    width, grown = np.full(len(sides), 0.055), []
    t = np.linspace(0, 1, STEPS)[None, :]
    for generation in range(len(BLURS)):
        length = random.uniform(0.10, 0.2, len(x)) * 0.86**generation
        bend = angle[:, None] + random.normal(0, 0.25, len(x))[:, None] * t
        step = length[:, None] / STEPS
        px = x[:, None] + np.cumsum(np.cos(bend) * step, axis=1) * sides[:, None]
        py = y[:, None] + np.cumsum(np.sin(bend) * step, axis=1)
        volume = 1.1 * step * (width[:, None] * (1 - 0.25 * t)) ** 2
        grown.append((px.ravel(), py.ravel(), volume.ravel()))
        fork = random.uniform(0.25, 0.6, len(x))
        x, y = np.repeat(px[:, -1], 2), np.repeat(py[:, -1], 2)
        angle = np.stack([bend[:, -1] - fork, bend[:, -1] + fork], axis=1).ravel()
        sides, width = np.repeat(sides, 2), np.repeat(width * 0.74, 2)
    return grown
