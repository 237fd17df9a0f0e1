"""A small but complete package for pictures: 64 × 64 grey PNG, two classes, four golden cases.

The network weighs the middle of the picture against its border, so that every answer can be
computed by hand: bright in the middle is `opacity`. No training library is needed.
"""

from __future__ import annotations

import base64
import dataclasses
import io
from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian

from bedside.canonical import Json
from bedside.keys.signing import SigningKey
from bedside.package.explanation import Explanation, Occlusion
from bedside.package.golden import GoldenCase, write_golden
from bedside.package.image_operations import FullRange, ImageOperation, Normalise, Resize
from bedside.package.images import ImageInput, SideRange
from bedside.package.manifest import Golden, Manifest
from bedside.package.networks import ImageModel
from bedside.package.outputs import BinaryOutput, Output, OutputClass, Threshold
from bedside.package.package import Package, build_package, open_package
from tests.package.building import OPSET, manifest_of

SIDE = 64
"""Rows and columns of the films here; the network takes half of each."""

SOP_INSTANCE = "2.25.329800735698586629295641978511506172918"
"""Of the DICOM film here. Source: DICOM PS3.5, annex B.2 (UUID derived)."""

INPUT = ImageInput(
    media=("png", "jpeg", "dicom"),
    modalities=("CR", "DX"),
    body_parts=("CHEST",),
    unstated="flag",
    rows=SideRange(minimum=32, maximum=512),
    columns=SideRange(minimum=32, maximum=512),
)

