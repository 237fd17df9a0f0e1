from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from bedside.imaging.files import files_at
from bedside.imaging.phantoms import drawn_head
from bedside.imaging.volume_reading import read_volume
from bedside.runtime.engines.antspynet.steadying import cut_outliers


@pytest.fixture
def head() -> NDArray[np.float32]:
    return np.array(drawn_head().values)


def test_an_ordinary_head_is_handed_on_as_it_is(head: NDArray[np.float32]) -> None:
    kept, cut = cut_outliers(head)
    assert kept is head
    assert cut == 0


@pytest.mark.parametrize("name", ["colin27_T1.nii.gz", "MoAE_t1.nii.gz", "chris_PD.nii.gz"])
def test_a_real_head_is_handed_on_as_it_is(samples: Path, name: str) -> None:
    values = read_volume(files_at(samples / "heads" / name)).values
    assert cut_outliers(values)[1] == 0


@pytest.mark.parametrize("value", [50.0, 1e6, -50.0])
def test_one_voxel_far_outside_is_cut_and_nothing_else_changes(
    head: NDArray[np.float32], value: float
) -> None:
    spoilt = head.copy()
    spoilt[16, 16, 16] = head.max() * value
    kept, cut = cut_outliers(spoilt)
    assert cut == 1
    kept[16, 16, 16] = head[16, 16, 16]
    assert np.array_equal(kept, head)
