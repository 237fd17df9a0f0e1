from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bedside.errors import UsageError
from bedside.imaging.files import files_at
from bedside.imaging.measuring.head import Head, head_of
from bedside.imaging.phantoms import drawn_head
from bedside.imaging.volume import Volume
from bedside.imaging.volume_likeness import LEAST_KNOWN, likeness_of, mean_likeness, nearness
from bedside.imaging.volume_reading import read_volume
from tests.imaging.measuring.shapes import stored_in_48_ways

SHAPE, SPACING = (48, 56, 52), (4.0, 4.0, 4.0)


def thumbnail(volume: Volume) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    head = head_of(volume.values, volume.affine)
    assert head is not None
    return likeness_of(volume.values, volume.affine, head)


def test_known_cells_have_mean_0_and_deviation_1() -> None:
    found = thumbnail(drawn_head(SHAPE, SPACING, 1))
    assert found.shape == (12**3,)
    assert np.nanmean(found) == pytest.approx(0, abs=1e-9)
    assert np.nanstd(found) == pytest.approx(1)


def test_what_lies_outside_the_field_of_view_is_unknown() -> None:
    volume = drawn_head(SHAPE, SPACING, 1)
    cube = thumbnail(volume).reshape(12, 12, 12)
    assert np.isnan(cube[0, 6, 6])
    assert not np.isnan(cube[6, 6, 6])


def test_scale_and_offset_of_the_values_mean_nothing() -> None:
    volume = drawn_head(SHAPE, SPACING, 1)
    head = head_of(volume.values, volume.affine)
    assert head is not None
    other = likeness_of(volume.values * 3 - 1000, volume.affine, head)
    assert nearness(thumbnail(volume), other) == pytest.approx(1, abs=1e-4)


def test_the_place_in_the_scanner_means_nothing() -> None:
    volume = drawn_head(SHAPE, SPACING, 1)
    moved = volume.affine.copy()
    moved[:3, 3] += (100, -50, 30)
    other = Volume(volume.values.copy(), moved, volume.facts)
    assert nearness(thumbnail(volume), thumbnail(other)) == pytest.approx(1, abs=1e-6)


def test_the_48_ways_to_store_it_give_one_answer() -> None:
    volume = drawn_head((83, 95, 91), (2.5, 2.0, 2.3), 2)
    wanted = thumbnail(volume)
    ways = [*stored_in_48_ways(volume.values, volume.affine)]
    for values, affine in ways[::5]:
        one = Volume(values.astype(np.float32), affine, volume.facts)
        assert np.allclose(thumbnail(one), wanted, atol=1e-6, equal_nan=True)


def test_a_head_whose_chin_is_cut_off_still_looks_like_it() -> None:
    volume = drawn_head(SHAPE, SPACING, 1)
    cut = volume.affine.copy()
    cut[:3, 3] += cut[:3, 2] * 10
    shorter = Volume(volume.values[:, :, 10:].copy(), cut, volume.facts)
    assert nearness(thumbnail(volume), thumbnail(shorter)) > 0.8


def test_what_is_hardly_seen_is_like_nothing() -> None:
    volume = drawn_head((10, 10, 10), (2.0, 2.0, 2.0), 1)
    own = likeness_of(volume.values, volume.affine, Head((-80, -100, -90), (80, 100, 90)))
    assert np.count_nonzero(~np.isnan(own)) < LEAST_KNOWN * own.size
    assert nearness(thumbnail(drawn_head(SHAPE, SPACING, 1)), own) == 0


def test_a_flat_volume_is_like_nothing() -> None:
    affine = np.diag([5.0, 5.0, 5.0, 1.0])
    own = likeness_of(
        np.full((50, 50, 50), 7, dtype=np.float32), affine, Head((0, 0, 0), (9, 9, 9))
    )
    assert not np.nan_to_num(own).any()
    assert nearness(thumbnail(drawn_head(SHAPE, SPACING, 1)), own) == 0


def test_a_mean_knows_what_any_of_its_thumbnails_knows() -> None:
    gap = np.nan
    mean = mean_likeness([np.array([1.0, 2.0, gap, gap]), np.array([3.0, gap, 4.0, gap])])
    expected = np.array([2.0, 2.0, 4.0, 0.0])
    assert mean == pytest.approx((expected - 2) / expected.std())


def test_of_nothing_there_is_no_mean() -> None:
    with pytest.raises(UsageError, match="no mean of 0"):
        mean_likeness([])


def test_of_two_sizes_there_is_no_nearness() -> None:
    with pytest.raises(UsageError, match="8 and 27"):
        nearness(np.zeros(8), np.zeros(27))


def test_two_real_heads_are_nearer_to_each_other_than_to_a_belly(samples: Path) -> None:
    one, other, belly = (
        thumbnail(read_volume(files_at(samples / name)))
        for name in (
            "heads/MNI152_T1_2mm.nii.gz",
            "heads/avg152T2.nii",
            "negatives/ct_torso.nii.gz",
        )
    )
    assert nearness(one, other) > 0.85
    assert nearness(one, belly) < 0.4
