"""Decision trees, forests and extra trees: the mean of the leaves, bit for bit.

They compare a value rounded to single precision with a split in double, and add the leaves in
double; the graph's input is single, so that the runtime rounds as scikit-learn does.

Sources: scikit-learn `tree/_classes.py` (`predict`, `predict_proba`), `ensemble/_forest.py`.
"""

from __future__ import annotations

import numpy as np
from sklearn.base import BaseEstimator, is_classifier

from bedside.freezing.graph import Graph
from bedside.freezing.trees import Tree, Trees


def forest_scores(graph: Graph, estimator: BaseEstimator, given: str) -> str:
    """Return the probabilities (rows × classes) or values (rows × 1) of a tree or a forest."""
    members = getattr(estimator, "estimators_", [estimator])
    columns = len(estimator.classes_) if is_classifier(estimator) else 1
    trees = Trees()
    for member in members:
        tree = tree_of(member)
        for column in range(columns):
            trees.add(tree, member.tree_.value[:, 0, column], column)
    summed = trees.summed(graph, given, columns)
    if members[0] is estimator:
        return summed
    return graph.op("Div", summed, graph.constant(float(len(members))))


def tree_of(fitted: BaseEstimator) -> Tree:
    """Return the shape of a fitted DecisionTree or ExtraTree."""
    tree = fitted.tree_
    return Tree(
        leaf=tree.children_left < 0,
        left=tree.children_left,
        right=tree.children_right,
        feature=tree.feature,
        split=tree.threshold,
        missing_left=np.asarray(tree.missing_go_to_left, dtype=bool),
    )
