"""Small but complete volume packages, signed, that run in milliseconds: for the tests of every room.

The network smooths a drawn head of 24³ and calls bright what is bright: no training library is
needed, and everything else (gate, geometry, windows, labels, measurements, golden cases) is real.

    archive = volume_package(key)                  # whole volume, two classes by sigmoid
    archive = volume_package(key, THREE_SLIDING)   # windows, three classes by softmax
    volume = head()                                # imaging.volume.Volume
    data = head_nifti()                            # the bytes of its file
"""

from __future__ import annotations

import dataclasses
from typing import Any, Final

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from bedside.imaging.phantoms import drawn_head, head_file
from bedside.imaging.volume import Volume
from bedside.keys.signing import SigningKey
from bedside.package.golden import GoldenCase, write_golden
from bedside.package.manifest import Golden, Manifest
from bedside.package.outputs import NumberOutput, Threshold
from bedside.package.package import Package, build_package, open_package
from bedside.package.segmentation import (
    FillHoles,
    LargestRegion,
    MillilitreRange,
    SegmentationOutput,
    SegmentedClass,
)
from bedside.package.volume_models import (
    Inference,
    SlidingInference,
    VolumeModel,
    WholeInference,
)
from bedside.package.volume_operations import (
    CropOrPad,
    MinimumMaximum,
    Reorient,
    Resample,
    VolumeOperation,
)
from bedside.package.volumes import FieldOfView, MillimetreRange, VolumeInput, VoxelRange
from bedside.runtime.analysis import Stated
from bedside.runtime.runner import Runner
from bedside.runtime.volume_golden import golden_case
from bedside.runtime.volume_rows import volume_row
from tests.package.building import OPSET, manifest_of

SIDE: Final = 24
"""Voxels along each axis of what the network gets."""

SPACING: Final = 9.5
"""mm of the network's voxels."""

MR_HEAD: Final = Stated(modality="MR", body_part="HEAD")

INPUT: Final = VolumeInput(
    media=("nifti", "dicom-series", "dicom-enhanced"),
    modalities=("MR",),
    body_parts=("HEAD", "BRAIN"),
    unstated="flag",
    spacing=MillimetreRange(minimum=0.4, maximum=12.0),
    field_of_view=FieldOfView(
        left_right=MillimetreRange(minimum=120.0, maximum=320.0),
        back_front=MillimetreRange(minimum=140.0, maximum=320.0),
        foot_head=MillimetreRange(minimum=120.0, maximum=320.0),
    ),
    sides=VoxelRange(minimum=12, maximum=512),
    most_voxels=2**24,
)

OPERATIONS: Final[tuple[VolumeOperation, ...]] = (
    Reorient(axes="RAS"),
    Resample(spacing=(SPACING, SPACING, SPACING)),
    CropOrPad(shape=(SIDE, SIDE, SIDE)),
    MinimumMaximum(),
)

BACKGROUND: Final = SegmentedClass(value=0, label="background")

BRIGHT: Final = SegmentationOutput(
    classes=(
        BACKGROUND,
        SegmentedClass(
            value=1,
            label="bright",
            shown={"en": "bright tissue", "ja": "明るい組織"},
            plausible=MillilitreRange(minimum=300.0, maximum=3_000.0),
        ),
    ),
    activation="sigmoid",
    channels=1,
    threshold=Threshold(value=0.5, meaning={"en": "as likely as not", "ja": "五分五分"}),
    operations=(LargestRegion(), FillHoles(label="bright")),
    measurements=("volume", "extents", "centre", "head-centre", "regions"),
)

THREE: Final = SegmentationOutput(
    classes=(
        BACKGROUND,
        SegmentedClass(value=1, label="grey", shown={"en": "grey", "ja": "灰色"}),
        SegmentedClass(value=4, label="bright", shown={"en": "bright", "ja": "明るい"}),
    ),
    activation="softmax",
    channels=3,
    operations=(LargestRegion(labels=("bright",)),),
    measurements=("volume", "centre"),
)

NUMBER: Final = NumberOutput(name="brightness", unit="1")

WHOLE: Final = WholeInference(shape=(SIDE, SIDE, SIDE))
SLIDING: Final = SlidingInference(patch=(16, 12, 10), overlap=0.25)


@dataclasses.dataclass(frozen=True)
class Made:
    """Which of the small packages is made."""

    output: SegmentationOutput | NumberOutput = BRIGHT
    inference: Inference = WHOLE
    operations: tuple[VolumeOperation, ...] = OPERATIONS
    declared: VolumeInput = INPUT
    name: str = "drawn-head"
    version: str = "1.0.0"
    memory: int = 64 * 2**20


TWO_WHOLE: Final = Made()
THREE_SLIDING: Final = Made(output=THREE, inference=SLIDING, name="drawn-three")
A_NUMBER: Final = Made(output=NUMBER, name="drawn-number")


