"""Decision trees as the operator TreeEnsemble of `ai.onnx.ml` 5, in double precision.

skl2onnx 1.20 writes trees in single precision. Two things go wrong there, and both were measured:
a forest's score is a fraction k / n, and a threshold on such a fraction (0.29 of 100 trees) is
decided by rounding; and histogram boosting compares doubles, so that a value on a split may go
the other way. TreeEnsemble keeps splits, leaves and sums as scikit-learn has them, and follows
missing values.

Sources: ONNX operator TreeEnsemble-5; scikit-learn `tree/_tree.pyx` (`Tree.apply`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bedside.freezing.graph import Graph

Integers = NDArray[np.int64]
Doubles = NDArray[np.float64]
Marks = NDArray[np.bool_]

AT_MOST = 0
"""The mode of a node that goes to its true side where value <= split."""

ADDED = 1
"""The aggregate function that adds the leaves of all trees."""


@dataclass(frozen=True, slots=True)
class Tree:
    """The shape of one tree, node by node; node 0 is the root.

    Attributes:
        leaf: Which nodes are leaves; the other arrays count only for those that are not.
        left: The node where value <= split.
        right: The node where it is not.
        feature: Position of the column that is compared.
        split: What it is compared with.
        missing_left: Whether a missing value goes left.
    """

    leaf: Marks
    left: Integers
    right: Integers
    feature: Integers
    split: Doubles
    missing_left: Marks


class Trees:
    """The attributes of one TreeEnsemble, collected tree by tree.

    ONNX numbers inner nodes and leaves apart; for either side of an inner node it holds the
    number of what lies there, and whether that is a leaf.
    """

    def __init__(self) -> None:
        self._roots: list[int] = []
        self._splits: list[float] = []
        self._columns: dict[str, list[int]] = {
            "nodes_featureids": [],
            "nodes_missing_value_tracks_true": [],
            "nodes_truenodeids": [],
            "nodes_trueleafs": [],
            "nodes_falsenodeids": [],
            "nodes_falseleafs": [],
        }
        self._weights: list[float] = []
        self._targets: list[int] = []

    def add(self, tree: Tree, values: Doubles, target: int) -> None:
        """Add one tree, whose node i gives `values[i]` to the sum `target` where it is a leaf."""
        leaf, inner = tree.leaf, ~tree.leaf
        number = np.where(
            leaf,
            len(self._weights) + np.cumsum(leaf) - 1,
            len(self._splits) + np.cumsum(inner) - 1,
        )
        self._roots.append(len(self._splits))
        self._weights.extend(values[leaf].tolist())
        self._targets.extend([target] * int(leaf.sum()))
        if leaf[0]:  # a lone leaf is written as a node with the leaf on both sides
            self._splits.append(0.0)
            alone = int(number[0])
            self._extend([0], [0], [alone], [1], [alone], [1])
            return
        left, right = tree.left[inner], tree.right[inner]
        self._splits.extend(tree.split[inner].tolist())
        self._extend(
            tree.feature[inner].tolist(),
            tree.missing_left[inner].astype(int).tolist(),
            number[left].tolist(),
            leaf[left].astype(int).tolist(),
            number[right].tolist(),
            leaf[right].astype(int).tolist(),
        )

    def _extend(self, *columns: list[int]) -> None:
        for column, more in zip(self._columns.values(), columns, strict=True):
            column.extend(more)

    def summed(self, graph: Graph, given: str, targets: int) -> str:
        """Return the sums of the leaves that the rows of `given` reach (rows × `targets`)."""
        return graph.op(
            "TreeEnsemble",
            given,
            domain="ai.onnx.ml",
            lists={
                **self._columns,
                "tree_roots": self._roots,
                "leaf_targetids": self._targets,
            },
            tensors={
                "nodes_modes": np.full(len(self._splits), AT_MOST, dtype=np.uint8),
                "nodes_splits": np.array(self._splits),
                "leaf_weights": np.array(self._weights),
            },
            n_targets=targets,
            aggregate_function=ADDED,
            post_transform=0,
        )
