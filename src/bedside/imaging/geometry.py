"""Sizes and places: resize with a named filter, crop and pad around the middle.

Every operation takes and gives float32, rows × columns or rows × columns × channels. A pixel is a
square: pixel i covers i to i + 1, and its middle is i + 0.5. `Placement` keeps the books.

What `resize` computes, along each axis (Pillow's resampling in 32-bit floats, sums in double
precision), with `scale = before / after`:

- `nearest`: the pixel that holds the point `(i + 0.5) · scale`.
- the others: a mean of the pixels around `(i + 0.5) · scale`, weighted by the filter stretched to
  `max(scale, 1)` (so that shrinking does not alias), the weights summing to 1 at the edges too.
  Half-widths before stretching: box 0.5, bilinear (triangle) 1, bicubic (Catmull-Rom, a = -0.5) 2,
  lanczos (a windowed sinc) 3. Bicubic and lanczos can leave the range of the values.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bedside.errors import UsageError

Filter: TypeAlias = Literal["nearest", "box", "bilinear", "bicubic", "lanczos"]
Pixels: TypeAlias = NDArray[np.float32]

_FILTERS: Final = {
    "nearest": Image.Resampling.NEAREST,
    "box": Image.Resampling.BOX,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}


def resize(pixels: Pixels, rows: int, columns: int, filter: Filter) -> Pixels:  # noqa: A002 - its name in the manifest
    """Return the picture with exactly so many rows and columns, as the module says.

    Args:
        pixels: Rows × columns, or rows × columns × channels.
        rows: Rows to return.
        columns: Columns to return.
        filter: What the neighbours weigh.

    Raises:
        UsageError: the filter has no such name, or a side is below 1.
    """
    if filter not in _FILTERS:
        raise UsageError(f"There is no filter {filter!r}; there are {', '.join(_FILTERS)}.")
    _check_size(rows, columns)
    if pixels.ndim == 3:
        channels = np.moveaxis(pixels, 2, 0)
        return np.stack([resize(one, rows, columns, filter) for one in channels], axis=2)
    image = Image.fromarray(np.ascontiguousarray(pixels, dtype=np.float32))
    return np.array(image.resize((columns, rows), _FILTERS[filter]), dtype=np.float32)


def crop_or_pad(pixels: Pixels, rows: int, columns: int, value: float = 0.0) -> Pixels:
    """Return exactly so many rows and columns around the middle, cropped or padded on each axis.

    `margin` says where they begin.

    Args:
        pixels: Rows × columns, or rows × columns × channels.
        rows: Rows to return.
        columns: Columns to return.
        value: What stands where the picture is not.

    Raises:
        UsageError: a side is below 1.
    """
    _check_size(rows, columns)
    out = np.full((rows, columns, *pixels.shape[2:]), value, dtype=np.float32)
    from_rows, to_rows = _overlap(pixels.shape[0], rows)
    from_columns, to_columns = _overlap(pixels.shape[1], columns)
    out[to_rows, to_columns] = pixels[from_rows, from_columns]
    return out


def margin(before: int, after: int) -> int:
    """Return where the first of `after` pixels lies among `before`; negative where it is padded.

    Of an odd difference, the smaller half lies at the top and at the left.
    """
    return (before - after) // 2 if after <= before else -((after - before) // 2)


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a grid lies in a picture: `picture = scale · grid + offset`, in pixels, on each axis.

    Coordinates are continuous: 0 is the first pixel's outer edge, 0.5 its middle.

    Attributes:
        rows: Scale and offset along the rows.
        columns: Scale and offset along the columns.
    """

    rows: tuple[float, float] = (1.0, 0.0)
    columns: tuple[float, float] = (1.0, 0.0)

    def resized(self, before: tuple[int, int], after: tuple[int, int]) -> Placement:
        """Return where the grid lies once `before` (rows, columns) was resized to `after`."""
        (row_scale, row_offset), (column_scale, column_offset) = self.rows, self.columns
        return Placement(
            (row_scale * before[0] / after[0], row_offset),
            (column_scale * before[1] / after[1], column_offset),
        )

    def centred(self, before: tuple[int, int], after: tuple[int, int]) -> Placement:
        """Return where the grid lies once `before` was cropped or padded to `after`."""
        (row_scale, row_offset), (column_scale, column_offset) = self.rows, self.columns
        return Placement(
            (row_scale, row_offset + row_scale * margin(before[0], after[0])),
            (column_scale, column_offset + column_scale * margin(before[1], after[1])),
        )

    def shown(self, before: tuple[int, ...], after: tuple[int, ...]) -> Placement:
        """Return where the grid lies when the picture itself is shown resized."""
        down, across = after[0] / before[0], after[1] / before[1]
        (row_scale, row_offset), (column_scale, column_offset) = self.rows, self.columns
        return Placement(
            (row_scale * down, row_offset * down), (column_scale * across, column_offset * across)
        )

    @property
    def inverse(self) -> Placement:
        """Where the picture lies in the grid: `grid = scale · picture + offset`."""
        (row_scale, row_offset), (column_scale, column_offset) = self.rows, self.columns
        return Placement(
            (1 / row_scale, -row_offset / row_scale),
            (1 / column_scale, -column_offset / column_scale),
        )


def put_back(grid: Pixels, placement: Placement, rows: int, columns: int) -> Pixels:
    """Return a network's grid on the picture that it was made of, bilinear; 0 where it ends.

    Args:
        grid: Rows × columns of the network's input.
        placement: Where that lies in the picture.
        rows: The picture's rows.
        columns: The picture's columns.
    """
    (row_scale, row_offset), (column_scale, column_offset) = (
        placement.inverse.rows,
        placement.inverse.columns,
    )
    image = Image.fromarray(np.ascontiguousarray(grid, dtype=np.float32))
    affine = (column_scale, 0.0, column_offset, 0.0, row_scale, row_offset)
    placed = image.transform(
        (columns, rows), Image.Transform.AFFINE, affine, Image.Resampling.BILINEAR
    )
    return np.array(placed, dtype=np.float32)


def _overlap(before: int, after: int) -> tuple[slice, slice]:
    """Return what is kept of `before` pixels, and where it stands among `after`."""
    first, kept = margin(before, after), min(before, after)
    return slice(max(first, 0), max(first, 0) + kept), slice(max(-first, 0), max(-first, 0) + kept)


def _check_size(rows: int, columns: int) -> None:
    if min(rows, columns) < 1:
        raise UsageError(f"{rows} × {columns} pixels is no size of a picture.")
