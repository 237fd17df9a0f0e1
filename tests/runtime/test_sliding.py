from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedside.errors import LimitExceeded
from bedside.package import volume_growth
from bedside.package.volume_models import SlidingInference
from bedside.runtime.progress import Progress, silent
from bedside.runtime.sliding import LEAST_WEIGHT, Tensor, importance, slid, starts, windows

WINDOW = SlidingInference(patch=(6, 5, 4), overlap=0.5)


def same(window: Tensor, tick: Callable[[], None]) -> Tensor:
    tick()
    return window


def tensor(*sides: int) -> Tensor:
    return np.random.default_rng(0).normal(size=(1, *sides)).astype(np.float32)


@given(st.integers(1, 60), st.integers(2, 40), st.floats(0, 0.9))
def test_windows_begin_where_monai_begins_them(extra: int, window: int, overlap: float) -> None:
    side = window + extra
    step = max(int(window * (1 - overlap)), 1)
    expected = []
    for number in range(math.ceil(side / step)):  # monai.data.utils.dense_patch_slices
        expected.append(min(number * step, side - window))
        if number * step + window >= side:
            break
    assert starts(side, window, overlap) == tuple(expected)


@given(st.integers(1, 60), st.integers(1, 40), st.floats(0, 0.9))
def test_windows_leave_nothing_out(extra: int, window: int, overlap: float) -> None:
    found = starts(window + extra, window, overlap)
    seen = {voxel for at in found for voxel in range(at, at + window)}
    assert seen == set(range(window + extra))


def test_a_volume_as_large_as_a_window_takes_one() -> None:
    assert starts(32, 32, 0.5) == (0,)


class TestImportance:
    def test_is_largest_in_the_middle_and_never_nothing(self) -> None:
        found = importance(SlidingInference(patch=(9, 9, 9)))
        assert found[4, 4, 4] == found.max() == 1
        assert found.min() == np.float32(LEAST_WEIGHT)

    def test_is_a_gaussian_of_the_declared_width(self) -> None:
        found = importance(SlidingInference(patch=(8, 8, 8), sigma=0.5))
        away = np.arange(8) - 3.5
        line = np.exp(-(away**2) / (2 * 4.0**2))
        expected = line[:, None, None] * line[:, None] * line
        assert found == pytest.approx(expected, abs=1e-6)

    def test_is_one_everywhere_where_all_count_alike(self) -> None:
        assert (importance(SlidingInference(patch=(4, 4, 4), weights="uniform")) == 1).all()


class TestAWholeVolume:
    @pytest.mark.parametrize("sides", [(6, 5, 4), (17, 11, 9), (4, 3, 2), (3, 12, 4)])
    @pytest.mark.parametrize("weights", ["gaussian", "uniform"])
    def test_is_what_the_windows_are_where_they_agree(
        self, sides: tuple[int, int, int], weights: str
    ) -> None:
        inference = WINDOW.model_copy(update={"weights": weights})
        given = tensor(*sides)
        assert slid(given, inference, 1, same, silent) == pytest.approx(given, abs=1e-5)

    def test_has_the_mean_where_windows_do_not_agree(self) -> None:
        numbers = iter(range(1, 100))

        def counted(window: Tensor, _: Callable[[], None]) -> Tensor:
            return np.full_like(window, next(numbers))

        inference = SlidingInference(patch=(4, 2, 2), overlap=0.5, weights="uniform")
        found = slid(tensor(6, 2, 2), inference, 1, counted, silent)
        assert found[0, :, 0, 0].tolist() == [1, 1, 1.5, 1.5, 2, 2]

    def test_is_surrounded_by_the_declared_value_where_it_is_smaller(self) -> None:
        inference = SlidingInference(patch=(6, 4, 4), pad=-7.0)
        seen = []

        def looked(window: Tensor, _: Callable[[], None]) -> Tensor:
            seen.append(window.copy())
            return window

        slid(tensor(3, 4, 4), inference, 1, looked, silent)
        assert (seen[0][0, 0] == -7).all()  # one before, two behind: the smaller half before
        assert (seen[0][0, 4:] == -7).all()
        assert not (seen[0][0, 1:4] == -7).any()

    def test_gives_as_many_channels_as_the_network(self) -> None:
        def three(window: Tensor, _: Callable[[], None]) -> Tensor:
            return np.concatenate([window, 2 * window, 3 * window])

        found = slid(tensor(9, 9, 9), WINDOW, 3, three, silent)
        assert found.shape == (3, 9, 9, 9)
        assert found[2] == pytest.approx(3 * found[0], abs=1e-4)


def test_progress_is_told_window_by_window_and_may_end_it() -> None:
    told: list[Progress] = []
    count = len(windows((12, 10, 8), WINDOW))
    slid(tensor(12, 10, 8), WINDOW, 1, same, told.append)
    assert {one.done for one in told} == set(range(count + 1))
    assert {one.total for one in told} == {count}

    def enough(progress: Progress) -> None:
        if progress.done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        slid(tensor(12, 10, 8), WINDOW, 1, same, enough)


def test_what_padding_would_make_too_large_is_refused_before_it_is_padded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(volume_growth, "MOST_SCORES", 2 * 10 * 9 * 64 - 1)
    wide = SlidingInference(patch=(6, 5, 64))
    slid(tensor(10, 9, 8), wide, 1, same, silent)
    with pytest.raises(LimitExceeded, match=r"2 score channel\(s\) of 10 × 9 × 64 voxels"):
        slid(tensor(10, 9, 8), wide, 2, same, silent)


def test_too_many_windows_are_refused_before_the_first() -> None:
    inference = SlidingInference(patch=(2, 2, 2), overlap=0.0)
    with pytest.raises(LimitExceeded, match="216000 windows; at most 20000"):
        windows((120, 120, 120), inference)
