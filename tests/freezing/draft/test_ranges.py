from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedside.freezing.draft.ranges import proposed_range, written

NUMBERS = st.decimals(-(10**12), 10**12, allow_nan=False, allow_infinity=False, places=6)


@pytest.mark.parametrize(
    ("lowest", "highest", "whole", "expected"),
    [
        ("6.981", "28.11", False, ("4", "31")),
        ("0.05263", "0.1634", False, ("0.04", "0.18")),
        ("18", "97", True, ("10", "105")),
        ("0", "1", False, ("0", "1")),
        ("0.1", "0.99", False, ("0.01", "1")),
        ("143.5", "2501", False, ("0", "2800")),
        ("-3", "4", True, ("-4", "5")),
        ("5", "5", True, ("4", "6")),
        ("0", "0", False, ("0", "0.1")),
    ],
)
def test_a_range_is_a_little_wider_at_round_ends(
    lowest: str, highest: str, whole: bool, expected: tuple[str, str]
) -> None:
    low, high = proposed_range(Decimal(lowest), Decimal(highest), whole=whole)
    assert (written(low), written(high)) == expected


@given(NUMBERS, NUMBERS, st.booleans())
def test_a_range_holds_what_was_seen_and_is_never_empty(
    one: Decimal, other: Decimal, whole: bool
) -> None:
    lowest, highest = sorted((one, other))
    if whole:
        lowest, highest = lowest.to_integral_value(), highest.to_integral_value()
    low, high = proposed_range(lowest, highest, whole=whole)
    assert low <= lowest <= highest <= high
    assert low < high
    assert lowest < 0 or low >= 0
    assert Decimal(written(low)) == low


@pytest.mark.parametrize(
    ("number", "text"),
    [("0E+2", "0"), ("1E+3", "1000"), ("-0.50", "-0.5"), ("1E+20", "1e+20"), ("0.0", "0")],
)
def test_numbers_are_written_as_toml_reads_them(number: str, text: str) -> None:
    assert written(Decimal(number)) == text
