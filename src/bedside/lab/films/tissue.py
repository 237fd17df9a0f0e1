"""Soft tissue and air: body, lungs, heart, diaphragm, as thicknesses that a ray goes through."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bedside.lab.films.grid import Grid, Plane, dome, soft
from bedside.lab.films.patient import Patient

RIGHT, LEFT = -1, 1
"""The patient's sides; the right lung is at the left of the film."""


@dataclass(frozen=True, slots=True)
class Tissue:
    """Thicknesses along the ray at each pixel; 1 is a chest's average depth.

    Attributes:
        body: Soft tissue, as if the lungs were filled with it.
        air: What of that is air, in the lungs.
        outline: From 0 outside the lungs to 1 inside.
    """

    body: Plane
    air: Plane
    outline: Plane


def drawn_tissue(grid: Grid, patient: Patient) -> Tissue:
    """Return the soft tissue of `patient` and the air in it."""
    floors = {side: _floor(grid, patient, side) for side in (RIGHT, LEFT)}
    below = np.where(grid.x < 0, soft(-floors[RIGHT], 0.03), soft(-floors[LEFT], 0.03))
    heart = _heart(grid, patient)
    outline = np.maximum(*(_lung(grid, patient, side, floors[side]) for side in (RIGHT, LEFT)))
    deep = grid.by_height(
        [-0.75, -0.6, -0.35, 0.0, 0.4, 0.6], [0.45, 0.72, 0.92, 1.0, 0.97, 0.85], 0.06
    )
    outline = outline * (1 - heart)
    air = outline * deep * _rounded(grid, patient)
    body = _body(grid, patient) + heart * (1 - below) * grid.by_height([-0.5, 0.1], [0.10, 0.16])
    waist = soft(0.78 * patient.breadth - np.abs(grid.x), 0.35)
    filled = grid.by_height([0.2, 0.7], [0.12, 0.24], 0.1) - _gas(grid, patient)
    body += below * waist * filled + _breasts(grid, patient)
    body -= _trachea(grid, patient)
    return Tissue(body, air, outline)


def lateral(patient: Patient) -> tuple[list[float], list[float]]:
    """Return heights, and how far the inside of the rib cage is from the midline there."""
    heights = [-0.80, -0.70, -0.62, -0.50, -0.35, -0.15, 0.10, 0.35, 0.60, 0.9]
    breadths = [0.20, 0.31, 0.43, 0.54, 0.62, 0.69, 0.74, 0.78, 0.80, 0.78]
    return [h + patient.depth * 0.4 for h in heights], [b * patient.breadth for b in breadths]


def diaphragm(patient: Patient, side: int) -> tuple[list[float], list[float]]:
    """Return places, as distances from the midline, and the height of the diaphragm there."""
    top = 0.35 + patient.depth + (0.0 if side == RIGHT else 0.045)
    edge = 0.80 * patient.breadth
    places = [0.0, 0.12, 0.25, 0.38, 0.52, 0.66, edge - 0.03, edge + 0.02]
    return places, [top + drop for drop in (0.08, 0.04, 0.01, 0.0, 0.03, 0.09, 0.20, 0.27)]


def _floor(grid: Grid, patient: Patient, side: int) -> Plane:
    """Return how far each pixel lies above the diaphragm of one side."""
    places, heights = diaphragm(patient, side)
    if side == RIGHT:
        places, heights = [-place for place in reversed(places)], list(reversed(heights))
    return grid.by_breadth(places, heights, 0.02) - grid.y


def _lung(grid: Grid, patient: Patient, side: int, floor: Plane) -> Plane:
    outward = grid.x * side
    far = grid.by_height(*lateral(patient)) - outward
    apex = grid.y + (0.755 - patient.depth * 0.4)
    posterior = 0.85 * soft(floor, 0.022) + 0.15 * soft(floor + 0.09, 0.18)
    return soft(far, 0.035) * soft(outward - 0.07, 0.05) * soft(apex, 0.10) * posterior


def _rounded(grid: Grid, patient: Patient) -> Plane:
    """Return how the lungs thin out toward the chest wall, 1 in their middle."""
    heights, breadths = lateral(patient)
    share = np.abs(grid.x) / (grid.by_height(heights, breadths) + 0.02)
    squared = share * share
    return np.asarray(np.clip(1 - squared**4, 0.3, 1) * (0.85 + 0.15 * share), dtype=np.float32)


