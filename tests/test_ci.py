"""What CI runs, with targets that say only that they ran."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

CI = Path(__file__).parent.parent / ".ci" / "run"

TARGETS = ["test", "test-ray", "test-mlflow", "test-antspynet"]


@pytest.fixture
def house(tmp_path: Path) -> Path:
    (tmp_path / ".ci").mkdir()
    shutil.copy(CI, tmp_path / ".ci" / "run")
    lines = [f"{name}:\n\t@echo ran {name}" for name in TARGETS]
    lines += [".venv-%/.ready:\n\t@mkdir -p $(@D) && touch $@"]
    (tmp_path / "Makefile").write_text("\n".join(lines) + "\n")
    return tmp_path


def ci(house: Path, minutes: int = 58) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "BEDSIDE_CI_MINUTES": str(minutes), "MAKEFLAGS": ""}
    return subprocess.run(
        ["bash", house / ".ci" / "run"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def change(house: Path, target: str, command: str) -> None:
    path = house / "Makefile"
    path.write_text(path.read_text().replace(f"@echo ran {target}\n", f"{command}\n"))


def test_it_runs_every_target_and_counts_them(house: Path) -> None:
    done = ci(house)
    assert done.returncode == 0
    assert [line for line in done.stdout.splitlines() if line.startswith("ran ")] == [
        f"ran {name}" for name in TARGETS
    ]
    assert "CI: 4 run (test test-ray test-mlflow test-antspynet), 0 skipped" in done.stdout


def test_what_an_hour_does_not_reach_is_skipped_loudly(house: Path) -> None:
    done = ci(house, minutes=12)
    assert done.returncode == 0
    assert "CI: SKIPPED make test-antspynet: 12 of 12 minutes are left" in done.stdout
    assert "3 run (test test-ray test-mlflow), 1 skipped (test-antspynet)" in done.stdout


@pytest.mark.parametrize("target", TARGETS)
def test_a_target_that_fails_fails_all(house: Path, target: str) -> None:
    change(house, target, "exit 1")
    done = ci(house)
    assert done.returncode != 0
    assert "skipped;" not in done.stdout


def test_an_environment_that_cannot_be_made_is_said(house: Path) -> None:
    makefile = house / "Makefile"
    makefile.write_text(makefile.read_text().replace("@mkdir -p $(@D) && touch $@", "exit 1"))
    done = ci(house)
    assert done.returncode == 0
    assert "SKIPPED make test-ray: its environment .venv-ray cannot be made here" in done.stdout
    assert "1 run (test), 3 skipped" in done.stdout


def test_what_is_not_done_in_time_is_stopped_and_the_first_may_not_be(house: Path) -> None:
    script = house / ".ci" / "run"
    script.write_text(script.read_text().replace("minutes * 60 - SECONDS", "1"))
    change(house, "test", "sleep 30")
    done = ci(house)
    assert done.returncode != 0
    assert "CI: FAILED make test: it was not done after 58 minutes" in done.stdout
