from __future__ import annotations

import pytest
from pydantic import ValidationError

from bedside.errors import PackageDamaged
from bedside.package import volume_operations as ops
from bedside.package.images import ImageInput
from bedside.package.preprocessing import image_operations, tabular_operations, volume_operations
from bedside.package.volume_models import SlidingInference
from tests.package import building, building_images
from tests.package.card.volume_manifests import EVERY_PLACE, EVERY_VALUE

MILLIMETRES = ops.Resample(spacing=(1.0, 1.0, 1.0))
CROP = ops.CropOrPad(shape=(64, 48, 32))


class TestOrder:
    def test_every_operation_may_stand_in_its_place(self) -> None:
        ops.check_order((*EVERY_PLACE, *EVERY_VALUE))

    @pytest.mark.parametrize(
        ("operations", "named"),
        [
            (
                (MILLIMETRES, ops.Reorient(axes="RAS")),
                "'reorient' at place 1 stands after 'resample'",
            ),
            ((MILLIMETRES, ops.Conform()), "'conform' at place 1 stands after 'resample'"),
            ((ops.Conform(), MILLIMETRES), "'resample' at place 1 stands after 'conform'"),
            (
                (ops.MinimumMaximum(), CROP),
                "'crop_or_pad' at place 1 stands after 'minimum_maximum'",
            ),
            ((CROP, CROP), "'crop_or_pad' at place 1 stands after 'crop_or_pad'"),
            (
                (ops.Transpose(order=(0, 1, 2)), ops.ZScore()),
                "'z_score' at place 1 stands after 'transpose'",
            ),
            (
                (CROP, ops.CropForeground()),
                "'crop_foreground' at place 1 stands after 'crop_or_pad'",
            ),
        ],
    )
    def test_one_in_another_place_is_refused_by_name(
        self, operations: tuple[ops.VolumeOperation, ...], named: str
    ) -> None:
        with pytest.raises(PackageDamaged, match=named):
            ops.check_order(operations)

    def test_the_values_may_be_changed_again_and_again(self) -> None:
        ops.check_order((ops.ZScore(), ops.MinimumMaximum(), ops.ZScore()))

    def test_too_many_are_refused(self) -> None:
        with pytest.raises(PackageDamaged, match="17 operations; at most 16"):
            ops.check_order((ops.ZScore(),) * (ops.MAX_VOLUME_OPERATIONS + 1))


class TestShape:
    def test_is_what_conform_says(self) -> None:
        assert ops.volume_shape((ops.Conform(side=128),)) == (128, 128, 128)

    def test_is_what_a_crop_says_padded_to_multiples_and_transposed(self) -> None:
        operations = (CROP, ops.PadToMultiple(multiple=(1, 32, 32)), ops.Transpose(order=(2, 0, 1)))
        assert ops.volume_shape(operations) == (32, 64, 64)

    def test_depends_on_the_volume_where_nothing_fixes_it(self) -> None:
        assert ops.volume_shape((MILLIMETRES, ops.PadToMultiple(multiple=(16, 16, 16)))) is None
        assert ops.volume_shape((ops.Conform(), ops.CropForeground())) is None


@pytest.mark.parametrize("axes", ["RAR", "RA", "ras", "RASS", ""])
def test_no_orientation_is_refused(axes: str) -> None:
    with pytest.raises(ValidationError, match="is no orientation"):
        ops.Reorient(axes=axes)


@pytest.mark.parametrize(
    "parts",
    [
        (ops.ClipValues, {"low": 1.0, "high": 1.0}),
        (ops.Percentiles, {"low": 99.0, "high": 1.0}),
        (ops.ScaleRange, {"from_low": 0.0, "from_high": 0.0}),
        (ops.ScaleRange, {"from_low": 0.0, "from_high": 1.0, "to_low": 1.0, "to_high": 0.0}),
        (ops.SubtractDivide, {"subtract": 0.0, "divide": 0.0}),
        (ops.SubtractDivide, {"subtract": 0.0, "divide": 1e-320}),
        (ops.SubtractDivide, {"subtract": 1e39, "divide": 1.0}),
        (ops.ScaleRange, {"from_low": -3e38, "from_high": 3e38}),
        (ops.ScaleRange, {"from_low": 0.0, "from_high": 1e-39}),
        (ops.PadToMultiple, {"multiple": (8, 8, 8), "value": -1e308}),
        (SlidingInference, {"patch": (8, 8, 8), "pad": 1e308}),
        (SlidingInference, {"patch": (9, 9, 9), "sigma": 1e-200}),
        (ops.Transpose, {"order": (0, 0, 1)}),
        (ops.EightBit, {"share": 0.0}),
        (ops.Resample, {"spacing": (0.0, 1.0, 1.0)}),
        (ops.CropOrPad, {"shape": (0, 8, 8)}),
        (ops.CropOrPad, {"shape": (8, 8, 2_048)}),
    ],
    ids=lambda parts: parts[0].__name__,
)
def test_numbers_that_mean_nothing_are_refused(
    parts: tuple[type[ops.VolumeOperation | SlidingInference], dict[str, object]],
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
            tabular_operations((ops.Conform(),))
        with pytest.raises(PackageDamaged, match=r"a picture, and .*'z_score' works on volumes"):
            image_operations((ops.ZScore(),))


def test_the_words_of_operations_are_unique_among_all_kinds() -> None:
    every = [*building.OPERATIONS, *building_images.OPERATIONS, *EVERY_PLACE, *EVERY_VALUE]
    assert len({one.op for one in every}) == len(every)
    assert isinstance(building_images.INPUT, ImageInput)
