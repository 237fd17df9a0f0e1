from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, clone
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.tree import DecisionTreeClassifier

from bedside.canonical import Json, canonical_bytes
from bedside.errors import FreezeRefused
from bedside.freezing.frames import raw_rows
from bedside.package.golden import GoldenCase
from bedside.package.package import Package
from bedside.runtime.runner import load
from tests.freezing.building import AGE, SITE, SODIUM, STAGE, clinic, frozen, outcome, spec_for
from tests.freezing.test_freeze import ALL, fitted_clinic

THRESHOLD = 0.37
TOLERANCE = 1e-5


@pytest.fixture(scope="module")
def package() -> Package:
    return frozen(fitted_clinic(), clinic(), *ALL).package


def noted(package: Package, words: str) -> list[GoldenCase]:
    return [case for case in package.golden if words in case.note]


def test_there_are_as_many_cases_as_asked_for(package: Package) -> None:
    assert len(package.golden) == 24


def test_no_case_is_a_real_row(package: Package) -> None:
    fields = spec_for(*ALL).fields
    real = {canonical_bytes(row) for row in raw_rows(clinic(), fields)}
    assert not real & {canonical_bytes(case.input) for case in package.golden}


def test_cases_lie_on_both_sides_of_the_threshold_near_but_not_on_it(package: Package) -> None:
    gaps = [case.scores["ill"] - THRESHOLD for case in noted(package, "next to the line")]
    assert min(gaps) < 0 < max(gaps)
    assert all(10 * TOLERANCE <= abs(gap) <= 0.01 for gap in gaps)


def test_every_label_holds_when_scores_move_a_little(package: Package) -> None:
    assert all(abs(c.scores["ill"] - THRESHOLD) >= 10 * TOLERANCE for c in package.golden)


def test_every_field_that_may_be_missing_is_missing_in_a_case(package: Package) -> None:
    for name in ("creatinine", "site"):
        assert any(case.input[name] is None for case in noted(package, f"missing: {name}"))


def test_an_unknown_code_another_unit_and_the_range_ends_are_tried(package: Package) -> None:
    assert noted(package, "unknown code: site")[0].input["site"] == "(unknown code)"
    sent: Json = noted(package, "other declared units")[0].input["creatinine"]
    assert sent["unit"] == "umol/L"
    ends = [case.input["age"] for case in noted(package, "every number the")]
    assert ends == [0, 120]


def test_the_runtime_replays_them_all(package: Package) -> None:
    assert load(package).replay_golden().cases == 24


def test_real_rows_are_taken_only_when_asked_for_and_then_declared() -> None:
    made = frozen(fitted_clinic(), clinic(), *ALL, golden={"from_real_rows": True})
    assert made.package.manifest.lineage.golden_from_real_rows
    assert noted(made.package, "real row")


def test_a_domain_of_which_every_row_is_real_is_refused_with_the_way_out() -> None:
    site: dict[str, Json] = {**SITE, "missing": "refuse", "unknown": "refuse"}
    frame = clinic(gaps=False)[["site", "stage"]]
    model = make_pipeline(OneHotEncoder(), LogisticRegression())
    model.fit(frame, outcome(clinic(gaps=False)))
    line = binary_output(0.6)
    with pytest.raises(FreezeRefused, match=r"golden\.from_real_rows = true"):
        frozen(model, frame, site, STAGE, output=line)
    golden = {"from_real_rows": True}
    made = frozen(model, frame, site, STAGE, output=line, golden=golden)
    assert sides(made.package) == {"well", "ill"}


def binary_output(threshold: float) -> dict[str, Json]:
    """Return the clinic's output with another threshold."""
    given: dict[str, Json] = spec_for(AGE).model_dump(mode="json")["output"]
    return {**given, "threshold": {"value": threshold, "meaning": {"en": "for tests"}}}


def sides(package: Package) -> set[str | None]:
    """Return the labels on whose side of a line a golden case lies."""
    return {case.label for case in noted(package, "the line, on the side of")}


def two_columns() -> pd.DataFrame:
    return clinic(gaps=False)[["age", "sodium"]]


MODELS = [
    (LogisticRegression(max_iter=5000), 0.37),
    (DecisionTreeClassifier(max_depth=3), 0.5),
    (RandomForestClassifier(50, random_state=0), 0.42),
    (HistGradientBoostingClassifier(max_iter=10), 0.5),
    (LogisticRegression(max_iter=5000), 0.985),
]


@pytest.mark.parametrize(("model", "threshold"), MODELS, ids=lambda x: str(x)[:30])
def test_every_kind_of_model_has_cases_on_both_sides_of_its_threshold(
    model: BaseEstimator, threshold: float
) -> None:
    fitted = clone(model).fit(two_columns(), outcome(clinic(gaps=False)))
    made = frozen(fitted, two_columns(), AGE, SODIUM, output=binary_output(threshold))
    assert sides(made.package) == {"well", "ill"}


def test_a_rare_outcome_that_no_mixed_row_shows_is_found_among_rows_of_its_own() -> None:
    frame = two_columns()
    rare = (frame["age"] > 90) & (frame["sodium"] > 138) & (frame["sodium"] < 141)
    model = DecisionTreeClassifier(random_state=0).fit(frame, rare.astype(int))
    made = frozen(model, frame, AGE, SODIUM, output=binary_output(0.5))
    assert sides(made.package) == {"well", "ill"}


def test_every_class_of_several_has_a_case_near_a_line() -> None:
    frame = two_columns()
    model = LogisticRegression(max_iter=5000).fit(frame, np.digitize(frame["age"], [40, 60, 80]))
    output = {"kind": "multiclass", "classes": [{"label": name} for name in "abcd"]}
    made = frozen(model, frame, AGE, SODIUM, output=output, native_classes=[0, 1, 2, 3])
    assert sides(made.package) == set("abcd")


def test_a_threshold_that_nothing_reaches_is_refused_because_nothing_would_guard_it() -> None:
    model = LogisticRegression(C=1e-9).fit(two_columns(), outcome(clinic(gaps=False)))
    with pytest.raises(FreezeRefused, match=r"other side of the threshold 0\.99: every one gets"):
        frozen(model, two_columns(), AGE, SODIUM, output=binary_output(0.99))


def test_a_threshold_too_near_an_end_for_the_tolerance_is_refused() -> None:
    model = LogisticRegression(max_iter=5000).fit(two_columns(), outcome(clinic(gaps=False)))
    line = binary_output(0.99995)
    with pytest.raises(FreezeRefused, match=r"No golden case can lie on both sides.*'well'"):
        frozen(model, two_columns(), AGE, SODIUM, output=line)
    made = frozen(model, two_columns(), AGE, SODIUM, output=line, golden={"tolerance": 1e-7})
    assert sides(made.package) == {"well", "ill"}
