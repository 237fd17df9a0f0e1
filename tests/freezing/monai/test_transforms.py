from __future__ import annotations

from typing import Any

import pytest

from bedside.canonical import Json
from bedside.errors import FreezeRefused
from bedside.freezing.monai.configuration import Configuration
from bedside.freezing.monai.transforms import Prepared, map_transforms
from bedside.package.volume_operations import volume_shape
from tests.freezing.monai.bundles import inference, with_transforms

WINDOW = {
    "_target_": "ScaleIntensityRanged",
    "a_min": -50,
    "a_max": 150,
    "b_min": 0.0,
    "b_max": 1.0,
    "clip": True,
}
SPACING = {"_target_": "Spacingd", "pixdim": [1.5, 1.5, 2.0], "mode": "bilinear"}
ORIENTATION = {"_target_": "Orientationd", "axcodes": "RAS"}


def mapped(configuration: dict[str, Json]) -> Prepared:
    return map_transforms(Configuration(configuration, "inference.json"), "image")


def operations(*transforms: Json) -> list[dict[str, Any]]:
    made = mapped(with_transforms(*transforms)).operations
    volume_shape(made)  # the package itself must accept their order
    return [one.model_dump(exclude={"version"}) for one in made]


def refusal(*transforms: Json) -> str:
    with pytest.raises(FreezeRefused) as caught:
        mapped(with_transforms(*transforms))
    return str(caught.value)


def test_a_bundle_of_the_zoo_maps_to_declared_operations() -> None:
    made = mapped(inference()).operations
    assert [one.op for one in made] == ["reorient", "resample", "scale_range"]


def test_spacing_keeps_the_first_voxel_and_smooths_nothing() -> None:
    assert operations(SPACING) == [
        {
            "op": "resample",
            "spacing": (1.5, 1.5, 2.0),
            "interpolation": "linear",
            "antialias": False,
            "anchor": "first",
            "outside": "edge",
        }
    ]


@pytest.mark.parametrize(
    ("transform", "made"),
    [
        (
            {"_target_": "Orientationd", "axcodes": ["L", "P", "S"]},
            [{"op": "reorient", "axes": "LPS"}],
        ),
        (
            {"_target_": "monai.transforms.OrientationD", "as_closest_canonical": True},
            [{"op": "reorient", "axes": "RAS"}],
        ),
        ({"_target_": "ScaleIntensityd"}, [{"op": "minimum_maximum"}]),
        (
            {"_target_": "ScaleIntensityd", "minv": -1, "maxv": 1},
            [
                {"op": "minimum_maximum"},
                {
                    "op": "scale_range",
                    "from_low": 0.0,
                    "from_high": 1.0,
                    "to_low": -1.0,
                    "to_high": 1.0,
                    "clip": False,
                },
            ],
        ),
        (
            {"_target_": "ScaleIntensityRangePercentilesd", "lower": 1, "upper": 99}
            | {"b_min": 0, "b_max": 1, "clip": True, "channel_wise": True},
            [{"op": "percentiles", "low": 1.0, "high": 99.0, "clip": True, "of": "all"}],
        ),
        (
            {"_target_": "NormalizeIntensityd", "nonzero": True, "channel_wise": True},
            [{"op": "z_score", "of": "non-zero"}],
        ),
        ({"_target_": "NormalizeIntensityd"}, [{"op": "z_score", "of": "all"}]),
        (
            {"_target_": "NormalizeIntensityd", "subtrahend": 100, "divisor": "$50.0"},
            [{"op": "subtract_divide", "subtract": 100.0, "divide": 50.0}],
        ),
        (
            {"_target_": "ResizeWithPadOrCropd", "spatial_size": [96, 96, 64]},
            [{"op": "crop_or_pad", "shape": (96, 96, 64), "value": 0.0}],
        ),
        (
            {"_target_": "DivisiblePadd", "k": 16},
            [{"op": "pad_to_multiple", "multiple": (16, 16, 16), "value": 0.0}],
        ),
    ],
    ids=lambda one: one["_target_"] if isinstance(one, dict) else "",
)
def test_a_transform_maps_to(transform: Json, made: Json) -> None:
    assert operations(transform) == made


def test_cropping_moves_before_a_window_with_the_value_carried_back() -> None:
    crop = {"_target_": "CropForegroundd", "source_key": "image"}
    pad = {"_target_": "DivisiblePadd", "k": [8, 8, 8]}
    made = operations(SPACING, WINDOW, crop)
    assert [one["op"] for one in made] == ["resample", "crop_foreground", "scale_range"]
    assert made[1]["above"] == -50.0
    made = operations(SPACING, WINDOW, pad)
    assert [one["op"] for one in made] == ["resample", "pad_to_multiple", "scale_range"]
    assert made[1]["value"] == -50.0
    assert "pads what CropForeground left" in refusal(SPACING, WINDOW, crop, pad)


