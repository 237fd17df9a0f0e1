from __future__ import annotations

from typing import Any

import pytest

from bedside.canonical import canonical_bytes, read_json
from bedside.errors import PackageDamaged, UsageError
from bedside.package.consistency import check_manifest
from bedside.package.explanation import Occlusion
from bedside.package.manifest import Golden, Manifest, read_manifest, write_manifest
from bedside.package.outputs import NumberOutput
from bedside.package.segmentation import SegmentationOutput, SegmentedClass
from bedside.package.volume_models import SlidingInference, VolumeModel, WholeInference
from bedside.package.volume_operations import Conform, CropOrPad, Reorient
from tests.package import building, building_images
from tests.package.card.volume_manifests import (
    antspynet_model,
    binary,
    three,
    volume_input,
    volume_manifest,
    volume_manifests,
    volume_model,
)

NUMBER = NumberOutput(name="age", unit="a")
PLAIN = Golden(entry="golden.json", cases=1, tolerance=0.01)
TEN = SegmentationOutput(
    classes=tuple(SegmentedClass(value=n, label=f"part {n}") for n in range(10)),
    activation="softmax",
    channels=10,
)
OCCLUSION = Occlusion(patch=8, stride=8, scale="probability", passes=17)


@pytest.mark.parametrize("kind", volume_manifests())
def test_a_manifest_whose_parts_agree_is_let_through(kind: str) -> None:
    check_manifest(volume_manifests()[kind])


@pytest.mark.parametrize("kind", volume_manifests())
def test_a_manifest_is_read_as_it_was_written(kind: str) -> None:
    manifest = volume_manifests()[kind]
    assert read_manifest(write_manifest(manifest)) == manifest


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        (
            {"model": volume_model(WholeInference(shape=(64, 64, 64)))},
            "The operations give any size; the network takes 64 × 64 × 64",
        ),
        (
            {
                "preprocessing": (Reorient(axes="RAS"), CropOrPad(shape=(32, 64, 64))),
                "model": volume_model(WholeInference(shape=(64, 64, 64))),
            },
            "give 32 × 64 × 64; the network takes 64 × 64 × 64",
        ),
        ({"model": building.model(4)}, "a volume, and the model takes a table"),
        ({"postprocessing": building.BINARY, "golden": PLAIN}, "the output is 'binary'"),
        ({"explanation": OCCLUSION}, "no explanation of this version explains"),
        (
            {
                "model": volume_model(SlidingInference(patch=(16, 16, 16))),
                "postprocessing": NUMBER,
                "golden": PLAIN,
            },
            "sees the whole volume, no windows",
        ),
        ({"model": volume_model(SlidingInference(patch=(16, 16, 1)))}, "has a side of 1"),
        (
            {
                "preprocessing": (Conform(side=600),),
                "model": volume_model(WholeInference(shape=(600, 600, 600))),
                "postprocessing": three(),
            },
            "takes 216000000 voxels at once; a volume has at most 67108864",
        ),
        (
            {
                "preprocessing": (Conform(side=400),),
                "model": volume_model(WholeInference(shape=(400, 400, 400))),
                "postprocessing": TEN,
            },
            "10 classes of 64000000 voxels are more than 536870912 scores",
        ),
        ({"model": antspynet_model()}, "the preprocessing must be empty"),
        (
            {"model": antspynet_model(library="newest"), "preprocessing": ()},
            "'newest' is not a version specifier",
        ),
        (
            {"preprocessing": (CropOrPad(shape=(64, 64, 64)),)},
            "No operation says how the axes point",
        ),
        ({"golden": PLAIN}, "A segmentation states `golden.least_dice`"),
        (
            {"postprocessing": NUMBER},
            "A segmentation states `golden.least_dice`, and nothing else does",
        ),
    ],
)
def test_parts_that_do_not_agree_are_refused_by_name(changes: dict[str, Any], named: str) -> None:
    with pytest.raises(PackageDamaged, match=named):
        check_manifest(volume_manifest(**changes))


def test_a_table_and_a_picture_segment_nothing() -> None:
    table = building.Recipe(
        changes={"postprocessing": binary(), "golden": volume_manifest().golden}
    )
    with pytest.raises(PackageDamaged, match="input is tabular, and the output a segmentation"):
        check_manifest(table.manifest())
    changes: dict[str, Any] = {"postprocessing": binary(), "golden": volume_manifest().golden}
    picture = building_images.ImageRecipe(changes={**changes, "explanation": None})
    with pytest.raises(PackageDamaged, match="input is image, and the output a segmentation"):
        check_manifest(picture.manifest())


def test_a_table_has_no_network_for_volumes() -> None:
    recipe = building.Recipe(changes={"model": volume_model()})
    with pytest.raises(PackageDamaged, match="a table, and the model takes volumes"):
        check_manifest(recipe.manifest())


def test_what_answers_rows_is_refused_with_the_next_step() -> None:
    manifest = volume_manifest()
    with pytest.raises(UsageError, match=r"analyses volumes; it answers no rows.*analyses"):
        _ = manifest.row_output
    with pytest.raises(UsageError, match="bedside analyse"):
        _ = manifest.row_input


def test_members_that_came_later_are_left_out_of_older_manifests() -> None:
    written = read_json(write_manifest(building.Recipe().manifest()))
    assert "least_dice" not in written["golden"]
    assert "segmentation" not in canonical_bytes(written).decode()


def test_the_model_of_a_volume_is_told_by_its_members() -> None:
    manifest: Manifest = read_manifest(write_manifest(volume_manifest()))
    assert isinstance(manifest.model, VolumeModel)
    again = volume_manifest(preprocessing=(Reorient(axes="LPS"),))
    assert again.preprocessing[0].op == "reorient"
    assert isinstance(again.input, type(volume_input()))
