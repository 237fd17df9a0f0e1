from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV, TunedThresholdClassifierCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from bedside.canonical import Json
from bedside.errors import FreezeRefused, NotFound, UsageError
from bedside.freezing.frames import raw_rows
from bedside.freezing.freeze import freeze
from bedside.freezing.spec import Spec
from bedside.keys.signing import SigningKey
from bedside.package.package import check_signature, open_package
from bedside.runtime.runner import load
from tests.freezing.building import (
    AGE,
    CREATININE,
    SITE,
    SODIUM,
    STAGE,
    WHEN,
    clinic,
    frozen,
    outcome,
    spec_for,
)

ALL = (AGE, CREATININE, SODIUM, SITE, STAGE)


def clinic_pipeline(estimator: Any = None) -> Pipeline:
    numbers = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler())
    prepared = ColumnTransformer(
        [
            ("numbers", numbers, ["age", "creatinine", "sodium"]),
            ("codes", OneHotEncoder(handle_unknown="ignore"), ["site", "stage"]),
        ]
    )
    return Pipeline(
        [("prepare", prepared), ("last", LogisticRegression() if estimator is None else estimator)]
    )


def fitted_clinic(estimator: Any = None) -> Pipeline:
    frame = clinic()
    return clinic_pipeline(estimator).fit(frame, outcome(frame))


def test_a_mixed_pipeline_freezes_and_answers_like_the_native_model() -> None:
    model, frame = fitted_clinic(), clinic(seed=9)
    made = frozen(model, clinic(), *ALL)
    rows = raw_rows(frame, spec_for(*ALL).fields)
    answers = load(made.package).predict(rows)
    found = [answer.scores["ill"] for answer in answers]
    np.testing.assert_allclose(found, model.predict_proba(frame)[:, 1], atol=1e-12)


def test_the_comparison_tries_gaps_strangers_ends_codes_and_random_rows() -> None:
    report = frozen(fitted_clinic(), clinic(), *ALL).report
    tried = [name for name, _, _ in report.groups]
    assert tried == [
        "your data",
        "'creatinine' missing",
        "'site' missing",
        "several values missing",
        "everything missing that may be",
        "every code of 'site'",
        "an unknown code for 'site'",
        "every code of 'stage'",
        "range ends",
        "random rows of the declared domain",
        "golden cases",
    ]
    assert 0 < report.largest < 1e-12
    assert report.rows == sum(rows for _, rows, _ in report.groups)


def test_the_same_inputs_and_time_give_the_same_bytes() -> None:
    key = SigningKey.new()
    archives = {
        freeze(
            fitted_clinic(RandomForestClassifier(5, random_state=0)),
            data=clinic(),
            spec=spec_for(*ALL),
            key=key,
            frozen_at=WHEN,
        ).archive
        for _ in range(2)
    }
    assert len(archives) == 1


def test_the_time_of_freezing_comes_from_the_build_where_it_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    made = freeze(fitted_clinic(), data=clinic(), spec=spec_for(*ALL))
    assert made.package.manifest.lineage.frozen_at == "2023-11-14T22:13:20.000000Z"
    given = frozen(fitted_clinic(), clinic(), *ALL)
    assert given.package.manifest.lineage.frozen_at == "2026-11-21T08:00:00.000000Z"


def test_a_package_is_signed_by_the_given_key_and_written_whole(tmp_path: Path) -> None:
    key = SigningKey.new()
    out = tmp_path / "clinic.bedside"
    out.write_bytes(b"an older file")
    made = freeze(fitted_clinic(), data=clinic(), spec=spec_for(*ALL), key=key, out=out)
    assert out.read_bytes() == made.archive
    assert check_signature(open_package(out), [key.public]) == key.public
    assert [path.name for path in tmp_path.iterdir()] == ["clinic.bedside"]


def test_nothing_is_written_when_freezing_is_refused(tmp_path: Path) -> None:
    model = make_pipeline(StandardScaler(), LogisticRegression())
    with pytest.raises(FreezeRefused, match="not fitted"):
        freeze(model, data=clinic(), spec=spec_for(*ALL), out=tmp_path / "x.bedside")
    assert list(tmp_path.iterdir()) == []


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="nowhere"):
        freeze(fitted_clinic(), data=clinic(), spec=spec_for(*ALL), out=tmp_path / "nowhere" / "x")


def test_the_lineage_names_algorithm_parameters_and_libraries() -> None:
    lineage = frozen(fitted_clinic(), clinic(), *ALL).package.manifest.lineage
    assert lineage.algorithm == "sklearn.linear_model.LogisticRegression"
    assert lineage.parameters["estimator"]["C"] == 1.0
    assert lineage.environment["protobuf"].split(".")[0] < "7"
    assert lineage.difference.largest <= lineage.difference.tolerance
    assert not lineage.golden_from_real_rows


