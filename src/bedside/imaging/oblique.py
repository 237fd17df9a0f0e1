"""Resampling between grids whose axes are not parallel, in chunks of slabs.

The same interpolations as in `bands.py`, at places that move along all three axes of the source at
once. Nearest and linear are scipy's `affine_transform` (orders 0 and 1), the cubic is gathered here.
"""

from __future__ import annotations

import itertools
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bedside.imaging.axes import Matrix
from bedside.imaging.bands import LATTICE, TIE, Interpolation, combined, gaussian, kernel
from bedside.imaging.volume import Voxels

CHUNK: Final = 2**20
"""Voxels that are interpolated together, linear; 4 MiB of values."""

GATHERED: Final = 2**17
"""Voxels of which the neighbours are gathered together; about 16 MiB of places and weights."""


def oblique(
    values: Voxels, places: Matrix, interpolation: Interpolation, out: Voxels, *, endless: bool
) -> None:
    """Write interpolated values into `out`; what lies outside the source is left as it is.

    Args:
        values: The source, smoothed already.
        places: Indices of `out` to indices of the source, 4 × 4.
        interpolation: As `resampling.py` says.
        out: New values, C order.
        endless: Whether the outer values go on for ever; otherwise half a voxel.
    """
    source = np.ascontiguousarray(values)
    first, last = ((0, 0, 0), out.shape) if endless else _reached(source.shape, places, out.shape)
    near = out[first[0] : last[0], first[1] : last[1], first[2] : last[2]]
    start = places[:3, 3] + places[:3, :3] @ np.array(first)
    slabs = max(CHUNK // max(near.shape[1] * near.shape[2], 1), 1)
    for begin in range(0, len(near), slabs):
        part = near[begin : begin + slabs]
        shift = start + places[:3, 0] * begin
        found = np.empty(part.shape, dtype=np.float32)
        if interpolation == "cubic":
            _gathered(source, places[:3, :3], shift, found)
        else:
            ndimage.affine_transform(
                source,
                places[:3, :3],
                shift + (TIE if interpolation == "nearest" else 0.0),
                output_shape=part.shape,
                output=found,
                order=0 if interpolation == "nearest" else 1,
                mode="nearest",
                prefilter=False,
            )
        if endless:
            part[...] = found
        else:
            np.copyto(part, found, where=_inside(source.shape, places[:3, :3], shift, part.shape))


def smoothed(values: Voxels, sigmas: tuple[float, float, float]) -> Voxels:
    """Return the values smoothed by a Gaussian along each axis.

    Args:
        values: Along (i, j, k).
        sigmas: Standard deviations in voxels; 0 leaves an axis as it is.
    """
    if not any(sigmas):
        return values
    i, j, k = (gaussian(size, sigma) for size, sigma in zip(values.shape, sigmas, strict=True))
    out = np.empty(values.shape, dtype=np.float32)
    combined(values, (i, j, k), out)
    return out


def _reached(
    source: tuple[int, ...], places: Matrix, shape: tuple[int, ...]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the first index and the first beyond of the voxels that can lie in the source."""
    faces = itertools.product(*((-1.0, float(size)) for size in source))
    corners = np.linalg.inv(places) @ np.array([(*one, 1.0) for one in faces]).T
    low = np.clip(np.floor(corners[:3].min(axis=1)), 0, shape).astype(int)
    high = np.clip(np.ceil(corners[:3].max(axis=1)) + 1, 0, shape).astype(int)
    return tuple(int(one) for one in low), tuple(int(one) for one in high)


def _inside(
    source: tuple[int, ...], matrix: Matrix, shift: NDArray[np.float64], shape: tuple[int, ...]
) -> NDArray[np.bool_]:
    """Return which voxels of a chunk lie between the source's outer faces.

    Along a row (k) the place on each of the source's axes grows evenly, so it is inside from one
    index to another.
    """
    rows = np.indices(shape[:2], dtype=np.float64)
    low = np.full(shape[:2], -np.inf)
    high = np.full(shape[:2], np.inf)
    spare = 0.5 / LATTICE
    for axis, size in enumerate(source):
        begin = shift[axis] + matrix[axis, 0] * rows[0] + matrix[axis, 1] * rows[1]
        step = matrix[axis, 2]
        if abs(step) * shape[2] < spare:
            beyond = (begin < -0.5 - spare) | (begin > size - 0.5 + spare)
            high[beyond] = -np.inf
            continue
        ends = (-0.5 - spare - begin) / step, (size - 0.5 + spare - begin) / step
        np.maximum(low, np.minimum(*ends), out=low)
        np.minimum(high, np.maximum(*ends), out=high)
    k = np.arange(shape[2], dtype=np.float64)
    inside: NDArray[np.bool_] = (k >= low[..., None]) & (k <= high[..., None])
    return inside


def _gathered(source: Voxels, matrix: Matrix, shift: NDArray[np.float64], out: Voxels) -> None:
    """Write Catmull-Rom's cubic of a chunk: 64 neighbours each."""
    lines = max(GATHERED // out.shape[2], 1)
    for at, slab in enumerate(out):
        for begin in range(0, len(slab), lines):
            part = slab[begin : begin + lines]
            rows = np.indices(part.shape, dtype=np.float64).reshape(2, -1)
            start = shift + matrix[:, 0] * at + matrix[:, 1] * begin
            part[...] = _cubic(source, matrix[:, 1:] @ rows + start[:, None]).reshape(part.shape)


def _cubic(source: Voxels, places: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the values at places, 3 × n."""
    flat = source.reshape(-1)
    _, rows, columns = source.shape
    (i_at, i_weights), (j_at, j_weights), k_taps = (
        _taps(place, size) for place, size in zip(places, source.shape, strict=True)
    )
    total = np.zeros(places.shape[1], dtype=np.float32)
    for i, j in itertools.product(range(4), repeat=2):
        start = (i_at[i] * rows + j_at[j]) * columns
        line = np.zeros_like(total)
        for index, weight in zip(*k_taps, strict=True):
            line += flat[start + index] * weight
        total += line * (i_weights[i] * j_weights[j])
    return total


def _taps(
    places: NDArray[np.float64], size: int
) -> tuple[list[NDArray[np.intp]], list[NDArray[np.float32]]]:
    """Return four indices of one axis, edge repeated, and their weights."""
    first, weights = kernel(places, "cubic")
    indices = [np.clip(first + tap, 0, size - 1) for tap in range(4)]
    return indices, [weights[:, tap].astype(np.float32) for tap in range(4)]
