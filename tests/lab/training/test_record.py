"""A run's record becomes the origin of the package that is made of its weights."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bedside.canonical import Json
from bedside.errors import UsageError
from bedside.lab.training.environment import told_code
from bedside.lab.training.record import origin_of, read_record
from bedside.lab.training.training import Order, Trained
from tests.lab.training.tiny import RowSettings, RowTask


def test_the_origin_of_a_package_is_what_the_record_says(
    tmp_path: Path, recorded: Callable[[Order, Path], tuple[Trained, str]]
) -> None:
    settings = RowSettings(steps=2)
    task = RowTask(settings)
    _, told = recorded(Order("rows", task, settings), tmp_path)
    path = tmp_path / "run-record.json"
    origin = origin_of(path, "Bedside")
    record = read_record(path)
    assert origin.run_record == told
    assert origin.data == task.data
    assert (origin.seed, origin.split) == (1, "by number")
    assert origin.parameters["settings"]["lr"] == 0.3
    assert origin.trained_at == record["sessions"][-1]["until"]
    assert record["sessions"][0]["code"]["source"].startswith("sha256:")
    assert origin.code.endswith("bedside lab train rows")
    path.write_text("{}")
    with pytest.raises(UsageError, match="is no run record"):
        origin_of(path, "Bedside")


def test_code_is_told_by_its_commit_and_whether_it_was_changed() -> None:
    told: dict[str, Json] = {
        "bedside": "1.2.3",
        "source": "sha256:0",
        "commit": None,
        "changed": None,
    }
    assert told_code(told) == "bedside 1.2.3"
    told = told | {"commit": "abc", "changed": False}
    assert told_code(told) == "commit abc"
    assert told_code(told | {"changed": True}) == "commit abc, with changes"
