"""ARCHITECTURE.md names only what stands."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
ROOMS = {
    path.name for path in (ROOT / "src" / "bedside").iterdir() if (path / "__init__.py").exists()
}


def test_every_promise_names_a_test_that_exists() -> None:
    named = re.findall(r"`([a-z0-9_/]+\.py)::(test_[a-z0-9_]+)`", PAGE)
    assert len(named) > 20
    for path, test in named:
        assert f"def {test}(" in (ROOT / "tests" / path).read_text(encoding="utf-8"), test


def test_every_file_that_it_points_to_exists() -> None:
    for path in re.findall(r"`([a-z]+/[a-z_]+\.py)`", PAGE):
        assert (ROOT / "src" / "bedside" / path).exists(), path


def test_the_picture_shows_every_room_and_no_other() -> None:
    picture = PAGE.split("## The picture")[1].split("## One prediction")[0]
    assert set(re.findall(r"\b([a-z]+)/", picture)) == ROOMS
