"""What is made small in training, and how a mask is judged."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

_SMOOTH = 1.0
"""Voxels; keeps the overlap of two empty masks at 1."""


def overlap_loss(logits: Tensor, share: Tensor) -> Tensor:
    """Return cross-entropy plus 1 − soft Dice, one number in float32.

    Args:
        logits: (batch, 1, i, j, k).
        share: Of brain in each voxel, 0 to 1, of the same shape.
    """
    logits = logits.float()
    entropy = functional.binary_cross_entropy_with_logits(logits, share)
    axes = (1, 2, 3, 4)
    probability = logits.sigmoid()
    both = (probability * share).sum(axes)
    squares = (probability.square() + share.square()).sum(axes)
    soft_dice = (2 * both + _SMOOTH) / (squares + _SMOOTH)
    return entropy + (1 - soft_dice).mean()


def dice(logits: Tensor, share: Tensor) -> float:
    """Return the overlap of the two masks where each is above a half; 1 for two empty ones."""
    found, true = logits > 0, share > 0.5
    total = int(found.sum()) + int(true.sum())
    return 1.0 if total == 0 else 2 * int(torch.logical_and(found, true).sum()) / total
