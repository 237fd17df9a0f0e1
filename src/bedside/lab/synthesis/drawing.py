"""One training case out of one head: an image of chance contrast, and the mask that belongs to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bedside.lab.synthesis.artefacts import scanned
from bedside.lab.synthesis.chance import Chance
from bedside.lab.synthesis.contrast import grey_values
from bedside.lab.synthesis.framing import framed, grown, without_face, without_skull
from bedside.lab.synthesis.geometry import Shape, points, sampled
from bedside.lab.synthesis.heads import MASKED, Head
from bedside.lab.synthesis.settings import SynthesisSettings
from bedside.lab.synthesis.tissues import FLUID, INNER_FLUID, LAYERS, Tissue

_COARSE: Final = 2
"""The texture of tissues has knots so many voxels apart."""

_CORNERS: Final = ((1, 1, 1), (1, -1, -1), (-1, 1, -1), (-1, -1, 1))
"""Where a voxel is looked at: four of its eight octants, no two of them neighbours."""

MOST_GROWN: Final = 2
"""Millimetres."""

_VARIED: Final = (Tissue.SOFT, Tissue.MUCOSA, Tissue.SKIN, Tissue.MARROW, Tissue.MUSCLE)
"""One label of a map, and many tissues in truth: fat, muscles, glands, vessels."""

_FLUID_VARIES: Final = 0.4
"""How much fluid around the brain varies, of what those tissues do: vessels and strands run in it."""


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """What was drawn.

    Attributes:
        image: (i, j, k) float32, RAS+, about 0 to 1.
        mask: (i, j, k) float32, 0 to 1: the brain's share of each voxel.
    """

    image: Tensor
    mask: Tensor


def drawn(
    head: Head,
    shape: Shape,
    spacing: float,
    chance: Chance,
    settings: SynthesisSettings,
    values: NDArray[np.float32] | None = None,
) -> Drawn:
    """Return an image of the head on a grid, and the mask.

    Args:
        head: From `heads.read_head`.
        shape: Of the grid, along the patient's right, front and head.
        spacing: Of the grid, mm.
        chance: The same gives the same, on one device.
        settings: What may happen.
        values: A grey value for each `Tissue`; None draws them, too.
    """
    values = grey_values(chance, settings) if values is None else values
    where = points(chance, settings, shape, spacing, head.middle)
    grown_by = chance.whole(0, MOST_GROWN + 1) if chance.happens(settings.filled) else 0
    image, mask, varied = _seen(head, values, grown_by, where, spacing)
    image = _textured(image, varied, chance, settings)
    if chance.happens(settings.lesioned):
        image = _with_lesions(image, mask, chance)
    if chance.happens(settings.defaced):
        image = image * without_face(mask, spacing, chance)
    stripped = chance.happens(settings.stripped)
    if stripped:
        image = image * without_skull(mask, chance)
    image = scanned(image, spacing, chance, settings)
    view = framed(mask, spacing, chance, settings)
    if stripped and chance.happens(0.7):
        image = image * grown(mask, 2.5)  # nothing at all around it, not even noise
    if view is not None:
        image, mask = image * view, mask * view
    return Drawn(image, mask)


def _seen(
    head: Head, values: NDArray[np.float32], grown_by: int, where: Tensor, spacing: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Return grey value, mask and how much a tissue varies: the means of four points of each voxel."""
    coded = torch.from_numpy(head.coded).to(where.device)
    tables = _tables(values, grown_by) / np.float32(len(_CORNERS))
    looked_up = torch.from_numpy(tables).to(where.device)
    sums = torch.zeros(3, where[0].numel(), device=where.device)
    for corner in _CORNERS:
        code = sampled(coded, where, [spacing / 4 * side for side in corner])
        sums += looked_up.index_select(1, code.flatten().to(torch.int32))
    image, mask, rough = sums.view(3, *where.shape[1:])
    return image, mask, rough


def _tables(values: NDArray[np.float32], grown_by: int) -> NDArray[np.float32]:
    """Return grey value, share of mask and how much it varies for each code of a head, (3, codes).

    Brains that fill their skull are drawn by so many mm of fluid around them being cortex.
    """
    grey = np.zeros(MASKED, dtype=np.float32)
    grey[: len(values)] = values
    share, varied = np.zeros_like(grey), np.zeros_like(grey)
    grey[[*LAYERS, Tissue.LOWER_FLUID]] = grey[Tissue.OUTER_FLUID]
    grey[list(LAYERS[:grown_by])] = grey[Tissue.GREY]
    share[list(INNER_FLUID)] = 1
    varied[list(_VARIED)] = 1
    varied[list(FLUID - {Tissue.DURA, *LAYERS[:grown_by]})] = _FLUID_VARIES
    brain = np.stack([grey, np.ones_like(grey), np.zeros_like(grey)])
    return np.concatenate([np.stack([grey, share, varied]), brain], axis=1)


def _textured(image: Tensor, varied: Tensor, chance: Chance, settings: SynthesisSettings) -> Tensor:
    """Return the image with grey values that vary within tissues, more so around the brain."""
    knots = [max(3, side // _COARSE) for side in image.shape]
    fine = chance.smooth(1, image.shape, knots)[0] * (settings.texture * chance.between(0, 1) ** 2)
    wide = [max(3, round(side / chance.between(4, 12))) for side in image.shape]
    rough = chance.smooth(1, image.shape, wide)[0] * chance.between(0, 0.7)
    return image * (1 + fine + rough * varied).clamp_min_(0)


def _with_lesions(image: Tensor, mask: Tensor, chance: Chance) -> Tensor:
    """Return the image with blobs of another grey value inside of the brain."""
    knots = [max(3, round(side / chance.between(5, 14))) for side in image.shape]
    field = chance.smooth(1, image.shape, knots)[0]
    edge = chance.between(1.1, 1.8)
    blobs = ((field - edge) * 6).clamp_(0, 1) * (mask > 0.9)
    return image + blobs * (chance.between(0, 1.2) - image)
