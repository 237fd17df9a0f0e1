"""The packages with a network that are measured: a small one in windows, and MindGrab's true weights.

Their golden case is empty and never replayed: freezing proves, this page measures.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from bedside.canonical import Json
from bedside.freezing.assembly import GOLDEN_ENTRY, MODEL_ENTRY, RUNTIME
from bedside.freezing.comparison import Comparison
from bedside.freezing.lineage import make_lineage, moment_of_freezing
from bedside.freezing.meshnet.source import meshnet_source
from bedside.freezing.volumes.assembly import drawn_rows, volume_manifest
from bedside.freezing.volumes.source import VolumeNetwork
from bedside.freezing.volumes.spec import VolumeSpec, make_volume_spec
from bedside.package.antspynet import AntspynetModel
from bedside.package.golden import GoldenCase, LabelRuns, write_golden
from bedside.package.manifest import Conditions
from bedside.package.package import build_package
from bedside.package.volume_models import SlidingInference, VolumeModel
from bedside.package.volume_operations import Reorient, Resample, VolumeOperation, ZScore
from bedside.runtime.onnx_wire import read_opset
from bedside.runtime.session import this_processor

SOFTMAX: dict[str, Any] = {
    "activation": "softmax",
    "channels": 2,
    "threshold": {"value": 0.5, "meaning": {"en": "the larger of two"}},
}
PATCH = (96, 96, 96)
WIDTH = 8
"""Channels of the small network's two hidden layers."""


@dataclass
class Described:
    """What a lineage keeps of a model that is measured and not proved."""

    algorithm: str
    parameters: Mapping[str, Json] = field(default_factory=dict)
    libraries: Mapping[str, str] = field(default_factory=dict)


def small_package(folder: Path) -> Path:
    """Return the file of a package with three convolutions in windows of 96³ at 2 mm.

    Nobody trained their weights.
    """
    operations = (Reorient(axes="RAS"), Resample(spacing=(2.0, 2.0, 2.0)), ZScore(of="non-zero"))
    inference = SlidingInference(patch=PATCH, overlap=0.25)
    network = VolumeNetwork(operations, inference, _small_network(), "input", "output")
    return _with_network(folder / "small.bedside", network, Described("three convolutions"))


def mindgrab_package(weights: Path, folder: Path) -> tuple[Path, int]:
    """Return the file of a package with the MeshNet in the folder `weights`, and its weights."""
    source = meshnet_source(weights)
    network = source.network(answers(SOFTMAX))
    path = _with_network(folder / "mindgrab.bedside", network, Described(source.algorithm))
    return path, source.net.parameters


def _with_network(path: Path, network: VolumeNetwork, source: Described) -> Path:
    model = VolumeModel(
        entry=MODEL_ENTRY,
        opset=read_opset(network.onnx),
        input=network.input,
        element="float32",
        output=network.output,
        inference=network.inference,
        memory=network.memory,
    )
    entries = {MODEL_ENTRY: network.onnx}
    parts = (model, source)
    return write_unproved(path, answers(SOFTMAX), network.operations, parts, entries)


def write_unproved(
    path: Path,
    spec: VolumeSpec,
    operations: tuple[VolumeOperation, ...],
    parts: tuple[VolumeModel | AntspynetModel, Described],
    entries: dict[str, bytes],
) -> Path:
    """Write a package whose golden case says nothing, and return its path."""
    model, source = parts
    conditions = Conditions(
        runtime=RUNTIME,
        verified_with=dict(source.libraries),
        graph_optimisation="basic",
        threads=spec.threads,
        processor=this_processor(),
    )
    empty = LabelRuns(shape=(1, 1, 1), runs=(0, 1), mean_probability=0.0)
    [row] = drawn_rows(spec)
    case = GoldenCase(id="none", input=row, label=None, scores={"brain": 0.0}, segmentation=empty)
    entries = {**entries, GOLDEN_ENTRY: write_golden((case,))}
    lineage = make_lineage(
        spec.origin, source, Comparison(1, 0.0, 1e-4, ()), moment_of_freezing(None)
    )
    manifest = volume_manifest(spec, operations, (model, conditions, lineage), (1, entries))
    path.write_bytes(build_package(manifest, entries, None))
    return path


def _small_network() -> bytes:
    random = np.random.default_rng(0)
    layers = ((1, WIDTH), (WIDTH, WIDTH), (WIDTH, 2))
    nodes, weights, name = [], [], "input"
    for number, (taken, given) in enumerate(layers):
        values = random.normal(0, 0.2, (given, taken, 3, 3, 3)).astype(np.float32)
        weights.append(numpy_helper.from_array(values, f"weights_{number}"))
        last = number == len(layers) - 1
        made = "output" if last else f"conv_{number}"
        nodes.append(helper.make_node("Conv", [name, f"weights_{number}"], [made], pads=[1] * 6))
        name = made
        if not last:
            name = f"relu_{number}"
            nodes.append(helper.make_node("Relu", [made], [name]))
    graph = helper.make_graph(
        nodes,
        "model",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 1, *PATCH])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, 2, *PATCH])],
        weights,
    )
    made_model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    data: bytes = made_model.SerializeToString(deterministic=True)
    return data


def answers(output: dict[str, Any]) -> VolumeSpec:
    """Return what an author states, with the network's part of the output."""
    reach = {"minimum": 50, "maximum": 600}
    drawn = {
        "name": "drawn heads",
        "digest": "sha256:" + "0" * 64,
        "rows": 1,
        "licence": "CC0-1.0",
        "consent_basis": "nobody's data",
        "origin": "drawn",
    }
    metric = {"name": "none", "value": 0.0, "lower": 0.0, "upper": 0.0, "confidence": 0.95}
    stated = {
        "name": "measured",
        "version": "1.0.0",
        "title": {"en": "Measured"},
        "licence": "CC0-1.0",
        "intended_use": {"en": "Benchmarks."},
        "not_for": {"en": "Patients."},
        "claim_level": "demonstration",
        "volume": {
            "media": ["nifti", "dicom-series"],
            "modalities": ["MR"],
            "spacing": {"minimum": 0.1, "maximum": 20.0},
            "field_of_view": {"left_right": reach, "back_front": reach, "foot_head": reach},
            "sides": {"minimum": 8, "maximum": 2_048},
            "most_voxels": 2**26,
        },
        "output": {
            "kind": "segmentation",
            "classes": [{"value": 0, "label": "background"}, {"value": 1, "label": "brain"}],
            "operations": [{"op": "largest_region"}],
            "measurements": ["volume", "extents", "centre", "regions"],
            **output,
        },
        "origin": {
            "trained_by": "nobody",
            "trained_at": "2026-11-21T08:00:00Z",
            "code": "tools/bench_imaging",
            "split": "none",
            "data": [drawn],
        },
        "evaluation": {"data": drawn, "metrics": [{**metric, "method": "none", "n": 1}]},
        "golden": {"cases": 1, "shape": [8, 8, 8], "spacing": [30.0, 30.0, 30.0]},
    }
    return make_volume_spec(stated)
