from __future__ import annotations

import pytest
import torch

from bedside.lab.synthesis.artefacts import biased, blurred, ghosted, noisy, scanned, sliced, spiked
from bedside.lab.synthesis.chance import Chance
from bedside.lab.synthesis.settings import SynthesisSettings

CPU = torch.device("cpu")


@pytest.fixture
def point() -> torch.Tensor:
    image = torch.zeros(16, 16, 16)
    image[8, 8, 8] = 1
    return image


def test_blur_spreads_along_the_asked_axes_and_loses_nothing(point: torch.Tensor) -> None:
    soft = blurred(point, (1.0, 0.0, 0.0))
    assert float(soft.sum()) == pytest.approx(1, abs=1e-5)
    assert float(soft[:, 8, 8].sum()) == pytest.approx(1, abs=1e-5)
    assert soft[8, 8, 8] > soft[9, 8, 8] > soft[10, 8, 8] > 0


def test_blur_leaves_a_flat_image_as_it_is_up_to_its_border() -> None:
    assert float((blurred(torch.ones(8, 9, 10), (1.0, 1.5, 2.0)) - 1).abs().max()) < 1e-6


def test_thick_slices_mix_along_one_axis_alone(point: torch.Tensor) -> None:
    thick = sliced(point, 2, 4.0)
    assert torch.count_nonzero(thick.sum((1, 2))) == 1
    assert torch.count_nonzero(thick.sum((0, 1))) >= 4


def test_a_ghost_stands_half_a_field_of_view_away(point: torch.Tensor) -> None:
    ghost = ghosted(point, 1, 2, 0.25)
    assert ghost[8, 8, 8] == 1
    assert ghost[8, 0, 8] == 0.25


def test_a_spike_makes_stripes_everywhere() -> None:
    stripes = spiked(torch.zeros(16, 16, 16), Chance((5,), CPU))
    assert float(stripes.std()) > 0.01
    assert float(stripes.mean().abs()) < float(stripes.std())


def test_bias_changes_the_image_smoothly_and_keeps_what_is_dark() -> None:
    flat = torch.ones(16, 16, 16)
    flat[0] = 0
    field = biased(flat, Chance((6,), CPU), SynthesisSettings(bias=0.5))
    assert torch.count_nonzero(field[0]) == 0
    assert float(field[1:].std()) > 0.01
    assert float(field[1:].diff(dim=2).abs().mean()) < 0.1


def test_no_noise_is_no_noise_and_more_is_more() -> None:
    flat = torch.full((16, 16, 16), 0.5)
    assert torch.allclose(noisy(flat, Chance((7,), CPU), SynthesisSettings(noise=0)), flat)
    little, much = (
        float(noisy(flat, Chance((7,), CPU), SynthesisSettings(noise=one)).std())
        for one in (0.05, 0.2)
    )
    assert 0 < little < much


def test_a_scanner_without_faults_shows_what_is_there(point: torch.Tensor) -> None:
    faultless = SynthesisSettings(bias=0, noise=0, blurred=0, thick=0, ghosted=0, spiked=0)
    assert torch.allclose(scanned(point, 2.0, Chance((8,), CPU), faultless), point)
