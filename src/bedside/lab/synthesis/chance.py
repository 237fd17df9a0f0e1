"""Where randomness comes from: numbers from NumPy, fields from torch, both from one seed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

_SEEDS: Final = 2**63


class Chance:
    """Random numbers and fields of one case; the same seeds give the same, on one device."""

    def __init__(self, seeds: Sequence[int], device: torch.device) -> None:
        self.numbers = np.random.default_rng(list(seeds))
        self.device = device
        self._fields = torch.Generator(device)
        self._fields.manual_seed(int(self.numbers.integers(_SEEDS)))

    def happens(self, share: float) -> bool:
        """Tell whether something that happens so often happens now."""
        return bool(self.numbers.random() < share)

    def between(self, low: float, high: float) -> float:
        """Return a number between two, each as likely."""
        return float(self.numbers.uniform(low, high))

    def whole(self, low: int, high: int) -> int:
        """Return a whole number from `low` up to, and without, `high`."""
        return int(self.numbers.integers(low, high))

    def normal(self, shape: Sequence[int]) -> Tensor:
        """Return a field of the standard normal distribution, float32."""
        return torch.randn(tuple(shape), generator=self._fields, device=self.device)

    def smooth(self, channels: int, shape: Sequence[int], knots: Sequence[int]) -> Tensor:
        """Return a smooth field, (channels, i, j, k): normal at `knots` points, between them linear.

        Knots are few along an axis; what is between them has a smaller variance.
        """
        coarse = self.normal((1, channels, *knots))
        middle = [math.ceil((few + many) / 4) for few, many in zip(knots, shape, strict=True)]
        if math.prod(middle) < math.prod(shape) // 8:  # twice linear is smoother than once
            coarse = stretched(coarse, middle)
        return stretched(coarse, shape)[0]


def stretched(field: Tensor, shape: Sequence[int]) -> Tensor:
    """Return (batch, channels, i, j, k) on so many points, linear between them, corner on corner."""
    return functional.interpolate(field, size=tuple(shape), mode="trilinear", align_corners=True)