def test_turning_may_stand_after_the_values() -> None:
    assert [one["op"] for one in operations(WINDOW, ORIENTATION)] == ["reorient", "scale_range"]


@pytest.mark.parametrize(
    ("transforms", "said"),
    [
        ([{"_target_": "RandFlipd"}], "RandFlipd .* has no declared counterpart. What maps:"),
        ([{"_target_": "Lambdad", "func": "$lambda x: x"}], "Lambdad .* no declared counterpart"),
        (
            [{"_target_": "scripts.my.Window"}],
            "'scripts.my.Window', which is none of MONAI's transforms",
        ),
        ([{"_target_": "os.system"}], "'os.system', which is none of MONAI's transforms"),
        ([{"_target_": "monai.__import__('os')"}], "which is none of MONAI's transforms"),
        ([{"_target_": ["Spacingd"]}], "which is none of MONAI's transforms"),
        ([{"_target_": "Spacingd"}], "has no pixdim"),
        ([SPACING | {"pixdim": [1, 1]}], "three positive numbers"),
        ([SPACING | {"pixdim": [1, 1, -1]}], "three positive numbers"),
        ([SPACING | {"pixdim": [1, 1, 500]}], "cannot be declared as 'resample': spacing.2"),
        ([SPACING | {"pixdim": "$np.ones(3)"}], "is the Python expression"),
        ([SPACING | {"mode": "bicubic"}], "has mode 'bicubic', and only 'bilinear' or 'nearest'"),
        ([SPACING | {"diagonal": True}], "has diagonal 'True'"),
        ([SPACING | {"scale_extent": True}], "has scale_extent 'True'"),
        ([SPACING | {"padding_mode": "zeros"}], "has padding_mode 'zeros'"),
        ([SPACING | {"sharpen": 1}], "has the argument 'sharpen', for which nothing is declared"),
        ([SPACING | {"keys": ["image", "label"]}], "only the picture, 'image', can be declared"),
        ([{"_target_": "Orientationd", "axcodes": "RAX"}], "cannot be declared as 'reorient'"),
        ([ORIENTATION | {"labels": [["R", "L"]]}], "has labels"),
        ([WINDOW | {"a_min": 200}], "cannot be declared as 'scale_range'"),
        ([WINDOW | {"a_min": True}], "has a_min 'True', and only a number"),
        ([{"_target_": "ScaleIntensityd", "factor": 0.1}], "has factor '0.1'"),
        ([{"_target_": "NormalizeIntensityd", "divisor": 2}], "states a part of mean"),
        ([{"_target_": "EnsureTyped", "dtype": "$torch.float16"}], "is the Python expression"),
        ([{"_target_": "ResizeWithPadOrCropd", "spatial_size": 2.5}], "only whole numbers"),
        ([WINDOW, SPACING], "stands after a transform of the voxels' values"),
        ([SPACING, ORIENTATION], "stands after 'resample'; the order of a package is 'reorient'"),
        (
            [{"_target_": "NormalizeIntensityd"}, {"_target_": "DivisiblePadd", "k": 8}],
            "stands after 'z_score'",
        ),
        (
            [WINDOW | {"b_min": 0.5}, {"_target_": "DivisiblePadd", "k": 8}],
            "stands after 'scale_range'",
        ),
        ([ORIENTATION | {"_mode_": "callable"}], "constructed only in part"),
        ([ORIENTATION | {"_disabled_": "$not os.path.exists('x')"}], "is the Python expression"),
        ([ORIENTATION] * 65, "is no list of at most 64 transforms"),
    ],
    ids=lambda one: one[:40] if isinstance(one, str) else "",
)
def test_the_rest_is_refused_by_name(transforms: list[Json], said: str) -> None:
    with pytest.raises(FreezeRefused, match=said):
        mapped(with_transforms(*transforms))


def test_a_refusal_names_transform_place_and_next_step() -> None:
    said = refusal(ORIENTATION, {"_target_": "GaussianSmoothd", "sigma": 1})
    assert said.startswith(
        "inference.json cannot be frozen: GaussianSmoothd (preprocessing#transforms#1) has no "
        "declared counterpart. What maps: CastToType, CropForeground, "
    )


def test_what_is_disabled_is_left_out() -> None:
    assert operations(SPACING | {"_disabled_": True}, ORIENTATION | {"_disabled_": False}) == [
        {"op": "reorient", "axes": "RAS"}
    ]
