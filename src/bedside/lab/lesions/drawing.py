"""One training case out of one head: a part of it with lesions, and where they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bedside.lab.lesions.burden import Burden, Ground, burden
from bedside.lab.lesions.contrast import Contrast, contrast
from bedside.lab.lesions.misleading import misled
from bedside.lab.lesions.places import COARSE, DEEP, HIND, WHITE, Places, density, habit, kinds_of
from bedside.lab.lesions.settings import LesionSettings
from bedside.lab.synthesis.artefacts import blurred, scanned, sliced
from bedside.lab.synthesis.chance import Chance
from bedside.lab.synthesis.framing import grown, without_skull
from bedside.lab.synthesis.geometry import points, sampled
from bedside.lab.synthesis.heads import MASKED, Head
from bedside.lab.synthesis.tissues import LAYERS, Tissue

_CORNERS: Final = ((1, 1, 1), (1, -1, -1), (-1, 1, -1), (-1, -1, 1))
"""Where a voxel is looked at: four of its eight octants, no two of them neighbours."""

_VARIED: Final = (Tissue.SOFT, Tissue.MUCOSA, Tissue.SKIN, Tissue.MARROW, Tissue.MUSCLE)

SCALES: Final = (0.35, 0.85)
"""Where white matter may lie once values are scaled; `serving.OPERATIONS` bring it there."""

BRIGHTEST: Final = 2.0
"""Scaled values are cut here."""

HEAVY: Final = (0.5, 3.0)
"""Least and largest weight of a lesion's voxels; one of 100 mm³ has 1."""


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """What was drawn.

    Attributes:
        image: (i, j, k) float32, RAS+, scaled.
        share: (i, j, k) float32, 0 to 1: lesion's share of each voxel.
        weight: (i, j, k) float32: 1, and in small lesions more.
        count: Lesions that were drawn, confluent ones not counted.
    """

    image: Tensor
    share: Tensor
    weight: Tensor
    count: int


def drawn(head: Head, places: Places, chance: Chance, settings: LesionSettings) -> Drawn:
    """Return a part of a head with lesions.

    Args:
        head: From `heads.read_head`.
        places: Of this head.
        chance: The same gives the same, on one machine.
        settings: The grid, and what may happen.
    """
    spread = habit(chance)
    prior = density(places, spread)
    middle = _middle(prior, chance)
    where = points(chance, settings.synthesis, settings.grid, settings.spacing, middle)
    looks = contrast(chance, settings.lesions)
    stripped = chance.happens(settings.lesions.stripped)
    image, mask, varied = _seen(head, looks.values, chance.whole(0, len(LAYERS) + 1), where)
    ground = _ground(head, places, prior, where, settings.spacing)
    image = _textured(image, varied, chance, settings.synthesis.texture)
    image = misled(image, ground, looks, chance, settings.lesions)
    found = burden(ground, chance, settings.lesions)
    image = _with_lesions(image, found, looks, chance)
    share = torch.from_numpy(found.share)
    brain = without_skull(mask, chance) if stripped else None
    if brain is not None:
        image, share = image * brain, share * brain
    image, share = _in_slices(image, share, chance, settings)
    image = scanned(image, settings.spacing, chance, settings.synthesis)
    if brain is not None and chance.happens(0.8):
        image = image * grown(mask, 2.5)  # nothing at all around it, not even noise
    weight = _weights(share, found)
    return Drawn(_scaled(image, looks, chance), share, weight, found.count)


def _middle(prior: NDArray[np.float32], chance: Chance) -> tuple[float, float, float]:
    """Return a voxel of the head where a lesion may be: what lies near the middle of the part."""
    below = np.cumsum(np.sqrt(prior).ravel(), dtype=np.float64)
    at = int(np.searchsorted(below, chance.between(0, float(below[-1])), "right"))
    i, j, k = (
        float(COARSE * one) for one in np.unravel_index(min(at, below.size - 1), prior.shape)
    )
    return i, j, k


