from __future__ import annotations

import numpy as np
import pytest

from bedside.imaging.axes import CODES, reoriented
from bedside.imaging.grid import Grid, Placed
from bedside.imaging.volume import Volume
from bedside.package import volume_operations as ops
from bedside.runtime.engines.engine import Prepared
from bedside.runtime.progress import Progress
from bedside.runtime.volume_preprocess import VolumePreprocess
from tests.volume_packages import OPERATIONS, head


def prepared(*operations: ops.VolumeOperation, volume: Volume | None = None) -> Prepared:
    return VolumePreprocess(operations)(head() if volume is None else volume)


def stored_as(volume: Volume, code: str) -> Volume:
    """The same image, stored along other axes."""
    other = reoriented(Placed.of(volume), code)
    return Volume(np.ascontiguousarray(other.values), np.array(other.affine), volume.facts)


@pytest.mark.parametrize("code", CODES)
def test_however_an_image_is_stored_the_network_gets_the_same(code: str) -> None:
    expected = prepared(*OPERATIONS)
    found = prepared(*OPERATIONS, volume=stored_as(head(), code))
    assert (found.tensor == expected.tensor).all()
    assert found.affine == pytest.approx(expected.affine, abs=1e-9)


@pytest.mark.parametrize(
    ("operation", "shape"),
    [
        (ops.Reorient(axes="ASL"), (32, 32, 32)),
        (ops.Resample(spacing=(14.0, 15.0, 7.0)), (16, 16, 32)),
        (ops.Conform(side=40, spacing=6.0), (40, 40, 40)),
        (ops.CropOrPad(shape=(20, 32, 50)), (20, 32, 50)),
        (ops.PadToMultiple(multiple=(12, 16, 32)), (36, 32, 32)),
        (ops.Transpose(order=(2, 0, 1)), (32, 32, 32)),
    ],
    ids=lambda one: getattr(one, "op", ""),
)
def test_geometry_keeps_every_voxel_in_its_place(
    operation: ops.VolumeOperation, shape: tuple[int, int, int]
) -> None:
    volume = head()
    found = prepared(operation, volume=volume)
    assert found.tensor.shape == (1, *shape)
    middle = Grid(shape, np.array(found.affine)).centre
    expected = Grid(volume.shape, np.array(volume.affine)).centre
    within = 6.1 if isinstance(operation, ops.Conform | ops.CropOrPad | ops.PadToMultiple) else 1e-6
    assert np.abs(np.subtract(middle, expected)).max() < within  # half a voxel where sides are odd


def test_the_first_voxel_is_the_anchor_where_that_is_declared() -> None:
    found = prepared(ops.Resample(spacing=(10.0, 10.0, 10.0), anchor="first", outside="edge"))
    assert found.affine[:3, 3] == pytest.approx(head().affine[:3, 3])


def test_the_foreground_is_cut_out_with_its_margin() -> None:
    values = np.zeros((20, 20, 20), dtype=np.float32)
    values[5:9, 6:12, 7:8] = 3
    volume = Volume(values, np.eye(4), head().facts)
    found = prepared(ops.CropForeground(above=0.5, margin=2), volume=volume)
    assert found.tensor.shape == (1, 8, 10, 5)
    assert found.affine[:3, 3].tolist() == [3, 4, 5]


def test_a_volume_without_a_foreground_is_left_whole() -> None:
    volume = Volume(np.zeros((6, 6, 6), dtype=np.float32), np.eye(4), head().facts)
    assert prepared(ops.CropForeground(), volume=volume).tensor.shape == (1, 6, 6, 6)


class TestValues:
    def test_a_window_is_the_line_that_is_declared(self) -> None:
        operation = ops.ScaleRange(from_low=100.0, from_high=500.0, to_low=-1.0, to_high=1.0)
        found = prepared(operation).tensor[0]
        expected = np.clip((head().values - 100) / 400 * 2 - 1, -1, 1)
        assert found == pytest.approx(expected, abs=1e-6)

    def test_without_a_clip_it_goes_on(self) -> None:
        found = prepared(ops.ScaleRange(from_low=100.0, from_high=500.0, clip=False)).tensor
        assert found.min() < 0
        assert found.max() > 1

    def test_a_clip_cuts(self) -> None:
        found = prepared(ops.ClipValues(low=50.0, high=400.0)).tensor
        assert (found.min(), found.max()) == (50, 400)

    def test_minimum_and_maximum_become_0_and_1(self) -> None:
        found = prepared(ops.MinimumMaximum()).tensor
        assert (found.min(), found.max()) == (0, 1)

    def test_percentiles_become_0_and_1(self) -> None:
        found = prepared(ops.Percentiles(low=5.0, high=95.0, clip=False)).tensor
        assert np.percentile(found, [5, 95]) == pytest.approx([0, 1], abs=1e-4)

    def test_a_z_score_has_mean_0_and_deviation_1(self) -> None:
        found = prepared(ops.ZScore()).tensor
        assert (found.mean(), found.std()) == pytest.approx((0, 1), abs=1e-4)

    def test_of_what_is_not_0_it_leaves_0_alone(self) -> None:
        values = np.where(head().values > 200, head().values, np.float32(0))
        volume = Volume(values, np.array(head().affine), head().facts)
        found = prepared(ops.ZScore(of="non-zero"), volume=volume).tensor[0]
        assert (found[values == 0] == 0).all()
        assert found[values != 0].mean() == pytest.approx(0, abs=1e-4)

    def test_stated_numbers_are_taken_off_and_divided_by(self) -> None:
        found = prepared(ops.SubtractDivide(subtract=100.0, divide=50.0)).tensor[0]
        assert found == pytest.approx((head().values - 100) / 50, abs=1e-5)

    def test_eight_bits_are_whole_numbers(self) -> None:
        found = prepared(ops.EightBit()).tensor
        assert (found == np.rint(found)).all()
        assert (found.min(), found.max()) == (0, 255)


def test_progress_is_told_before_each_operation() -> None:
    told: list[Progress] = []
    VolumePreprocess(OPERATIONS)(head(), told.append)
    assert [one.done for one in told] == [0, 1, 2, 3, 4]
    assert {(one.stage, one.total) for one in told} == {("prepare", 4)}
