from __future__ import annotations

from pathlib import Path
from typing import cast

import numpy as np
import pandas as pd
import pytest

from bedside.errors import FreezeRefused, UsageError
from bedside.freezing.frames import (
    NativeTable,
    Table,
    as_frame,
    data_digest,
    propose_fields,
    raw_rows,
    read_rows,
)
from tests.freezing.building import AGE, CREATININE, SITE, SODIUM, STAGE, clinic, fields_of

ALL = fields_of(AGE, CREATININE, SODIUM, SITE, STAGE)


def test_rows_go_to_the_native_table_and_back_unchanged() -> None:
    frame = clinic()
    table = NativeTable.like(frame, ALL, tuple(frame.columns))
    again = table(raw_rows(frame, ALL))
    assert isinstance(again, pd.DataFrame)
    pd.testing.assert_frame_equal(again, frame, check_dtype=False)


def test_missing_values_become_none_and_whole_codes_stay_whole() -> None:
    frame = pd.DataFrame({"site": ["left", None], "stage": [1.0, np.nan]})
    fields = fields_of(SITE, {**STAGE, "missing": "allow"})
    rows = raw_rows(frame, fields)
    assert rows == [{"site": "left", "stage": 1}, {"site": None, "stage": None}]
    assert type(rows[0]["stage"]) is int


def test_an_array_takes_the_specs_names() -> None:
    frame = as_frame(np.array([[50, 140.0]]), fields_of(AGE, SODIUM))
    assert list(frame.columns) == ["age", "sodium"]


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        (pd.DataFrame({"age": [50.0]}), r"no column for \['sodium'\]"),
        (pd.DataFrame({"age": [True], "sodium": [140.0]}), "truth values"),
        (pd.DataFrame({"age": [], "sodium": []}), "no rows"),
    ],
)
def test_unusable_data_is_refused(frame: pd.DataFrame, words: str) -> None:
    with pytest.raises(FreezeRefused, match=words):
        as_frame(frame, fields_of(AGE, SODIUM))


def test_a_value_of_another_type_is_named() -> None:
    frame = pd.DataFrame({"age": ["fifty"]})
    with pytest.raises(FreezeRefused, match=r"'fifty' \(str\) for 'age'"):
        raw_rows(frame, fields_of(AGE))


def test_a_csv_file_is_read_with_the_declared_types(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("site,stage,creatinine\nleft,1,\n,2,0.7\n", encoding="utf-8")
    fields = fields_of(SITE, STAGE, CREATININE)
    rows = raw_rows(read_rows(path, fields), fields)
    assert rows == [
        {"site": "left", "stage": 1, "creatinine": None},
        {"site": None, "stage": 2, "creatinine": 0.7},
    ]


def test_a_csv_file_with_words_for_a_number_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("age\nfifty\n", encoding="utf-8")
    with pytest.raises(FreezeRefused, match="fifty"):
        read_rows(path, fields_of(AGE))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("age,sodium\n1,2,\n3,4,\n", "row 1 has 3 values for 2 columns"),
        ("age,sodium\n1,2\n3\n", "row 2 has 1 values for 2 columns"),
        ("age,age\n1,2\n", "its header has the name 'age' twice"),
        ('age\n"1\n', "unexpected end"),
    ],
)
def test_a_csv_file_whose_lines_do_not_fit_its_header_is_refused(
    text: str, words: str, tmp_path: Path
) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(FreezeRefused, match=words):
        read_rows(path, fields_of(AGE, SODIUM))


@pytest.mark.parametrize(
    "data",
    [None, {"age": [1]}, pd.Series([1.0]), "rows.csv", [[1, 2]], b"rows"],
    ids=lambda data: type(data).__name__,
)
def test_data_of_another_kind_is_told_what_to_give(data: object) -> None:
    with pytest.raises(UsageError) as caught:
        as_frame(cast("Table", data), fields_of(AGE))
    assert str(caught.value) == (
        f"`data` is a {type(data).__name__}. Give a pandas DataFrame, a NumPy array in the spec's "
        "order, or a list of rows like {'age': 61}."
    )


def test_a_column_that_stands_twice_is_named() -> None:
    frame = pd.DataFrame([[1, 2]], columns=["age", "age"])
    with pytest.raises(FreezeRefused, match="has the column 'age' twice"):
        as_frame(frame, fields_of(AGE))


def test_an_infinity_among_whole_codes_is_named() -> None:
    frame = pd.DataFrame({"stage": [1.0, np.inf]})
    with pytest.raises(FreezeRefused, match=r"inf \(float\) for 'stage'"):
        raw_rows(frame, fields_of(STAGE))


def test_fields_are_proposed_from_the_data() -> None:
    age, creatinine, _, site, _ = propose_fields(clinic())
    assert age.kind == "number"
    assert age.whole
    assert creatinine.missing == "allow"
    assert site.kind == "category"
    assert site.categories == ("both", "left", "right")


def test_the_digest_of_data_changes_with_any_value() -> None:
    frame = clinic()
    changed = frame.copy()
    changed.loc[3, "sodium"] = 139.95
    assert data_digest(frame) == data_digest(clinic())
    assert data_digest(changed) != data_digest(frame)
