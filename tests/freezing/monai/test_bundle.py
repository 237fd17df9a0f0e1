from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bedside.canonical import Json
from bedside.errors import FreezeRefused
from bedside.freezing.monai.answers import After
from bedside.freezing.monai.bundle import Bundle, read_bundle, refinements
from bedside.package.segmentation import SegmentedClass
from bedside.package.volume_models import SlidingInference, WholeInference
from tests.freezing.monai.bundles import (
    NETWORK,
    channels,
    inference,
    metadata,
    with_transforms,
    written,
)

SOFTMAX: dict[str, Json] = {"_target_": "Activationsd", "softmax": True}
SIGMOID: dict[str, Json] = {"_target_": "Activationsd", "sigmoid": True}
ARGMAX: dict[str, Json] = {"_target_": "AsDiscreted", "argmax": True}
INVERT: dict[str, Json] = {"_target_": "Invertd", "nearest_interp": False}
FILL: dict[str, Json] = {"_target_": "FillHolesd", "connectivity": 1}
SMALL: dict[str, Json] = {"_target_": "RemoveSmallObjectsd", "min_size": 500, "by_measure": True}
SMALL |= {"independent_channels": False, "connectivity": 3}


def after(*transforms: Json) -> dict[str, Json]:
    return with_transforms(*transforms, entry="postprocessing")


def refusal(folder: Path, configuration: Json = None, told: Json = None) -> str:
    with pytest.raises(FreezeRefused) as caught:
        read_bundle(written(folder, configuration, told))
    return str(caught.value)


def test_everything_of_a_bundle_is_mapped(tmp_path: Path) -> None:
    bundle = read_bundle(written(tmp_path))
    assert isinstance(bundle.inference, SlidingInference)
    assert bundle.inference.model_dump(exclude={"mode", "version"}) == {
        "patch": (16, 16, 16),
        "overlap": 0.5,
        "weights": "gaussian",
        "sigma": 0.125,
        "pad": 0.0,
    }
    assert (bundle.finished.activation, bundle.channels, bundle.threshold) == ("softmax", 2, 0.5)
    assert bundle.notes == ()
    assert bundle.network is not None
    assert bundle.network.name == "UNet"
    assert bundle.weights == ("weights", tmp_path / "models" / "model.pt")
    assert bundle.facts.classes == ("background", "bright")
    assert bundle.facts.told["monai_version"] == "1.6.1"


def inferer(folder: Path, **arguments: Json) -> Bundle:
    told: dict[str, Json] = {"_target_": "SlidingWindowInferer", "roi_size": 32, **arguments}
    return read_bundle(written(folder, inference(inferer=told)))


def test_windows_are_uniform_where_nothing_is_said(tmp_path: Path) -> None:
    found = inferer(tmp_path).inference
    assert isinstance(found, SlidingInference)
    assert (found.patch, found.overlap, found.weights) == ((32, 32, 32), 0.25, "uniform")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"roi_size": [96, 96, -1]}, "three positive numbers"),
        ({"overlap": [0.5, 0.5, 0.25]}, "one number for all axes"),
        ({"overlap": 0.99}, "cannot be declared as"),
        ({"padding_mode": "reflect"}, "has padding_mode 'reflect'"),
        ({"mode": "max"}, "only 'constant' or 'gaussian'"),
        ({"process_fn": "$print"}, "has the argument 'process_fn'"),
    ],
)
def test_windows_that_cannot_be_declared_are_refused(
    tmp_path: Path, arguments: dict[str, Json], said: str
) -> None:
    with pytest.raises(FreezeRefused, match=said):
        inferer(tmp_path, **arguments)


