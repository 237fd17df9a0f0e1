"""What makes a head hard to find the brain in, beyond what training draws.

All take an image and the whole brain's mask, (i, j, k) float32, and a severity from 0 to 1.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bedside.lab.synthesis.artefacts import blurred, sliced
from bedside.lab.synthesis.chance import Chance
from bedside.lab.synthesis.framing import grown
from bedside.lab.synthesis.tissues import Tissue

_CUBIC: Final = 1_000.0
"""Cubic millimetres of a millilitre."""

SMALLEST: Final = 8.0
LARGEST: Final = 130.0
"""Millilitres of a hole."""


def noised(image: Tensor, chance: Chance, severity: float) -> Tensor:
    """Return the image with noise of up to half of its range: a magnitude's, or plainly normal."""
    strength = 0.04 + 0.5 * severity**2
    real = image + chance.normal(image.shape) * strength
    if chance.happens(0.5):
        return real
    return torch.hypot(real, chance.normal(image.shape) * strength)


def smeared(image: Tensor, spacing: float, chance: Chance, severity: float) -> Tensor:
    """Return the image blurred by up to 8 mm, or seen through slices of up to 20 mm."""
    if chance.happens(0.5):
        wide = (1.5 + 6.5 * severity) / spacing
        return blurred(image, (wide, wide, wide))
    return sliced(image, chance.whole(0, 3), max(1.1, (5 + 15 * severity) / spacing))


def folded(image: Tensor, chance: Chance, severity: float) -> Tensor:
    """Return the image with grey values that no scanner gives: reversed, folded, or in few steps."""
    top = float(image.max()) or 1.0
    unit = (image / top).clamp(0, 1)
    strange = chance.whole(0, 3)
    if strange == 0:
        other = 1 - unit
    elif strange == 1:
        turns = chance.between(1.5, 4.0)
        other = (unit * turns + chance.between(0, 2)).remainder(2).sub(1).abs()
    else:
        steps = chance.whole(1, 5)
        other = (unit * steps).round() / steps
    share = min(1.0, 0.35 + severity)
    return (1 - share) * unit + share * other


def strange_values(chance: Chance) -> NDArray[np.float32]:
    """Return a grey value for each `Tissue` as in no MR: bone white and the rest alike, or all free."""
    if chance.happens(0.5):
        values = chance.numbers.normal(0.33, 0.02, len(Tissue))
        values[[Tissue.BONE, Tissue.DURA]] = 1.0
        values[Tissue.MARROW] = 0.7
        values[[Tissue.NOTHING, Tissue.AIR]] = 0.0
    else:
        values = chance.numbers.uniform(0, 1, len(Tissue))
    return values.clip(0, 1).astype(np.float32)


def holed(image: Tensor, mask: Tensor, spacing: float, chance: Chance, severity: float) -> Tensor:
    """Return the image with a lump of an odd grey value in the brain, or at its edge.

    Lumps have `SMALLEST` to `LARGEST` mL, are ellipsoids with an uneven surface, and may be even or
    mottled, dark as air or brighter than all.
    """
    millilitres = SMALLEST * (LARGEST / SMALLEST) ** severity
    inside = (mask > 0.5).nonzero()
    if not len(inside):
        return image
    centre = inside[chance.whole(0, len(inside))].to(torch.float32)
    axes = chance.numbers.uniform(0.7, 1.4, 3)
    axes /= float(np.prod(axes)) ** (1 / 3)
    radius = (3 * millilitres * _CUBIC / (4 * math.pi)) ** (1 / 3) / spacing
    square = torch.zeros_like(image)
    for axis, side in enumerate(image.shape):
        view = [1, 1, 1]
        view[axis] = -1
        steps = torch.arange(side, dtype=torch.float32, device=image.device)
        square += ((steps - centre[axis]) / (radius * float(axes[axis]))).view(view) ** 2
    knots = [max(3, round(side * spacing / 12)) for side in image.shape]
    bumps = chance.smooth(1, image.shape, knots)[0]
    lump = ((square.sqrt() + 0.15 * bumps) < 1) & (mask > 0.5)
    bright = float(torch.quantile(image[mask > 0.5][::7], 0.98)) if chance.happens(0.9) else 0.0
    grey = bright * chance.between(0, 1.6) * (1 if chance.happens(0.8) else 0)
    odd = grey * (1 + chance.between(0, 0.5) * chance.smooth(1, image.shape, knots)[0])
    return torch.where(lump, odd.clamp_min(0), image)


def stripped(
    image: Tensor, mask: Tensor, spacing: float, chance: Chance, severity: float
) -> Tensor:
    """Return the image without what lies around the brain, taken away carelessly.

    Too much or too little by up to 8 mm, and lumps of the brain with it.
    """
    width = chance.between(-1, 1) * 8 * severity / spacing
    kept = grown(mask, width)
    knots = [max(3, round(side * spacing / chance.between(25, 60))) for side in image.shape]
    bitten = chance.smooth(1, image.shape, knots)[0] > chance.between(1.6, 2.6) - 1.4 * severity
    return image * kept * (~bitten).to(image.dtype)


def nothing_like_a_head(image: Tensor, spacing: float, chance: Chance) -> Tensor:
    """Return an image of lumps of many sizes, of any brightness, on an even ground."""
    out = torch.full_like(image, chance.between(0, 0.2) if chance.happens(0.5) else 0.0)
    for _ in range(chance.whole(2, 7)):
        knots = [max(2, round(side * spacing / chance.between(15, 120))) for side in image.shape]
        lumps = chance.smooth(1, image.shape, knots)[0] > chance.between(0.1, 1.0)
        out[lumps] = chance.between(0, 1)
    noise = chance.between(0, 0.15)
    return (out + chance.normal(image.shape) * noise).abs()
