from __future__ import annotations

import pytest
import torch

from bedside.lab.brain.loss import dice, overlap_loss


def test_the_overlap_of_masks_that_share_half_is_a_half() -> None:
    logits, share = torch.full((1, 1, 2, 2, 2), -5.0), torch.zeros(1, 1, 2, 2, 2)
    logits[..., 0] = 5
    share[..., 0, :] = 1
    assert dice(logits, share) == 0.5
    assert dice(torch.full_like(logits, -5), torch.zeros_like(share)) == 1


def test_the_loss_falls_as_the_answer_comes_closer() -> None:
    share = torch.zeros(1, 1, 8, 8, 8)
    share[..., :4] = 1
    losses = [float(overlap_loss((share - 0.5) * sure, share)) for sure in (-8.0, 0.0, 8.0, 40.0)]
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] == pytest.approx(0, abs=1e-3)


def test_the_loss_is_computed_in_single_precision() -> None:
    half = torch.zeros(1, 1, 4, 4, 4, dtype=torch.bfloat16)
    assert overlap_loss(half, torch.ones(1, 1, 4, 4, 4)).dtype == torch.float32