def test_a_simple_inferer_sees_the_whole_in_the_shape_that_the_transforms_give(
    tmp_path: Path,
) -> None:
    size = {"_target_": "ResizeWithPadOrCropd", "spatial_size": [32, 32, 16]}
    turned = {"_target_": "Orientationd", "axcodes": "RAS"}
    configuration = with_transforms(turned, size) | {"inferer": {"_target_": "SimpleInferer"}}
    found = read_bundle(written(tmp_path, configuration)).inference
    assert found == WholeInference(shape=(32, 32, 16))
    found = read_bundle(written(tmp_path, inference(inferer=None, evaluator=None))).inference
    assert found == WholeInference(shape=None)
    assert "SliceInferer (inferer) is an inferer without" in refusal(
        tmp_path, inference(inferer={"_target_": "SliceInferer"})
    )


@pytest.mark.parametrize("part", ["monai.evil", "monai", "monai.transformed", "transforms"])
def test_a_class_counts_as_monais_where_its_transforms_are_alone(tmp_path: Path, part: str) -> None:
    turned = {"axcodes": "RAS"}
    said = refusal(tmp_path, with_transforms({"_target_": f"{part}.Orientationd", **turned}))
    assert f"names '{part}.Orientationd', which is none of MONAI's transforms" in said
    whole = {"_target_": "monai.transforms.spatial.dictionary.Orientationd", **turned}
    assert read_bundle(written(tmp_path, with_transforms(whole))).prepared.geometry


def test_the_order_of_a_files_axes_may_not_decide(tmp_path: Path) -> None:
    said = refusal(tmp_path, with_transforms({"_target_": "ScaleIntensityd"}))
    assert "preprocessing has no Orientation" in said


def test_an_unknown_network_goes_by_its_program_alone(tmp_path: Path) -> None:
    configuration = inference(network_def={"_target_": "FlexibleUNet", "backbone": "resnet10"})
    bundle = read_bundle(written(tmp_path, configuration))
    with pytest.raises(
        FreezeRefused, match=r"FlexibleUNet is none of AttentionUnet, .*models/model"
    ):
        _ = bundle.weights
    bundle = read_bundle(written(tmp_path, configuration, weights="model.ts"))
    assert bundle.weights[0] == "torchscript"


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (
            {"_target_": "scripts.net.Net"},
            "none of MONAI's networks: code that a bundle brings along",
        ),
        ({"_target_": "monai.evil.UNet"}, "none of MONAI's networks"),
        ({"_target_": "UNet", "spatial_dims": 2}, None),
        ({"_target_": "UNet", "act": "$torch.nn.ReLU"}, None),
        ({"_target_": "SegResNet", "pretrained": True}, None),
    ],
)
def test_a_network_of_somebody_else_is_not_constructed(
    tmp_path: Path, changed: dict[str, Json], said: str | None
) -> None:
    configuration = inference(network_def=changed)
    if said is None:
        assert "network_def" in refusal(tmp_path, configuration)
        return
    bundle = read_bundle(written(tmp_path, configuration))
    with pytest.raises(FreezeRefused, match=said):
        _ = bundle.weights


@pytest.mark.parametrize(
    ("transforms", "count", "said"),
    [
        ([ARGMAX | {"to_onehot": 2}], 2, "has to_onehot '2'"),
        ([SOFTMAX, INVERT], 2, "postprocessing makes no labels"),
        ([SOFTMAX, SIGMOID, ARGMAX], 2, "is not the one softmax or sigmoid"),
        ([INVERT, SOFTMAX, ARGMAX], 2, "Activationsd .* stands after Invert"),
        ([SOFTMAX, ARGMAX, FILL], 3, "FillHoles gives a class all that it encloses"),
        ([SOFTMAX, ARGMAX, SMALL], 3, "RemoveSmallObjects takes regions of several classes as one"),
        ([{"_target_": "Activationsd", "other": "$torch.tanh"}], 2, "is the Python expression"),
        ([{"_target_": "AsDiscreted"}], 2, "neither by argmax nor by a threshold"),
        ([SIGMOID, {"_target_": "AsDiscreted", "threshold": 0.5}], 3, "classes may overlap"),
        ([SIGMOID, ARGMAX], 1, "gives one channel"),
        ([{"_target_": "VoteEnsembled"}], 2, "VoteEnsembled .* has no declared counterpart"),
        ([{"_target_": "FillHolesd"}, ARGMAX], 2, "has connectivity 'None', and only 1"),
        ([{"_target_": "FillHolesd", "connectivity": 1}, ARGMAX], 2, "before the labels"),
        ([ARGMAX, {"_target_": "RemoveSmallObjectsd", "min_size": 9}], 2, "has by_measure 'False'"),
        (
            [ARGMAX, {"_target_": "KeepLargestConnectedComponentd", "num_components": 2}],
            2,
            "has num_components '2'",
        ),
        (
            [ARGMAX, {"_target_": "KeepLargestConnectedComponentd", "applied_labels": [0]}],
            2,
            "values of classes from 1 to 255",
        ),
    ],
    ids=lambda one: one[:30] if isinstance(one, str) else "",
)
def test_what_follows_the_network_is_refused_by_name(
    tmp_path: Path, transforms: list[Json], count: int, said: str
) -> None:
    with pytest.raises(FreezeRefused, match=said):
        read_bundle(written(tmp_path, after(*transforms), channels(count)))