OPERATIONS: tuple[ImageOperation, ...] = (
    FullRange(),
    Resize(rows=SIDE // 2, columns=SIDE // 2, filter="box"),
    Normalise(mean=(0.5,), deviation=(0.25,)),
)

SLOPE = 2.75
BINARY = BinaryOutput(
    classes=(
        OutputClass(label="clear", shown={"en": "no opacity", "ja": "陰影なし"}),
        OutputClass(label="opacity", shown={"en": "opacity", "ja": "陰影"}),
    ),
    positive="opacity",
    threshold=Threshold(value=0.62, meaning={"en": "chosen by hand", "ja": "手で選んだ値"}),
)

EXPLANATION = Occlusion(patch=8, stride=8, scale="probability", passes=17)
STATED: dict[str, Json] = {"modality": "DX", "body_part": "CHEST", "view": "PA"}


def film(centre: float, border: float = 80.0, side: int = SIDE) -> NDArray[np.uint8]:
    """A film with a square of grey `centre` in the middle of a slope around grey `border`."""
    slope = np.linspace(-30, 30, side)[np.newaxis, :] + np.linspace(-20, 20, side)[:, np.newaxis]
    values = border + slope
    middle = slice(side // 4, 3 * side // 4)
    values[middle, middle] += centre - border
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def png(values: NDArray[np.uint8]) -> bytes:
    """The PNG file of `values` (rows × columns, or rows × columns × 3)."""
    written = io.BytesIO()
    Image.fromarray(values).save(written, "PNG")
    return written.getvalue()


def dicom(values: NDArray[np.uint8], **header: str) -> bytes:
    """The DICOM file of `values` (rows × columns), a DX of a chest; `header` changes elements."""
    dataset = Dataset()
    dataset.SOPClassUID = DigitalXRayImageStorageForPresentation
    dataset.SOPInstanceUID = SOP_INSTANCE
    dataset.Modality, dataset.BodyPartExamined, dataset.ViewPosition = "DX", "CHEST", "PA"
    dataset.Rows, dataset.Columns = values.shape
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 8, 8, 7
    dataset.PixelRepresentation = 0
    dataset.PixelData = values.tobytes()
    for name, value in header.items():
        setattr(dataset, name, value)
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    written = io.BytesIO()
    dataset.save_as(written, enforce_file_format=True)
    return written.getvalue()


def row(data: bytes, **stated: Json) -> dict[str, Json]:
    """The raw row of a picture file, with what the sender states beside it."""
    return {"image": base64.b64encode(data).decode("ascii"), **stated}


BRIGHT = png(film(170.0))
DARK = png(film(60.0))
ROW = row(BRIGHT, **STATED)


def mask() -> NDArray[np.float64]:
    """The weight of each pixel of the network's input: middle minus border, each a mean."""
    side = SIDE // 2
    weights = np.full((side, side), -1.0 / (side * side * 3 / 4))
    middle = slice(side // 4, 3 * side // 4)
    weights[middle, middle] = 1.0 / (side * side / 4)
    return weights


def network() -> onnx.ModelProto:
    """Softmax over (0, slope × (mean of the middle − mean of the border))."""
    columns = np.stack([np.zeros(mask().size), SLOPE * mask().ravel()], axis=1)
    graph = helper.make_graph(
        [
            helper.make_node("Flatten", ["x"], ["pixels"], axis=1),
            helper.make_node("MatMul", ["pixels", "weights"], ["scores"]),
            helper.make_node("Softmax", ["scores"], ["probabilities"], axis=1),
        ],
        "network",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 1, SIDE // 2, SIDE // 2])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [None, 2])],
        [numpy_helper.from_array(columns.astype(np.float32), "weights")],
    )
    opset = [helper.make_opsetid("", OPSET)]
    return helper.make_model(graph, opset_imports=opset, ir_version=9, producer_name="tests")


def expected_probability(values: NDArray[np.uint8]) -> float:
    """The probability of `opacity` by hand, in float64, for a film of `SIDE` × `SIDE`."""
    unit = values.astype(np.float64) / 255
    small = unit.reshape(SIDE // 2, 2, SIDE // 2, 2).mean(axis=(1, 3))
    score = SLOPE * float((mask() * (small - 0.5) / 0.25).sum())
    return float(1 / (1 + np.exp(-score)))


def golden_cases() -> tuple[GoldenCase, ...]:
    """Four films from dark to bright in the middle, two close to the threshold, answered by hand."""
    cases = []
    for centre in (40.0, 91.0, 92.0, 170.0):
        probability = expected_probability(film(centre))
        cases.append(
            GoldenCase(
                id=f"centre-{centre:g}",
                input=row(png(film(centre)), **STATED),
                label="opacity" if probability >= BINARY.threshold.value else "clear",
                scores={"clear": 1 - probability, "opacity": probability},
            )
        )
    return tuple(cases)


@dataclasses.dataclass(frozen=True)
class ImageRecipe:
    """Everything of a small package for pictures; replace a part to get another one."""

    network: onnx.ModelProto = dataclasses.field(default_factory=network)
    golden: tuple[GoldenCase, ...] = dataclasses.field(default_factory=golden_cases)
    input: ImageInput = INPUT
    operations: tuple[ImageOperation, ...] = OPERATIONS
    output: Output = BINARY
    explanation: Explanation | None = EXPLANATION
    tolerance: float = 1e-4
    changes: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    """Parts of the manifest to replace, such as {"conditions": …}."""

    def entries(self) -> dict[str, bytes]:
        """The package's entries, without manifest and signature."""
        return {
            "model.onnx": self.network.SerializeToString(),
            "golden.json": write_golden(self.golden),
        }

    def manifest(self) -> Manifest:
        """The manifest for `entries()`."""
        parts: dict[str, Any] = {
            "name": "small-film",
            "version": "1.0.0",
            "title": {"en": "A small model of films", "ja": "小さな画像モデル"},
            "input": self.input,
            "preprocessing": self.operations,
            "model": image_model(),
            "postprocessing": self.output,
            "explanation": self.explanation,
            "golden": Golden(entry="golden.json", cases=len(self.golden), tolerance=self.tolerance),
        }
        return manifest_of(self.entries(), {**parts, **self.changes})

    def archive(self, key: SigningKey | None = None) -> bytes:
        """The package's bytes, signed where a key is given."""
        return build_package(self.manifest(), self.entries(), key)

    def package(self) -> Package:
        """The package, opened and not signed."""
        return open_package(self.archive())


def image_model(**changes: Any) -> ImageModel:
    parts: dict[str, Any] = {
        "entry": "model.onnx",
        "opset": {"ai.onnx": OPSET},
        "input": "x",
        "element": "float32",
        "output": "probabilities",
        "shape": (1, SIDE // 2, SIDE // 2),
    }
    return ImageModel(**{**parts, **changes})
