"""A label map to draw from: a ball of brain with a sulcus, in fluid, in bone, in skin."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bedside.imaging.volume_writing import nifti_bytes
from bedside.lab.synthesis.heads import Head, read_head

SIDE = 48
MIDDLE = (SIDE - 1) / 2


def ball_map(sulcus: int = 4) -> NDArray[np.float32]:
    """Return FreeSurfer labels, 48³: white, grey, a sulcus so many mm wide, fluid, bone, skin."""
    place = np.indices((SIDE, SIDE, SIDE)) - MIDDLE
    away = np.sqrt((place**2).sum(0))
    labels = np.zeros(away.shape, dtype=np.float32)
    for radius, label in ((23, 511), (22, 515), (20, 24), (13, 42), (9, 41), (3, 43)):
        labels[away <= radius] = label
    labels[(np.abs(place[0]) <= sulcus / 2) & (place[2] > 6) & (away <= 13)] = 24
    labels[(away <= 13) & (place[2] < -8)] = 47
    return labels


def write_map(path: Path, labels: NDArray[np.float32], spacing: float = 1.0) -> Path:
    """Write a label map, and return where."""
    path.write_bytes(nifti_bytes(labels, np.diag([spacing, spacing, spacing, 1.0])))
    return path


def ball_head(folder: Path) -> Head:
    """Return the head of the map."""
    return read_head(write_map(folder / "ball.nii.gz", ball_map()))
