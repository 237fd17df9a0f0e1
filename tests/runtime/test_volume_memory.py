from __future__ import annotations

import tracemalloc

import pytest

from bedside.errors import UsageError
from bedside.imaging.phantoms import drawn_head
from bedside.runtime.memory import MAX_MEMORY
from bedside.runtime.runner import Runner
from bedside.runtime.volume_memory import LIBRARY, bytes_for
from tests.package.building import Recipe
from tests.package.card.volume_manifests import antspynet_model, volume_manifest, volume_model
from tests.volume_packages import MR_HEAD, THREE_SLIDING, TWO_WHOLE, Made, opened

VOXELS = 96**3

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


def test_more_voxels_take_more() -> None:
    manifest = opened().manifest
    assert bytes_for(manifest, 2 * VOXELS) > bytes_for(manifest, VOXELS)


def test_a_library_counts_with_its_own() -> None:
    manifest = volume_manifest(model=antspynet_model(), preprocessing=())
    assert bytes_for(manifest, VOXELS) > LIBRARY


def test_a_table_takes_no_volumes() -> None:
    with pytest.raises(UsageError, match="takes no volumes"):
        bytes_for(Recipe().manifest(), VOXELS)
