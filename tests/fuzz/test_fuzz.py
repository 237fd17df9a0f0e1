"""More than 200,000 changed files, and no parser that breaks, hangs or swells."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / ".hypothesis" / "crashes"
"""Where an input that broke a parser is kept after the test."""

RUNS = {
    "package": 45_000,
    "manifest": 30_000,
    "golden": 20_000,
    "json": 20_000,
    "network": 45_000,
    "pickle": 35_000,
    "picture": 25_000,
    "volume": 10_000,
    "toml": 15_000,
    "yaml": 8_000,
    "meshnet": 6_000,
}
"""Inputs for each parser; together a minute or two on two cores."""

SEED = 20261121


def fuzz(name: str, runs: int, folder: Path) -> tuple[int, int, str]:
    """Return the exit code, the number of inputs that the child counted, and what it wrote."""
    folder.mkdir(parents=True)
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz.harness", name, str(runs), str(SEED), str(folder)],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
        timeout=230,
    )
    counted = folder / "count"
    return done.returncode, int(counted.read_text()) if counted.exists() else 0, done.stdout


def crashes(folder: Path) -> list[str]:
    """Return every kept input in hex, and keep it where the test's folder does not vanish."""
    found = [one for one in folder.iterdir() if one.name.startswith(("crash-", "timeout-", "oom-"))]
    for one in found:
        KEPT.mkdir(parents=True, exist_ok=True)
        (KEPT / f"{folder.name}-{one.name}").write_bytes(one.read_bytes())
    return [f"{one.name}: {one.read_bytes().hex()}" for one in found]


@pytest.mark.slow
@pytest.mark.timeout(290)
def test_no_parser_breaks_on_more_than_200_000_changed_files(tmp_path: Path) -> None:
    pytest.importorskip("atheris", reason="atheris missing: it needs Linux and Python below 3.13")
    with ThreadPoolExecutor(2) as pool:
        running = {
            name: pool.submit(fuzz, name, runs, tmp_path / name) for name, runs in RUNS.items()
        }
        results = {name: one.result() for name, one in running.items()}
    for name, (code, counted, said) in results.items():
        assert not crashes(tmp_path / name), said[-3000:]
        assert code == 0, said[-3000:]
        assert counted >= RUNS[name], name
    assert sum(counted for _, counted, _ in results.values()) >= 200_000


@pytest.mark.slow
def test_a_bug_that_was_planted_is_found_and_its_input_kept(tmp_path: Path) -> None:
    pytest.importorskip("atheris", reason="atheris missing: it needs Linux and Python below 3.13")
    code, _, said = fuzz("planted", 100_000, tmp_path / "planted")
    assert code != 0
    assert "ZeroDivisionError: planted" in said
    (kept,) = (tmp_path / "planted").glob("crash-*")
    data = kept.read_bytes()
    assert data.startswith(b"PK")
    assert data[2] == data[3]