def _heart(grid: Grid, patient: Patient) -> Plane:
    """Return the shadow of heart and great vessels, 0 to 1, by their left and right borders."""
    size, low = patient.heart, patient.depth
    heights = [-0.9, -0.55, -0.42, -0.34, -0.24, -0.13, 0.0, 0.12, 0.24, 0.36, 0.44, 0.56]
    left = [0.12, 0.11, 0.135, 0.175, 0.125, 0.165, 0.24, 0.35, 0.45, 0.505, 0.49, 0.40]
    right = [0.13, 0.115, 0.115, 0.12, 0.12, 0.125, 0.16, 0.195, 0.205, 0.195, 0.18, 0.17]
    moved = [height + low * float(np.clip((height + 0.9) / 1.2, 0, 1)) for height in heights]
    grown = [size if height > -0.05 else 1.0 for height in heights]
    sides = (
        grid.by_height(moved, [b * g for b, g in zip(borders, grown, strict=True)], 0.02)
        for borders in (left, right)
    )
    edges = soft(next(sides) - grid.x, 0.04) * soft(next(sides) + grid.x, 0.04)
    middle = (grid.x - 0.05) / 0.42
    return edges * (1 - 0.45 * np.clip(middle * middle, 0, 1))


def _trachea(grid: Grid, patient: Patient) -> Plane:
    """Return the air of the trachea and of the two main bronchi."""
    fork = -0.28 + 0.5 * patient.depth
    tube = soft(0.034 - np.abs(grid.x + 0.008), 0.025)
    air = tube * grid.by_height([-1.2, fork - 0.06, fork + 0.02], [0.13, 0.10, 0.0], 0.03)
    for side, reach in ((RIGHT, 0.16), (LEFT, 0.2)):
        along = grid.x * side
        tube = soft(0.026 - np.abs(grid.y - 0.75 * along - fork) * 0.8, 0.025)
        air = np.maximum(air, 0.06 * tube * soft(along, 0.02) * soft(reach - along, 0.1))
    return air


def _body(grid: Grid, patient: Patient) -> Plane:
    up = patient.shoulders
    heights = [-1.3, -1.0, -0.93, -0.86, -0.78, -0.68, -0.45, -0.2, 0.2, 0.6, 1.2]
    breadths = [0.27, 0.31, 0.40, 0.62, 0.98, 1.20, 1.12, 1.02, 0.99, 0.96, 0.92]
    trunk = grid.by_height([height + up for height in heights], breadths)
    share = np.abs(grid.x) / (trunk * (0.5 + 0.4 * patient.breadth + 0.1 * patient.stout))
    flat = np.minimum(share * share, 1)
    deep = grid.by_height(
        [-1.2, -0.85, -0.65, -0.3, 0.3, 0.8], [0.55, 0.66, 0.86, 0.97, 1.0, 1.04], 0.08
    )
    thick = dome(1 - flat * flat * flat) * deep * patient.stout
    axis = grid.by_height(
        [-0.8, -0.6, 0.0, 1.0], [b * patient.breadth for b in (0.98, 1.03, 1.13, 1.28)]
    )
    away = (np.abs(grid.x) - axis) / (0.19 * (0.7 + 0.3 * patient.stout))
    arms = dome(1 - away * away) * soft(grid.y + (0.78 - up), 0.12) * 0.6
    return np.maximum(thick, arms) + 0.15 * np.minimum(thick, arms)


def _breasts(grid: Grid, patient: Patient) -> Plane:
    total = np.zeros_like(grid.x)
    if not patient.breasts:
        return total
    random = patient.generator(1)
    low = 0.34 + patient.depth + random.uniform(-0.08, 0.15)
    for side in (RIGHT, LEFT):
        centre = (side * 0.47 * patient.breadth, low + random.normal(0, 0.015))
        ball = grid.ellipse(centre, (0.33, 0.30), side * 0.3)
        total += dome(ball) * soft(ball + 0.05, 0.12)
    return np.asarray(total * patient.breasts, dtype=np.float32)


def _gas(grid: Grid, patient: Patient) -> Plane:
    """Return the gas in stomach and colon, which darkens what lies below the diaphragm."""
    random = patient.generator(2)
    total = np.zeros_like(grid.x)
    for _ in range(int(random.integers(0, 5))):
        centre = (random.normal(0.38, 0.12), 0.56 + patient.depth + abs(random.normal(0, 0.14)))
        half = (random.uniform(0.03, 0.14), random.uniform(0.025, 0.08))
        bubble = grid.ellipse(centre, half, random.uniform(-0.6, 0.6))
        total = np.maximum(total, soft(bubble, 0.8) * random.uniform(0.1, 0.35))
    return total
