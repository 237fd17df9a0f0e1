"""A run that has ended stays as its record says."""

from __future__ import annotations

from pathlib import Path

import pytest

from bedside.errors import Conflict
from bedside.lab.training.running import begin, resume
from bedside.lab.training.training import Nobody
from tests.lab.training.tiny import ROWS, RowSettings

EYES = (Nobody(), lambda: False)


def test_a_run_whose_steps_are_all_done_is_not_gone_on_with(tmp_path: Path) -> None:
    run = tmp_path / "run"
    begin("rows", ROWS, RowSettings(steps=2), run, EYES)
    before = {path.name: path.read_bytes() for path in run.iterdir()}
    with pytest.raises(Conflict, match="all of its 2 steps are done"):
        resume(run, [], lambda name: ROWS, EYES)
    assert before == {path.name: path.read_bytes() for path in run.iterdir()}
    (run / "run-record.json").unlink()  # as where the process died before it was written
    assert resume(run, [], lambda name: ROWS, EYES).trained.end == "steps"


def test_a_run_that_its_time_ended_is_gone_on_with(tmp_path: Path) -> None:
    run = tmp_path / "run"
    begin("rows", ROWS, RowSettings(steps=2, minutes=1e-9), run, EYES)
    assert resume(run, ["minutes=0"], lambda name: ROWS, EYES).trained.step == 2
