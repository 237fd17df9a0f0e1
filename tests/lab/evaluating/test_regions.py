"""Lesions are counted as a reader counts them: found where touched, false where nothing is."""

from __future__ import annotations

import numpy as np
import pytest

from bedside.imaging.measuring.masks import Mask
from bedside.lab.evaluating.regions import counted, free_response, region_scores

AFFINE = np.diag([2.0, 2.0, 2.0, 1.0])  # 0.008 mL a voxel


def boxes(*corners: tuple[int, int, int, int]) -> Mask:
    """Cubes: the lowest corner, and the side."""
    mask = np.zeros((20, 20, 20), dtype=np.bool_)
    for i, j, k, side in corners:
        mask[i : i + side, j : j + side, k : k + side] = True
    return mask


def test_what_is_touched_is_found_and_what_touches_nothing_is_false() -> None:
    reference = boxes((1, 1, 1, 3), (10, 10, 10, 2), (16, 2, 2, 1))
    found = boxes((3, 3, 3, 2), (10, 2, 10, 2))
    scores = region_scores(found, reference, AFFINE)
    assert (scores.regions, scores.found, scores.called, scores.false) == (3, 1, 2, 1)
    assert scores.missed_ml == pytest.approx((8 * 0.008, 0.008))
    assert scores.sensitivity == pytest.approx(1 / 3)


def test_what_touches_by_a_corner_is_one_region() -> None:
    scores = region_scores(boxes((4, 4, 4, 1)), boxes((4, 4, 4, 1), (5, 5, 5, 1)), AFFINE)
    assert (scores.regions, scores.found) == (1, 1)


def test_a_region_too_small_to_count_is_neither_missed_nor_makes_what_touches_it_false() -> None:
    reference = boxes((1, 1, 1, 3), (10, 10, 10, 1))
    scores = region_scores(boxes((10, 10, 10, 1)), reference, AFFINE, least_ml=0.1)
    assert (scores.regions, scores.found, scores.false) == (1, 0, 0)


def test_of_nothing_there_is_no_sensitivity_and_all_is_false() -> None:
    scores = region_scores(boxes((1, 1, 1, 2), (8, 8, 8, 2)), boxes(), AFFINE)
    assert (scores.sensitivity, scores.false, scores.called) == (None, 2, 2)


def test_a_free_response_curve_pools_regions_and_means_the_false_ones() -> None:
    def probability(*parts: tuple[Mask, float]) -> np.ndarray:
        out = np.zeros((20, 20, 20), dtype=np.float32)
        for mask, value in parts:
            out[mask] = value
        return out

    one, two, wrong = boxes((1, 1, 1, 2)), boxes((10, 10, 10, 2)), boxes((1, 15, 1, 2))
    scans = [
        counted(values, reference, AFFINE, thresholds=(0.2, 0.4, 0.8))
        for values, reference in (
            (probability((one, 0.9), (wrong, 0.5)), one),
            (probability((two, 0.3)), two),
        )
    ]
    low, middle, high = free_response(scans)
    assert (low.sensitivity, low.false_per_scan) == (1.0, 0.5)
    assert (middle.sensitivity, middle.false_per_scan) == (0.5, 0.5)
    assert (high.sensitivity, high.false_per_scan) == (0.5, 0.0)
