"""HistGradientBoosting as an ONNX graph in double precision, missing values included.

These trees compare in double precision, and skl2onnx 1.20 writes them in single. A split lies
halfway between two values of the training data, so with data of few decimals a value that
training never saw lies on the split itself (0.41 between 0.40 and 0.42), and single precision
may then go the other way: on such data up to 0.53 was measured, on one row in twenty. The operator TreeEnsemble of
`ai.onnx.ml` 5 compares in double, and is written here.

Sources: scikit-learn `ensemble/_hist_gradient_boosting/_predictor.pyx` (nodes) and
`_loss/loss.py` (links); ONNX operator TreeEnsemble-5.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from bedside.freezing.sklearn.columns import Step

Boosting: TypeAlias = HistGradientBoostingClassifier | HistGradientBoostingRegressor
Operators: TypeAlias = list[tuple[str, list[str], str, dict[str, int]]]
"""Operator, its inputs, its output, its attributes."""

OPSET = {"": 17, "ai.onnx.ml": 5}
"""TreeEnsemble came with version 5 of the domain; ONNX Runtime has carried it out since 1.20."""

AT_MOST = 0
"""The mode of a node that goes to its true side where value <= split."""

IDENTITY = ("squared_error", "absolute_error", "quantile")
LOGARITHM = ("poisson", "gamma")


def boosting_to_onnx(estimator: Boosting, names: tuple[str, str], step: Step) -> onnx.ModelProto:
    """Return `estimator` as a graph from input `names[0]` to output `names[1]`.

    Raises:
        FreezeRefused: a loss whose link is not known here.
    """
    trees = Trees()
    for iteration in estimator._predictors:
        for target, tree in enumerate(iteration):
            trees.add(tree.nodes, target)
    baseline = np.asarray(estimator._baseline_prediction, dtype=np.float64)
    targets = baseline.size
    given, answer = names
    link, columns = _link(estimator, answer, step)
    constants = {"baseline": baseline.reshape(1, targets), "one": np.ones((1, 1))}
    nodes = [
        trees.node(given, targets),
        helper.make_node("Add", ["sum", "baseline"], ["raw"], name="add_baseline"),
        *(_operator(op, reads, out, more) for op, reads, out, more in link),
    ]
    read = {name for node in nodes for name in node.input}
    graph = helper.make_graph(
        nodes,
        "model",
        [
            helper.make_tensor_value_info(
                given, TensorProto.DOUBLE, [None, estimator.n_features_in_]
            )
        ],
        [helper.make_tensor_value_info(answer, TensorProto.DOUBLE, [None, columns])],
        [numpy_helper.from_array(v, name) for name, v in constants.items() if name in read],
    )
    opsets = [helper.make_opsetid(domain, version) for domain, version in OPSET.items()]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def _operator(op: str, reads: list[str], out: str, numbers: dict[str, int]) -> onnx.NodeProto:
    node = helper.make_node(op, reads, [out], name=out)
    node.attribute.extend(helper.make_attribute(name, value) for name, value in numbers.items())
    return node


def _link(estimator: Boosting, answer: str, step: Step) -> tuple[Operators, int]:
    """Return the operators from raw scores to the answer, and the answer's columns."""
    if isinstance(estimator, HistGradientBoostingClassifier):
        classes = len(estimator.classes_)
        if classes > 2:
            return [("Softmax", ["raw"], answer, {"axis": 1})], classes
        return [
            ("Sigmoid", ["raw"], "second", {}),
            ("Sub", ["one", "second"], "first", {}),
            ("Concat", ["first", "second"], answer, {"axis": 1}),
        ], 2
    if estimator.loss in IDENTITY:
        return [("Identity", ["raw"], answer, {})], 1
    if estimator.loss in LOGARITHM:
        return [("Exp", ["raw"], answer, {})], 1
    raise step.refuse(
        f"its loss {estimator.loss!r} is not known here.",
        f"Use one of: {', '.join((*IDENTITY, *LOGARITHM))}.",
    )


@dataclass(slots=True)
class Trees:
    """The attributes of one TreeEnsemble, collected tree by tree.

    Inner nodes and leaves are numbered apart; `sides` holds for each inner node the number of
    what lies on either side, and whether that is a leaf.
    """

    roots: list[int] = field(default_factory=list)
    splits: list[float] = field(default_factory=list)
    features: list[int] = field(default_factory=list)
    missing: list[int] = field(default_factory=list)
    sides: list[tuple[int, int, int, int]] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)
    targets: list[int] = field(default_factory=list)

    def add(self, nodes: NDArray[np.void], target: int) -> None:
        """Add one tree, given as the `nodes` of a scikit-learn TreePredictor."""
        is_leaf = nodes["is_leaf"].astype(bool)
        number = np.where(
            is_leaf,
            len(self.weights) + np.cumsum(is_leaf) - 1,
            len(self.splits) + np.cumsum(~is_leaf) - 1,
        )
        self.roots.append(len(self.splits))
        self.weights.extend(nodes["value"][is_leaf].tolist())
        self.targets.extend([target] * int(is_leaf.sum()))
        if is_leaf[0]:  # a lone leaf is a node with the leaf on both sides
            self._add_node(0.0, 0, 0, (int(number[0]), 1, int(number[0]), 1))
        for node in nodes[~is_leaf]:
            left, right = int(node["left"]), int(node["right"])
            self._add_node(
                float(node["num_threshold"]),
                int(node["feature_idx"]),
                int(node["missing_go_to_left"]),
                (int(number[left]), int(is_leaf[left]), int(number[right]), int(is_leaf[right])),
            )

    def _add_node(
        self, split: float, feature: int, missing: int, sides: tuple[int, int, int, int]
    ) -> None:
        self.splits.append(split)
        self.features.append(feature)
        self.missing.append(missing)
        self.sides.append(sides)

    def node(self, given: str, targets: int) -> onnx.NodeProto:
        """Return the TreeEnsemble node that adds the leaves of all trees into `sum`."""
        true, true_leaf, false, false_leaf = (list(side) for side in zip(*self.sides, strict=True))
        return helper.make_node(
            "TreeEnsemble",
            [given],
            ["sum"],
            name="trees",
            domain="ai.onnx.ml",
            n_targets=targets,
            aggregate_function=1,
            post_transform=0,
            tree_roots=self.roots,
            nodes_modes=_tensor("modes", np.full(len(self.splits), AT_MOST, dtype=np.uint8)),
            nodes_splits=_tensor("splits", np.array(self.splits)),
            nodes_featureids=self.features,
            nodes_missing_value_tracks_true=self.missing,
            nodes_truenodeids=true,
            nodes_trueleafs=true_leaf,
            nodes_falsenodeids=false,
            nodes_falseleafs=false_leaf,
            leaf_targetids=self.targets,
            leaf_weights=_tensor("weights", np.array(self.weights)),
        )


def _tensor(name: str, values: NDArray[np.generic]) -> onnx.TensorProto:
    return numpy_helper.from_array(values, name)
