"""What is bright and no lesion: rims and caps of ventricles, dirty white matter, cortex, flowing fluid.

Each takes and gives (i, j, k) float32 and is fainter, smoother or elsewhere than a lesion, so that a
network can tell them apart, and must.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from bedside.lab.lesions.burden import Ground
from bedside.lab.lesions.contrast import Contrast
from bedside.lab.lesions.places import GREY, OPEN, STEPS, WHITE
from bedside.lab.lesions.settings import LesionSynthesis
from bedside.lab.synthesis.chance import Chance


def misled(
    image: Tensor, ground: Ground, looks: Contrast, chance: Chance, settings: LesionSynthesis
) -> Tensor:
    """Return the image with brightness that is no lesion, each kind as often as the settings say."""
    kinds = torch.from_numpy(ground.kinds)
    above = looks.lesion - looks.white
    white = kinds == WHITE
    if chance.happens(settings.misleading):
        image = image + _around_ventricles(ground, chance) * white * (above * chance.between(0, 1))
    if chance.happens(settings.misleading):
        dirty = _patches(image, ground.spacing, chance, chance.between(10, 25), 0.2)
        image = image + dirty * white * (above * chance.between(0, 0.4))
    if chance.happens(settings.misleading):
        cortex = _patches(image, ground.spacing, chance, chance.between(4, 15), 0.6)
        change = (looks.lesion * chance.between(0.8, 1.1) - looks.grey) * cortex
        image = image + change.clamp_min_(0) * (kinds == GREY)
    if chance.happens(settings.misleading):
        flowing = _patches(image, ground.spacing, chance, chance.between(4, 12), 1.0)
        image = image + flowing * (kinds == OPEN) * (looks.lesion * chance.between(0, 0.9))
    return image


def _around_ventricles(ground: Ground, chance: Chance) -> Tensor:
    """Return a thin rim, and soft caps here and there, 0 to about a half."""
    away = torch.from_numpy(ground.ventricle.astype(np.float32)) / STEPS
    rim = (chance.between(1.0, 2.0) - away).clamp_(0, 1) * chance.between(0, 0.7)
    soft = torch.exp(-away / chance.between(2.0, 6.0))
    caps = _patches(rim, ground.spacing, chance, chance.between(10, 20), 0.5)
    return torch.maximum(rim, soft * caps * chance.between(0, 0.5))


def _patches(like: Tensor, spacing: float, chance: Chance, apart: float, edge: float) -> Tensor:
    """Return smooth patches, 0 to 1, about so many mm apart; more where the edge is lower."""
    knots = [max(3, round(side * spacing / apart)) for side in like.shape]
    return ((chance.smooth(1, like.shape, knots)[0] - edge) * 1.5).clamp_(0, 1)
