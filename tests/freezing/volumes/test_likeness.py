from __future__ import annotations

import numpy as np
import pytest

from bedside.errors import UsageError
from bedside.freezing.volumes.likeness import CONTRASTS, learned, left_out, painted
from bedside.imaging.measuring.head import head_of
from bedside.imaging.volume import Volume, VolumeFacts, Voxels
from bedside.imaging.volume_likeness import likeness_of, nearness

FACTS = VolumeFacts(medium="nifti", digest="sha256:" + "0" * 64)


def label_map(seed: int) -> Volume:
    """Nested balls: skin, bone, fluid, grey and white matter, of a head that varies in size."""
    random = np.random.default_rng(seed)
    affine = np.diag([5.0, 5.0, 5.0, 1.0])
    affine[:3, 3] = -5.0 * (50 - 1) / 2
    lines = [affine[axis, 3] + 5.0 * np.arange(50) for axis in range(3)]
    x, y, z = np.meshgrid(*lines, indexing="ij")
    size = random.uniform(0.95, 1.05, 3)
    away = np.sqrt(
        (x / (80 * size[0])) ** 2 + (y / (100 * size[1])) ** 2 + (z / (90 * size[2])) ** 2
    )
    values = np.zeros(away.shape, dtype=np.float32)
    for radius, label in ((0.97, 511), (0.88, 515), (0.82, 24), (0.78, 3), (0.6, 2)):
        values[away < radius] = label
    return Volume(values, affine, FACTS)


MAPS = [label_map(seed) for seed in range(5)]


def test_has_a_reference_for_each_contrast_and_a_smallest_likeness_that_was_measured() -> None:
    found = learned(MAPS)
    assert len(found.references) == len(CONTRASTS)
    assert found.volumes == 5
    assert 0.8 < found.minimum < 0.99


def test_the_same_maps_and_seed_give_the_same_likeness() -> None:
    assert learned(MAPS, ["t1"], seed=3) == learned(MAPS, ["t1"], seed=3)
    assert learned(MAPS, ["t1"], seed=3) != learned(MAPS, ["t1"], seed=4)


def test_another_head_looks_like_it_and_half_a_head_does_not() -> None:
    found = learned(MAPS, ["t1"])
    volume = label_map(17)
    values = painted(volume.values, "t1", np.random.default_rng(1))

    def near(values: Voxels) -> float:
        head = head_of(values, volume.affine)
        assert head is not None
        own = likeness_of(values, volume.affine, head)
        return nearness(np.array(found.references[0]), own)

    assert near(values) > found.minimum
    values[:25] = 0
    assert near(values) < found.minimum


def test_a_head_is_compared_with_all_others_and_not_with_itself() -> None:
    usual, odd = np.array([1.0, 1.0, -1.0, -1.0]), np.array([1.0, -1.0, 1.0, -1.0])
    assert left_out([usual, usual, odd]) == pytest.approx(0)


def test_what_decides_is_declared() -> None:
    assert learned(MAPS, ["t1"], otherwise="flag").otherwise == "flag"


@pytest.mark.parametrize(("maps", "contrasts"), [(MAPS[:4], ["t1"]), (MAPS, [])])
def test_too_little_to_learn_from_is_refused(maps: list[Volume], contrasts: list[str]) -> None:
    with pytest.raises(UsageError, match="at least 5 maps and one contrast"):
        learned(maps, contrasts)  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [-1.0, 2000.0, 0.5])
def test_what_is_no_label_map_is_refused(value: float) -> None:
    with pytest.raises(UsageError, match="whole numbers from 0 to 1023"):
        painted(np.full((3, 3, 3), value, dtype=np.float32), "t1", np.random.default_rng(0))


def test_white_matter_is_brightest_in_t1_and_fluid_in_t2() -> None:
    labels = np.repeat(np.array([2, 3, 24], dtype=np.float32), 300).reshape(3, 30, 10)
    t1, t2 = (painted(labels, one, np.random.default_rng(0)) for one in ("t1", "t2"))
    assert list(np.argsort([part.mean() for part in t1])) == [2, 1, 0]
    assert int(np.argmax([part.mean() for part in t2])) == 2
