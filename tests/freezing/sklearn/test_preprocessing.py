from __future__ import annotations

import warnings
from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.decomposition import PCA
from sklearn.dummy import DummyClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    RobustScaler,
    StandardScaler,
)
from sklearn.tree import DecisionTreeClassifier

from bedside.canonical import Json
from bedside.errors import FreezeRefused
from bedside.freezing.domain import comparison_groups
from bedside.freezing.frames import NativeTable, raw_rows
from bedside.freezing.sklearn.preprocessing import native_names, translate_model
from bedside.package.fields import TabularInput
from bedside.runtime.gate import Gate
from bedside.runtime.preprocess import Preprocess
from tests.freezing.building import AGE, CREATININE, SITE, SODIUM, STAGE, clinic, fields_of, outcome

CRP = {**CREATININE, "missing": "refuse"}
KNOWN_SITE = {**SITE, "unknown": "refuse"}
WHOLE_SITE = {**KNOWN_SITE, "missing": "refuse"}


def last_step() -> DecisionTreeClassifier:
    """An estimator that takes NaN and sparse columns, so that any transformer can stand before it."""
    return DecisionTreeClassifier(max_depth=2)


def same_matrix(steps: list[tuple[str, object]], *fields: dict[str, Json], gaps: bool) -> None:
    """Check that the operations give bit for bit what scikit-learn's transform gives."""
    frame = clinic(gaps=gaps)[[str(field["name"]) for field in fields]]
    model = Pipeline([*steps, ("last", last_step())])
    model.fit(frame, outcome(clinic(gaps=gaps)))
    declared = fields_of(*fields)
    translated = translate_model(model, declared)
    rows = [
        row
        for group in comparison_groups(raw_rows(frame, declared), declared, seed=3, random_rows=100)
        for row in group.rows
    ]
    table = NativeTable.like(frame, declared, native_names(model))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Found unknown categories")
        expected = model[:-1].transform(table(rows))
    expected = expected.toarray() if hasattr(expected, "toarray") else np.asarray(expected)
    tabular = TabularInput(fields=declared)
    found = Preprocess(tabular, translated.operations)(Gate(tabular).check(rows))
    assert translated.width == expected.shape[1]
    np.testing.assert_array_equal(found, expected.astype(float))


SCALERS = [
    StandardScaler(),
    StandardScaler(with_mean=False),
    StandardScaler(with_std=False),
    MinMaxScaler(),
    MinMaxScaler(feature_range=(-2, 3), clip=True),
    MaxAbsScaler(),
    MaxAbsScaler(clip=True),
    RobustScaler(),
    RobustScaler(with_centering=False, quantile_range=(10, 90)),
    RobustScaler(with_scaling=False, unit_variance=False),
]


@pytest.mark.parametrize("scaler", SCALERS, ids=repr)
def test_a_scaler_gives_sklearns_numbers_and_keeps_nan(scaler: object) -> None:
    same_matrix([("scale", scaler)], AGE, CREATININE, SODIUM, gaps=True)


IMPUTERS = [
    SimpleImputer(),
    SimpleImputer(strategy="median", add_indicator=True),
    SimpleImputer(strategy="most_frequent"),
    SimpleImputer(strategy="constant", fill_value=-1.0, add_indicator=True),
]


@pytest.mark.parametrize("imputer", IMPUTERS, ids=repr)
def test_an_imputer_gives_sklearns_numbers_and_indicators(imputer: object) -> None:
    same_matrix([("fill", imputer)], CREATININE, SODIUM, gaps=True)


def test_a_scaler_after_an_imputer_with_indicators_is_exact() -> None:
    steps = [("fill", SimpleImputer(add_indicator=True)), ("scale", StandardScaler())]
    same_matrix(steps, AGE, CREATININE, gaps=True)


ENCODERS = [
    OneHotEncoder(handle_unknown="ignore"),
    OneHotEncoder(handle_unknown="ignore", drop="first"),
    OneHotEncoder(handle_unknown="infrequent_if_exist", sparse_output=False),
    OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1),
    OrdinalEncoder(
        handle_unknown="use_encoded_value", unknown_value=np.nan, encoded_missing_value=-2
    ),
]


@pytest.mark.parametrize("encoder", ENCODERS, ids=repr)
@pytest.mark.parametrize("gaps", [True, False])
def test_an_encoder_is_exact_for_missing_and_unknown_codes(encoder: object, gaps: bool) -> None:
    same_matrix([("code", encoder)], SITE, STAGE, gaps=gaps)


