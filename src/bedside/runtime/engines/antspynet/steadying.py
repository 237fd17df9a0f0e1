"""In the child: what an image gets before the library sees it, so that two of its habits do no harm.

*Contrast.* The library scales by minimum and maximum, so one hot voxel takes the contrast from all
others. Values that lie further from the darkest than twice the 99.95th percentile of what is not
background become as bright as the brightest of the others. In the ordinary heads of our samples the
brightest voxel lies at 1.01 to 1.37 times that percentile, so an ordinary head is handed on unchanged,
bit by bit.

*Alignment.* The library moves a head onto its template by the centres of mass alone, so a tilted head
stays tilted. Here the rotation under which the head shares most information with the template is
looked for first (a coarse grid of tilts, then smaller steps), at 8 mm. Where the head is tilted by more
than 12 degrees, the image's *header* is turned, never its voxels: nothing is resampled, and the answer
lies on the voxels as they are. A head that is upright is handed on unchanged.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bedside.runtime.engines.antspynet.library import Library

TEMPLATE: Final = "S_template3.nii.gz"
"""The head that the library itself aligns with."""

LEAST_TILT: Final = 12.0
"""Degrees; smaller tilts are within what the networks were trained with."""

_PERCENTILE: Final = 0.9995
_FARTHEST: Final = 2.0

_MILLIMETRES: Final = 8.0
_LEVELS: Final = 24
_COARSE: Final = (
    (-75.0, -50.0, -25.0, 0.0, 25.0, 50.0, 75.0),  # nodding: by far the most common
    (-50.0, -25.0, 0.0, 25.0, 50.0),  # leaning to a side
    (-50.0, -25.0, 0.0, 25.0, 50.0),  # looking to a side
)
_BEST: Final = 4
_STEPS: Final = (12.0, 6.0, 3.0)
_CLEARLY: Final = 1.02
"""How much more information a turned head must share than the head as it is."""

Angles = tuple[float, float, float]


def cut_outliers(values: NDArray[np.float32]) -> tuple[NDArray[np.float32], int]:
    """Return `values` with outliers cut at both ends, and how many voxels that were.

    Where there are none, the very same array is returned.
    """
    low, high = _bounds(values)
    within = (values >= low) & (values <= high)
    beyond = int(values.size - np.count_nonzero(within))
    if not beyond:
        return values, 0
    kept = values[within]
    return np.clip(values, kept.min(), kept.max()), beyond


def _bounds(values: NDArray[np.float32]) -> tuple[np.float32, np.float32]:
    sample = values.reshape(-1)
    darkest, typical = np.quantile(sample, 1 - _PERCENTILE), np.median(sample)
    head = sample[sample > sample.clip(darkest, np.quantile(sample, _PERCENTILE)).mean()]
    brightest = np.quantile(head, _PERCENTILE) if head.size else typical
    high = darkest + _FARTHEST * (brightest - darkest)
    low = brightest - _FARTHEST * (brightest - darkest)
    return np.float32(low), np.float32(high)


def upright(library: Library, images: list[Any]) -> float:
    """Turn the headers of `images` so that the head stands upright; return the degrees, 0 for none.

    Args:
        library: The open library.
        images: The images of one head, on one grid; the first one is looked at.
    """
    template = library.ants.image_read(str(library.shelf.file(TEMPLATE)))
    library.step("upright")
    search = _Search(library.ants, template, images[0])
    angles = search.best()
    turned = _degrees(_rotation(angles))
    if turned < LEAST_TILT or search.shared(angles) < _CLEARLY * search.shared((0.0, 0.0, 0.0)):
        return 0.0
    back, centre = _rotation(angles).T, search.centre
    for image in images:
        origin = back @ (np.asarray(image.origin) - centre) + centre
        image.set_direction(back @ np.asarray(image.direction))
        image.set_origin(tuple(origin.tolist()))
    return turned


class _Search:
    """How much a turned head shares with the template (mutual information, in bits)."""

    def __init__(self, ants: Any, template: Any, image: Any) -> None:
        self._ants = ants
        self._template = _coarse(ants, template)
        self._image = _coarse(ants, image)
        self._levels = _levels(self._template.numpy())
        self._there = np.asarray(ants.get_center_of_mass(self._template))
        self.centre = np.asarray(ants.get_center_of_mass(self._image))
        self._known: dict[Angles, float] = {}

    def shared(self, angles: Angles) -> float:
        """Return the information that the head, turned by `angles`, shares with the template."""
        if angles not in self._known:
            self._known[angles] = _information(self._levels, _levels(self._turned(angles)))
        return self._known[angles]

    def best(self) -> Angles:
        """Return the angles that share most, in degrees about the x, y and z axes of LPS."""
        ranked = sorted(product(*_COARSE), key=self.shared, reverse=True)
        candidates: list[Angles] = [(a, b, c) for a, b, c in ranked[:_BEST]]
        for step in _STEPS:
            candidates = [self._climbed(one, step) for one in candidates]
        return max(candidates, key=self.shared)

    def _climbed(self, angles: Angles, step: float) -> Angles:
        while True:
            best = max(_around(angles, step), key=self.shared)
            if self.shared(best) <= self.shared(angles):
                return angles
            angles = best

    def _turned(self, angles: Angles) -> NDArray[np.float32]:
        transform = self._ants.new_ants_transform(
            precision="float", dimension=3, transform_type="AffineTransform"
        )
        rotation = _rotation(angles)
        shift = self.centre - rotation @ self._there
        transform.set_parameters([*rotation.reshape(-1).tolist(), *shift.tolist()])
        moved = self._ants.apply_ants_transform_to_image(transform, self._image, self._template)
        array: NDArray[np.float32] = moved.numpy()
        return array


def _around(angles: Angles, step: float) -> Iterator[Angles]:
    for axis, by in product(range(3), (-step, step)):
        moved = list(angles)
        moved[axis] += by
        yield moved[0], moved[1], moved[2]


def _coarse(ants: Any, image: Any) -> Any:
    """Return an image at 8 mm, smoothed before."""
    wide = tuple(max(_MILLIMETRES, one) for one in image.spacing)
    smooth = ants.smooth_image(image, _MILLIMETRES / 2.355, sigma_in_physical_coordinates=True)
    return ants.resample_image(smooth, wide, use_voxels=False, interp_type=0)


def _levels(values: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return grey levels 0…23; what is brighter than nearly all is the brightest level."""
    low, high = np.quantile(values, (0.0, 0.998))
    scaled = (values - low) / max(float(high - low), 1e-12)
    levels: NDArray[np.int64] = np.clip((scaled * _LEVELS).astype(np.int64), 0, _LEVELS - 1)
    return levels.reshape(-1)


def _information(one: NDArray[np.int64], other: NDArray[np.int64]) -> float:
    """Return the mutual information of two images, in bits (Viola and Wells, IJCV 24:137, 1997)."""
    counts = np.bincount(one * _LEVELS + other, minlength=_LEVELS**2).reshape(_LEVELS, _LEVELS)
    joint = counts / counts.sum()
    apart = joint.sum(1, keepdims=True) * joint.sum(0, keepdims=True)
    some = joint > 0
    return float((joint[some] * np.log2(joint[some] / apart[some])).sum())


def _rotation(angles: Angles) -> NDArray[np.float64]:
    """Return the rotation about x, then y, then z, by degrees."""
    (cx, cy, cz), (sx, sy, sz) = np.cos(np.radians(angles)), np.sin(np.radians(angles))
    about_x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    turned: NDArray[np.float64] = about_z @ about_y @ about_x
    return turned


def _degrees(rotation: NDArray[np.float64]) -> float:
    return float(np.degrees(np.arccos(np.clip((np.trace(rotation) - 1) / 2, -1, 1))))
