"""A bundle that MONAI wrote, frozen, against MONAI itself: whole transforms, windows, labels."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bedside.canonical import Json
from bedside.errors import FreezeRefused, UsageError
from bedside.freezing.circumstances import Circumstances
from bedside.freezing.monai.bundle import read_bundle
from bedside.freezing.monai.completing import completed
from bedside.freezing.monai.native import MonaiNative
from bedside.freezing.monai.network import construct, load_network
from bedside.freezing.monai.networks import NetworkDefinition
from bedside.freezing.monai.source import MonaiSource, open_bundle
from bedside.freezing.pytorch.quiet import quiet
from bedside.freezing.volumes.assembly import assemble_volume
from bedside.freezing.volumes.spec import VolumeSpec, make_volume_spec
from bedside.imaging.phantoms import drawn_head, head_file
from bedside.imaging.volume import Volume
from bedside.package.package import open_package
from bedside.runtime.analysis import Stated
from bedside.runtime.runner import Runner
from tests.freezing.monai.bundles import METADATA, NETWORK, channels, inference
from tests.freezing.monai.made import made, needs_monai
from tests.freezing.volumes.building import THREE_CLASSES, TWO_CLASSES, volume_answers

pytestmark = needs_monai

STATED = Stated("MR", "HEAD")


def answers(classes: Json = TWO_CLASSES, **changes: Json) -> dict[str, Json]:
    """Return what an author states beside a bundle."""
    stated = volume_answers(output={"classes": classes})
    del stated["preprocessing"]
    return {**stated, **changes}


def spec_of(folder: Path, classes: Json = TWO_CLASSES, **changes: Json) -> VolumeSpec:
    return make_volume_spec(completed(answers(classes, **changes), read_bundle(folder)))


def chain(*transforms: Json, **changes: Json) -> dict[str, Json]:
    """Return a configuration with these transforms between reading and the network."""
    first = [{"_target_": "LoadImaged"}, {"_target_": "EnsureChannelFirstd"}]
    keyed = [{"keys": "image", **one} for one in (*first, *transforms)]
    return inference(preprocessing={"_target_": "Compose", "transforms": keyed}, **changes)


def after(*transforms: Json) -> Json:
    invert: dict[str, Json] = {"_target_": "Invertd", "transform": "@preprocessing"}
    invert["orig_keys"] = "image"
    back = {"Invertd": invert | {"nearest_interp": False}, "nearest": invert}
    keyed = [{"keys": "pred", **(back[one] if isinstance(one, str) else one)} for one in transforms]
    return {"_target_": "Compose", "transforms": keyed}


SOFTMAX: dict[str, Json] = {"_target_": "Activationsd", "softmax": True}
ARGMAX: dict[str, Json] = {"_target_": "AsDiscreted", "argmax": True}
FILL: dict[str, Json] = {"_target_": "FillHolesd", "connectivity": 1}
SIGMOID: dict[str, Json] = {"_target_": "Activationsd", "sigmoid": True}
LARGEST: dict[str, Json] = {"_target_": "KeepLargestConnectedComponentd", "applied_labels": [1]}
WHOLE: Json = {"_target_": "SimpleInferer"}
CASES: dict[str, tuple[dict[str, Json], Json, Json]] = {
    "windows, coarser": (
        inference(
            spacing=[11.0, 10.0, 12.0], postprocessing=after(SOFTMAX, ARGMAX, FILL, "nearest")
        ),
        METADATA,
        TWO_CLASSES,
    ),
    "whole, one channel": (
        chain(
            {"_target_": "Orientationd", "axcodes": "LPS"},
            {"_target_": "NormalizeIntensityd", "subtrahend": 300, "divisor": 200},
            {"_target_": "DivisiblePadd", "k": [5, 3, 7]},
            inferer=WHOLE,
            network_def=NETWORK | {"out_channels": 1, "strides": [1]},
            postprocessing=after(
                SIGMOID, "Invertd", {"_target_": "AsDiscreted", "threshold": 0.45}, LARGEST, FILL
            ),
        ),
        channels(1),
        TWO_CLASSES,
    ),
    "cropped, three classes": (
        chain(
            {"_target_": "Orientationd", "axcodes": "RAS"},
            {"_target_": "Spacingd", "pixdim": [7.1, 6.3, 9.2], "mode": "bilinear"},
            {"_target_": "ScaleIntensityRanged", "a_min": 60, "a_max": 700}
            | {"b_min": 0, "b_max": 1, "clip": True},
            {"_target_": "CropForegroundd", "source_key": "image"},
            inferer={"_target_": "SlidingWindowInferer", "roi_size": [12, 16, 20]},
            network_def=NETWORK | {"out_channels": 3, "norm": "instance"},
        ),
        channels(3),
        THREE_CLASSES,
    ),
}


@pytest.mark.parametrize("name", sorted(CASES))
def test_a_frozen_bundle_answers_as_monai_does(tmp_path: Path, name: str) -> None:
    configuration, told, classes = CASES[name]
    folder = made(tmp_path / "bundle", configuration, told)
    spec = spec_of(folder, classes)
    source = open_bundle(folder, i_made_this=False)
    found = assemble_volume(source, spec, Circumstances())
    assert found.report.largest < 1e-4
    told = [note for note in source.notes if "own order" in note]
    assert len(told) == (name == "windows, coarser"), source.notes
    assert [group[0] for group in found.report.groups] == [
        "drawn volumes: probability",
        "drawn volumes: share of labels that differ",
    ]


def labels_by_monai(folder: Path, volume: Volume) -> np.ndarray[Any, Any]:
    """Run the bundle as MONAI does, `$` expressions and all: it is our own."""
    import torch  # noqa: PLC0415 - after MONAI was found

    file = folder / "head.nii"
    file.write_bytes(head_file(volume))
    with quiet(), torch.no_grad():
        from monai.bundle import ConfigParser  # noqa: PLC0415 - seconds

        parser = ConfigParser()
        parser.read_config(folder / "configs" / "inference.json")
        parser["bundle_root"] = str(folder)
        network = parser.get_parsed_content("network").eval()
        network.load_state_dict(torch.load(folder / "models" / "model.pt", weights_only=True))
        data = parser.get_parsed_content("preprocessing")({"image": str(file)})
        data["pred"] = parser.get_parsed_content("inferer")(data["image"][None], network)[0]
        data = parser.get_parsed_content("postprocessing")(data)
    found: np.ndarray[Any, Any] = data["pred"][0].numpy()
    return found


def test_the_package_gives_the_labels_that_running_the_bundle_gives(tmp_path: Path) -> None:
    configuration = deepcopy(inference(spacing=[9.0, 8.5, 8.0]))
    configuration["postprocessing"]["transforms"][-1]["_disabled_"] = True  # it saves to a disk
    folder = made(tmp_path / "bundle", configuration)
    source = open_bundle(folder, i_made_this=False)
    package = open_package(assemble_volume(source, spec_of(folder), Circumstances()).archive)
    head = drawn_head((25, 27, 30), (7.0, 7.5, 6.5), seed=9)
    turned = head.affine.copy()
    turned[:3, :3] = turned[:3, :3] @ np.array([[0.0, 1, 0], [-1, 0, 0], [0, 0, 1]])
    volume = Volume(head.values.copy(), turned, head.facts)
    found = Runner(package).analyse(volume, STATED).labels
    assert found is not None
    assert 0.01 < (found > 0).mean() < 0.99
    assert np.array_equal(found, labels_by_monai(folder, volume))


LATE: dict[str, Json] = {
    "labels": after(SOFTMAX, ARGMAX, FILL, "nearest"),
    "mixed": after(SOFTMAX, ARGMAX, "Invertd"),
    "nearest": after(SOFTMAX, "nearest", ARGMAX),
}


@pytest.mark.parametrize("order", sorted(LATE))
def test_a_bundle_that_brings_labels_back_is_told_what_its_own_order_changes(
    tmp_path: Path, order: str
) -> None:
    configuration = inference(spacing=[9.0, 8.5, 8.0], postprocessing=LATE[order])
    folder = made(tmp_path / "bundle", configuration)
    bundle = read_bundle(folder)
    head = drawn_head((25, 27, 30), (7.0, 7.5, 6.5), seed=9)
    native = MonaiNative(bundle, load_network(bundle, (16, 16, 16), i_made_this=False))
    own = native(head).own
    assert own is not None
    assert np.array_equal(own, labels_by_monai(folder, head))


def test_a_program_is_taken_on_its_givers_word_alone(tmp_path: Path) -> None:
    folder = made(tmp_path / "bundle", inference(spacing=[9.0, 9.0, 9.0]), program=True)
    with pytest.raises(FreezeRefused, match="TorchScript: a program, not weights"):
        open_bundle(folder, i_made_this=False)
    source = open_bundle(folder, i_made_this=True)
    found = assemble_volume(source, spec_of(folder), Circumstances())
    assert found.report.largest < 1e-4
    assert source.algorithm == "MONAI bundle Bright parts of a head, TorchScript"


def test_the_same_bundle_gives_the_same_network(tmp_path: Path) -> None:
    folder = made(tmp_path / "bundle")
    spec = spec_of(folder)
    one, other = (open_bundle(folder, i_made_this=False).network(spec).onnx for _ in range(2))
    assert one == other


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    folder = made(tmp_path / "bundle")
    (folder / "configs" / "inference.json").unlink()
    other = inference(network_def=NETWORK | {"channels": [2, 8]})
    (folder / "configs" / "inference.yaml").write_text(str(other).replace("None", "null"))
    with pytest.raises(FreezeRefused, match=r"UNet and model\.pt do not fit: .* another shape"):
        open_bundle(folder, i_made_this=False)


def test_a_network_that_cannot_be_constructed_is_refused_by_name() -> None:
    with pytest.raises(FreezeRefused, match=r"UNet cannot be constructed with .*sharpness"):
        construct(NetworkDefinition("UNet", {"sharpness": 1}))


def test_a_spec_that_says_otherwise_is_refused(tmp_path: Path) -> None:
    folder = made(tmp_path / "bundle")
    stated = answers(preprocessing=[{"op": "minimum_maximum"}])
    spec = make_volume_spec(completed(stated, read_bundle(folder)))
    source: MonaiSource = open_bundle(folder, i_made_this=False)
    with pytest.raises(FreezeRefused, match=r"The spec has preprocessing .*the bundle has"):
        source.network(spec)


def test_an_author_must_name_the_classes(tmp_path: Path) -> None:
    folder = made(tmp_path / "bundle")
    with pytest.raises(UsageError, match=r"no \[\[output\.classes\]\]"):
        completed({"name": "x", "output": {}}, read_bundle(folder))
