from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

from bedside.errors import UsageError
from bedside.imaging.axes import reoriented
from bedside.imaging.intensities import (
    clipped,
    eight_bit,
    min_max,
    percentile_scaled,
    rescaled,
    shifted,
    z_scored,
)
from tests.imaging.placing import CODE, grid, noise

NOISE = noise(grid((20, 21, 22))).values
HEAD = np.where(NOISE > 90, NOISE, 0).astype(np.float32)
FLAT = np.full((4, 5, 6), 7.0, dtype=np.float32)


def test_clips_to_a_range() -> None:
    found = clipped(NOISE, 80, 120)
    assert (found.min(), found.max()) == (80, 120)
    assert np.array_equal(found[(NOISE > 80) & (NOISE < 120)], NOISE[(NOISE > 80) & (NOISE < 120)])


def test_a_window_goes_where_it_is_told_and_is_cut_there() -> None:
    values = np.array([[[-200.0, -100.0, 50.0, 200.0, 300.0]]], dtype=np.float32)
    assert rescaled(values, (-100, 200)).ravel().tolist() == [0, 0, 0.5, 1, 1]
    free = rescaled(values, (-100, 200), (-1, 1), clip=False)
    assert free.ravel().tolist() == pytest.approx([-5 / 3, -1, 0, 1, 5 / 3])


def test_subtracts_and_divides() -> None:
    assert shifted(FLAT, 5, 4).max() == 0.5


def test_the_smallest_is_0_and_the_largest_is_1() -> None:
    found = min_max(NOISE)
    assert (found.min(), found.max()) == (0, 1)
    assert found.flat[int(NOISE.argmax())] == 1


class TestPercentiles:
    def test_are_numpys(self) -> None:
        low, high = np.percentile(NOISE, (2, 98))
        expected = np.clip((NOISE - low) / (high - low), 0, 1)
        assert np.abs(percentile_scaled(NOISE, 2, 98) - expected).max() < 1e-6

    def test_may_leave_the_background_out_and_what_is_beyond_in(self) -> None:
        low, high = np.percentile(HEAD[HEAD != 0], (2, 98))
        expected = (HEAD - low) / (high - low)
        found = percentile_scaled(HEAD, 2, 98, nonzero=True, clip=False)
        assert np.abs(found - expected).max() < 1e-5

    def test_do_not_mind_one_bright_voxel(self) -> None:
        spoiled = NOISE.copy()
        spoiled[3, 3, 3] = 1e6
        apart = np.abs(percentile_scaled(spoiled, 1, 99) - percentile_scaled(NOISE, 1, 99))
        apart[3, 3, 3] = 0
        assert apart.max() < 0.001


class TestStandardising:
    def test_gives_mean_0_and_deviation_1(self) -> None:
        found = z_scored(NOISE).astype(np.float64)
        assert abs(found.mean()) < 1e-6
        assert found.std() == pytest.approx(1, abs=1e-6)

    def test_of_what_is_not_0_leaves_0(self) -> None:
        found = z_scored(HEAD, nonzero=True)
        assert (found[HEAD == 0] == 0).all()
        counted = found[HEAD != 0].astype(np.float64)
        assert abs(counted.mean()) < 1e-6
        assert counted.std() == pytest.approx(1, abs=1e-6)

    def test_of_a_large_offset_loses_nothing(self) -> None:
        far = (NOISE + np.float32(2**16)).astype(np.float32)
        mean, deviation = float(far.mean(dtype=np.float64)), float(far.std(dtype=np.float64))
        assert np.abs(z_scored(far) - (far.astype(np.float64) - mean) / deviation).max() < 1e-4


class TestEightBits:
    def test_are_whole_numbers_with_the_brightest_cut(self) -> None:
        spoiled = np.abs(NOISE)
        spoiled[3, 3, 3] = 400
        found = eight_bit(spoiled)
        assert set(np.unique(found)) <= set(range(256))
        assert (found.min(), found.max()) == (0, 255)
        assert 1 <= (found == 255).sum() <= 0.004 * found.size

    def test_follow_the_histogram_of_1000_bins(self) -> None:
        """By hand: 9,000 of 0, 995 of 950 and 5 of 1,000; the share 0.999 of 1,000 leaves 1 out."""
        values = np.zeros(10_000, dtype=np.float32)
        values[9_000:9_995] = 950
        values[9_995:] = 1_000
        found = eight_bit(values.reshape(10, 10, 100)).ravel()
        # all but one are reached in the last bin, number 999: the range ends at bin 998's lower edge
        assert found[9_500] == np.rint(255 * 950 / 998)
        assert found[-1] == 255


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (min_max(FLAT), 0),
        (percentile_scaled(FLAT, 1, 99), 0),
        (percentile_scaled(FLAT * 0, 1, 99, nonzero=True), 0),
        (z_scored(FLAT), 0),
        (z_scored(FLAT * 0, nonzero=True), 0),
        (eight_bit(FLAT), 0),
    ],
    ids=["min-max", "percentiles", "of nothing", "z-score", "z of nothing", "8 bits"],
)
def test_a_flat_volume_is_0(found: np.ndarray, expected: float) -> None:
    assert found.shape == FLAT.shape
    assert (found == expected).all()


@given(CODE)
@settings(max_examples=10, deadline=None)
def test_the_order_in_memory_changes_no_bit(code: str) -> None:
    one = noise(grid((17, 40, 33)))
    stored = reoriented(one, code)
    again = reoriented(type(one)(np.ascontiguousarray(stored.values), stored.affine), "RAS").values
    for rule in (z_scored, min_max, eight_bit):
        assert np.array_equal(rule(again), rule(one.values))
    assert np.array_equal(percentile_scaled(again, 1, 99), percentile_scaled(one.values, 1, 99))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: clipped(NOISE, 2, 1), "from 2 to 1"),
        (lambda: clipped(NOISE, float("nan"), 1), "from nan to 1"),
        (lambda: rescaled(NOISE, (5, 5)), "5 to 5"),
        (lambda: rescaled(NOISE, (0, 1), (1, 0)), "1 to 0"),
        (lambda: shifted(NOISE, 0, 0), "divided by 0"),
        (lambda: percentile_scaled(NOISE, 50, 50), "50 and 50"),
        (lambda: percentile_scaled(NOISE, 0, 101), "0 and 101"),
        (lambda: eight_bit(NOISE, 0), "share 0"),
    ],
    ids=["clip", "nan", "window", "range", "divisor", "same", "beyond", "share"],
)
def test_what_makes_no_sense_is_refused_with_its_numbers(call, words: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(UsageError, match=words):
        call()
