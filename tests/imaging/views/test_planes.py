from __future__ import annotations

import numpy as np
import pytest

from bedside.imaging.views.planes import Box, Plane, PlaneName, box_of, sampled
from bedside.imaging.views.view import Convention
from tests.imaging.measuring.shapes import ball, placed, stored_in_48_ways

BOX = Box((-16.0, -16.0, -16.0), (16.0, 16.0, 16.0))


def plane(
    name: PlaneName = "axial", convention: Convention = "radiological", scale: float = 2.0
) -> Plane:
    return Plane(name, 0.0, BOX, convention, scale)


@pytest.mark.parametrize(
    ("name", "convention", "letters"),
    [
        ("axial", "radiological", "RLAP"),
        ("axial", "neurological", "LRAP"),
        ("coronal", "radiological", "RLSI"),
        ("coronal", "neurological", "LRSI"),
        ("sagittal", "radiological", "APSI"),
        ("sagittal", "neurological", "APSI"),
    ],
)
def test_letters_say_where_the_millimetres_lead(
    name: PlaneName, convention: Convention, letters: str
) -> None:
    one = plane(name, convention)
    assert "".join(one.letters) == letters
    points = one.points()
    directions = {"L": (0, -1), "R": (0, 1), "P": (1, -1), "A": (1, 1), "I": (2, -1), "S": (2, 1)}
    middle = points.shape[1] // 2
    ends = (
        points[:, middle, 0],
        points[:, middle, -1],
        points[:, 0, middle],
        points[:, -1, middle],
    )
    for letter, end in zip(letters, ends, strict=True):
        axis, sign = directions[letter]
        assert sign * end[axis] > 15


def test_what_lies_at_the_patients_left_is_at_the_right_of_a_radiological_picture() -> None:
    affine = placed()
    values = ball(affine, (-8.0, 5.0, 0.0), 3.0).astype(np.float32)
    rows, columns = np.nonzero(sampled(values, affine, plane()) > 0.5)
    assert columns.mean() == pytest.approx(32 + 16, abs=1)
    assert rows.mean() == pytest.approx(32 - 10, abs=1)
    rows, columns = np.nonzero(sampled(values, affine, plane(convention="neurological")) > 0.5)
    assert columns.mean() == pytest.approx(32 - 16, abs=1)


def test_the_48_ways_to_store_a_volume_give_one_picture() -> None:
    affine = placed((1.0, 1.25, 2.0), turn=0.3)
    values = np.random.default_rng(1).random((32, 32, 32), dtype=np.float32)
    pictures = [
        sampled(one.astype(np.float32), where, plane("coronal"))
        for one, where in stored_in_48_ways(values, affine)
    ]
    assert all(np.allclose(one, pictures[0], atol=1e-5) for one in pictures)


@pytest.mark.parametrize("name", ["axial", "coronal", "sagittal"])
def test_a_ball_is_round_in_an_oblique_volume_with_thick_slices(name: PlaneName) -> None:
    affine = placed((0.8, 0.8, 3.0), turn=0.5, shape=(40, 40, 12))
    values = ball(affine, radius=11.0, shape=(40, 40, 12)).astype(np.float32)
    rows, columns = np.nonzero(sampled(values, affine, plane(name)) > 0.5)
    assert np.ptp(rows) == pytest.approx(44, abs=5)
    assert np.ptp(columns) == pytest.approx(44, abs=5)


def test_outside_the_volume_nothing_is_invented() -> None:
    affine = placed(shape=(8, 8, 8))
    found = sampled(np.ones((8, 8, 8), dtype=np.float32), affine, plane(), outside=-7)
    inside = found == 1
    assert inside.sum() == 16 * 16
    assert (found[~inside] == -7).all()


def test_voxels_finer_than_pixels_are_averaged() -> None:
    stripes = np.zeros((64, 64, 8), dtype=np.float32)
    stripes[::2] = 1
    affine = placed((0.5, 0.5, 4.0), shape=(64, 64, 8))
    found = sampled(stripes, affine, plane(scale=0.5))
    assert found[4:-4, 4:-4] == pytest.approx(0.5, abs=0.01)


def test_the_box_of_a_volume_holds_whole_voxels() -> None:
    found = box_of((4, 5, 6), placed((1.0, 2.0, 3.0), shape=(4, 5, 6)))
    assert found.lowest == pytest.approx((-2, -5, -9))
    assert found.highest == pytest.approx((2, 5, 9))


def test_a_box_within_one_that_it_does_not_touch_stays() -> None:
    far = Box((100.0, 0.0, 0.0), (110.0, 1.0, 1.0))
    assert far.within(BOX) == far
    assert BOX.grown(5).within(BOX) == BOX
    assert BOX.joined(far).highest == (110, 16, 16)