@pytest.mark.parametrize(
    "encoder", [OneHotEncoder(), OneHotEncoder(drop="if_binary"), OrdinalEncoder()], ids=repr
)
def test_an_encoder_that_fails_on_strangers_is_exact_for_what_it_learnt(encoder: object) -> None:
    same_matrix([("code", encoder)], KNOWN_SITE, STAGE, gaps=True)


@pytest.mark.parametrize(
    "imputer",
    [
        SimpleImputer(strategy="most_frequent"),
        SimpleImputer(strategy="constant", fill_value="missing"),
    ],
    ids=repr,
)
def test_a_filled_category_is_encoded_as_sklearn_does(imputer: object) -> None:
    steps = [("fill", imputer), ("code", OneHotEncoder(handle_unknown="ignore"))]
    same_matrix(steps, SITE, gaps=True)


def column_transformers() -> Iterator[ColumnTransformer]:
    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    codes = OneHotEncoder(handle_unknown="ignore")
    yield ColumnTransformer(
        [("n", numbers, ["age", "creatinine"]), ("c", codes, ["site", "stage"])]
    )
    yield ColumnTransformer(
        [("c", codes, [3, 4]), ("n", numbers, slice("age", "creatinine"))], remainder="passthrough"
    )
    yield ColumnTransformer(
        [
            ("c", codes, make_column_selector(dtype_include="str")),
            ("o", OrdinalEncoder(), ["stage"]),
            ("drop", "drop", ["age"]),
        ],
        remainder=MinMaxScaler(),
    )
    yield ColumnTransformer(
        [("p", "passthrough", ["sodium", "age"]), ("c", codes, [-2, -1]), ("m", numbers, [1])]
    )


@pytest.mark.parametrize("chosen", range(4))
def test_a_column_transformer_keeps_sklearns_order_of_columns(chosen: int) -> None:
    transformer = list(column_transformers())[chosen]
    fields = [AGE, CREATININE, *([SODIUM] if chosen else []), SITE, STAGE]
    if chosen == 2:
        same_dropped(transformer, fields)
    else:
        same_matrix([("columns", transformer)], *fields, gaps=True)


def same_dropped(transformer: ColumnTransformer, fields: list[dict[str, Json]]) -> None:
    """A dropped column is named as never read, and may then be left out of the spec."""
    frame = clinic()
    model = Pipeline([("columns", transformer), ("last", last_step())]).fit(frame, outcome(frame))
    with pytest.raises(FreezeRefused, match=r"\['age'\], which the model never reads"):
        translate_model(model, fields_of(*fields))
    rest = fields_of(*fields[1:])
    translated = translate_model(model, rest)
    rows = raw_rows(frame, rest)
    table = NativeTable.like(frame, rest, native_names(model))
    tabular = TabularInput(fields=rest)
    found = Preprocess(tabular, translated.operations)(Gate(tabular).check(rows))
    np.testing.assert_array_equal(found, model[:-1].transform(table(rows)))


def test_a_second_column_transformer_chooses_calculated_columns_by_position() -> None:
    second = ColumnTransformer([("s", StandardScaler(), [2, 0])], remainder="passthrough")
    same_matrix([("fill", SimpleImputer()), ("again", second)], AGE, CREATININE, SODIUM, gaps=True)


def test_nested_pipelines_and_passthrough_steps_are_followed() -> None:
    inner = Pipeline([("nothing", "passthrough"), ("scale", RobustScaler())])
    steps: list[tuple[str, object]] = [
        ("outer", Pipeline([("inner", inner)])),
        ("also", "passthrough"),
    ]
    same_matrix(steps, AGE, SODIUM, gaps=False)


def test_fields_may_be_declared_in_another_order_than_the_columns() -> None:
    frame = clinic()[["age", "sodium"]]
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(frame, outcome(clinic()))
    translated = translate_model(model, fields_of(SODIUM, AGE))
    select = translated.operations[0]
    assert select.op == "select_numbers"
    assert select.fields == ("age", "sodium")


def refusal(model: Pipeline, *fields: dict[str, Json]) -> str:
    """Return the message with which freezing the fitted `model` is refused."""
    with pytest.raises(FreezeRefused) as caught:
        translate_model(model, fields_of(*fields))
    return str(caught.value)


def fitted(step: object, *names: str) -> Pipeline:
    frame = clinic(gaps=False)
    return make_pipeline(step, last_step()).fit(frame[list(names)], outcome(frame))


def test_a_step_without_an_operation_is_refused_by_name_with_advice() -> None:
    message = refusal(fitted(PCA(2), "age", "sodium"), AGE, SODIUM)
    assert "PCA (step 'pca'): this preprocessing step has no declared operation" in message
    assert "declare the result as a field" in message


