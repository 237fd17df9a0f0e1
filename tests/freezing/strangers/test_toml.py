from __future__ import annotations

import pytest

from bedside.errors import LimitExceeded, UsageError
from bedside.freezing.strangers.toml import MAX_NAME_PARTS, read_toml


def test_ordinary_tables_are_read() -> None:
    text = '[a.b]\nc = "one.two.three.four.five.six.seven.eight.nine"\n"d.e" = {x.y = 1}\n'
    assert read_toml(text.encode(), "s") == {
        "a": {"b": {"c": "one.two.three.four.five.six.seven.eight.nine", "d.e": {"x": {"y": 1}}}}
    }


@pytest.mark.parametrize("before", ["", "[", "  [[ ", "x = {", "x = {a = 1, "])
@pytest.mark.parametrize("part", ["a", '"a"', "'a b'", "a-b_1 "])
def test_a_name_of_very_many_parts_is_refused(before: str, part: str) -> None:
    with pytest.raises(LimitExceeded, match="dotted name of more than"):
        read_toml(f"{before}{'.'.join([part] * 9)}".encode(), "s")
    with pytest.raises(UsageError):
        read_toml(f"{before}{'.'.join([part] * MAX_NAME_PARTS)}".encode(), "s")


@pytest.mark.parametrize("opening", ["[", "{a="])
def test_values_that_nest_too_deep_are_refused(opening: str) -> None:
    with pytest.raises(LimitExceeded, match="s nests its values too deep"):
        read_toml(f"x = {opening * 50_000}".encode(), "s")


@pytest.mark.parametrize("data", [b"\xff", b"x = ", b"x = 1\nx = 2", b"x = " + b"9" * 5000])
def test_what_is_not_toml_is_refused(data: bytes) -> None:
    with pytest.raises(UsageError, match="s is not TOML"):
        read_toml(data, "s")