def gappy() -> tuple[pd.DataFrame, np.ndarray[Any, Any]]:
    frame = clinic()[["age", "creatinine", "sodium"]]
    return frame, outcome(clinic())


def test_a_forest_with_missing_values_is_accepted_because_it_is_exact() -> None:
    frame, truth = gappy()
    forest = RandomForestClassifier(10, random_state=0).fit(frame, truth)
    assert frozen(forest, frame, AGE, CREATININE, SODIUM).report.largest == 0


def test_the_same_forest_behind_an_imputer_is_accepted() -> None:
    frame, truth = gappy()
    model = make_pipeline(SimpleImputer(), RandomForestClassifier(10, random_state=0))
    made = frozen(model.fit(frame, truth), frame, AGE, CREATININE, SODIUM)
    assert made.report.largest == 0


def test_histogram_boosting_with_missing_values_is_accepted_because_it_is_exact() -> None:
    frame, truth = gappy()
    model = HistGradientBoostingClassifier(max_iter=20, random_state=0).fit(frame, truth)
    made = frozen(model, frame, AGE, CREATININE, SODIUM)
    assert made.report.largest <= 1e-5
    assert any(name == "'creatinine' missing" for name, _, _ in made.report.groups)


def test_a_native_model_that_fails_on_missing_values_is_refused_with_advice() -> None:
    frame = clinic(gaps=False)[["age", "creatinine", "sodium"]]
    model = LogisticRegression(max_iter=5000).fit(frame, outcome(clinic(gaps=False)))
    with pytest.raises(FreezeRefused) as caught:
        frozen(model, frame, AGE, CREATININE, SODIUM)
    message = str(caught.value)
    assert "the native model itself fails on 'creatinine' missing" in message
    assert "put a SimpleImputer before it" in message


@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
def test_a_calibrated_model_is_accepted(method: str) -> None:
    calibrated = CalibratedClassifierCV(LogisticRegression(), method=method, cv=3)
    assert frozen(fitted_clinic(calibrated), clinic(), *ALL).report.largest < 1e-12


def test_a_threshold_on_a_score_that_a_forest_gives_is_kept() -> None:
    frame, truth = gappy()
    model = make_pipeline(SimpleImputer(), RandomForestClassifier(7, max_depth=2, random_state=0))
    model.fit(frame, truth)
    scores = model.predict_proba(frame)[:, 1]
    exact = float(np.unique(scores)[20])
    output = {
        **spec_for(AGE).model_dump(mode="json")["output"],
        "threshold": {"value": exact, "meaning": {"en": "on a leaf"}},
    }
    made = frozen(model, frame, AGE, CREATININE, SODIUM, output=output)
    rows = raw_rows(frame, spec_for(AGE, CREATININE, SODIUM).fields)
    found = [answer.label for answer in load(made.package).predict(rows)]
    assert found == ["ill" if score >= exact else "well" for score in scores]


def test_data_outside_the_declared_domain_is_refused_with_field_and_value() -> None:
    old = clinic()
    old["age"] = old["age"].astype(float)
    old.loc[7, "age"] = 130.0
    with pytest.raises(
        FreezeRefused, match=r"1 of 300 rows above 120, largest 130 \(row 7\).*Widen"
    ):
        frozen(fitted_clinic(), old, *ALL)


def test_a_column_of_truth_values_is_refused_with_advice() -> None:
    frame = pd.DataFrame({"flag": [True, False] * 30})
    model = DecisionTreeClassifier().fit(frame, [0, 1, 1] * 20)
    flag: dict[str, Json] = {"kind": "category", "name": "flag", "categories": [0, 1]}
    with pytest.raises(FreezeRefused, match="'flag'"):
        frozen(model, frame, flag)


def test_three_classes_freeze_with_their_names() -> None:
    frame = clinic()
    model = clinic_pipeline().fit(frame, np.array(["low", "mid", "top"])[frame["stage"] - 1])
    output = {"kind": "multiclass", "classes": [{"label": n} for n in ("low", "mid", "top")]}
    made = frozen(model, frame, *ALL, output=output, native_classes=[])
    notes = [case.note for case in made.package.golden]
    assert any("on the side of 'low'" in note for note in notes)