def test_a_function_transformer_is_refused_by_name() -> None:
    message = refusal(fitted(FunctionTransformer(np.log1p), "age", "sodium"), AGE, SODIUM)
    assert "FunctionTransformer" in message


def test_grouped_infrequent_categories_are_refused() -> None:
    frame = clinic(gaps=False)
    frame.loc[:3, "site"] = "both"
    encoder = OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=120)
    model = make_pipeline(encoder, last_step()).fit(frame[["site"]], outcome(frame))
    assert "groups infrequent categories" in refusal(model, SITE)


def test_an_unknown_code_that_the_encoder_fails_on_is_refused_with_both_ways_out() -> None:
    message = refusal(fitted(OneHotEncoder(), "site"), {**WHOLE_SITE, "unknown": "allow"})
    assert "'site'" in message
    assert "handle_unknown='ignore'" in message


def test_a_declared_code_that_was_never_learnt_is_named() -> None:
    site = {**WHOLE_SITE, "categories": ["left", "right", "both", "neither"]}
    assert "['neither']" in refusal(fitted(OneHotEncoder(), "site"), site)


def test_a_missing_code_that_the_encoder_fails_on_is_refused() -> None:
    message = refusal(fitted(OrdinalEncoder(), "site"), KNOWN_SITE)
    assert "lets 'site' be missing" in message


def test_text_codes_for_learnt_numbers_are_refused() -> None:
    stage = {**STAGE, "categories": ["1", "2", "3"]}
    assert "learnt the codes [1, 2, 3]" in refusal(fitted(OneHotEncoder(), "stage"), stage)


def test_a_category_that_reaches_a_scaler_is_refused() -> None:
    message = refusal(fitted(StandardScaler(), "age", "stage"), AGE, STAGE)
    assert "StandardScaler" in message
    assert "'stage' as if it were a number" in message


def test_an_encoded_number_field_is_refused() -> None:
    stage = {"kind": "number", "name": "stage", "unit": "1", "minimum": 1, "maximum": 3}
    assert "Declare 'stage' as a category" in refusal(fitted(OneHotEncoder(), "stage"), stage)


def test_truth_values_among_categories_are_refused_with_advice() -> None:
    frame = pd.DataFrame({"flag": [True, False] * 30})
    model = make_pipeline(OneHotEncoder(), last_step()).fit(frame, [0, 1, 1] * 20)
    flag: dict[str, Json] = {"kind": "category", "name": "flag", "categories": ["no", "yes"]}
    assert "truth values" in refusal(model, flag)


def test_a_sentinel_for_missing_values_is_refused() -> None:
    model = fitted(SimpleImputer(missing_values=-1), "age", "sodium")
    assert "takes -1 for a missing value" in refusal(model, AGE, SODIUM)


def test_a_sentinel_for_missing_codes_is_refused() -> None:
    frame = clinic(gaps=False)
    frame.loc[:50, "site"] = "?"
    fill = SimpleImputer(missing_values="?", strategy="most_frequent")
    encode = OneHotEncoder(handle_unknown="ignore")
    model = make_pipeline(fill, encode, last_step()).fit(frame[["site"]], outcome(frame))
    assert "takes '?' for a missing value" in refusal(model, SITE)


def test_a_column_that_was_always_missing_is_refused() -> None:
    frame = clinic(gaps=False)[["age", "sodium"]].assign(sodium=np.nan)
    with pytest.warns(UserWarning, match="Skipping features without any observed values"):
        model = make_pipeline(SimpleImputer(), last_step()).fit(frame, outcome(clinic(gaps=False)))
    assert "always missing in training" in refusal(model, AGE, SODIUM)


def test_weighted_branches_are_refused() -> None:
    weighted = ColumnTransformer([("s", StandardScaler(), ["age"])], transformer_weights={"s": 2})
    assert "weighs its branches" in refusal(fitted(weighted, "age"), AGE)


def test_a_missing_and_a_surplus_field_are_named() -> None:
    model = fitted(StandardScaler(), "age", "sodium")
    assert "fitted on ['sodium']" in refusal(model, AGE)
    assert "declares ['creatinine']" in refusal(model, AGE, SODIUM, CRP)


def test_a_model_that_is_not_fitted_is_refused() -> None:
    with pytest.raises(FreezeRefused, match=r"not fitted\. Call fit"):
        translate_model(make_pipeline(StandardScaler(), DummyClassifier()), fields_of(AGE))
