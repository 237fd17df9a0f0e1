from __future__ import annotations

import pytest
import torch

from bedside.lab.synthesis.chance import Chance
from bedside.lab.synthesis.geometry import points, sampled
from bedside.lab.synthesis.settings import SynthesisSettings

CPU = torch.device("cpu")
STILL = SynthesisSettings(
    tilt=0, stretch=0, shear=0, shift=0, bending=0, mirrored=0, turned=0, smallest=1, largest=1
)
VOLUME = torch.arange(6 * 7 * 8).view(6, 7, 8)
MIDDLE = (2.5, 3.0, 3.5)


def where(settings: SynthesisSettings, spacing: float = 1.0) -> torch.Tensor:
    return points(Chance((3, 1), CPU), settings, (6, 7, 8), spacing, MIDDLE)


def test_where_nothing_may_happen_the_volume_is_seen_as_it_is() -> None:
    assert torch.equal(sampled(VOLUME, where(STILL)), VOLUME)


def test_a_wider_grid_sees_the_outer_voxels_beyond_the_volume() -> None:
    seen = sampled(VOLUME, where(STILL, spacing=3.0))
    assert seen[0, 0, 0] == VOLUME[0, 0, 0]
    assert seen[-1, -1, -1] == VOLUME[-1, -1, -1]


def test_a_mirrored_head_has_left_and_right_exchanged() -> None:
    mirrored = STILL.model_copy(update={"mirrored": 1.0})
    assert torch.equal(sampled(VOLUME, where(mirrored)), VOLUME.flip(0))


@pytest.mark.parametrize("changed", ["tilt", "shift", "bending", "stretch", "shear"])
def test_each_change_moves_what_is_seen(changed: str) -> None:
    moved = STILL.model_copy(update={changed: 0.5 if changed in ("stretch", "shear") else 3.0})
    assert (where(moved) - where(STILL)).abs().max() > 0.05


def test_a_larger_head_is_seen_closer_together() -> None:
    large = STILL.model_copy(update={"smallest": 1.0, "largest": 1.5})
    assert where(large).std() < where(STILL).std()
