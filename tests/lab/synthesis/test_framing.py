from __future__ import annotations

import pytest
import torch

from bedside.lab.synthesis.chance import Chance
from bedside.lab.synthesis.framing import bounds, framed, grown, without_face, without_skull
from bedside.lab.synthesis.settings import SynthesisSettings

CPU = torch.device("cpu")
NO_CUT = SynthesisSettings(cut=0, cut_below=0)


@pytest.fixture
def mask() -> torch.Tensor:
    cube = torch.zeros(32, 32, 32)
    cube[10:22, 8:20, 12:26] = 1
    return cube


def test_bounds_are_the_first_and_last_index(mask: torch.Tensor) -> None:
    assert bounds(mask) == [(10, 21), (8, 19), (12, 25)]
    assert bounds(torch.zeros(4, 5, 6)) == [(0, 3), (0, 4), (0, 5)]


def test_an_uncut_field_of_view_shows_all(mask: torch.Tensor) -> None:
    assert framed(mask, 2.0, Chance((1,), CPU), NO_CUT) is None


def test_a_field_of_view_that_ends_below_shows_all_above(mask: torch.Tensor) -> None:
    below = NO_CUT.model_copy(update={"cut_below": 1.0})
    views = [framed(mask, 2.0, Chance((number,), CPU), below) for number in range(20)]
    shown = [view for view in views if view is not None]
    assert len(shown) == 20
    assert all(bool(view[:, :, 20:].all()) for view in shown)
    assert any(not bool(view[:, :, 0].any()) for view in shown)


def test_a_mask_is_grown_and_shrunk_by_about_so_many_voxels(mask: torch.Tensor) -> None:
    assert bounds(grown(mask, 2.0))[0] == (8, 23)
    assert bounds(grown(mask, -2.0))[0] == (12, 19)


def test_a_face_is_taken_away_in_front_and_below_and_never_the_brain(mask: torch.Tensor) -> None:
    kept = without_face(mask, 2.0, Chance((2,), CPU))
    assert kept[16, 31, 0] == 0
    assert kept[16, 0, 31] == 1
    assert bool((kept[mask > 0] == 1).all())


def test_a_stripped_head_shows_little_but_the_brain(mask: torch.Tensor) -> None:
    kept = without_skull(mask, Chance((3,), CPU))
    assert kept[16, 14, 18] == 1
    assert float(kept.sum()) < 2 * float(mask.sum())
