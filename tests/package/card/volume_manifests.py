"""Manifests of volume packages, one for every sentence that a card can say of them."""

from __future__ import annotations

from typing import Any

from bedside.package import volume_operations as ops
from bedside.package.antspynet import AntspynetModel, Weights
from bedside.package.manifest import Golden, Manifest
from bedside.package.outputs import NumberOutput, NumberRange, Threshold
from bedside.package.segmentation import (
    FillHoles,
    KeepLabels,
    LargestRegion,
    MillilitreRange,
    Refinement,
    RemoveSmall,
    SegmentationOutput,
    SegmentedClass,
)
from bedside.package.volume_models import (
    Inference,
    SlidingInference,
    VolumeModel,
    WholeInference,
)
from bedside.package.volumes import (
    FieldOfView,
    MillimetreRange,
    VolumeInput,
    VolumeLikeness,
    VoxelRange,
)
from tests.package import building
from tests.package.overlaps import declared

REACH = MillimetreRange(minimum=100.0, maximum=300.0)

BACKGROUND = SegmentedClass(value=0, label="background")
GREY = SegmentedClass(
    value=1,
    label="grey",
    shown={"en": "grey matter", "ja": "灰白質"},
    plausible=MillilitreRange(minimum=300.0, maximum=1_200.0),
)
WHITE = SegmentedClass(value=2, label="white")

WHOLE = WholeInference(shape=None)

EVERY_VALUE: tuple[ops.VolumeOperation, ...] = (
    ops.ClipValues(low=0.0, high=2_000.0),
    ops.ScaleRange(from_low=0.0, from_high=2_000.0),
    ops.Percentiles(low=1.0, high=99.0),
    ops.ZScore(),
    ops.SubtractDivide(subtract=0.5, divide=0.25),
    ops.MinimumMaximum(),
    ops.EightBit(),
    ops.Transpose(order=(2, 1, 0)),
)

EVERY_PLACE: tuple[ops.VolumeOperation, ...] = (
    ops.Reorient(axes="RAS"),
    ops.Resample(spacing=(1.0, 1.0, 1.0)),
    ops.CropForeground(above=0.0, margin=4),
    ops.CropOrPad(shape=(64, 64, 64)),
    ops.PadToMultiple(multiple=(16, 16, 16)),
)


def volume_input(**changes: Any) -> VolumeInput:
    """A head in an MR volume."""
    parts: dict[str, Any] = {
        "media": ("nifti", "dicom-series"),
        "modalities": ("MR",),
        "body_parts": ("HEAD",),
        "spacing": MillimetreRange(minimum=0.4, maximum=4.0),
        "field_of_view": FieldOfView(left_right=REACH, back_front=REACH, foot_head=REACH),
        "sides": VoxelRange(minimum=16, maximum=512),
        "most_voxels": 2**26,
    }
    return VolumeInput(**{**parts, **changes})


def volume_likeness(**changes: Any) -> VolumeLikeness:
    """A likeness of two references of 4³."""
    reference = (1.0, -1.0) * 32
    parts: dict[str, Any] = {
        "side": 4,
        "references": (reference, reference),
        "volumes": 20,
        "minimum": 0.5,
    }
    return VolumeLikeness(**{**parts, **changes})


def binary(*operations: Refinement) -> SegmentationOutput:
    """Grey and background, told apart by a threshold."""
    return SegmentationOutput(
        classes=(BACKGROUND, GREY),
        activation="sigmoid",
        channels=1,
        threshold=Threshold(value=0.5, meaning={"en": "as likely as not", "ja": "五分五分"}),
        operations=operations,
    )


def three(*operations: Refinement) -> SegmentationOutput:
    """Three classes, the most probable of them."""
    return SegmentationOutput(
        classes=(BACKGROUND, GREY, WHITE),
        activation="softmax",
        channels=3,
        operations=operations,
        measurements=("volume", "extents", "centre", "head-centre", "regions"),
    )


def volume_model(inference: Inference = WHOLE, **changes: Any) -> VolumeModel:
    """A network for volumes."""
    parts: dict[str, Any] = {
        "entry": "model.onnx",
        "opset": {"ai.onnx": 18},
        "input": "x",
        "element": "float32",
        "output": "scores",
        "inference": inference,
    }
    return VolumeModel(**{**parts, **changes})


def antspynet_model(**changes: Any) -> AntspynetModel:
    """A function of ANTsPyNet with one file of weights."""
    weights = Weights(size=1, digest="sha256:" + "0" * 64, origin="figshare")
    parts: dict[str, Any] = {
        "function": "brain_extraction",
        "parameters": {"modality": "t1"},
        "library": ">=0.3.2,<0.4",
        "weights": {"brainExtractionRobustT1.h5": weights},
    }
    return AntspynetModel(**{**parts, **changes})


def volume_manifest(**changes: Any) -> Manifest:
    """A manifest of a volume package whose parts agree."""
    parts: dict[str, Any] = {
        "input": volume_input(),
        "preprocessing": (ops.Reorient(axes="RAS"), ops.MinimumMaximum()),
        "model": volume_model(),
        "postprocessing": binary(),
        "golden": Golden(entry="golden.json", cases=1, tolerance=0.01, least_dice=0.98),
    }
    return building.Recipe(changes={**parts, **changes}).manifest()


def volume_manifests() -> dict[str, Manifest]:
    """One of each kind."""
    golden = Golden(entry="golden.json", cases=1, tolerance=0.01)
    return {
        "volume": volume_manifest(
            preprocessing=EVERY_PLACE,
            postprocessing=binary(LargestRegion(), FillHoles(label="grey")),
        ),
        "windows": volume_manifest(
            preprocessing=(ops.Conform(interpolation="cubic"), *EVERY_VALUE),
            model=volume_model(SlidingInference(patch=(64, 64, 64))),
            postprocessing=three(
                RemoveSmall(label="white", least_millilitres=0.5), KeepLabels(labels=("white",))
            ),
            input=volume_input(likeness=volume_likeness()),
        ),
        "library": volume_manifest(
            preprocessing=(),
            model=antspynet_model(),
            input=volume_input(body_parts=(), likeness=volume_likeness(otherwise="flag")),
            postprocessing=binary().model_copy(update={"predicted_overlap": declared()}),
        ),
        "brain-age": volume_manifest(
            preprocessing=(
                ops.Reorient(axes="RAS"),
                ops.Resample(spacing=(1.0, 1.0, 1.0), interpolation="nearest"),
            ),
            postprocessing=NumberOutput(
                name="age", unit="a", plausible=NumberRange(minimum=0.0, maximum=120.0)
            ),
            golden=golden,
            input=volume_input(
                media=("dicom-enhanced",),
                unstated="refuse",
                likeness=volume_likeness(otherwise="flag", refuse_below=0.25),
            ),
        ),
    }
