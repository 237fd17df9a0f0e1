from __future__ import annotations

import numpy as np
import pytest
import torch

from bedside.lab.synthesis.artefacts import blurred, sliced
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

FAULTS = ("noise", "bias", "blurred", "thick", "ghosted", "spiked")
SHAPE = (32, 32, 32)


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
        assert float(case.mask.sum()) > 50


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


def test_a_brain_that_fills_its_skull_has_less_fluid_around_it_and_the_same_mask(
    head: Head,
) -> None:
    settings = CALM.model_copy(update={"sequences": 0.0, "noise": 0.0, "bias": 0.0})
    plain, filled = (
        [draw(head, number, settings.model_copy(update={"filled": share})) for number in range(8)]
        for share in (0.0, 1.0)
    )
    masks = zip(plain, filled, strict=True)
    assert all(torch.equal(one.mask, other.mask) for one, other in masks)


def test_a_stripped_head_has_nothing_around_the_brain(head: Head) -> None:
    plain = CALM.model_copy(update=dict.fromkeys(FAULTS, 0.0))
    values = np.ones(len(Tissue), dtype=np.float32)
    values[Tissue.NOTHING] = 0

    def skin(settings: SynthesisSettings) -> list[float]:
        """Return what shows 23 mm above the middle, where the dura ends at 20."""
        return [
            float(
                drawn(head, SHAPE, 2.0, Chance((9, number), CPU), settings, values).image[
                    15, 15, 27
                ]
            )
            for number in range(8)
        ]

    assert min(skin(plain)) > 0.2
    bare = [one == 0 for one in skin(plain.model_copy(update={"stripped": 1.0}))]
    assert all(bare)


def test_image_and_mask_of_a_ball_have_one_middle_whatever_the_scanner_does() -> None:
    place = np.indices((60, 60, 60)) - 29.5
    coded = ((place**2).sum(0) <= 20**2).astype(np.uint8) * np.uint8(MASKED + Tissue.WHITE)
    ball = Head("ball", coded, (29.5, 29.5, 29.5))
    values = np.zeros(len(Tissue), dtype=np.float32)
    values[Tissue.WHITE] = 1
    still = CALM.model_copy(update=dict.fromkeys((*FAULTS, "mirrored"), 0.0))
    case = drawn(ball, SHAPE, 2.0, Chance((1,), CPU), still, values)
    middle = _middle(case.mask)
    assert middle == pytest.approx([15.5] * 3, abs=0.01)
    seen = [case.image, blurred(case.image, (1.5, 1.0, 0.5))]
    seen += [sliced(case.image, axis, thick) for axis in range(3) for thick in (1.2, 2.0, 3.5)]
    for image in seen:
        assert _middle(image) == pytest.approx(middle, abs=0.01)


def _middle(values: torch.Tensor) -> list[float]:
    shares = values.double() / values.double().sum()
    places = torch.meshgrid(*[torch.arange(side) for side in values.shape], indexing="ij")
    return [float((shares * one).sum()) for one in places]
