from __future__ import annotations

import pytest
from pydantic import ValidationError

from bedside.errors import PackageDamaged
from bedside.package.images import ImageInput
from bedside.package.preprocessing import image_operations, tabular_operations, volume_operations
from bedside.package.volume_models import SlidingInference
from bedside.package.volume_operations import (
    MAX_VOLUME_OPERATIONS,
    ClipValues,
    Conform,
    CropForeground,
    CropOrPad,
    EightBit,
    MinimumMaximum,
    PadToMultiple,
    Percentiles,
    Reorient,
    Resample,
    ScaleRange,
    SubtractDivide,
    Transpose,
    VolumeOperation,
    ZScore,
    check_order,
    volume_shape,
)
from tests.package import building, building_images
from tests.package.card.volume_manifests import EVERY_PLACE, EVERY_VALUE

MILLIMETRES = Resample(spacing=(1.0, 1.0, 1.0))
CROP = CropOrPad(shape=(64, 48, 32))


class TestOrder:
    def test_every_operation_may_stand_in_its_place(self) -> None:
        check_order((*EVERY_PLACE, *EVERY_VALUE))

    @pytest.mark.parametrize(
        ("operations", "named"),
        [
            ((MILLIMETRES, Reorient(axes="RAS")), "'reorient' at place 1 stands after 'resample'"),
            ((MILLIMETRES, Conform()), "'conform' at place 1 stands after 'resample'"),
            ((Conform(), MILLIMETRES), "'resample' at place 1 stands after 'conform'"),
            ((MinimumMaximum(), CROP), "'crop_or_pad' at place 1 stands after 'minimum_maximum'"),
            ((CROP, CROP), "'crop_or_pad' at place 1 stands after 'crop_or_pad'"),
            (
                (Transpose(order=(0, 1, 2)), ZScore()),
                "'z_score' at place 1 stands after 'transpose'",
            ),
            ((CROP, CropForeground()), "'crop_foreground' at place 1 stands after 'crop_or_pad'"),
        ],
    )
    def test_one_in_another_place_is_refused_by_name(
        self, operations: tuple[VolumeOperation, ...], named: str
    ) -> None:
        with pytest.raises(PackageDamaged, match=named):
            check_order(operations)

    def test_the_values_may_be_changed_again_and_again(self) -> None:
        check_order((ZScore(), MinimumMaximum(), ZScore()))

    def test_too_many_are_refused(self) -> None:
        with pytest.raises(PackageDamaged, match="17 operations; at most 16"):
            check_order((ZScore(),) * (MAX_VOLUME_OPERATIONS + 1))


class TestShape:
    def test_is_what_conform_says(self) -> None:
        assert volume_shape((Conform(side=128),)) == (128, 128, 128)

    def test_is_what_a_crop_says_padded_to_multiples_and_transposed(self) -> None:
        operations = (CROP, PadToMultiple(multiple=(1, 32, 32)), Transpose(order=(2, 0, 1)))
        assert volume_shape(operations) == (32, 64, 64)

    def test_depends_on_the_volume_where_nothing_fixes_it(self) -> None:
        assert volume_shape((MILLIMETRES, PadToMultiple(multiple=(16, 16, 16)))) is None
        assert volume_shape((Conform(), CropForeground())) is None


@pytest.mark.parametrize("axes", ["RAR", "RA", "ras", "RASS", ""])
def test_no_orientation_is_refused(axes: str) -> None:
    with pytest.raises(ValidationError, match="is no orientation"):
        Reorient(axes=axes)


@pytest.mark.parametrize(
    "parts",
    [
        (ClipValues, {"low": 1.0, "high": 1.0}),
        (Percentiles, {"low": 99.0, "high": 1.0}),
        (ScaleRange, {"from_low": 0.0, "from_high": 0.0}),
        (ScaleRange, {"from_low": 0.0, "from_high": 1.0, "to_low": 1.0, "to_high": 0.0}),
        (SubtractDivide, {"subtract": 0.0, "divide": 0.0}),
        (SubtractDivide, {"subtract": 0.0, "divide": 1e-320}),
        (SubtractDivide, {"subtract": 1e39, "divide": 1.0}),
        (ScaleRange, {"from_low": -3e38, "from_high": 3e38}),
        (ScaleRange, {"from_low": 0.0, "from_high": 1e-39}),
        (PadToMultiple, {"multiple": (8, 8, 8), "value": -1e308}),
        (SlidingInference, {"patch": (8, 8, 8), "pad": 1e308}),
        (SlidingInference, {"patch": (9, 9, 9), "sigma": 1e-200}),
        (Transpose, {"order": (0, 0, 1)}),
        (EightBit, {"share": 0.0}),
        (Resample, {"spacing": (0.0, 1.0, 1.0)}),
        (CropOrPad, {"shape": (0, 8, 8)}),
        (CropOrPad, {"shape": (8, 8, 2_048)}),
    ],
    ids=lambda parts: parts[0].__name__,
)
def test_numbers_that_mean_nothing_are_refused(
    parts: tuple[type[VolumeOperation | SlidingInference], dict[str, object]],
) -> None:
    kind, values = parts
    with pytest.raises(ValidationError):
        kind.model_validate(values)


class TestAmongOtherOperations:
    def test_a_volume_has_no_operation_of_a_table_or_a_picture(self) -> None:
        with pytest.raises(
            PackageDamaged, match=r"a volume, and .*'select_numbers' works on tables"
        ):
            volume_operations(building.OPERATIONS)
        with pytest.raises(PackageDamaged, match=r"a volume, and .*'full_range' works on pictures"):
            volume_operations(building_images.OPERATIONS)

    def test_a_table_and_a_picture_have_none_of_a_volume(self) -> None:
        with pytest.raises(PackageDamaged, match=r"a table, and .*'conform' works on volumes"):
            tabular_operations((Conform(),))
        with pytest.raises(PackageDamaged, match=r"a picture, and .*'z_score' works on volumes"):
            image_operations((ZScore(),))


def test_the_words_of_operations_are_unique_among_all_kinds() -> None:
    every = [*building.OPERATIONS, *building_images.OPERATIONS, *EVERY_PLACE, *EVERY_VALUE]
    assert len({one.op for one in every}) == len(every)
    assert isinstance(building_images.INPUT, ImageInput)
