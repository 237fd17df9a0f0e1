from __future__ import annotations

import numpy as np
import pytest
import torch

from bedside.lab.lesions.burden import Ground
from bedside.lab.lesions.contrast import contrast
from bedside.lab.lesions.misleading import misled
from bedside.lab.lesions.places import GREY, OPEN, WHITE
from bedside.lab.lesions.settings import LesionSynthesis
from bedside.lab.synthesis.chance import Chance
from bedside.lab.synthesis.tissues import Tissue

CPU = torch.device("cpu")


def test_in_flair_fluid_is_dark_and_lesions_are_brighter_than_white_matter() -> None:
    settings = LesionSynthesis(flair=1)
    for seed in range(20):
        looks = contrast(Chance((seed,), CPU), settings)
        assert looks.flair
        assert looks.values[Tissue.VENTRICLE] < 0.6 * looks.white < looks.white < looks.grey
        assert looks.lesion >= 1.19 * looks.white
        assert looks.lesion >= settings.faint * looks.grey * 0.99
        assert looks.values[Tissue.LESION] == looks.values[Tissue.WHITE]


def test_other_sequences_are_drawn_where_they_are_asked_for() -> None:
    looks = [contrast(Chance((seed,), CPU), LesionSynthesis(flair=0)) for seed in range(12)]
    assert not any(one.flair for one in looks)
    assert any(one.lesion < one.white for one in looks)  # T1
    assert any(one.lesion > one.white for one in looks)


def test_a_scale_that_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match="smallest must be below largest"):
        LesionSynthesis(smallest=50, largest=10)


def test_what_misleads_is_fainter_than_a_lesion_in_white_matter() -> None:
    kinds = np.full((24, 24, 24), WHITE, dtype=np.uint8)
    kinds[:6], kinds[18:] = OPEN, GREY
    away = np.broadcast_to(np.arange(24, dtype=np.uint8)[:, None, None] * 4, kinds.shape)
    ground = Ground(kinds, np.ones(kinds.shape, np.float32), away.copy(), 1e4, 1.0)
    settings = LesionSynthesis(misleading=1, flair=1)
    changed = False
    for seed in range(8):
        chance = Chance((seed,), CPU)
        looks = contrast(chance, settings)
        plain = torch.full(kinds.shape, looks.white)
        seen = misled(plain, ground, looks, chance, settings)
        white = (seen - plain)[torch.from_numpy(kinds == WHITE)]
        changed = changed or bool(white.max() > 0)
        assert float(white.median()) < 0.5 * (looks.lesion - looks.white)
    assert changed


def test_nothing_misleads_where_nothing_shall() -> None:
    kinds = np.full((16, 16, 16), WHITE, dtype=np.uint8)
    ground = Ground(kinds, np.ones(kinds.shape, np.float32), kinds, 1e4, 1.0)
    chance = Chance((1,), CPU)
    looks = contrast(chance, LesionSynthesis())
    plain = torch.full(kinds.shape, looks.white)
    assert torch.equal(misled(plain, ground, looks, chance, LesionSynthesis(misleading=0)), plain)
