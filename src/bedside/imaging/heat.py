"""A heat map over its film, as a picture. (Thin version by the lead; helper A owns it.)"""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bedside.imaging.geometry import Placement


def overlay(unit: NDArray[np.float32], grid: NDArray[np.float64], placement: Placement) -> bytes:
    """Return `grid` over `unit` as PNG."""
    strength = np.clip(grid / (np.abs(grid).max() or 1), 0, 1).astype(np.float32)
    heat = Image.fromarray(strength, mode="F").resize(unit.shape[::-1], Image.Resampling.BILINEAR)
    grey = unit if unit.ndim == 2 else unit.mean(axis=2)
    red = np.clip(grey + 0.6 * np.asarray(heat), 0, 1)
    rgb = (np.stack([red, grey, grey], axis=2) * 255).astype(np.uint8)
    out = io.BytesIO()
    Image.fromarray(rgb).save(out, "PNG")
    return out.getvalue()
