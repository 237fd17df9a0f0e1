"""What the comparison of the layers takes of memory, known before it begins."""

from __future__ import annotations

import math
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from bedside.errors import FreezeRefused
from bedside.freezing.meshnet.comparing import most_memory, small_shape
from bedside.freezing.meshnet.plain import layer_by_layer
from bedside.freezing.meshnet.source import memory_of, meshnet_source
from tests.freezing.meshnet.folders import Asked, folder_of
from tests.freezing.volumes.building import THREE_CLASSES, output_of, volume_spec

FAR = (Asked("near", 64, kernel=1), Asked("far", 3, kernel=5, dilation=64, activation=None))
"""A hundred kilobytes of weights: 388 × 392 × 396 voxels of 64 channels while they are compared."""

SEVERAL = (
    Asked("first_gn", 6, dilation=8, bias=False, activation="gelu"),
    Asked("second", 9, dilation=16, activation="elu"),
    Asked("output", 2, kernel=1, activation=None),
)


def test_a_layer_that_needs_more_than_a_process_has_is_refused_by_name(tmp_path: Path) -> None:
    source = meshnet_source(folder_of(FAR, side=64).write(tmp_path))
    spec = volume_spec(
        preprocessing=[{"op": "conform", "side": 64}], output=output_of(THREE_CLASSES)
    )
    assert memory_of(source.net) < 2**28  # a run is small
    tracemalloc.start()
    try:
        with pytest.raises(
            FreezeRefused, match=r"layer 'far', which reaches 128 voxels and takes 64 .* GiB"
        ):
            source.compare(lambda _: pytest.fail("nothing is analysed"), (), spec)
        assert tracemalloc.get_traced_memory()[1] < 2**24
    finally:
        tracemalloc.stop()


def test_what_is_foreseen_is_what_the_numpy_reading_takes(tmp_path: Path) -> None:
    net = meshnet_source(folder_of(SEVERAL).write(tmp_path)).net
    shape = small_shape(net)
    layer, memory = most_memory(net, shape)
    assert layer.name == "second"
    reading = memory - 2 * math.prod(shape) * (6 + 9 + 2) * 4
    volume = np.random.default_rng(0).random(shape, dtype=np.float32)
    tracemalloc.start()
    try:
        for _ in layer_by_layer(net, volume):
            pass
        assert 0.7 * reading < tracemalloc.get_traced_memory()[1] <= reading
    finally:
        tracemalloc.stop()
