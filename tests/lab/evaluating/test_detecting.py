"""The free-response curve by candidate, against a count by brute force."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from bedside.imaging.measuring.masks import Mask
from bedside.lab.evaluating.detecting import (
    FLOOR,
    Responses,
    candidate_response,
    responses,
    sensitivity_at,
)
from bedside.lab.evaluating.region_figures import by_size
from bedside.lab.evaluating.region_page import response_rows, size_rows
from bedside.lab.evaluating.regions import region_scores

AFFINE = np.diag([2.0, 2.0, 2.0, 1.0])  # 0.008 mL a voxel
Values = NDArray[np.float32]


def toy(seed: int) -> tuple[Values, Mask]:
    random = np.random.default_rng(seed)
    smooth = ndimage.gaussian_filter(random.normal(size=(2, 14, 14, 14)), (0, 1, 1, 1))
    near = smooth[0] + 0.6 * smooth[1]
    probability = 1 / (1 + np.exp(-12 * (near - 0.25)))
    return probability.astype(np.float32), smooth[1] > 0.35


def pieces(mask: Mask) -> list[set[tuple[int, ...]]]:
    """The connected parts of 26 neighbours, by walking from voxel to voxel."""
    left = {tuple(map(int, place)) for place in np.argwhere(mask)}
    found = []
    while left:
        piece, border = set(), [left.pop()]
        while border:
            place = border.pop()
            piece.add(place)
            for step in itertools.product((-1, 0, 1), repeat=3):
                other = tuple(a + b for a, b in zip(place, step, strict=True))
                if other in left:
                    left.remove(other)
                    border.append(other)
        found.append(piece)
    return found


def by_brute_force(probability: Values, reference: Mask, least_ml: float) -> Responses:
    lesions, candidates = pieces(reference), pieces(probability >= FLOOR)
    peaks = [max(float(probability[place]) for place in one) for one in candidates]
    kept = [one for one in lesions if len(one) * 0.008 >= least_ml]
    scores = [
        max((peak for peak, one in zip(peaks, candidates, strict=True) if one & lesion), default=0)
        for lesion in kept
    ]
    false = [
        peak
        for peak, one in zip(peaks, candidates, strict=True)
        if not any(one & lesion for lesion in lesions)
    ]
    volumes = [len(one) * 0.008 for one in kept]
    return Responses(tuple(volumes), tuple(scores), tuple(sorted(false, reverse=True)))


@pytest.mark.parametrize("least", [0.0, 0.05])
def test_scores_are_those_of_a_count_by_brute_force(least: float) -> None:
    for seed in range(3):
        probability, reference = toy(seed)
        found = responses(probability, reference, AFFINE, least)
        slow = by_brute_force(probability, reference, least)
        assert len(found.scores) >= 2
        assert np.array(sorted(zip(found.volumes_ml, found.scores, strict=True))) == pytest.approx(
            np.array(sorted(zip(slow.volumes_ml, slow.scores, strict=True)))
        )
        assert found.false == pytest.approx(slow.false)


def test_each_threshold_is_a_point_of_the_curve() -> None:
    scans = [
        Responses((0.2, 0.01), (0.9, 0.4), (0.6,)),
        Responses((0.5,), (0.0,), (0.95, 0.3)),
    ]
    curve = [
        (one.threshold, one.sensitivity, one.false_per_scan) for one in candidate_response(scans)
    ]
    assert curve == [
        (0.95, 0.0, 0.5),
        (0.9, pytest.approx(1 / 3), 0.5),
        (0.6, pytest.approx(1 / 3), 1.0),
        (0.4, pytest.approx(2 / 3), 1.0),
        (0.3, pytest.approx(2 / 3), 1.5),
    ]
    large = candidate_response(scans, 0.1)
    assert max(one.sensitivity for one in large) == 0.5
    assert sensitivity_at(large, 0.4) == 0
    assert response_rows(scans)[0] == ("1", "0.667", "0.500")


def test_regions_are_counted_by_their_size() -> None:
    probability, reference = toy(1)
    scores = region_scores(probability >= 0.5, reference, AFFINE)
    slow_found, slow_all = dict[bool, int](), dict[bool, int]()
    for piece in pieces(reference):
        is_large = len(piece) * 0.008 >= 0.1
        slow_all[is_large] = slow_all.get(is_large, 0) + 1
        hit = any(probability[place] >= 0.5 for place in piece)
        slow_found[is_large] = slow_found.get(is_large, 0) + hit
    small, large = by_size([scores], (0.0, 0.1, float("inf")))
    assert (small.regions, small.found) == (slow_all.get(False, 0), slow_found.get(False, 0))
    assert (large.regions, large.found) == (slow_all.get(True, 0), slow_found.get(True, 0))
    assert len(pieces(reference)) == sum(int(row[1]) for row in size_rows([scores]))
