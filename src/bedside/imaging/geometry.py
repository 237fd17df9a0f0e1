"""Resizing, cropping and padding, and where the pixels came from. (Thin; helper A owns it.)"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Filter = Literal["nearest", "box", "bilinear", "bicubic", "lanczos"]


@dataclass(frozen=True, slots=True)
class Placement:
    """Where the grid's pixel (r, c) lies in the picture: (r × row_scale + row_offset, …)."""

    row_scale: float = 1.0
    row_offset: float = 0.0
    column_scale: float = 1.0
    column_offset: float = 0.0


def resize(channel: NDArray[np.float32], rows: int, columns: int, name: Filter) -> NDArray[np.float32]:
    """Return one channel, rows × columns, resized with a named filter."""
    image = Image.fromarray(np.ascontiguousarray(channel, dtype=np.float32), mode="F")
    resized = image.resize((columns, rows), getattr(Image.Resampling, name.upper()))
    return np.asarray(resized, dtype=np.float32)


def crop_or_pad(channel: NDArray[np.float32], rows: int, columns: int, value: float) -> NDArray[np.float32]:
    """Return the middle of `channel`, padded with `value` where it is smaller."""
    high, wide = channel.shape
    before = (max(0, (rows - high) // 2), max(0, (columns - wide) // 2))
    after = (max(0, rows - high) - before[0], max(0, columns - wide) - before[1])
    padded = np.pad(channel, tuple(zip(before, after, strict=True)), constant_values=value)
    top, left = (padded.shape[0] - rows) // 2, (padded.shape[1] - columns) // 2
    return padded[top : top + rows, left : left + columns]
