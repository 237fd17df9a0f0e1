from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from bedside.errors import LimitExceeded, UsageError
from bedside.imaging.files import files_at
from bedside.imaging.measuring import agreement as module
from bedside.imaging.measuring.agreement import agreement, overlap, surface, surface_distances
from bedside.imaging.measuring.masks import Mask
from bedside.imaging.volume_reading import read_volume
from tests.imaging.measuring.shapes import ball, placed

NOTHING = np.zeros((4, 4, 4), dtype=np.bool_)


def by_transform(found: Mask, reference: Mask, spacing: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distances from the first's surface to the other's, by SciPy's distance transform."""
    padded = [np.pad(one, 1) for one in (found, reference)]
    rims = [one & ~ndimage.binary_erosion(one) for one in padded]
    far = ndimage.distance_transform_edt(~rims[1], sampling=spacing)
    distances: NDArray[np.float64] = far[rims[0]]
    return distances


class TestOverlap:
    def test_of_half_a_mask(self) -> None:
        whole, half = np.ones((4, 4, 4), dtype=np.bool_), NOTHING.copy()
        half[:2] = True
        found = overlap(half, whole)
        assert (found.dice, found.jaccard) == pytest.approx((2 / 3, 1 / 2))
        assert (found.sensitivity, found.precision) == (0.5, 1)
        assert (overlap(whole, half).sensitivity, overlap(whole, half).precision) == (1, 0.5)

    def test_of_nothing_with_nothing_is_complete(self) -> None:
        assert overlap(NOTHING, NOTHING).dice == 1

    def test_of_nothing_with_something_is_none(self) -> None:
        found = overlap(NOTHING, ~NOTHING)
        assert (found.dice, found.jaccard, found.sensitivity, found.precision) == (0, 0, 0, 1)

    def test_on_two_grids_is_refused(self) -> None:
        with pytest.raises(UsageError, match=r"\(4, 4, 4\) and \(4, 4, 5\)"):
            overlap(NOTHING, np.zeros((4, 4, 5), dtype=np.bool_))


class TestSurfaceDistances:
    @pytest.mark.parametrize("seed", [1, 2, 3])
    def test_are_those_of_the_distance_transform_on_right_angled_axes(self, seed: int) -> None:
        chance = np.random.default_rng(seed)
        spacing = np.array([1.0, 0.7, 3.0])
        one, other = (
            ndimage.gaussian_filter(chance.random((24, 25, 12)), 2) > 0.5 for _ in range(2)
        )
        there, back = by_transform(one, other, spacing), by_transform(other, one, spacing)
        affine = placed((1.0, 0.7, 3.0), turn=0.4, shape=(24, 25, 12))
        found = surface_distances(one, other, affine)
        assert found.mean == pytest.approx(np.concatenate([there, back]).mean())
        assert found.percentile_95 == pytest.approx(
            max(np.percentile(there, 95), np.percentile(back, 95))
        )
        assert found.most == pytest.approx(max(there.max(), back.max()))

    def test_of_two_balls_inside_each_other_are_the_difference_of_their_radii(self) -> None:
        affine = placed((1.0, 1.0, 1.0), turn=0.3, shear=0.3, shape=(40, 40, 40))
        inner, outer = (ball(affine, radius=radius, shape=(40, 40, 40)) for radius in (8.0, 13.0))
        found = surface_distances(inner, outer, affine)
        assert found.mean == pytest.approx(5, abs=0.25)
        assert found.most == pytest.approx(5, abs=1.2)

    def test_of_a_mask_with_itself_are_0(self) -> None:
        mask = ball(placed())
        assert surface_distances(mask, mask, placed()).most == 0

    def test_of_nothing_are_refused(self) -> None:
        with pytest.raises(UsageError, match="0 and 56 voxels have no distance"):
            surface_distances(NOTHING, ~NOTHING, np.eye(4))

    def test_of_a_surface_without_end_are_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "MOST_SURFACE", 50)
        with pytest.raises(LimitExceeded, match="has 56 voxels; at most 50"):
            surface(~NOTHING, np.eye(4))


def test_the_volumes_edge_is_a_surface() -> None:
    assert len(surface(~NOTHING, np.eye(4))) == 4**3 - 2**3


def test_as_measurements_they_have_units() -> None:
    told = [one.told() for one in agreement(~NOTHING, ~NOTHING, np.eye(4))]
    assert [(one["quantity"], one["value"], one["unit"]) for one in told] == [
        ("dice", 1.0, "1"),
        ("jaccard", 1.0, "1"),
        ("sensitivity", 1.0, "1"),
        ("precision", 1.0, "1"),
        ("surface-distance-mean", 0.0, "mm"),
        ("surface-distance-95", 0.0, "mm"),
    ]
    assert len(agreement(NOTHING, ~NOTHING, np.eye(4))) == 4


def test_two_masks_of_one_brain_that_disagree_on_the_fluid_around_it(samples: Path) -> None:
    closed, with_fluid = (
        read_volume(files_at(samples / "heads" / f"colin27_brainmask_{kind}.nii.gz")).values > 0
        for kind in ("closed", "icv")
    )
    found = overlap(closed, with_fluid)
    assert found.dice == pytest.approx(0.9417, abs=0.0005)
    assert found.precision == 1
