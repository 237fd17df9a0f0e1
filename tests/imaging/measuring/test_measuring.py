from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bedside.errors import UsageError
from bedside.imaging.files import files_at
from bedside.imaging.measuring.head import Head
from bedside.imaging.measuring.measurement import METHODS, Measurement, MethodName
from bedside.imaging.measuring.measuring import HEAD_NOTE, measured
from bedside.imaging.volume_reading import read_volume
from tests.imaging.measuring.shapes import ball, placed, stored_in_48_ways

HEAD = Head((-80.0, -100.0, -90.0), (80.0, 100.0, 90.0))


def quantities(found: tuple[Measurement, ...]) -> dict[str, tuple[float, ...]]:
    return {one.quantity: one.values for one in found if one.region is None}


@pytest.mark.parametrize(
    ("spacing", "turn", "shear"),
    [
        ((1.0, 1.0, 1.0), 0.0, 0.0),
        ((1.0, 1.5, 2.0), 0.0, 0.0),
        ((1.0, 1.0, 1.5), 0.6, 0.0),
        ((1.0, 1.0, 1.0), 0.3, 0.2),
    ],
    ids=["cubes", "anisotropic", "oblique", "sheared"],
)
def test_a_ball_has_its_volume_and_place_however_the_volume_lies(
    spacing: tuple[float, float, float], turn: float, shear: float
) -> None:
    affine = placed(spacing, turn, shear)
    found = quantities(measured(ball(affine, (-2.0, 1.0, 0.5)), affine, METHODS, HEAD))
    assert found["volume"][0] == pytest.approx(4 / 3 * np.pi * 10**3 / 1000, rel=0.02)
    assert found["centre"] == pytest.approx((-2.0, 1.0, 0.5), abs=0.15)
    assert found["extents"] == pytest.approx((20, 20, 20), abs=2.2)
    assert found["region-count"] == (1,)


def test_all_48_ways_to_store_a_volume_give_one_answer() -> None:
    affine = placed((1.0, 1.5, 2.0), turn=0.2)
    mask = ball(affine, (4.0, -3.0, 2.0), 6) | ball(affine, (-9.0, 9.0, -9.0), 2)
    answers = []
    for one, where in stored_in_48_ways(mask, affine):
        stored = one.astype(np.bool_)
        answers.append([found.told() for found in measured(stored, where, METHODS, HEAD)])
    assert len(answers) == 48
    assert all(answer == answers[0] for answer in answers)


def test_the_head_centre_is_told_from_the_middle_of_the_heads_box() -> None:
    affine = placed()
    head = Head((-70.0, -90.0, -80.0), (90.0, 110.0, 100.0))
    (found,) = measured(ball(affine), affine, ["head-centre"], head)
    assert found.values == pytest.approx((-10, -10, -10))
    assert found.parts == ("right", "front", "head")
    assert found.note == HEAD_NOTE


def test_without_a_head_there_is_no_head_centre() -> None:
    assert measured(ball(placed()), placed(), ["head-centre"]) == ()


def test_an_empty_mask_has_a_volume_of_0_no_region_and_no_place() -> None:
    found = quantities(measured(np.zeros((4, 5, 6), dtype=np.bool_), np.eye(4), METHODS, HEAD))
    assert found == {"volume": (0.0,), "region-count": (0.0,)}


def test_a_count_is_told_as_a_whole_number_and_a_volume_is_not() -> None:
    mask = np.ones((10, 10, 10), dtype=np.bool_)
    told = {one.quantity: one.told()["value"] for one in measured(mask, np.eye(4), METHODS, HEAD)}
    assert isinstance(told["region-count"], int)
    assert isinstance(told["volume"], float)
    assert (told["region-count"], told["volume"]) == (1, 1.0)


def test_the_order_is_that_of_the_methods_not_of_the_question() -> None:
    found = measured(ball(placed()), placed(), ["centre", "volume"])
    assert [one.quantity for one in found] == ["volume", "centre"]


def test_an_unknown_method_is_named() -> None:
    with pytest.raises(UsageError, match=r"'weight' is no method .* volume, extents"):
        measured(ball(placed()), placed(), ["weight"])  # type: ignore[list-item]


@pytest.mark.parametrize("mask", [np.zeros((2, 2), dtype=np.bool_), np.zeros((2, 2, 2))])
def test_what_is_no_mask_is_refused(mask: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> None:
    with pytest.raises(UsageError, match="three axes of booleans"):
        measured(mask, np.eye(4), ["volume"])


def test_json_has_value_unit_method_and_version() -> None:
    affine = placed((0.5, 0.5, 0.5))
    volume, extents = measured(ball(affine, radius=5), affine, ["volume", "extents"])
    assert volume.told() == {
        "quantity": "volume", "value": 0.528, "unit": "mL", "method": "voxel-count", "version": 1,
    }  # fmt: skip
    assert extents.told()["value"] == {"left-right": 10.0, "back-front": 10.0, "foot-head": 10.0}
    assert Measurement("dice", (0.94166,), "1", "voxel-overlap").told()["value"] == 0.9417
    assert Measurement("centre", (-0.001,), "mm", "x").told()["value"] == 0.0
    assert str(Measurement("centre", (-0.001,), "mm", "x").told()["value"]) == "0.0"


def test_a_real_brain_has_the_volume_that_its_mask_is_known_for(samples: Path) -> None:
    brain = read_volume(files_at(samples / "heads" / "colin27_brainmask_closed.nii.gz"))
    methods: list[MethodName] = ["volume", "centre", "extents"]
    found = quantities(measured(brain.values > 0, brain.affine, methods))
    assert found["volume"][0] == pytest.approx(1740, abs=5)
    assert found["centre"] == pytest.approx((0.7, -21.4, 9.7), abs=0.1)
    assert found["extents"] == (143, 181, 145)
