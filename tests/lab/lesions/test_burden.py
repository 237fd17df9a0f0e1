from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage

from bedside.lab.evaluating.regions import TOUCHING
from bedside.lab.lesions.burden import Burden, Ground, burden
from bedside.lab.lesions.places import GREY, OPEN, STEPS, WHITE
from bedside.lab.lesions.settings import LesionSynthesis
from bedside.lab.synthesis.chance import Chance

SETTINGS = LesionSynthesis(none=0, typical=12, confluent=0, volume=15, largest=120)


@pytest.fixture(scope="module")
def ground() -> Ground:
    """A ventricle on the left, white matter beside it, cortex on the right; 1 mm."""
    kinds = np.full((36, 24, 24), WHITE, dtype=np.uint8)
    kinds[:5], kinds[31:] = OPEN, GREY
    away = np.maximum(np.arange(36) - 4, 0).astype(np.uint8) * STEPS
    prior = (kinds == WHITE).astype(np.float32)
    ventricle = np.broadcast_to(away[:, None, None], kinds.shape).copy()
    return Ground(kinds, prior, ventricle, float(prior.sum()), 1.0)


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
    """Where there is no density no lesion begins, though one that began nearby may reach over."""
    near = ground.prior.copy()
    near[12:] = 0
    one = Ground(ground.kinds, near, ground.ventricle, float(near.sum()), 1.0)
    small = LesionSynthesis(none=0, typical=12, confluent=0, volume=4, largest=9)
    found = np.stack([drawn(one, seed, small).share for seed in range(6)]).max(0) > 0.5
    assert found[:12].sum() > 8 * found[12:].sum()
    assert not found[18:].any()


def test_some_brains_have_none(ground: Ground) -> None:
    found = drawn(ground, 1, SETTINGS.model_copy(update={"none": 1.0}))
    assert (found.count, float(found.share.max())) == (0, 0.0)


def test_there_are_never_more_than_the_most(ground: Ground) -> None:
    many = SETTINGS.model_copy(update={"typical": 500.0, "most": 5})
    assert max(drawn(ground, seed, many).count for seed in range(5)) <= 5


def test_confluent_lesions_lie_along_the_ventricles(ground: Ground) -> None:
    together = SETTINGS.model_copy(update={"confluent": 1.0, "typical": 0.01})
    share = np.stack([drawn(ground, seed, together).share for seed in range(8)]).mean(0)
    assert share[5:9].sum() > 2 * share[14:].sum()
    assert not share[:5].any()