def head(seed: int = 0) -> Volume:
    """A drawn head of 32³ in a field of view of 224 × 240 × 224 mm."""
    return drawn_head(seed=seed)


def head_nifti(seed: int = 0) -> bytes:
    """The file of `head`."""
    return head_file(head(seed))


def network(made: Made = TWO_WHOLE) -> onnx.ModelProto:
    """Smooth by 3³, then scores that grow with brightness; or the mean brightness as a number."""
    sides: list[int | None] = [None, None, None]
    if isinstance(made.inference, SlidingInference):
        sides = [*made.inference.patch]
    elif made.inference.shape is not None:
        sides = [*made.inference.shape]
    channels = made.output.channels if isinstance(made.output, SegmentationOutput) else None
    nodes = [helper.make_node("Conv", ["x", "box"], ["smooth"], pads=[1] * 6)]
    shape: list[int | None] = [1, 1]
    tensors = [numpy_helper.from_array(np.full((1, 1, 3, 3, 3), 1 / 27, dtype=np.float32), "box")]
    if channels is None:
        nodes.append(helper.make_node("GlobalAveragePool", ["smooth"], ["mean"]))
        nodes.append(helper.make_node("Flatten", ["mean"], ["scores"]))
    else:
        slope, offset = _lines(channels)
        tensors += [
            numpy_helper.from_array(slope, "slope"),
            numpy_helper.from_array(offset, "offset"),
        ]
        nodes.append(helper.make_node("Conv", ["smooth", "slope", "offset"], ["scores"]))
        shape = [1, channels, *sides]
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1, *sides])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, shape)],
        tensors,
    )
    opset = [helper.make_opsetid("", OPSET)]
    return helper.make_model(graph, opset_imports=opset, ir_version=9, producer_name="tests")


def _lines(channels: int) -> tuple[np.ndarray, np.ndarray]:
    """Scores as straight lines of brightness: one line, or one for each of three classes."""
    slopes, offsets = ([16.0], [-5.6]) if channels == 1 else ([0.0, 20.0, 40.0], [0.0, -3.0, -13.0])
    shape = (channels, 1, 1, 1, 1)
    return np.array(slopes, np.float32).reshape(shape), np.array(offsets, np.float32)


def volume_package(key: SigningKey | None = None, made: Made = TWO_WHOLE) -> bytes:
    """The archive, signed where a key is given; equal arguments give equal bytes."""
    unproved = _archive(made, (_any_case(made),), None)
    runner = Runner(open_package(unproved))
    cases = tuple(_case(runner, seed) for seed in (0, 1))
    return _archive(made, cases, key)


def opened(made: Made = TWO_WHOLE) -> Package:
    """The package, unsigned and opened."""
    return open_package(volume_package(None, made))


def _case(runner: Runner, seed: int) -> GoldenCase:
    row = volume_row(head_nifti(seed), MR_HEAD)
    return golden_case(f"drawn-{seed}", row, runner.analyse(head(seed), MR_HEAD))


def _any_case(made: Made) -> GoldenCase:
    """A case that fits the output, and that nobody replays."""
    row = volume_row(b"", MR_HEAD)
    if isinstance(made.output, NumberOutput):
        return GoldenCase(id="none", input=row, label=None, scores={made.output.name: 0.0})
    labels = {one.label: 0.0 for one in made.output.classes[1:]}
    empty = {"shape": (1, 1, 1), "runs": (0, 1), "mean_probability": 0.0}
    case = {"id": "none", "input": row, "label": None, "scores": labels, "segmentation": empty}
    return GoldenCase.model_validate(case)


def _archive(made: Made, cases: tuple[GoldenCase, ...], key: SigningKey | None) -> bytes:
    entries = {
        "model.onnx": network(made).SerializeToString(deterministic=True),
        "golden.json": write_golden(cases),
    }
    return build_package(_manifest(made, entries, len(cases)), entries, key)


def _manifest(made: Made, entries: dict[str, bytes], cases: int) -> Manifest:
    segments = isinstance(made.output, SegmentationOutput)
    parts: dict[str, Any] = {
        "name": made.name,
        "version": made.version,
        "title": {"en": "Bright tissue of a drawn head", "ja": "描いた頭の明るい組織"},
        "input": made.declared,
        "preprocessing": made.operations,
        "model": VolumeModel(
            entry="model.onnx",
            opset={"ai.onnx": OPSET},
            input="x",
            element="float32",
            output="scores",
            inference=made.inference,
            memory=made.memory,
        ),
        "postprocessing": made.output,
        "golden": Golden(
            entry="golden.json",
            cases=cases,
            tolerance=0.005,
            least_dice=0.99 if segments else None,
        ),
    }
    return manifest_of(entries, parts)
