from __future__ import annotations

import pytest
import torch

from bedside.lab.synthesis.chance import Chance
from bedside.lab.synthesis.drawing import Drawn, drawn
from bedside.lab.synthesis.heads import MASKED, RIM, Head
from bedside.lab.synthesis.settings import SynthesisSettings

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


def test_the_mask_has_the_volume_of_the_head_and_a_rim_of_fluid(head: Head) -> None:
    brain = float((head.coded >= MASKED).sum())
    drawn_voxels = float(draw(head, 1, CALM).mask.sum()) * 8
    assert drawn_voxels / brain == pytest.approx(((13 + RIM) / 13) ** 3, rel=0.05)


def test_a_brain_that_fills_its_skull_is_larger(head: Head) -> None:
    filled = CALM.model_copy(update={"filled": 1.0})
    sizes = [float(draw(head, number, filled).mask.sum()) for number in range(8)]
    assert max(sizes) > 1.15 * min(sizes)


def test_a_stripped_head_has_nothing_around_the_brain(head: Head) -> None:
    stripped = CALM.model_copy(update={"stripped": 1.0, "noise": 0.0, "spiked": 0.0, "bias": 0.0})
    dark = [draw(head, number, stripped).image[16, 16, 30:].abs().max() for number in range(8)]
    assert min(float(one) for one in dark) == 0
