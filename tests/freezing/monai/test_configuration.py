from __future__ import annotations

import time

import pytest

from bedside.canonical import Json
from bedside.errors import FreezeRefused
from bedside.freezing.monai.configuration import Configuration


def of(**entries: Json) -> Configuration:
    return Configuration(entries, "inference.json")


def test_references_are_followed_to_what_stands_there() -> None:
    found = of(a=[1, {"b": "@c"}], c=[2.0, 3.0], d="%a::1#b", e={"f": "@d", "g": ["@a#0"]})
    assert found.plain("@e", "here") == {"f": [2.0, 3.0], "g": [1]}
    assert found.entry("d") == [2.0, 3.0]


def test_a_literal_after_the_dollar_is_a_value() -> None:
    assert of(a="$(96, 96, 96)").entry("a") == [96, 96, 96]
    assert of(a="$-1.5").entry("a") == -1.5
    assert of(a="$None").entry("a") is None


@pytest.mark.parametrize(
    "text",
    ["$__import__('os').system('touch /tmp/x')", "$2**64", "$[1]*9", "$1e999", "$lambda: 1", "$@b"],
)
def test_python_is_refused_and_never_run(text: str) -> None:
    with pytest.raises(FreezeRefused, match=r"a is the Python expression .* nothing in a bundle"):
        of(a=text, b=1).entry("a")


def test_what_nobody_asks_for_is_never_looked_at() -> None:
    found = of(a=1, b="$os.system('false')", c={"d": "@nowhere"})
    assert found.entry("a") == 1
    assert found.entry("c") == {"d": "@nowhere"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("@nowhere", "refers to 'nowhere', which is not there"),
        ("@a::7", "refers to 'a::7', which is not there"),
        ("@a + 1", "more than a name"),
        ("%other.json::a", "leads into another file"),
        ("@" + "a::" * 3 + "a", "which is not there"),
    ],
)
def test_a_reference_that_leads_nowhere_is_refused(text: str, said: str) -> None:
    with pytest.raises(FreezeRefused, match=said):
        of(a=[1], b=text).entry("b")


@pytest.mark.parametrize(
    "entries",
    [
        {"a": "@a"},
        {"a": "@b", "b": "@c", "c": "@a"},
        {"a": "@b::x", "b": "@a"},
        {"a": ["@a", "@a"]},
        {"a": {str(i): f"@x{i}" for i in range(9)}}
        | {f"x{i}": [f"@x{i + 1}"] * 9 for i in range(20)}
        | {"x20": 1},
    ],
    ids=["itself", "circle", "circle-inside", "list-of-itself", "many-times-many"],
)
def test_what_refers_to_itself_or_grows_is_refused_at_once(entries: dict[str, Json]) -> None:
    begun = time.process_time()
    with pytest.raises(FreezeRefused, match="in a circle, or grows without end"):
        of(**entries).plain("@a", "here")
    assert time.process_time() - begun < 1