def _seen(
    head: Head, values: NDArray[np.float32], rim: int, where: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Return grey value, brain with a rim of so many mm, and whether a tissue varies, of each voxel."""
    tables = np.zeros((3, 2 * MASKED), dtype=np.float32)
    tables[0, : len(values)] = tables[0, MASKED : MASKED + len(values)] = values
    tables[1, MASKED:] = 1
    tables[1, list(LAYERS[:rim])] = 1
    tables[2, list(_VARIED)] = 1
    looked_up = torch.from_numpy(tables / len(_CORNERS))
    coded = torch.from_numpy(head.coded)
    sums = torch.zeros(3, where[0].numel())
    for corner in _CORNERS:
        code = sampled(coded, where, [side / 4 for side in corner])
        sums += looked_up.index_select(1, code.flatten().to(torch.int32))
    image, mask, varied = sums.view(3, *where.shape[1:])
    return image, mask, varied


def _ground(
    head: Head, places: Places, prior: NDArray[np.float32], where: Tensor, spacing: float
) -> Ground:
    """Return what lesions are drawn into, on the grid."""
    coarse = where / COARSE
    kinds = kinds_of(sampled(torch.from_numpy(head.coded), where).numpy())
    here = sampled(torch.from_numpy(prior), coarse).numpy()
    return Ground(
        kinds=kinds,
        prior=here * np.isin(kinds, (WHITE, DEEP, HIND)),
        ventricle=sampled(torch.from_numpy(places.ventricle), coarse).numpy(),
        whole=float(prior.sum(dtype=np.float64)) * COARSE**3,
        spacing=spacing,
    )


def _textured(image: Tensor, varied: Tensor, chance: Chance, strength: float) -> Tensor:
    """Return the image with grey values that vary within tissues, more so around the brain."""
    fine = chance.smooth(1, image.shape, [max(3, side // 2) for side in image.shape])[0]
    wide = [max(3, round(side / chance.between(4, 12))) for side in image.shape]
    rough = chance.smooth(1, image.shape, wide)[0] * chance.between(0, 0.7)
    strength *= chance.between(0, 1) ** 2
    return image * (1 + fine * strength + rough * varied).clamp_min_(0)


def _with_lesions(image: Tensor, found: Burden, looks: Contrast, chance: Chance) -> Tensor:
    """Return the image with lesions whose rims may be soft, and whose insides vary."""
    share = torch.from_numpy(found.share)
    if not bool(share.any()):
        return image
    if chance.happens(0.6):
        wide = chance.between(0.5, 1.3)
        halo = blurred(share, (wide, wide, wide)) * chance.between(0.3, 1.0)
        shown = torch.maximum(share * chance.between(0.8, 1.0), halo)
    else:
        shown = share
    inside = chance.smooth(1, share.shape, [max(3, side // 3) for side in share.shape])[0]
    above = torch.from_numpy(found.level) * (1 + inside * chance.between(0, 0.1))
    return image + shown * (looks.white + (looks.lesion - looks.white) * above - image)


def _in_slices(
    image: Tensor, share: Tensor, chance: Chance, settings: LesionSettings
) -> tuple[Tensor, Tensor]:
    """Return both as seen through thick slices, mostly axial ones, where chance has it so."""
    least = 1.2 * settings.spacing
    if not chance.happens(settings.lesions.thick) or settings.lesions.thickest <= least:
        return image, share
    thickness = chance.between(least, settings.lesions.thickest) / settings.spacing
    axis = 2 if chance.happens(0.7) else chance.whole(0, 2)
    return sliced(image, axis, thickness), sliced(share, axis, thickness)


def _weights(share: Tensor, found: Burden) -> Tensor:
    """Return how much each voxel counts: all of small lesions together as much as a large one's."""
    volume = torch.from_numpy(found.volume)
    heavy = (100.0 / volume.clamp_min(1e-3)).sqrt_().clamp_(*HEAVY)
    inside = torch.logical_and(share > 0, volume > 0)
    return torch.where(inside, heavy, torch.ones_like(heavy))


def _scaled(image: Tensor, looks: Contrast, chance: Chance) -> Tensor:
    """Return the image as a whole one may come out of `serving.OPERATIONS`."""
    image = image * (chance.between(*SCALES) / max(looks.white, 0.1))
    return (image + float(chance.numbers.normal(0, 0.02))).clamp_(0, BRIGHTEST)
