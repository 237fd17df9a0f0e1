"""What every freeze ends in: the manifest says how an answer is explained, and the author hears each step."""

from __future__ import annotations

import base64
from pathlib import Path

from sklearn.linear_model import LogisticRegression

from bedside.freezing.circumstances import Circumstances
from bedside.freezing.freeze import freeze, freeze_source
from bedside.freezing.sources.opening import open_source
from bedside.package.explanation import Contributions, Occlusion
from bedside.runtime.explained import FieldsExplained, PictureExplained
from bedside.runtime.runner import load
from tests.freezing.building import AGE, SODIUM, WHEN, clinic, frozen, outcome, spec_for
from tests.freezing.films import film_spec, folder, png, spot_network

FRAME = clinic(gaps=False)[["age", "sodium"]]
MODEL = LogisticRegression(max_iter=5000).fit(FRAME, outcome(clinic(gaps=False)))


def test_a_table_is_explained_field_by_field_where_its_author_wants_it() -> None:
    made = frozen(MODEL, FRAME, AGE, SODIUM, explanation={"kind": "contributions"})
    declared = made.package.manifest.explanation
    assert isinstance(declared, Contributions)
    assert declared.method == "linear"
    (answer,) = load(made.package).predict([{"age": 90, "sodium": 140.0}], explain=True)
    assert isinstance(answer.explanation, FieldsExplained)
    assert set(answer.explanation.contributions) == {"age", "sodium"}


def test_a_picture_is_explained_by_what_is_covered_and_its_cost_is_declared(tmp_path: Path) -> None:
    wanted = film_spec(explanation={"kind": "occlusion", "patch": 8, "stride": 8})
    made = freeze(spot_network(), data=folder(tmp_path), spec=wanted, frozen_at=WHEN)
    declared = made.package.manifest.explanation
    assert isinstance(declared, Occlusion)
    assert declared.passes == 17
    row = {"image": base64.b64encode(png(1)).decode()}
    (answer,) = load(made.package).predict([row], explain=True)
    assert isinstance(answer.explanation, PictureExplained)
    assert answer.explanation.grid.max() > 0


def test_nothing_is_explained_unless_it_was_asked_for() -> None:
    assert frozen(MODEL, FRAME, AGE, SODIUM).package.manifest.explanation is None


def test_each_step_is_told_as_it_begins() -> None:
    told: list[str] = []
    spec = spec_for(AGE, SODIUM)
    freeze_source(open_source(MODEL, spec), FRAME, spec, Circumstances(tell=told.append))
    assert told == [
        "looking at your data",
        "translating the model",
        "comparing native and frozen answers",
        "making golden cases",
        "writing the package",
    ]
