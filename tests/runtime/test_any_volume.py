"""Whatever a reader may hand over, the path answers or refuses; it never breaks."""

from __future__ import annotations

from functools import cache

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from bedside.errors import BedsideError
from bedside.imaging.volume import Affine, Volume
from bedside.package.volumes import FieldOfView, MillimetreRange, VolumeIntensity, VoxelRange
from bedside.runtime.analysis import UNSTATED
from bedside.runtime.runner import Runner
from tests.volume_packages import INPUT, THREE_SLIDING, TWO_WHOLE, Made, head, opened

ANY = MillimetreRange(minimum=0.001, maximum=2_000.0)
WIDE = INPUT.model_copy(
    update={
        "spacing": ANY,
        "field_of_view": FieldOfView(left_right=ANY, back_front=ANY, foot_head=ANY),
        "sides": VoxelRange(minimum=1, maximum=512),
        "most_anisotropic": 1_000.0,
        "intensity": VolumeIntensity(levels=2, most_at_one_level=1.0, least_continuity=0.0),
    }
)


@cache
def runners() -> tuple[Runner, ...]:
    made = (TWO_WHOLE, THREE_SLIDING)
    return tuple(
        Runner(opened(Made(output=one.output, inference=one.inference, declared=WIDE)))
        for one in made
    )


def turned(angles: tuple[float, float, float], spacing: tuple[float, float, float]) -> Affine:
    affine = np.eye(4)
    for axis, angle in enumerate(angles):
        one, other = [place for place in range(3) if place != axis]
        turn = np.eye(4)
        turn[one, one] = turn[other, other] = np.cos(angle)
        turn[one, other], turn[other, one] = -np.sin(angle), np.sin(angle)
        affine = affine @ turn
    return affine @ np.diag([*spacing, 1.0])


sides = st.integers(1, 20)
spacings = st.floats(0.3, 30)
scales = st.sampled_from([1e-30, 1e-3, 1.0, 1e4, 3e38])


@settings(max_examples=40, deadline=None)
@given(
    st.tuples(sides, sides, sides),
    st.tuples(spacings, spacings, spacings),
    st.tuples(st.floats(-3, 3), st.floats(-3, 3), st.floats(-3, 3)),
    scales,
    st.integers(0, 2**16),
)
def test_any_volume_is_answered_on_its_grid_or_refused(
    shape: tuple[int, int, int],
    spacing: tuple[float, float, float],
    angles: tuple[float, float, float],
    scale: float,
    seed: int,
) -> None:
    values = np.random.default_rng(seed).uniform(-scale, scale, shape).astype(np.float32)
    volume = Volume(values, turned(angles, spacing), head().facts)
    for runner in runners():
        with np.errstate(all="ignore"):  # what overflows is refused by the network's scores
            try:
                found = runner.analyse(volume, UNSTATED)
            except BedsideError:
                continue
        assert found.labels is not None
        assert found.probability is not None
        assert found.labels.shape == found.probability.shape == shape
        assert np.isfinite(found.probability).all()
        assert 0 <= found.probability.min() <= found.probability.max() <= 1
