"""A small but complete package: three fields, five columns, logistic regression, five golden cases."""

from __future__ import annotations

import dataclasses
import platform
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from bedside.canonical import Json
from bedside.keys.signing import SigningKey
from bedside.package.fields import CategoryField, NumberField, TabularInput, UnitConversion
from bedside.package.golden import GoldenCase, write_golden
from bedside.package.manifest import (
    Conditions,
    DataSet,
    Difference,
    Evaluation,
    Golden,
    Lineage,
    Manifest,
    Metric,
)
from bedside.package.networks import Model
from bedside.package.operations import (
    Concatenate,
    Impute,
    OneHot,
    Operation,
    SelectNumbers,
    Standardise,
)
from bedside.package.outputs import BinaryOutput, Output, OutputClass, Threshold
from bedside.package.package import Package, build_package, describe_entries, open_package

OPSET = 18

FIELDS = TabularInput(
    fields=(
        NumberField(
            name="radius",
            unit="um",
            minimum=6.0,
            maximum=29.0,
            conversions=(UnitConversion(unit="mm", factor=1000.0),),
        ),
        CategoryField(name="sex", categories=("female", "male"), missing="allow"),
        NumberField(name="age", unit="a", minimum=0.0, maximum=120.0, whole=True, missing="allow"),
    )
)

OPERATIONS: tuple[Operation, ...] = (
    SelectNumbers(fields=("radius", "age"), output="numbers"),
    Impute(input="numbers", values=(14.0, 50.0), indicators=(1,), output="filled"),
    Standardise(input="filled", centre=(14.0, 50.0, 0.0), scale=(3.5, 20.0, 1.0), output="scaled"),
    OneHot(
        fields=("sex",),
        categories=(("female", "male"),),
        drop=(-1,),
        fill=(None,),
        output="codes",
    ),
    Concatenate(inputs=("scaled", "codes"), output="model_input"),
)

WEIGHTS = (2.0, 0.5, 0.25, -0.125, 0.125)
INTERCEPT = -0.5

BINARY = BinaryOutput(
    classes=(OutputClass(label="benign"), OutputClass(label="malignant")),
    positive="malignant",
    threshold=Threshold(value=0.5, meaning={"en": "as likely as not"}),
)

ROWS: tuple[dict[str, Json], ...] = (
    {"radius": 14.0, "sex": "female", "age": 50},
    {"radius": 20.5, "sex": "male", "age": 71},
    {"radius": {"value": 0.0085, "unit": "mm"}, "sex": None, "age": None},
    {"radius": 15, "sex": "male"},
    {"radius": 14.9, "sex": "female", "age": 50},
)


def network(
    weights: Sequence[float] = WEIGHTS,
    intercept: float = INTERCEPT,
    element: int = TensorProto.FLOAT,
) -> onnx.ModelProto:
    """Softmax over (0, weights · x + intercept): logistic regression with two columns."""
    kind = helper.tensor_dtype_to_np_dtype(element)
    matrix = np.stack([np.zeros(len(weights)), np.array(weights)], axis=1).astype(kind)
    bias = np.array([0.0, intercept], dtype=kind)
    return model_of(
        [
            helper.make_node("Gemm", ["x", "weights", "bias"], ["scores"]),
            helper.make_node("Softmax", ["scores"], ["probabilities"], axis=1),
        ],
        [numpy_helper.from_array(matrix, "weights"), numpy_helper.from_array(bias, "bias")],
        (len(weights), 2),
        element,
    )


def model_of(
    nodes: Sequence[onnx.NodeProto],
    initializers: Sequence[onnx.TensorProto],
    widths: tuple[int, int],
    element: int = TensorProto.FLOAT,
) -> onnx.ModelProto:
    """A model from `x` (rows × widths[0]) to `probabilities` (rows × widths[1])."""
    graph = helper.make_graph(
        list(nodes),
        "network",
        [helper.make_tensor_value_info("x", element, [None, widths[0]])],
        [helper.make_tensor_value_info("probabilities", element, [None, widths[1]])],
        list(initializers),
    )
    opset = [helper.make_opsetid("", OPSET)]
    return helper.make_model(graph, opset_imports=opset, ir_version=9, producer_name="tests")


def expected_probability(radius: float, age: float | None, sex: str | None) -> float:
    """The positive probability by hand, in float64, to be compared with the package's."""
    columns = (
        (radius - 14.0) / 3.5,
        ((50.0 if age is None else age) - 50.0) / 20.0,
        1.0 if age is None else 0.0,
        1.0 if sex == "female" else 0.0,
        1.0 if sex == "male" else 0.0,
    )
    total = sum(w * x for w, x in zip(WEIGHTS, columns, strict=True)) + INTERCEPT
    return float(1 / (1 + np.exp(-total)))


