"""A small synthetic clinic, and specs for models of it; the numbers are invented, the code is real."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

from bedside.canonical import Json
from bedside.freezing.frames import describe_data
from bedside.freezing.freeze import FrozenModel, freeze
from bedside.freezing.spec import Spec, make_spec
from bedside.package.fields import InputField

WHEN = datetime(2026, 11, 21, 8, tzinfo=UTC)

AGE = {"kind": "number", "name": "age", "unit": "a", "minimum": 0, "maximum": 120, "whole": True}
CREATININE: dict[str, Json] = {
    "kind": "number",
    "name": "creatinine",
    "unit": "mg/dL",
    "minimum": 0.1,
    "maximum": 20,
    "missing": "allow",
    "conversions": [{"unit": "umol/L", "factor": 1 / 88.42}],
}
SODIUM = {"kind": "number", "name": "sodium", "unit": "mmol/L", "minimum": 90, "maximum": 200}
SITE: dict[str, Json] = {
    "kind": "category",
    "name": "site",
    "categories": ["left", "right", "both"],
    "missing": "allow",
    "unknown": "allow",
}
STAGE = {"kind": "category", "name": "stage", "categories": [1, 2, 3]}


def clinic(rows: int = 300, seed: int = 0, *, gaps: bool = True) -> pd.DataFrame:
    """Return invented patients: age, creatinine, sodium, site, stage."""
    random = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "age": random.integers(20, 95, rows),
            "creatinine": random.gamma(4, 0.3, rows).round(2).clip(0.1, 20),
            "sodium": random.normal(140, 4, rows).round(1),
            "site": random.choice(["left", "right", "both"], rows),
            "stage": random.integers(1, 4, rows),
        }
    )
    if gaps:
        frame.loc[random.random(rows) < 0.2, "creatinine"] = np.nan
        frame.loc[random.random(rows) < 0.2, "site"] = np.nan
    return frame


def outcome(frame: pd.DataFrame, seed: int = 1) -> np.ndarray[Any, np.dtype[np.int_]]:
    """Return an invented outcome that depends on every column, 0 or 1."""
    random = np.random.default_rng(seed)
    risk = (
        0.05 * (frame["age"] - 60)
        + 1.2 * (frame["creatinine"].fillna(2.0) - 1.2)
        - 0.1 * (frame["sodium"] - 140)
        + 0.8 * (frame["site"] == "left")
        + 0.6 * (frame["stage"] - 2)
    )
    return (risk + random.normal(0, 1, len(frame)) > 0).to_numpy().astype(int)


def fields_of(*fields: dict[str, Json]) -> tuple[InputField, ...]:
    """Return declared fields from their JSON."""
    return spec_for(*fields).fields


def spec_for(*fields: dict[str, Json], **changes: Json) -> Spec:
    """Return a whole spec for a binary model of these fields; `changes` replace answers."""
    return make_spec({**answers(*fields), **changes})


def answers(*fields: dict[str, Json]) -> dict[str, Json]:
    """Return the answers of a whole spec, as JSON."""
    described = describe_data(
        pd.DataFrame({"x": [1.0]}),
        name="invented clinic",
        licence="CC0-1.0",
        consent_basis="invented, nobody's",
        origin="tests/freezing/building.py",
    ).model_dump(mode="json")
    metric = {
        "name": "accuracy",
        "value": 0.8,
        "lower": 0.7,
        "upper": 0.9,
        "confidence": 0.95,
        "method": "Wilson score",
        "n": 100,
    }
    return {
        "name": "clinic-risk",
        "version": "1.0.0",
        "title": {"en": "Risk in an invented clinic"},
        "licence": "Apache-2.0",
        "intended_use": {"en": "Tests."},
        "not_for": {"en": "Patients."},
        "claim_level": "demonstration",
        "fields": list(fields or (AGE, SODIUM)),
        "output": {
            "kind": "binary",
            "classes": [{"label": "well"}, {"label": "ill"}],
            "positive": "ill",
            "threshold": {"value": 0.37, "meaning": {"en": "for tests"}},
        },
        "native_classes": [0, 1],
        "origin": {
            "trained_by": "the tests",
            "trained_at": "2026-11-21T08:00:00Z",
            "code": "tests",
            "data": [described],
            "split": "none",
        },
        "evaluation": {"data": described, "metrics": [metric]},
        "comparison": {"random_rows": 50, "data_rows": 300},
    }


def frozen(
    model: BaseEstimator, data: pd.DataFrame, *fields: dict[str, Json], **changes: Json
) -> FrozenModel:
    """Return `model`, frozen at a fixed time, unsigned."""
    return freeze(model, data=data, spec=spec_for(*fields, **changes), frozen_at=WHEN)
