"""What scanners do to an image: bias, blur, thick slices, ghosts, spikes, noise.

All take and give (i, j, k) float32 with values of about 0 to 1, on any device.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from bedside.lab.synthesis.chance import Chance
from bedside.lab.synthesis.settings import SynthesisSettings


def biased(image: Tensor, chance: Chance, settings: SynthesisSettings) -> Tensor:
    """Return the image times a smooth field whose logarithm is normal."""
    knots = [chance.whole(2, 6) for _ in range(3)]
    field = chance.smooth(1, image.shape, knots)[0] * chance.between(0, settings.bias)
    return image * field.exp_()


def blurred(image: Tensor, sigmas: tuple[float, float, float]) -> Tensor:
    """Return the image smoothed by a Gaussian; a sigma in voxels for each axis, 0 for none.

    Beyond its border it goes on as it ends.
    """
    out = image[None, None]
    for axis, sigma in enumerate(sigmas):
        if sigma < 0.2:  # what a Gaussian so narrow does to neighbours is below a millionth
            continue
        reach = max(1, math.ceil(2.5 * sigma))
        taps = torch.arange(-reach, reach + 1, device=image.device, dtype=torch.float32)
        weights = torch.exp(-0.5 * (taps / sigma) ** 2)
        view, pad = [1, 1, 1, 1, 1], [0] * 6
        view[2 + axis] = -1
        pad[4 - 2 * axis] = pad[5 - 2 * axis] = reach  # torch counts from the last axis
        around = functional.pad(out, pad, mode="replicate")
        out = functional.conv3d(around, (weights / weights.sum()).view(view))
    return out[0, 0]


def sliced(image: Tensor, axis: int, thickness: float) -> Tensor:
    """Return the image as seen through slices of so many voxels along one axis, linear between."""
    few = max(4, round(image.shape[axis] / thickness))
    i, j, k = (few if one == axis else side for one, side in enumerate(image.shape))
    slices = functional.adaptive_avg_pool3d(image[None, None], (i, j, k))
    return functional.interpolate(slices, size=image.shape, mode="trilinear")[0, 0]


def ghosted(image: Tensor, axis: int, copies: int, strength: float) -> Tensor:
    """Return the image with weak copies of itself along the direction of phase."""
    side = image.shape[axis]
    shifts = [round(number * side / copies) for number in range(1, copies)]
    ghosts = sum((image.roll(shift, axis) for shift in shifts), torch.zeros_like(image))
    return image + ghosts * (strength / max(1, len(shifts)))


def spiked(image: Tensor, chance: Chance) -> Tensor:
    """Return the image with the stripes that one wrong point of k-space makes."""
    phase = torch.full((1, 1, 1), chance.between(0, 2 * math.pi), device=image.device)
    for axis, side in enumerate(image.shape):
        view = [1, 1, 1]
        view[axis] = -1
        cycles = chance.between(2.0, side / 4) * (1 if chance.happens(0.5) else -1)
        steps = torch.arange(side, device=image.device, dtype=torch.float32) / side
        phase = phase + (2 * math.pi * cycles) * steps.view(view)
    return image + torch.cos(phase) * chance.between(0.02, 0.12)


def noisy(image: Tensor, chance: Chance, settings: SynthesisSettings) -> Tensor:
    """Return the image with noise: a magnitude's (Rice), or plainly normal."""
    strength = settings.noise * chance.between(0, 1) ** 2
    real = image + chance.normal(image.shape) * strength
    if chance.happens(0.3):
        return real
    if chance.happens(0.5):
        return real.abs_()
    return torch.hypot(real, chance.normal(image.shape) * strength)


def scanned(image: Tensor, spacing: float, chance: Chance, settings: SynthesisSettings) -> Tensor:
    """Return the image with the artefacts that chance gives it; `spacing` is in mm."""
    image = biased(image, chance, settings)
    if chance.happens(settings.ghosted):
        strength = chance.between(0.05, 0.35)
        image = ghosted(image, chance.whole(0, 3), chance.whole(2, 5), strength)
    if chance.happens(settings.blurred):
        wide = chance.between(0.2, 1.5)
        image = blurred(image, (wide, wide, wide))
    if chance.happens(settings.spiked):
        image = spiked(image, chance)
    before = chance.happens(0.5)
    if before:
        image = noisy(image, chance, settings)
    if chance.happens(settings.thick) and settings.thickest > 1.2 * spacing:
        thickness = chance.between(1.2 * spacing, settings.thickest) / spacing
        image = sliced(image, chance.whole(0, 3), thickness)
    return image if before else noisy(image, chance, settings)
