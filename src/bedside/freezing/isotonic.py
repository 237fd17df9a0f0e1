"""Isotonic calibration in a converted graph: interpolate, where skl2onnx takes the nearest knot.

skl2onnx 1.20 answers with the y of the knot nearest to the score, as a staircase; scikit-learn
interpolates between the knots. Measured on two public data sets the probabilities were up to
0.7 apart. The staircase is replaced here by the exact line, with standard operators:

    y(s) = y_0 + Σ_k slope_k · clip(s - x_k, 0, x_{k+1} - x_k)
"""

from __future__ import annotations

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from bedside.errors import FreezeRefused


def interpolate(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return a copy of `model` in which every nearest-knot lookup is a linear interpolation.

    Source: `sklearn.isotonic.IsotonicRegression.predict` (linear interpolation, clipped).

    Raises:
        FreezeRefused: the graph is not of the shape that skl2onnx 1.20 writes.
    """
    changed = onnx.ModelProto()
    changed.CopyFrom(model)
    graph = changed.graph
    made_by = {name: node for node in graph.node for name in node.output}
    reads = {name: node for node in graph.node for name in node.input}
    values = {i.name: numpy_helper.to_array(i) for i in graph.initializer}
    for lookup in [node for node in graph.node if node.op_type == "ArgMin"]:
        magnitude = made_by[lookup.input[0]]
        distance = made_by[magnitude.input[0]]
        answer = reads[lookup.output[0]]
        shape = [magnitude.op_type, distance.op_type, answer.op_type]
        if shape != ["Abs", "Sub", "ArrayFeatureExtractor"]:
            raise FreezeRefused(
                f"An isotonic calibration was converted in a way that is not known: {shape}.",
                advice="Calibrate with method='sigmoid', or install skl2onnx 1.20.",
            )
        x, y = values[distance.input[1]].ravel(), values[answer.input[0]].ravel()
        line = _line(distance.output[0], answer.output[0], x, y, graph)
        position = list(graph.node).index(answer)
        for offset, node in enumerate(line):
            graph.node.insert(position + offset, node)
        for node in (magnitude, lookup, answer):
            graph.node.remove(node)
    return changed


def _line(
    distance: str,
    answer: str,
    x: NDArray[np.floating],
    y: NDArray[np.floating],
    graph: onnx.GraphProto,
) -> list[onnx.NodeProto]:
    """Return nodes that turn the distances from every knot (rows × knots) into y (rows × 1)."""
    exact_x, exact_y = x.astype(np.float64), y.astype(np.float64)
    width = np.append(np.diff(exact_x), 0.0)
    slope = np.append(np.diff(exact_y) / np.diff(exact_x), 0.0)
    constants = {
        "zero": np.zeros(1, x.dtype),
        "width": width.astype(x.dtype),
        "slope": slope.astype(x.dtype).reshape(-1, 1),
        "start": y[:1],
    }
    for word, value in constants.items():
        graph.initializer.append(numpy_helper.from_array(value, f"{answer}_{word}"))
    steps = [
        ("Max", [distance, f"{answer}_zero"], f"{answer}_above"),
        ("Min", [f"{answer}_above", f"{answer}_width"], f"{answer}_within"),
        ("MatMul", [f"{answer}_within", f"{answer}_slope"], f"{answer}_rise"),
        ("Add", [f"{answer}_rise", f"{answer}_start"], answer),
    ]
    return [helper.make_node(op, inputs, [out], name=f"{out}_node") for op, inputs, out in steps]
