from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

from bedside.cli.rows import read_rows
from bedside.errors import NotFound, UsageError
from bedside.package.fields import CategoryField, NumberField, TabularInput

DECLARED = TabularInput(
    fields=(
        NumberField(name="age", unit="a", minimum=0, maximum=120),
        CategoryField(name="sex", categories=("1", "2")),
        CategoryField(name="stage", categories=(1, 2, 3)),
    )
)


def rows_of(path: Path, text: str) -> list[dict[str, Any]]:
    path.write_text(text, encoding="utf-8")
    return read_rows(str(path), DECLARED)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return tmp_path / "rows.csv"


@pytest.fixture
def document(tmp_path: Path) -> Path:
    return tmp_path / "rows.json"


def test_one_json_object_is_one_row(document: Path) -> None:
    assert rows_of(document, '{"age": 61}') == [{"age": 61}]


def test_a_json_array_is_many_rows(document: Path) -> None:
    assert rows_of(document, '[{"age": 61}, {"age": null}]') == [{"age": 61}, {"age": None}]


def test_stdin_is_json(monkeypatch: pytest.MonkeyPatch) -> None:
    stdin = io.TextIOWrapper(io.BytesIO(b'{"age": 5}'))
    monkeypatch.setattr("sys.stdin", stdin)
    assert read_rows("-", DECLARED) == [{"age": 5}]


def test_cells_of_csv_become_what_their_fields_are(table: Path) -> None:
    assert rows_of(table, "age,sex,stage\n61,1,2\n6.15e1,2,3\n") == [
        {"age": 61.0, "sex": "1", "stage": 2},
        {"age": 61.5, "sex": "2", "stage": 3},
    ]


def test_an_empty_cell_is_a_missing_value_and_an_empty_line_is_nothing(table: Path) -> None:
    assert rows_of(table, "age,sex\n,1\n\n") == [{"sex": "1"}]


@pytest.mark.parametrize("cell", ["1_000", "nan", "inf", "0x10", "１２", "12 kg"])
def test_what_is_no_plain_number_stays_text_for_the_gate(table: Path, cell: str) -> None:
    assert rows_of(table, f"age\n{cell}\n") == [{"age": cell}]


def test_an_unknown_column_is_left_for_the_gate(table: Path) -> None:
    assert rows_of(table, "colour\nred\n") == [{"colour": "red"}]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "The CSV is empty"),
        ("age\n", "holds no row"),
        ("age,age\n1,2\n", "'age' stands twice"),
        ("age,sex\n1\n", "Line 2 has 1 cells; the first line has 2"),
        ('age\n"1', "Not CSV"),
    ],
)
def test_csv_that_makes_no_sense_is_refused(table: Path, text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        rows_of(table, text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[]", "holds no row"),
        ("[1]", "Row 0 of .* is int, not a JSON object"),
        ('{"a": 1, "a": 2}', "stands twice"),
        ("{", "Not JSON"),
        ('{"a": NaN}', "NaN is not a JSON number"),
    ],
)
def test_json_that_makes_no_sense_is_refused(document: Path, text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        rows_of(document, text)


def test_a_missing_file_is_named() -> None:
    with pytest.raises(NotFound, match=r"There is no file nowhere\.json"):
        read_rows("nowhere.json", DECLARED)


def test_a_request_body_is_told_from_a_row(tmp_path: Path) -> None:
    body = tmp_path / "patient.json"
    body.write_text('{"input": {"a": 1}, "subject": "p"}')
    with pytest.raises(UsageError, match="body of an HTTP request; the row is its member 'input'"):
        read_rows(str(body), DECLARED)
