"""What is made small in training where one voxel in a thousand matters."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor
from torch.nn import functional

POSITIVE: Final = 4.0
"""How much more a lesion's voxel counts than another."""

_SMOOTH: Final = 20.0
"""Voxels; keeps a case without lesions from outweighing one with many."""

_COMMON: Final = 0.002
"""Share of voxels that the focal loss of a case is divided by, at least, however few are lesion."""

_AXES: Final = (1, 2, 3, 4)


def rare_loss(logits: Tensor, share: Tensor, weight: Tensor) -> Tensor:
    """Return focal cross-entropy plus 1 − soft Dice, both weighted, one number in float32.

    The focal factor is the distance of the probability from the share, so that the many voxels that
    are easy count little (X. Li et al., Generalized focal loss, NeurIPS 2020).

    Args:
        logits: (batch, 1, i, j, k).
        share: Of lesion in each voxel, 0 to 1, of the same shape.
        weight: Of each voxel, of the same shape, positive.
    """
    logits = logits.float()
    probability = logits.sigmoid()
    entropy = functional.binary_cross_entropy_with_logits(logits, share, reduction="none")
    heavy = weight * (1 + (POSITIVE - 1) * share)
    focus = (share - probability).detach().abs()
    rare = (heavy * share).sum(_AXES) + _COMMON * share[0].numel()
    focal = (heavy * focus * entropy).sum(_AXES) / rare
    both = (weight * probability * share).sum(_AXES)
    squares = (weight * (probability.square() + share.square())).sum(_AXES)
    overlap = (2 * both + _SMOOTH) / (squares + _SMOOTH)
    return torch.mean(focal + 1 - overlap)
