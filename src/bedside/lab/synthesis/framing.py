"""What of a head is in the picture: cut fields of view, no neck, no face, no skull.

All give a factor for the image, (i, j, k) float32, 0 where nothing is shown.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from bedside.lab.synthesis.artefacts import blurred
from bedside.lab.synthesis.chance import Chance
from bedside.lab.synthesis.settings import SynthesisSettings


def bounds(mask: Tensor) -> list[tuple[int, int]]:
    """Return first and last index of what is above a half, for each axis; all of it for nothing."""
    inside = mask > 0.5
    found = list[tuple[int, int]]()
    for axis in range(3):
        others = [other for other in range(3) if other != axis]
        at = inside.amax(others).nonzero()
        ends = (int(at[0]), int(at[-1])) if len(at) else (0, mask.shape[axis] - 1)
        found.append(ends)
    return found


def framed(
    mask: Tensor, spacing: float, chance: Chance, settings: SynthesisSettings
) -> Tensor | None:
    """Return the field of view of this image; None where all is shown.

    Below, it may end from 10 mm inside of the brain to 60 mm below it; at the other sides it may
    cut up to 12 mm of the brain away. What is cut away is no part of the target either.
    """
    ends = bounds(mask)
    shown = [[0, side] for side in mask.shape]
    cut = False
    for axis in range(3):
        for end in (0, 1):
            below = axis == 2 and end == 0
            if not chance.happens(settings.cut_below if below else settings.cut):
                continue
            inside, outside = (10.0, 60.0) if below else (12.0, 25.0)
            way = chance.between(-inside, outside) / spacing
            at = ends[axis][0] - way if end == 0 else ends[axis][1] + way
            shown[axis][end] = min(max(round(at), 0), mask.shape[axis])
            cut = True
    if not cut:
        return None
    view = torch.zeros_like(mask)
    view[tuple(slice(low, max(high, low + 8)) for low, high in shown)] = 1
    return view


def without_face(mask: Tensor, spacing: float, chance: Chance) -> Tensor:
    """Return 0 in front of and below a slanting plane that passes the brain at some distance."""
    ends = bounds(mask)
    slant = chance.between(0.5, 2.0)
    axes = [torch.arange(side, device=mask.device, dtype=torch.float32) for side in mask.shape[1:]]
    front, low = ends[1][1], ends[2][0]
    reach = chance.between(2.0, 25.0) / spacing
    # a point is cut where it is further to the front, and further down, than the line through
    # (front, middle height of the brain) that falls backwards by `slant`
    high = low + chance.between(0.2, 0.5) * (ends[2][1] - low)
    line = front + reach - (high - axes[1]).clamp_min(0)[None, :] * slant
    face = (axes[0][:, None] > line) & (axes[1] < high)[None, :]
    kept = 1 - face.to(mask.dtype)[None]
    return torch.maximum(kept.expand_as(mask), (mask > 0).to(mask.dtype))


def without_skull(mask: Tensor, chance: Chance) -> Tensor:
    """Return 1 in the brain, a little more or a little less of it."""
    return grown(mask, chance.between(-0.7, 1.5))


def grown(mask: Tensor, voxels: float) -> Tensor:
    """Return 1 in a mask about so many voxels wider, or narrower where below 0, rounded; else 0.

    It is where the mask, blurred, is above the value that a straight edge has so far away.
    """
    sigma = max(1.0, abs(voxels))
    edge = 0.5 * math.erfc(voxels / sigma / math.sqrt(2))
    return (blurred(mask, (sigma, sigma, sigma)) > edge).to(mask.dtype)
