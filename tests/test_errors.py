from __future__ import annotations

import inspect

import pytest

from bedside import errors
from bedside.errors import BedsideError, InputRefused, LedgerBroken, NotFound, Refusal

CLASSES = [
    item
    for _, item in inspect.getmembers(errors, inspect.isclass)
    if issubclass(item, BedsideError) and item.__module__ == "bedside.errors"
]


def test_the_message_and_the_advice_are_read_together() -> None:
    problem = NotFound("No model 'x'.", advice="bedside registry list")
    assert str(problem) == "No model 'x'. bedside registry list"
    assert (problem.message, problem.advice) == ("No model 'x'.", "bedside registry list")


def test_no_advice_leaves_no_trailing_space() -> None:
    assert str(NotFound("No model 'x'.")) == "No model 'x'."


@pytest.mark.parametrize("error", CLASSES, ids=lambda e: e.__name__)
def test_the_picture_shows_every_error_under_its_parent(error: type[BedsideError]) -> None:
    picture = (errors.__doc__ or "").splitlines()
    lines = [line for line in picture if error.__name__ in line.split()]
    assert len(lines) == 1, f"{error.__name__} is drawn {len(lines)} times"
    if error.__base__ is errors.PackageRefused:
        assert lines[0].startswith(("    │   ├── ", "    │   └── "))
    elif error is not BedsideError:
        assert error.__base__ is BedsideError
        assert lines[0].startswith(("    ├── ", "    └── "))


def test_the_gate_says_every_reason_with_row_field_value_and_what_is_allowed() -> None:
    problem = InputRefused(
        (
            Refusal(0, "age", "out-of-range", "200", "0 to 120 a"),
            Refusal(3, "sex", "unknown-category", "'x'", "'f', 'm'"),
        )
    )
    text = str(problem)
    assert "row 0, 'age': out-of-range: got 200; allowed: 0 to 120 a" in text
    assert "row 3, 'sex': unknown-category: got 'x'; allowed: 'f', 'm'" in text
    assert len(problem.refusals) == 2


def test_a_broken_ledger_names_the_entry() -> None:
    assert LedgerBroken("x", index=3).index == 3
    assert LedgerBroken("x").index is None
