from __future__ import annotations

import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bedside.errors import UsageError
from bedside.imaging.grid import Placed
from bedside.imaging.phantoms import drawn_head
from bedside.package.segmentation import SegmentationOutput
from bedside.package.volume_growth import growth, padded_shape
from bedside.package.volume_models import SlidingInference
from bedside.package.volume_operations import (
    PadToMultiple,
    Reorient,
    Resample,
    Transpose,
    VolumeOperation,
)
from bedside.package.volumes import FieldOfView, MillimetreRange
from bedside.runtime.memory import MAX_MEMORY
from bedside.runtime.progress import silent
from bedside.runtime.runner import Runner
from bedside.runtime.sliding import slid
from bedside.runtime.volume_memory import LIBRARY, PROCESS, bytes_for
from bedside.runtime.volume_preprocess import applied
from tests.package.building import Recipe
from tests.package.card.volume_manifests import antspynet_model, volume_manifest, volume_model
from tests.volume_packages import INPUT, MR_HEAD, THREE_SLIDING, TWO_WHOLE, Made, opened

VOXELS = 96**3

FINER = Resample(spacing=(3.0, 2.5, 4.0))
COARSER = Resample(spacing=(9.0, 6.0, 7.0), anchor="first")
MULTIPLES = PadToMultiple(multiple=(16, 5, 32))
ORDER: tuple[VolumeOperation, ...] = (FINER, COARSER, MULTIPLES, Transpose(order=(2, 0, 1)))

BARE = 120 * 2**20
"""Of a process that has read nothing."""


@pytest.mark.parametrize("made", [TWO_WHOLE, THREE_SLIDING], ids=["two", "three"])
def test_an_analysis_takes_no_more_than_it_says(made: Made) -> None:
    package, volume = opened(made), drawn_head((96, 96, 96), (2.3, 2.5, 2.3))
    runner = Runner(package)
    runner.analyse(volume, MR_HEAD)  # what is imported at the first time is no part of it
    tracemalloc.start()
    runner.analyse(volume, MR_HEAD)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    network = 64 * 2**20  # as the manifest says; its memory is not Python's
    assert peak < bytes_for(package.manifest, VOXELS) - BARE - network


def test_a_network_that_nobody_measured_may_take_all_that_networks_share() -> None:
    measured = volume_manifest(model=volume_model(memory=2**20))
    unmeasured = volume_manifest(model=volume_model(memory=None))
    assert bytes_for(measured, VOXELS) < MAX_MEMORY < bytes_for(unmeasured, VOXELS)


@given(
    st.tuples(*(st.integers(12, 40) for _ in range(3))),
    st.tuples(*(st.sampled_from([4.0, 5.5, 8.0]) for _ in range(3))),
    st.sampled_from(["RAS", "LIA", "SPR"]),
    st.lists(st.sampled_from([FINER, COARSER, MULTIPLES, Transpose(order=(2, 0, 1))]), unique=True),
)
@settings(max_examples=40, deadline=None)
def test_no_volume_of_the_domain_is_prepared_into_more_voxels_than_foreseen(
    sides: tuple[int, int, int],
    steps: tuple[float, float, float],
    axes: str,
    others: list[VolumeOperation],
) -> None:
    wanted = [one for one in ORDER if one in others and not (one == COARSER and FINER in others)]
    operations = (Reorient(axes=axes), *wanted)
    volume = drawn_head(sides, steps)
    reaches = [side * step for side, step in zip(sides, steps, strict=True)]
    left, back, foot = (MillimetreRange(minimum=0.8 * one, maximum=1.2 * one) for one in reaches)
    view = FieldOfView(left_right=left, back_front=back, foot_head=foot)
    spacing = MillimetreRange(minimum=4.0, maximum=8.0)
    domain = INPUT.model_copy(update={"field_of_view": view, "spacing": spacing})
    patch = (24, 16, 40)
    found = growth(operations, domain, volume.values.size, patch)
    placed, widest = Placed.of(volume), volume.values.size
    for operation in operations:
        placed = applied(operation, placed)
        widest = max(widest, placed.values.size)
    assert widest <= found.widest
    assert placed.values.size <= found.last
    assert math.prod(padded_shape(placed.shape, patch)) <= found.padded


def test_windows_take_no_more_than_an_analysis_sets_aside_for_them() -> None:
    """A flat volume, padded to windows that are much larger."""
    window = SlidingInference(patch=(64, 64, 64), overlap=0.0)
    manifest = volume_manifest(
        model=volume_model(inference=window, memory=1), preprocessing=(Reorient(axes="RAS"),)
    )
    output = manifest.postprocessing
    assert isinstance(output, SegmentationOutput)
    shape = (128, 128, 8)
    tracemalloc.start()
    slid(
        np.ones((1, *shape), dtype=np.float32),
        window,
        output.channels,
        lambda one, _: np.zeros((output.channels, *one.shape[1:]), dtype=np.float32),
        silent,
    )
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    set_aside = bytes_for(manifest, math.prod(shape)) - PROCESS
    assert 12 * 2**20 < peak < set_aside


def test_more_voxels_take_more() -> None:
    manifest = opened().manifest
    assert bytes_for(manifest, 2 * VOXELS) > bytes_for(manifest, VOXELS)


def test_a_library_counts_with_its_own() -> None:
    manifest = volume_manifest(model=antspynet_model(), preprocessing=())
    assert bytes_for(manifest, VOXELS) > LIBRARY


def test_a_table_takes_no_volumes() -> None:
    with pytest.raises(UsageError, match="takes no volumes"):
        bytes_for(Recipe().manifest(), VOXELS)
