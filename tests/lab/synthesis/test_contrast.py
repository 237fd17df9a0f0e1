from __future__ import annotations

import numpy as np
import torch

from bedside.lab.synthesis.chance import Chance
from bedside.lab.synthesis.contrast import grey_values, sequence
from bedside.lab.synthesis.settings import SynthesisSettings
from bedside.lab.synthesis.tissues import LAYERS, Tissue

CPU = torch.device("cpu")


def test_sequences_look_as_they_are_known_to() -> None:
    t1, t2, flair = (sequence(name) for name in ("T1", "T2", "FLAIR"))
    assert t1[Tissue.WHITE] > t1[Tissue.GREY] > t1[Tissue.VENTRICLE]
    assert t2[Tissue.VENTRICLE] > t2[Tissue.GREY] > t2[Tissue.WHITE]
    assert flair[Tissue.LESION] > flair[Tissue.GREY] > flair[Tissue.VENTRICLE]
    assert len(t1) == len(Tissue) - len(LAYERS) - 1  # LOWER_FLUID is as the rest of it


def test_an_image_has_any_contrast_between_white_and_grey_matter() -> None:
    settings = SynthesisSettings()
    values = [grey_values(Chance((1, number), CPU), settings) for number in range(200)]
    signs = [float(one[Tissue.WHITE] - one[Tissue.GREY]) for one in values]
    assert 0.2 < np.mean(np.array(signs) > 0) < 0.8
    assert min(one.min() for one in values) >= 0
