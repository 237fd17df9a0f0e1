"""The grey values as the network gets them: the same rule as the package's `percentiles`.

What is served is scaled by `imaging.intensities.percentile_scaled` over all voxels. Training images
are scaled by the same percentiles of a regular sample of them, which is many times quicker and
differs by less than noise does.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

from bedside.package.volume_operations import Percentiles

SCALING: Final = Percentiles(low=0.5, high=99.5, clip=True, of="all")
"""What the package will declare."""

_STEP: Final = 3
"""Every third voxel along each axis is counted."""


def scaled(image: Tensor, scaling: Percentiles = SCALING) -> Tensor:
    """Return (i, j, k) from 0 to 1; a flat image is 0."""
    counted = image[::_STEP, ::_STEP, ::_STEP].flatten()
    ends = torch.tensor([scaling.low / 100, scaling.high / 100], device=image.device)
    low, high = torch.quantile(counted, ends).tolist()
    if not low < high:
        return torch.zeros_like(image)
    image = (image - low) / (high - low)
    return image.clamp_(0, 1)