def golden_cases() -> tuple[GoldenCase, ...]:
    """One case for each of ROWS, answered by hand and not by the code under test."""
    told: tuple[tuple[float, float | None, str | None], ...] = (
        (14.0, 50, "female"),
        (20.5, 71, "male"),
        (8.5, None, None),
        (15.0, None, "male"),
        (14.9, 50, "female"),
    )
    cases = []
    for position, (row, (radius, age, sex)) in enumerate(zip(ROWS, told, strict=True)):
        probability = expected_probability(radius, age, sex)
        cases.append(
            GoldenCase(
                id=f"case-{position}",
                input=row,
                label="malignant" if probability >= 0.5 else "benign",
                scores={"benign": 1 - probability, "malignant": probability},
            )
        )
    return tuple(cases)


@dataclasses.dataclass(frozen=True)
class Recipe:
    """Everything of a small package; replace a part to get another one."""

    network: onnx.ModelProto = dataclasses.field(default_factory=network)
    golden: tuple[GoldenCase, ...] = dataclasses.field(default_factory=golden_cases)
    input: TabularInput = FIELDS
    operations: tuple[Operation, ...] = OPERATIONS
    output: Output = BINARY
    tolerance: float = 1e-5
    width: int = len(WEIGHTS)
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
            "name": "small-tumour",
            "version": "1.2.3",
            "title": {"en": "A small model", "ja": "小さなモデル"},
            "input": self.input,
            "preprocessing": self.operations,
            "model": model(self.width),
            "postprocessing": self.output,
            "golden": Golden(entry="golden.json", cases=len(self.golden), tolerance=self.tolerance),
        }
        return manifest_of(self.entries(), {**parts, **self.changes})

    def archive(self, key: SigningKey | None = None) -> bytes:
        """The package's bytes, signed where a key is given."""
        return build_package(self.manifest(), self.entries(), key)

    def package(self) -> Package:
        """The package, opened and not signed."""
        return open_package(self.archive())


def manifest_of(entries: Mapping[str, bytes], parts: Mapping[str, Any]) -> Manifest:
    """The manifest of a small package of any kind: `parts`, and what all of them say alike."""
    alike: dict[str, Any] = {
        "format_version": 1,
        "licence": "Apache-2.0",
        "intended_use": {"en": "Testing", "ja": "試験"},
        "not_for": {"en": "Patients", "ja": "患者"},
        "claim_level": "demonstration",
        "languages": ("en", "ja"),
        "conditions": conditions(),
        "lineage": lineage(),
        "evaluation": evaluation(),
        "entries": describe_entries(entries),
    }
    return Manifest(**{**alike, **parts})


def model(width: int, **changes: Any) -> Model:
    parts: dict[str, Any] = {
        "entry": "model.onnx",
        "opset": {"ai.onnx": OPSET},
        "input": "x",
        "element": "float32",
        "width": width,
        "output": "probabilities",
    }
    return Model(**{**parts, **changes})


def conditions(**changes: Any) -> Conditions:
    parts: dict[str, Any] = {
        "runtime": ">=1.22,<2",
        "verified_with": {"onnxruntime": onnxruntime.__version__, "numpy": np.__version__},
        "graph_optimisation": "basic",
        "threads": 1,
        "processor": platform.machine(),
    }
    return Conditions(**{**parts, **changes})


def data_set() -> DataSet:
    return DataSet(
        name="invented rows",
        digest="sha256:" + "0" * 64,
        rows=5,
        licence="CC0-1.0",
        consent_basis="no person is described",
        origin="tests",
    )


def lineage() -> Lineage:
    return Lineage(
        trained_by="the tests",
        trained_at="2026-11-21T08:00:00.000000Z",
        frozen_at="2026-11-21T09:00:00.000000Z",
        frozen_with="bedside tests",
        code="tests/package/building.py",
        algorithm="logistic regression by hand",
        parameters={"weights": list(WEIGHTS), "intercept": INTERCEPT},
        data=(data_set(),),
        split="none",
        difference=Difference(rows=5, largest=0.0, tolerance=1e-5),
    )


def evaluation() -> Evaluation:
    metric = Metric(
        name="accuracy", value=0.8, lower=0.3, upper=1.0, confidence=0.95, method="Wilson", n=5
    )
    return Evaluation(data=data_set(), metrics=(metric,))
