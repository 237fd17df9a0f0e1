"""From thickness to grey values: exposure, scatter, noise, the film's curve, borders and letters."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bedside.lab.films.grid import Grid, Plane, blurred

LETTERS = {
    "L": ("1000", "1000", "1000", "1000", "1000", "1000", "1111"),
    "P": ("1110", "1001", "1001", "1110", "1000", "1000", "1000"),
    "A": ("0110", "1001", "1001", "1111", "1001", "1001", "1001"),
}
"""What a marker says, as dots."""

CURVE_STEPS = 1 << 15
"""Entries of the film's curve: finer than 12 bits."""


def exposed(thick: Plane, grid: Grid, random: np.random.Generator) -> Plane:
    """Return grey values from 0 (black) to 1 (white), as a digital system presents a film.

    The rays that get through, exp(−k · thickness), are mixed with scattered ones and with the
    noise of counting them; their logarithm is stretched from just below the darkest tenth inside
    the body to its brightest parts, and bent as a film bends it.

    Args:
        thick: What each ray goes through; an average chest is about 1, bones count more.
        grid: The pixels.
        random: Exposure, noise and contrast are drawn from it.
    """
    hardness = random.uniform(2.6, 3.4)
    rays = np.exp(-hardness * thick)
    scatter = random.uniform(0.08, 0.25)
    rays = (1 - scatter) * rays + scatter * blurred(rays, 0.12 * grid.side)
    counted = random.uniform(4e3, 3e4) * 10 ** random.uniform(-0.2, 0.2)
    noise = random.standard_normal(rays.shape, dtype=np.float32)
    noise = noise + 0.8 * blurred(noise, 0.7)
    rays = np.maximum(rays + noise * np.sqrt(rays / counted), 1e-4)
    dark = -np.log(rays)
    return _presented(dark, random)


def _presented(dark: Plane, random: np.random.Generator) -> Plane:
    few = dark[::7, ::7]
    inside = few[few > 0.35]
    low, high = np.quantile(inside if inside.size > 50 else few, [0.03, 0.97]).tolist()
    span = high - low
    low, high = low - span * random.uniform(0.05, 0.35), high + span * random.uniform(0.0, 0.08)
    steep, centre = random.uniform(3.0, 5.0), random.uniform(0.32, 0.50)
    level = np.linspace(-0.4, 1.4, CURVE_STEPS)
    curve = 1 / (1 + np.exp(-steep * (level - centre)))
    ends = 1 / (1 + np.exp(-steep * (np.array([-0.02, 1.05]) - centre)))
    grey = np.clip((curve - ends[0]) / (ends[1] - ends[0]), 0, 1) ** random.uniform(0.8, 1.15)
    entry = (dark - low) * ((CURVE_STEPS - 1) / 1.8 / (high - low))
    entry += (CURVE_STEPS - 1) * 0.4 / 1.8
    place = np.clip(entry, 0, CURVE_STEPS - 1).astype(np.int32)
    return np.asarray(grey[place], dtype=np.float32)


def bordered(grey: Plane, random: np.random.Generator) -> Plane:
    """Return the film with collimated edges, in one film of three: black shutters or white strips."""
    if random.random() > 0.35:
        return grey
    framed, side = grey.copy(), len(grey)
    value = 0.0 if random.random() < 0.7 else random.uniform(0.93, 1.0)
    top, bottom, left, right = (
        random.integers(0, max(2, side // 22), 4) * (random.random(4) < 0.6)
    ).tolist()
    framed[:top] = value
    framed[side - bottom :] = value
    framed[:, :left] = value
    framed[:, side - right :] = value
    return framed


def lettered(grey: Plane, random: np.random.Generator) -> Plane:
    """Return the film with a lead letter, in most films: an L on the patient's left, at any place there."""
    if random.random() > 0.8:
        return grey
    marked, side = grey.copy(), len(grey)
    words = "L" if random.random() < 0.75 else "PA"
    dots = np.concatenate([_letter(letter) for letter in words], axis=1)
    if random.random() < 0.15:
        dots = dots[:, ::-1]
    if random.random() < 0.2:
        dots = dots.T
    scale = max(1, round(side * random.uniform(0.005, 0.011)))
    stamp = np.kron(dots, np.ones((scale, scale), dtype=bool))
    height, width = stamp.shape
    row = int(side * random.uniform(0.02, 0.2))
    column = int(side * random.uniform(0.72, 0.97)) - width
    place = marked[row : row + height, column : column + width]
    place[stamp] = random.uniform(0.8, 1.0)
    return marked


def _letter(name: str) -> NDArray[np.bool_]:
    rows = [[dot == "1" for dot in row] + [False] for row in LETTERS[name]]
    return np.array(rows, dtype=bool)
