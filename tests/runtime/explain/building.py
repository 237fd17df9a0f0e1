"""Games by brute force, and scikit-learn models that answer raw rows without any of our runtime."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from bedside.canonical import Json
from bedside.package.explanation import Contributions, contribution_passes
from bedside.package.fields import CategoryField, InputField, NumberField
from bedside.package.outputs import BinaryOutput, OutputClass, Threshold
from bedside.runtime.postprocess import Answer, Postprocess
from tests.freezing.building import clinic, outcome

Row = dict[str, Json]

FIELDS: tuple[InputField, ...] = (
    NumberField(name="age", unit="a", minimum=0.0, maximum=120.0, whole=True),
    NumberField(name="creatinine", unit="mg/dL", minimum=0.1, maximum=20.0, missing="allow"),
    NumberField(name="sodium", unit="mmol/L", minimum=90.0, maximum=200.0),
    CategoryField(name="site", categories=("left", "right", "both"), missing="allow"),
    CategoryField(name="stage", categories=(1, 2, 3)),
)
REFERENCE: Row = {"age": 57, "creatinine": 1.18, "sodium": 140.1, "site": "right", "stage": 2}
BINARY = BinaryOutput(
    classes=(OutputClass(label="well"), OutputClass(label="ill")),
    positive="ill",
    threshold=Threshold(value=0.37, meaning={"en": "for tests"}),
)


def shapley(
    scores: Callable[[Sequence[Row]], Sequence[float]],
    row: Mapping[str, Json],
    reference: Mapping[str, Json],
) -> dict[str, float]:
    """The definition, over every subset of the fields, one field after another."""
    names, found = list(row), {}
    subsets = [
        frozenset(chosen)
        for size in range(len(names) + 1)
        for chosen in itertools.combinations(names, size)
    ]
    mixed = [dict(reference) | {name: row[name] for name in subset} for subset in subsets]
    worth = dict(zip(subsets, scores(mixed), strict=True))
    for name in names:
        total = 0.0
        for subset in subsets:
            if name not in subset:
                after = len(names) - len(subset) - 1
                weight = math.factorial(len(subset)) * math.factorial(after)
                total += weight * (worth[subset | {name}] - worth[subset])
        found[name] = total / math.factorial(len(names))
    return found


def rows_of(frame: pd.DataFrame) -> list[Row]:
    """Raw rows, None where a value is missing."""
    return [
        {str(name): None if pd.isna(value) else value for name, value in row.items()}
        for row in frame.astype(object).to_dict("records")
    ]


def fitted(estimator: BaseEstimator, rows: int = 300) -> BaseEstimator:
    """The estimator behind an imputer with indicators, a scaler and one-hot codes."""
    frame = clinic(rows)
    numbers = ["age", "creatinine", "sodium"]
    prepared = ColumnTransformer(
        [
            ("n", make_pipeline(SimpleImputer(add_indicator=True), StandardScaler()), numbers),
            ("c", OneHotEncoder(handle_unknown="ignore"), ["site", "stage"]),
        ]
    )
    return make_pipeline(prepared, estimator).fit(frame, outcome(frame))


def answering(model: Any) -> Callable[[Sequence[Json]], Sequence[Answer]]:
    """The answers of a fitted binary model to raw rows."""
    postprocess = Postprocess(BINARY)

    def answer(rows: Sequence[Json]) -> Sequence[Answer]:
        frame = pd.DataFrame(list(rows), columns=[field.name for field in FIELDS])
        for name in ("age", "creatinine", "sodium"):
            frame[name] = frame[name].astype(float)
        frame["site"] = frame["site"].where(frame["site"].notna(), np.nan)
        return postprocess(model.predict_proba(frame))

    return answer


def declared(method: str = "sampled-shapley", **changes: Any) -> Contributions:
    """An explanation of the clinic's fields on the logit, with 8 permutations: exact for 5 fields."""
    parts: dict[str, Any] = {
        "method": method,
        "scale": "logit",
        "reference": REFERENCE,
        "permutations": 8,
    } | changes
    cost = contribution_passes(method, len(parts["reference"]), parts["permutations"])
    return Contributions(**{"passes": cost} | parts)


def logit(probability: float) -> float:
    return math.log(probability / (1 - probability))
