"""The threat model names only tests that exist, and leaves out no boundary, no letter and no room."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.house.test_architecture import ROOMS, ROOT

PAGE = (ROOT / "docs" / "explanation" / "threat-model.md").read_text(encoding="utf-8")
BOUNDARIES = re.findall(r"^## (\d+\. [^\n]+)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)


def rows(text: str) -> list[list[str]]:
    """The threats of a boundary: letter, threat, what meets it, tests."""
    found = [
        line.strip("|").split("|") for line in text.splitlines() if re.match(r"\| [A-Z] \|", line)
    ]
    return [[cell.strip() for cell in row] for row in found]


def test_every_test_that_meets_a_threat_exists() -> None:
    named = re.findall(r"`([a-z0-9_/]+\.py)::(test_[a-z0-9_]+)`", PAGE)
    assert len(named) > 100
    missing = [
        f"{path}::{test}"
        for path, test in named
        if not (file := ROOT / "tests" / path).is_file()
        or f"def {test}(" not in file.read_text(encoding="utf-8")
    ]
    assert not missing


@pytest.mark.parametrize(("boundary", "text"), BOUNDARIES, ids=[name for name, _ in BOUNDARIES])
def test_every_boundary_has_all_six_and_says_what_is_not_met(boundary: str, text: str) -> None:
    assert {row[0] for row in rows(text)} == set("STRIDE"), boundary
    for letter, threat, answer, tests in rows(text):
        assert "::test_" in tests, (letter, threat)
        assert len(threat.split()) > 2, threat
        assert len(answer.split()) > 2, answer
    assert "**Not met.**" in text, boundary


def test_ten_boundaries_stand_in_the_picture() -> None:
    assert [int(name.split(".")[0]) for name, _ in BOUNDARIES] == list(range(1, 11))
    picture = PAGE.split("```text")[1].split("```")[0]
    assert {int(number) for number in re.findall(r"\[(\d+)", picture)} == set(range(1, 11))


def test_every_room_lies_behind_a_boundary() -> None:
    said = PAGE.split("The rooms: ")[1].split("\n\n")[0]
    assert set(re.findall(r"`([a-z]+)/`", said)) == ROOMS


def test_every_page_that_it_points_to_exists() -> None:
    folder = ROOT / "docs" / "explanation"
    for link in re.findall(r"\]\(([^)#]+)", PAGE):
        assert (folder / Path(link)).resolve().is_file(), link


def test_the_number_of_smuggled_shapes_is_the_one_tested() -> None:
    from tests.hostile.clients.test_framing import SMUGGLED  # noqa: PLC0415 - a test's own table

    assert f"{len(SMUGGLED)} shapes" in PAGE
