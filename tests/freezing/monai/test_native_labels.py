"""What MONAI does to labels, and what a package does: equal where a package takes it."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from bedside.canonical import Json
from bedside.freezing.monai.answers import After
from bedside.freezing.monai.bundle import refinements
from bedside.package.segmentation import SegmentationOutput
from bedside.runtime import segmentation
from bedside.runtime.progress import silent
from tests.freezing.monai.made import needs_monai
from tests.freezing.volumes.building import THREE_CLASSES, TWO_CLASSES, output_of, volume_spec

pytestmark = needs_monai


def native(labels: NDArray[np.uint8], after: After, millilitres: float = 1.0) -> NDArray[np.uint8]:
    from bedside.freezing.monai.native_labels import refined  # noqa: PLC0415 - torch: seconds

    return refined(labels, after, millilitres)


def declared(labels: NDArray[np.uint8], after: After, classes: Json) -> NDArray[np.uint8]:
    """Return what a package does that declares `after`."""
    output = volume_spec(output=output_of(classes)).output
    assert isinstance(output, SegmentationOutput)
    operations = refinements([after], output.classes)
    changed = output.model_copy(update={"operations": operations})
    return segmentation.refined(labels, changed, 1.0, silent)


def blobs(classes: int, share: float = 0.75) -> NDArray[np.uint8]:
    """Return regions with holes, some of them in diagonal touch; of all voxels `share` have a class."""
    random = np.random.default_rng(5)
    shares = [1 - share, *[share / classes] * classes]
    return random.choice(classes + 1, (14, 15, 16), p=shares).astype(np.uint8)


@pytest.mark.parametrize(
    "after",
    [
        After("fill_holes"),
        After("keep_labels", (1,)),
        After("largest_region", neighbours=6),
        After("remove_small", together=True, least_millilitres=3.0),
    ],
    ids=lambda one: one.op,
)
def test_one_class_becomes_what_monai_makes_of_it(after: After) -> None:
    labels = blobs(1, 0.05 if after.op == "remove_small" else 0.75)
    wanted = native(labels, after)
    assert np.array_equal(declared(labels, after, TWO_CLASSES), wanted)
    assert np.array_equal(wanted, labels) == (after.op == "keep_labels")


@pytest.mark.parametrize(
    "after",
    [
        After("keep_labels", (2,)),
        After("largest_region", neighbours=18),
        After("largest_region", together=True, neighbours=6),
    ],
)
def test_two_classes_become_what_monai_makes_of_them(after: After) -> None:
    labels = blobs(2)
    wanted = native(labels, after)
    assert np.array_equal(declared(labels, after, THREE_CLASSES), wanted)
    assert not np.array_equal(wanted, labels)


def test_monai_gives_a_rim_its_core_which_is_why_several_classes_are_refused() -> None:
    labels = np.zeros((9, 9, 9), dtype=np.uint8)
    labels[1:8, 1:8, 1:8], labels[3:6, 3:6, 3:6], labels[4, 4, 4] = 1, 2, 0
    assert np.bincount(native(labels, After("fill_holes")).ravel()).tolist() == [386, 343]
    assert np.bincount(declared(labels, After("fill_holes"), THREE_CLASSES).ravel()).tolist() == [
        386,
        317,
        26,
    ]