@pytest.mark.parametrize("model", [LinearRegression(), RandomForestRegressor(8, random_state=0)])
def test_a_number_freezes_with_its_unit(model: Any) -> None:
    frame = clinic(gaps=False)[["age", "sodium"]]
    fitted = make_pipeline(StandardScaler(), model).fit(frame, frame["age"] * 2 + frame["sodium"])
    output = {"kind": "number", "name": "dose", "unit": "mg"}
    made = frozen(fitted, frame, AGE, SODIUM, output=output, native_classes=[])
    answer = load(made.package).predict([{"age": 50, "sodium": 140.0}])[0]
    expected = float(fitted.predict(pd.DataFrame({"age": [50], "sodium": [140.0]}))[0])
    assert answer.scores["dose"] == pytest.approx(expected, rel=1e-6)


def test_a_model_fitted_on_a_bare_array_takes_the_specs_order() -> None:
    array = clinic(gaps=False)[["age", "sodium"]].to_numpy()
    model = LogisticRegression(max_iter=5000).fit(array, outcome(clinic(gaps=False)))
    made = freeze(model, data=array, spec=spec_for(AGE, SODIUM), frozen_at=datetime.now(UTC))
    assert made.report.largest < 1e-12


def test_a_model_fitted_on_a_bare_array_refuses_data_in_another_order_than_the_spec() -> None:
    frame = clinic(gaps=False)[["age", "sodium"]]
    model = LogisticRegression(max_iter=5000).fit(frame.to_numpy(), outcome(clinic(gaps=False)))
    rows = raw_rows(frame, spec_for(AGE, SODIUM).fields)
    for data in (frame, rows):
        with pytest.raises(FreezeRefused) as caught:
            freeze(model, data=data, spec=spec_for(SODIUM, AGE), frozen_at=WHEN)
        assert str(caught.value) == (
            "The model was fitted without column names, so it takes columns by position: the data "
            "has them as ['age', 'sodium'], the spec as ['sodium', 'age']. Declare the fields in "
            "the order that the model was fitted on, or fit on a DataFrame."
        )
    made = frozen(model, frame.assign(more=1), AGE, SODIUM)
    found = load(made.package).predict([{"sodium": 150.0, "age": 30}])[0].scores["ill"]
    assert found == pytest.approx(model.predict_proba([[30, 150.0]])[0, 1], abs=1e-12)


def test_a_parameter_that_is_a_very_large_whole_float_is_recorded_as_text() -> None:
    made = frozen(fitted_clinic(LogisticRegression(C=1e18)), clinic(), *ALL)
    assert made.package.manifest.lineage.parameters["estimator"]["C"] == "1e+18"


def test_a_wrong_kind_of_spec_or_target_is_told_before_anything_is_done(tmp_path: Path) -> None:
    for spec in ("spec.toml", {"name": "x"}):
        with pytest.raises(UsageError, match=r"`spec` is a (str|dict)\. Pass bedside\.read_spec"):
            freeze(fitted_clinic(), data=clinic(), spec=cast("Spec", spec))
    not_even_a_model = make_pipeline(StandardScaler(), LogisticRegression())
    with pytest.raises(UsageError, match="is a folder"):
        freeze(not_even_a_model, data=clinic(), spec=spec_for(*ALL), out=tmp_path)
    with pytest.raises(NotFound, match="There is no folder"):
        freeze(not_even_a_model, data=clinic(), spec=spec_for(*ALL), out=tmp_path / "no" / "x")


@pytest.mark.parametrize("wrap", ["search", "tuned", "calibrated"])
def test_a_wrapper_around_a_whole_pipeline_is_named_before_its_columns(wrap: str) -> None:
    wrapped = {
        "search": GridSearchCV(clinic_pipeline(), {"last__C": [1.0]}, cv=2),
        "tuned": TunedThresholdClassifierCV(clinic_pipeline(), cv=2),
        "calibrated": CalibratedClassifierCV(clinic_pipeline(), cv=2),
    }[wrap].fit(clinic(), outcome(clinic()))
    way = {"search": "best_estimator_", "tuned": "best_threshold_", "calibrated": "whole Pipeline"}
    with pytest.raises(FreezeRefused, match=way[wrap]):
        frozen(wrapped, clinic(), *ALL)


def test_object_columns_with_none_are_compared_as_the_author_keeps_them() -> None:
    frame = clinic()[["sodium", "site"]].astype({"site": object})
    frame["site"] = [None if pd.isna(value) else value for value in frame["site"]]
    codes = ColumnTransformer(
        [("codes", OneHotEncoder(handle_unknown="ignore"), ["site"])], remainder=StandardScaler()
    )
    model = make_pipeline(codes, LogisticRegression()).fit(frame, outcome(clinic()))
    made = frozen(model, frame, SODIUM, SITE)
    one_hot = made.package.manifest.preprocessing[0]
    assert one_hot.op == "one_hot"
    assert None in one_hot.categories[0]
    assert any(name == "'site' missing" for name, _, _ in made.report.groups)