def test_small_regions_are_cubic_millimetres(tmp_path: Path) -> None:
    bundle = read_bundle(written(tmp_path, after(SOFTMAX, ARGMAX, SMALL)))
    assert bundle.finished.after == [After("remove_small", together=True, least_millilitres=0.5)]


def test_labels_that_are_brought_back_are_told(tmp_path: Path) -> None:
    late = read_bundle(written(tmp_path, after(SOFTMAX, ARGMAX, INVERT)))
    assert "Invertd brings labels, or the nearest voxel's" in late.notes[0]
    nearest = read_bundle(written(tmp_path, after(SOFTMAX, {"_target_": "Invertd"}, ARGMAX)))
    assert nearest.notes == late.notes
    one = after(SIGMOID, INVERT, {"_target_": "AsDiscreted", "threshold": 0.3})
    bundle = read_bundle(written(tmp_path, one, channels(1)))
    assert (bundle.finished.activation, bundle.threshold, bundle.notes) == ("sigmoid", 0.3, ())


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (channels(2, taken=4), "the network takes 4 channels"),
        (channels(0), "gives 0 channels"),
        (metadata(network_data_format={}), "names nothing as inputs"),
        (
            metadata(network_data_format={"inputs": {"t1": {}, "t2": {}}}),
            r"names \['t1', 't2'\] as inputs",
        ),
        ({"name": "x"}, "says nothing of network_data_format"),
    ],
)
def test_metadata_that_no_package_can_follow_is_refused(
    tmp_path: Path, told: Any, said: str
) -> None:
    with pytest.raises(FreezeRefused, match=said):
        read_bundle(written(tmp_path, None, told))


CLASSES = tuple(
    SegmentedClass(value=value, label=label)
    for value, label in enumerate(("background", "left", "right"))
)


def test_what_is_done_to_labels_gets_the_names_of_the_classes() -> None:
    made = refinements(
        [
            After("largest_region", neighbours=6),
            After("largest_region", together=True),
            After("fill_holes", (2,)),
            After("keep_labels", (1,)),
        ],
        CLASSES,
    )
    assert [one.model_dump(exclude={"version"}) for one in made] == [
        {"op": "largest_region", "labels": ("left", "right"), "neighbours": 6},
        {"op": "largest_region", "labels": None, "neighbours": 26},
        {"op": "fill_holes", "label": "right"},
        {"op": "keep_labels", "labels": ("left",)},
    ]


def test_values_of_no_class_or_of_some_together_are_refused() -> None:
    with pytest.raises(FreezeRefused, match=r"names the values \[7\], which are of no class"):
        refinements([After("fill_holes", (7,))], CLASSES)
    with pytest.raises(FreezeRefused, match="together and leaves others"):
        refinements([After("largest_region", (1,), together=True)], CLASSES)


def test_the_networks_arguments_are_kept_as_they_are(tmp_path: Path) -> None:
    bundle = read_bundle(written(tmp_path))
    assert bundle.network is not None
    assert bundle.network.arguments == {
        name: one for name, one in NETWORK.items() if name != "_target_"
    }
