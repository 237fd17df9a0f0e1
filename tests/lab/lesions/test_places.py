from __future__ import annotations

import numpy as np
import torch

from bedside.lab.lesions.places import (
    GREY,
    HIND,
    OPEN,
    STEPS,
    WHITE,
    Habit,
    Places,
    density,
    habit,
    kinds_of,
)
from bedside.lab.synthesis.chance import Chance
from bedside.lab.synthesis.heads import MASKED
from bedside.lab.synthesis.tissues import Tissue

TYPICAL = Habit(around=1.0, reach=3.0, under=0.2, white=0.1, deep=0.03, hind=0.03)


def test_tissues_are_told_apart_by_what_they_mean_for_lesions() -> None:
    codes = np.array(
        [Tissue.WHITE + MASKED, Tissue.LESION, Tissue.STEM, Tissue.GREY, Tissue.VENTRICLE, 0]
    ).astype(np.uint8)
    assert kinds_of(codes).tolist() == [WHITE, WHITE, HIND, GREY, OPEN, 0]


def test_distances_are_in_quarters_of_a_millimetre(places: Places) -> None:
    middle = places.ventricle.shape[0] // 2
    along = places.ventricle[middle, middle, :].astype(float) / STEPS
    assert along.min() == 0
    assert np.allclose(np.diff(along[middle + 3 : middle + 9]), 2.0)


def test_lesions_lie_in_white_matter_and_most_around_ventricles(places: Places) -> None:
    found = density(places, TYPICAL)
    assert not found[(places.kinds != WHITE) & (places.kinds != HIND)].any()
    near = (places.kinds == WHITE) & (places.ventricle <= 2 * STEPS)
    far = (places.kinds == WHITE) & (places.ventricle > 4 * STEPS) & (places.cortex > 2 * STEPS)
    assert found[near].min() > 1.5 * found[far].max()


def test_under_the_cortex_there_are_more_than_in_between(places: Places) -> None:
    found = density(places, Habit(0.0, 3.0, 0.5, 0.1, 0.0, 0.0))
    white = places.kinds == WHITE
    assert (
        found[white & (places.cortex <= 2 * STEPS)].mean()
        > 1.5 * found[white & (places.cortex > 4 * STEPS)].mean()
    )


def test_each_brain_has_its_habit() -> None:
    first, second = (habit(Chance((seed,), torch.device("cpu"))) for seed in (1, 2))
    assert first != second
    assert first == habit(Chance((1,), torch.device("cpu")))
