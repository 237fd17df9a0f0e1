"""Rows against what the ledger tells, without a ledger."""

from __future__ import annotations

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, Text

from bedside.errors import LedgerBroken
from bedside.ledger.view import SHOWN, Difference, compare, refuse, sha256_of

THINGS = Table(
    "things", MetaData(), Column("id", Text, primary_key=True), Column("number", Integer)
)
ONE = {"id": "a", "number": 1}


def test_the_same_rows_in_any_order_have_no_difference() -> None:
    two = {"id": "b", "number": None}
    assert compare(THINGS, [ONE, two], [two, ONE]) == ()
    refuse(())


@pytest.mark.parametrize("other", [2, None, "1", True, 1.0, b"1"])
def test_another_value_is_named_and_so_is_one_of_another_type(other: object) -> None:
    (found,) = compare(THINGS, [{"id": "a", "number": other}], [ONE])
    assert found == Difference("things", ("a",), "number", other, 1)
    assert str(found) == f"things a: number is {other!r}, the ledger tells 1"


def test_a_row_too_many_too_few_or_twice_is_named() -> None:
    assert [str(one) for one in compare(THINGS, [ONE], [])] == [
        "things a: the ledger tells of no such row"
    ]
    assert [str(one) for one in compare(THINGS, [], [ONE])] == [
        "things a: the row is missing, the ledger tells of it"
    ]
    (twice,) = compare(THINGS, [ONE, ONE], [ONE])
    assert twice.key == ("a", "again")


def test_a_refusal_names_the_first_differences_and_counts_the_rest() -> None:
    found = compare(THINGS, [{"id": str(n), "number": n} for n in range(SHOWN + 2)], [])
    with pytest.raises(LedgerBroken, match=r"things 0: .*things 2: .*; and 2 more\. Somebody"):
        refuse(found)


def test_what_is_kept_back_is_told_by_its_digest() -> None:
    assert sha256_of("abc") == (
        "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )
