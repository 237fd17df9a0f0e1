"""In the child: one call of a library function, from arrays to arrays.

Images come as float32 along (i, j, k) with an affine to millimetres in RAS+; ITK, on which ANTs
stands, uses LPS, an origin, a spacing and an orthonormal direction.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bedside.errors import PackageRefused, UsageError
from bedside.runtime.engines.antspynet.functions import Asked, asked
from bedside.runtime.engines.antspynet.library import Library
from bedside.runtime.engines.antspynet.steadying import cut_outliers, upright

_LPS: Final = np.diag([-1.0, -1.0, 1.0])
_SHEAR: Final = 1e-3
"""Largest cosine between two axes of a volume that ITK can hold."""

_BRAIN: Final = (2.0, 3.0)
"""What `t1combined` calls brain, as the library's own `preprocess_brain_image` reads it."""


def call(
    library: Library, header: Mapping[str, Any], arrays: Sequence[NDArray[Any]]
) -> tuple[dict[str, Any], list[NDArray[Any]]]:
    """Return what a function says of images, and how it came to it.

    Args:
        library: The open library.
        header: `function`, `parameters`, `affines` (4 × 4 for each image; none for a film),
            `outliers` and `upright`.
        arrays: The images, float32.

    Returns:
        Words for the header; one array: channels × i × j × k, or numbers.
    """
    ask = asked(header["function"], header["parameters"])
    told: dict[str, Any] = {}
    values = [np.asarray(one, np.float32) for one in arrays]
    if header["outliers"]:
        values, told["cut"] = _without_outliers(values)
    images = [
        _image(library, one, affine) for one, affine in zip(values, header["affines"], strict=True)
    ]
    if header["upright"] and ask.known.axes == 3:
        told["turned"] = upright(library, images)
    return told, [_ask(library, ask, images)]


def _without_outliers(
    values: Sequence[NDArray[np.float32]],
) -> tuple[list[NDArray[np.float32]], int]:
    pairs = [cut_outliers(one) for one in values]
    return [one for one, _ in pairs], sum(cut for _, cut in pairs)


def _ask(library: Library, ask: Asked, images: list[Any]) -> NDArray[Any]:
    function = library.function(ask.function)
    if ask.function == "brain_extraction":
        return _brain(function, str(ask.parameters["modality"]), images)
    answer = function(*images, **ask.parameters)
    if ask.function == "deep_atropos":
        return _stacked(answer["probability_images"])
    if ask.function == "brain_age":
        return np.array([answer["predicted_age"]], np.float32)
    if ask.function == "chexnet":
        return np.asarray(answer, np.float32).reshape(-1)
    return _stacked([answer])


def _brain(function: Callable[..., Any], modality: str, images: list[Any]) -> NDArray[np.float32]:
    answer = function(images[0] if len(images) == 1 else images, modality=modality)
    if isinstance(answer, dict):
        return _stacked(answer["probability_images"])
    found = _stacked([answer])
    if modality == "t1combined":
        return ((found >= _BRAIN[0]) & (found <= _BRAIN[1])).astype(np.float32)
    if modality == "t1nobrainer":  # numbered regions, not a probability
        return (found > 0).astype(np.float32)
    return found


def _stacked(images: Sequence[Any]) -> NDArray[np.float32]:
    """Return probabilities, channels × i × j × k; what rounding left beside 0…1 is cut."""
    stacked = np.stack([one.numpy() for one in images]).astype(np.float32)
    if not np.isfinite(stacked).all():
        raise PackageRefused("ANTsPyNet answered with numbers that are not finite.")
    return np.clip(stacked, 0, 1, out=stacked)


def _image(library: Library, values: NDArray[np.float32], affine: object) -> Any:
    if affine is None:
        return library.ants.from_numpy(values)
    matrix = np.asarray(affine, np.float64)
    columns = _LPS @ matrix[:3, :3]
    spacing = np.linalg.norm(columns, axis=0)
    direction = columns / spacing
    if np.abs(direction.T @ direction - np.eye(3)).max() > _SHEAR:
        raise UsageError(
            f"The volume's axes are not at right angles: {matrix[:3, :3].tolist()}.",
            advice="Resample it onto a grid with right angles first (a tilted gantry shears it).",
        )
    u, _, v = np.linalg.svd(direction)  # the nearest matrix that is exactly orthonormal
    return library.ants.from_numpy(
        values,
        origin=(_LPS @ matrix[:3, 3]).tolist(),
        spacing=spacing.tolist(),
        direction=u @ v,
    )
