from __future__ import annotations

import numpy as np
import torch

from bedside.imaging.phantoms import drawn_head
from bedside.lab.brain.scaling import SCALING, scaled
from bedside.package.volume_operations import Percentiles
from bedside.runtime.volume_preprocess import VolumePreprocess


def test_training_and_serving_scale_alike() -> None:
    volume = drawn_head((48, 56, 48), (4.0, 4.0, 4.0), seed=2)
    served = VolumePreprocess((SCALING,))(volume).tensor[0]
    trained = scaled(torch.from_numpy(np.array(volume.values))).numpy()
    assert np.abs(served - trained).max() < 0.03


def test_a_flat_image_is_dark() -> None:
    assert torch.count_nonzero(scaled(torch.full((6, 6, 6), 7.0))) == 0


def test_the_ends_are_those_of_the_percentiles() -> None:
    image = torch.linspace(0, 1, 27_000).view(30, 30, 30)
    found = scaled(image, Percentiles(low=10, high=90))
    assert torch.count_nonzero(found == 0) > 2_500
    assert torch.count_nonzero(found == 1) > 2_500
