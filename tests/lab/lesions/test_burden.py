from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage

from bedside.lab.evaluating.regions import TOUCHING
from bedside.lab.lesions.burden import Burden, Ground, burden
from bedside.lab.lesions.places import OPEN, STEPS, WHITE, Habit, Places, density
from bedside.lab.lesions.settings import LesionSynthesis
from bedside.lab.synthesis.chance import Chance

SETTINGS = LesionSynthesis(none=0, typical=12, confluent=0, volume=15, largest=120)


@pytest.fixture(scope="module")
def ground(places: Places) -> Ground:
    """The ball, its every second voxel as if it were a voxel of 1 mm."""
    prior = density(places, Habit(1.0, 3.0, 0.2, 0.1, 0.0, 0.0)) * (places.kinds == WHITE)
    return Ground(places.kinds, prior, places.ventricle // 2, float(prior.sum()), 1.0)


def drawn(ground: Ground, seed: int, settings: LesionSynthesis = SETTINGS) -> Burden:
    return burden(ground, Chance((seed,), torch.device("cpu")), settings)


def test_lesions_are_as_large_as_they_may_be_and_nowhere_but_in_tissue(ground: Ground) -> None:
    for seed in range(12):
        found = drawn(ground, seed)
        regions, count = ndimage.label(found.share > 0.5, TOUCHING)
        assert count <= found.count
        if count:
            assert np.bincount(regions.ravel())[1:].min() >= SETTINGS.smallest
        assert not found.share[(ground.kinds == OPEN) | (ground.kinds == 0)].any()
        assert 0 <= found.share.min() <= found.share.max() <= 1
        volumes = found.volume[found.share > 0]
        assert ((volumes >= SETTINGS.smallest) & (volumes <= SETTINGS.largest)).all()


def test_the_same_chance_gives_the_same(ground: Ground) -> None:
    first, second = drawn(ground, 3), drawn(ground, 3)
    assert np.array_equal(first.share, second.share)
    assert not np.array_equal(first.share, drawn(ground, 4).share)


def test_the_prior_is_kept_to(ground: Ground) -> None:
    """Half of the white matter has no density: no small lesion begins there."""
    half = ground.prior.copy()
    middle = half.shape[0] // 2
    half[middle:] = 0
    one = Ground(ground.kinds, half, ground.ventricle, float(half.sum()), 1.0)
    small = LesionSynthesis(none=0, typical=12, confluent=0, volume=4, largest=9)
    found = np.stack([drawn(one, seed, small).share for seed in range(10)]).max(0) > 0.5
    assert found[:middle].sum() > 5 * found[middle:].sum()
    assert found[middle:].any()  # a lesion may reach over
    assert not found[middle + 5 :].any()


def test_some_brains_have_none(ground: Ground) -> None:
    found = drawn(ground, 1, SETTINGS.model_copy(update={"none": 1.0}))
    assert (found.count, float(found.share.max())) == (0, 0.0)


def test_there_are_never_more_than_the_most(ground: Ground) -> None:
    many = SETTINGS.model_copy(update={"typical": 500.0, "most": 5})
    assert max(drawn(ground, seed, many).count for seed in range(5)) <= 5


def test_confluent_lesions_lie_along_the_ventricles(ground: Ground) -> None:
    together = SETTINGS.model_copy(update={"confluent": 1.0, "typical": 0.01})
    shares = np.stack([drawn(ground, seed, together).share for seed in range(20)]).max(0)
    assert shares.sum() > 0
    away = ground.ventricle / STEPS
    assert (shares * away).sum() / shares.sum() < away[ground.kinds == WHITE].mean()
