from __future__ import annotations

import math

import pytest

from bedside.errors import LimitExceeded
from bedside.package.volume_growth import check_scores, growth, padded_shape
from bedside.package.volume_operations import (
    Conform,
    CropForeground,
    CropOrPad,
    MinimumMaximum,
    PadToMultiple,
    Reorient,
    Resample,
    Transpose,
)
from bedside.package.volumes import FieldOfView, MillimetreRange, VoxelRange
from tests.volume_packages import INPUT

RAS = Reorient(axes="RAS")
REACH = MillimetreRange(minimum=150.0, maximum=250.0)
HEADS = INPUT.model_copy(
    update={
        "spacing": MillimetreRange(minimum=0.5, maximum=10.0),
        "field_of_view": FieldOfView(left_right=REACH, back_front=REACH, foot_head=REACH),
        "sides": VoxelRange(minimum=16, maximum=512),
    }
)


def test_nothing_grows_where_nothing_makes_it_larger() -> None:
    found = growth((RAS, CropForeground(), MinimumMaximum()), HEADS, 200 * 200 * 20)
    assert found.widest == found.last == found.padded == 200 * 200 * 20


def test_a_fixed_shape_is_what_the_network_gets() -> None:
    found = growth((Conform(side=128),), HEADS, 64**3)
    assert (found.widest, found.last, found.padded) == (128**3,) * 3


def test_padding_to_multiples_is_counted_where_no_shape_is_fixed() -> None:
    found = growth((RAS, PadToMultiple(multiple=(256, 256, 256))), HEADS, 200 * 200 * 20)
    assert found.last >= 256**3
    assert found.last <= 512**3  # no side is longer than 500 voxels


def test_a_fixed_shape_is_padded_exactly() -> None:
    operations = (RAS, CropOrPad(shape=(40, 50, 60)), PadToMultiple(multiple=(16, 16, 16)))
    assert growth(operations, HEADS, 64**3).last == 48 * 64 * 64


def test_the_grid_between_a_finer_spacing_and_a_crop_is_counted() -> None:
    fine = Resample(spacing=(0.5, 0.5, 0.5))
    found = growth((RAS, fine, CropOrPad(shape=(96, 96, 96))), HEADS, 91 * 109 * 91)
    assert found.last == 96**3
    assert found.widest >= (91 * 4) * (109 * 4) * (91 * 4)


def test_windows_larger_than_a_volume_are_counted() -> None:
    flat = growth((RAS,), HEADS, 500 * 500 * 32, (256, 256, 256))
    assert flat.last == 500 * 500 * 32
    assert flat.padded >= 500 * 500 * 256


def test_an_exchange_of_axes_exchanges_what_is_known_of_them() -> None:
    long = HEADS.field_of_view.model_copy(
        update={"foot_head": MillimetreRange(minimum=600.0, maximum=800.0)}
    )
    body = HEADS.model_copy(
        update={"field_of_view": long, "sides": VoxelRange(minimum=16, maximum=2048)}
    )
    coarse = Resample(spacing=(10.0, 10.0, 10.0))
    shallow = growth((RAS, coarse), body, 30 * 30 * 80, (8, 8, 90))
    exchanged = growth((RAS, coarse, Transpose(order=(2, 0, 1))), body, 30 * 30 * 80, (90, 8, 8))
    other_way = growth((Reorient(axes="SRA"), coarse), body, 30 * 30 * 80, (90, 8, 8))
    assert shallow.padded == exchanged.padded == other_way.padded
    assert growth((RAS, coarse), body, 30 * 30 * 80, (90, 8, 8)).padded > shallow.padded


def test_a_volume_holds_at_least_one_window() -> None:
    assert padded_shape((10, 200, 64), (64, 64, 64)) == (64, 200, 64)


def test_scores_are_counted_over_all_channels() -> None:
    check_scores(8, (512, 512, 256))
    with pytest.raises(LimitExceeded, match="603979776 scores; at most 536870912"):
        check_scores(9, (512, 512, 256))
    assert math.prod((512, 512, 256)) * 8 == 2**29
