"""What no program could go below with this network and these files, on this machine.

Run as `python -m tools.bench_imaging.floor PACKAGE VOLUME RESULTS`; prints its figures.
The products of the convolutions at the rate of a large matrix product, the packed file inflated and
digested, the results deflated: each as quick as the libraries here do it, nothing else counted.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import math
import sys
import time
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import onnx
from onnx import shape_inference

from bedside.imaging.files import files_at
from bedside.imaging.volume_reading import read_volume
from bedside.package.package import open_package
from bedside.package.preprocessing import volume_operations
from bedside.package.volume_models import VolumeModel
from bedside.package.volumes import VolumeInput
from bedside.runtime.volume_gate import volume_limits
from bedside.runtime.volume_preprocess import VolumePreprocess

SIDE = 3_072
"""Of the matrices: 58 GFLOP, 36 MiB each."""

TURNS = 5
LEVEL = 1
"""Of deflate, as results are written."""


def products(network: bytes, sides: tuple[int, ...]) -> int:
    """Return the multiplications of all convolutions of a graph, for an input of 1 × 1 × sides."""
    model = onnx.load_from_string(network)
    dims = model.graph.input[0].type.tensor_type.shape.dim
    for dim, side in zip(dims, (1, 1, *sides), strict=True):
        dim.Clear()
        dim.dim_value = side
    for one in model.graph.output:
        one.type.tensor_type.ClearField("shape")
    graph = shape_inference.infer_shapes(model, strict_mode=True).graph
    told = (*graph.value_info, *graph.input, *graph.output)
    shapes = {one.name: [dim.dim_value for dim in one.type.tensor_type.shape.dim] for one in told}
    weights = {one.name: list(one.dims) for one in graph.initializer}
    return sum(_products(node, shapes, weights) for node in graph.node)


def _products(
    node: onnx.NodeProto, shapes: Mapping[str, list[int]], weights: Mapping[str, list[int]]
) -> int:
    if node.op_type not in ("Conv", "ConvTranspose"):
        return 0
    weight = math.prod(weights[node.input[1]])
    places = shapes[node.output[0] if node.op_type == "Conv" else node.input[0]][2:]
    return weight * math.prod(places)


def main(words: list[str]) -> None:
    """Measure, and print."""
    package, head, results = open_package(Path(words[0])), Path(words[1]), Path(words[2])
    declared, model = package.manifest.input, package.manifest.model
    assert isinstance(declared, VolumeInput)
    assert isinstance(model, VolumeModel)
    limits = volume_limits(declared)
    prepare = VolumePreprocess(volume_operations(package.manifest.preprocessing))
    sides = prepare(read_volume(files_at(head, limits), limits)).tensor.shape[1:]
    work = 2 * products(package.network, sides)
    one, other = np.random.default_rng(0).random((2, SIDE, SIDE), dtype=np.float32)
    rate = 2 * SIDE**3 / _least(lambda: one @ other)
    packed = head.read_bytes()
    files = [gzip.decompress(path.read_bytes()) for path in sorted(results.glob("*.nii.gz"))]
    told = {
        "sides": sides,
        "work": work,
        "rate": rate,
        "arithmetic": work / rate,
        "inflating": _least(lambda: gzip.decompress(packed)) if head.suffix == ".gz" else 0.0,
        "digesting": _least(lambda: hashlib.sha256(packed).digest()),
        "deflating": _least(lambda: [zlib.compress(file, LEVEL) for file in files]),
        "read": len(packed),
        "written": sum(path.stat().st_size for path in results.iterdir()),
    }
    print(json.dumps(told))


def _least(work: Callable[[], object]) -> float:
    """Return the seconds of the quickest of some turns."""
    found = []
    for _ in range(TURNS):
        begun = time.perf_counter()
        work()
        found.append(time.perf_counter() - begun)
    return min(found)


if __name__ == "__main__":
    main(sys.argv[1:])
