from __future__ import annotations

import numpy as np
import pytest
import torch

from bedside.lab.synthesis.chance import Chance
from bedside.lab.synthesis.drawing import Drawn, drawn
from bedside.lab.synthesis.heads import MASKED, Head
from bedside.lab.synthesis.settings import SynthesisSettings
from bedside.lab.synthesis.tissues import INNER_FLUID, Tissue

CPU = torch.device("cpu")
USUAL = SynthesisSettings()
CALM = SynthesisSettings(
    tilt=0, stretch=0, shear=0, shift=0, bending=0, turned=0, smallest=1, largest=1, texture=0,
    cut=0, cut_below=0, filled=0, stripped=0, defaced=0, lesioned=0,
)  # fmt: skip


def draw(head: Head, number: int, settings: SynthesisSettings = USUAL) -> Drawn:
    return drawn(head, (32, 32, 32), 2.0, Chance((9, number), CPU), settings)


def test_the_same_chance_draws_the_same_and_another_another(head: Head) -> None:
    first, again, other = (draw(head, number) for number in (4, 4, 5))
    assert torch.equal(first.image, again.image)
    assert torch.equal(first.mask, again.mask)
    assert not torch.equal(first.image, other.image)


def test_every_case_is_finite_and_its_mask_a_share(head: Head) -> None:
    for number in range(16):
        case = draw(head, number)
        assert bool(case.image.isfinite().all())
        assert float(case.mask.min()) >= 0
        assert float(case.mask.max()) <= 1


def test_the_mask_is_all_that_the_dura_holds_down_to_the_lowest_plane_of_the_cerebellum(
    head: Head,
) -> None:
    coded = head.coded
    held = (coded >= MASKED) | np.isin(coded, list(INNER_FLUID))
    drawn_voxels = float(draw(head, 1, CALM).mask.sum()) * 8
    assert drawn_voxels == pytest.approx(float(held.sum()), rel=0.03)
    lower = (coded == Tissue.LOWER_FLUID).any((0, 1))
    assert lower.any()
    assert not held[:, :, lower].any()


def test_a_brain_that_fills_its_skull_has_less_fluid_around_it_and_the_same_mask(head: Head) -> None:
    settings = CALM.model_copy(update={"sequences": 0.0, "noise": 0.0, "bias": 0.0})
    plain, filled = (
        [draw(head, number, settings.model_copy(update={"filled": share})) for number in range(8)]
        for share in (0.0, 1.0)
    )
    masks = zip(plain, filled, strict=True)
    assert all(torch.equal(one.mask, other.mask) for one, other in masks)


def test_a_stripped_head_has_nothing_around_the_brain(head: Head) -> None:
    stripped = CALM.model_copy(update={"stripped": 1.0, "noise": 0.0, "spiked": 0.0, "bias": 0.0})
    dark = [draw(head, number, stripped).image[16, 16, 30:].abs().max() for number in range(8)]
    assert min(float(one) for one in dark) == 0
