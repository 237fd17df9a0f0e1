"""A head behind a tilted gantry: refused, or straightened by a model that resamples."""

from __future__ import annotations

import numpy as np
import pytest

from bedside.imaging.grid import Grid, Placed
from bedside.imaging.resampling import resampled
from bedside.imaging.volume import Volume
from bedside.runtime.runner import Runner
from bedside.runtime.volume_gate import straightens
from tests.volume_packages import MR_HEAD, head, opened


def tilted(volume: Volume, degrees: float) -> Volume:
    """The same head in slices that are shifted against each other."""
    affine = volume.affine.copy()
    along = affine[:3, 1] / np.linalg.norm(affine[:3, 1])
    shift = along * np.tan(np.radians(degrees)) * np.linalg.norm(affine[:3, 2])
    affine[:3, 2] += shift
    affine[:3, 3] -= shift * volume.shape[2] / 2
    moved = resampled(Placed.of(volume), Grid(volume.shape, affine), "linear", outside=0.0)
    return Volume(np.array(moved.values), affine, volume.facts)


def test_is_measured_as_it_was_by_a_model_that_resamples() -> None:
    runner = Runner(opened())
    assert straightens(runner.manifest)
    straight = head(3)
    expected = runner.analyse(straight, MR_HEAD).values["bright"]
    found = runner.analyse(tilted(straight, 15), MR_HEAD).values["bright"]
    assert found == pytest.approx(expected, rel=0.01)


def test_is_not_read_for_a_model_that_does_not() -> None:
    manifest = opened().manifest
    bare = manifest.model_copy(update={"preprocessing": manifest.preprocessing[:1]})
    assert not straightens(bare)
