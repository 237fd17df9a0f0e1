from __future__ import annotations

import hashlib
from decimal import Decimal
from pathlib import Path

import pytest

from bedside.errors import FreezeRefused, LimitExceeded, NotFound
from bedside.freezing.draft.facts import TableFacts
from bedside.freezing.draft.table import MOST_CODES, table_facts
from bedside.package.fields import MAX_FIELDS


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return tmp_path / "rows.csv"


def read(table: Path, text: str) -> TableFacts:
    table.write_text(text, encoding="utf-8")
    return table_facts(table)


def test_a_column_is_counted_cell_by_cell(table: Path) -> None:
    facts = read(table, "年齢,値\n61,0.5\n,<0.1\n070,-2e1\n61,\n")
    age, value = facts.columns
    assert (facts.rows, age.name, age.gaps, age.numbers, age.whole) == (4, "年齢", 1, 2, True)
    assert age.values == ("61", "070")
    assert value.span == (Decimal("-20"), Decimal("0.5"))
    assert (value.whole, value.odd) == (False, ("<0.1",))


def test_the_digest_is_that_of_the_file(table: Path) -> None:
    facts = read(table, "a\n1\n")
    assert facts.digest == f"sha256:{hashlib.sha256(table.read_bytes()).hexdigest()}"


def test_what_only_looks_like_a_number_is_none(table: Path) -> None:
    text = "a\nnan\ninf\n1_000\n\uff11\n0x10\n1,\n"
    [column] = read(table, text.replace("1,\n", '"1,5"\n')).columns
    assert column.numbers == 0
    assert len(column.odd) == 5


def test_memory_is_bounded_whatever_a_column_holds(table: Path) -> None:
    [column] = read(table, "a\n" + "".join(f"p{i}\n" for i in range(500))).columns
    assert len(column.values) == MOST_CODES + 1
    [column] = read(table, f"a\n{'x' * 5000}\n").columns
    assert len(column.values[0]) < 300


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "has no header"),
        (b"a,b\n", "has no rows"),
        (b"a,a\n1,2\n", "has the name 'a' twice"),
        (b"a,b\n1,2\n1\n", "row 2 has 1 values for 2 columns"),
        ("名前\n1\n".encode("cp932"), "utf-8"),
        (b'a\n"1\n', "cannot be read as a table"),
        (b"\x89PNG\r\n\x1a\n\0\0", "cannot be read as a table"),
    ],
)
def test_what_is_no_table_is_refused(table: Path, data: bytes, words: str) -> None:
    table.write_bytes(data)
    with pytest.raises(FreezeRefused, match=words):
        table_facts(table)


def test_too_many_columns_and_no_file_are_refused(table: Path) -> None:
    with pytest.raises(NotFound, match="There is no file"):
        table_facts(table)
    names = ",".join(f"c{i}" for i in range(MAX_FIELDS + 1))
    with pytest.raises(LimitExceeded, match="at most 4096"):
        read(table, f"{names}\n")
