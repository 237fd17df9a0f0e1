"""More than 200,000 changed files, and no parser that breaks, hangs or swells."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / ".hypothesis" / "crashes"
"""Where an input that broke a parser is kept after the test."""

RUNS = {
    "package": 36_000,
    "manifest": 22_000,
    "golden": 16_000,
    "json": 12_000,
    "network": 36_000,
    "pickle": 26_000,
    "picture": 22_000,
    "volume": 10_000,
    "toml": 15_000,
    "yaml": 8_000,
    "meshnet": 6_000,
}
"""Inputs for each parser; together a minute of one core."""

SEED = 20261121
MOST_SECONDS = 570


class Fuzzed(NamedTuple):
    """How the fuzzing of one target ended, the number of inputs counted in it, and what it wrote."""

    code: int
    counted: int
    said: str


def fuzz(asked: Mapping[str, int], folder: Path) -> dict[str, Fuzzed]:
    """Fuzz every target that is asked for with so many inputs; return how each ended."""
    pairs = [f"{name}={runs}" for name, runs in asked.items()]
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz.harness", str(SEED), str(folder), *pairs],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
        timeout=MOST_SECONDS,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    return {name: _fuzzed(folder / name) for name in asked}


def _fuzzed(folder: Path) -> Fuzzed:
    counted = folder / "count"
    return Fuzzed(
        int((folder / "code").read_text()),
        int(counted.read_text()) if counted.exists() else 0,
        (folder / "said").read_text(errors="replace"),
    )


def crashes(folder: Path) -> list[str]:
    """Return every kept input in hex, and keep it where the test's folder does not vanish."""
    found = [one for one in folder.iterdir() if one.name.startswith(("crash-", "timeout-", "oom-"))]
    for one in found:
        KEPT.mkdir(parents=True, exist_ok=True)
        (KEPT / f"{folder.name}-{one.name}").write_bytes(one.read_bytes())
    return [f"{one.name}: {one.read_bytes().hex()}" for one in found]


@pytest.mark.slow
@pytest.mark.timeout(MOST_SECONDS + 30)
def test_no_parser_breaks_on_more_than_200_000_changed_files(tmp_path: Path) -> None:
    pytest.importorskip("atheris", reason="atheris missing: it needs Linux and Python below 3.13")
    results = fuzz(RUNS, tmp_path)
    for name, (code, counted, said) in results.items():
        assert not crashes(tmp_path / name), said[-3000:]
        assert code == 0, said[-3000:]
        assert counted >= RUNS[name], name
    assert sum(one.counted for one in results.values()) >= 200_000


@pytest.mark.slow
def test_a_bug_that_was_planted_is_found_and_its_input_kept(tmp_path: Path) -> None:
    pytest.importorskip("atheris", reason="atheris missing: it needs Linux and Python below 3.13")
    (found,) = fuzz({"planted": 100_000}, tmp_path).values()
    assert found.code != 0
    assert "ZeroDivisionError: planted" in found.said
    (kept,) = (tmp_path / "planted").glob("crash-*")
    data = kept.read_bytes()
    assert data.startswith(b"PK")
    assert data[2] == data[3]
