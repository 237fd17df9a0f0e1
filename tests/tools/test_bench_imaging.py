"""`make bench-imaging`: one run on a quiet machine, or a page that says so; equal work for all."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bedside.imaging.files import files_at
from bedside.imaging.volume_reading import read_volume

pytest.importorskip("tools.bench_imaging", reason="the tools are not part of a source archive")

from tools.bench_imaging import __main__ as bench
from tools.bench_imaging import circumstances, meter, page, reading, steps

COST = {"processor": 1.0, "clock": 0.5, "peak": 100.0}
SPINNING = (
    "import time; begun = time.process_time()\nwhile time.process_time() - begun < 0.2: pass\n"
)


def step(*_: object) -> dict[str, Any]:
    return {"turns": [{"read": COST, "infer": COST}] * 2, "voxels": 1_000}


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., str]:
    """Return what runs the tool with steps that cost nothing, and gives the page that it wrote."""
    for name, value in {
        "STEPS": {"antspynet": step, "readers": lambda *_: {"absent": "of a test"}},
        "WORK": tmp_path,
        "PAGE": tmp_path / "page.md",
    }.items():
        monkeypatch.setattr(bench, name, value)
    monkeypatch.setattr("os.getloadavg", lambda: (0.1, 0.1, 0.1))
    for spent in ("_spent", "_ours"):
        monkeypatch.setattr(circumstances, spent, lambda: 0.0)

    def run(*words: str, name: str = "page.md") -> str:
        bench.main(words)
        return (tmp_path / name).read_text(encoding="utf-8")

    return run


def test_the_page_says_when_of_what_how_and_under_which_load_it_was_made(
    quiet: Callable[..., str],
) -> None:
    text = quiet("--turns", "3", "--samples", "/a/b/c/d/e")
    assert "One run, 2" in text
    assert "commit " in text
    assert 'make bench-imaging BENCH_IMAGING="--turns 3 --samples …/c/d/e"' in text
    assert "| A brain of the same head by ANTsPyNet | " in text
    assert " | 0.0 | 0.1 | 0.1 | 0% |" in text
    assert "Not measured: of a test." in text
    assert "busy" not in text


def test_a_busy_machine_is_refused_or_stands_in_front(
    quiet: Callable[..., str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("os.getloadavg", lambda: (4.2, 4, 4))
    with pytest.raises(SystemExit, match=r"The load is 4\.2, above 1"):
        quiet()
    assert not (tmp_path / "page.md").exists()
    assert "**Measured on a busy machine**: a load of 4.2" in quiet("--busy").split("\n## ")[0]


def test_others_who_come_while_it_runs_stand_in_front_too(
    quiet: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter(range(0, 10_000, 100))
    monkeypatch.setattr(circumstances, "_spent", lambda: float(next(clock)))
    assert "**Measured on a busy machine**" in quiet().split("\n## ")[0]


def test_a_part_never_becomes_the_page(quiet: Callable[..., str], tmp_path: Path) -> None:
    before = quiet()
    assert "**Not the page**" in quiet("--only", "readers", name="part.md")
    assert (tmp_path / "page.md").read_text(encoding="utf-8") == before
    with pytest.raises(SystemExit, match="written by a whole run alone"):
        quiet("--only", "readers", "--page", str(tmp_path / "page.md"))


def test_every_step_has_its_section() -> None:
    assert list(steps.STEPS) == list(page.SECTIONS)


def test_a_child_at_work_is_counted_with_its_parent() -> None:
    told = meter.Meter()
    told.begin("alone")
    told.begin("with a child")
    child = subprocess.Popen(
        [sys.executable, "-c", f"{SPINNING}print('done', flush=True); input()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert child.stdout is not None
    child.stdout.readline()  # it is still there, as a library that stays loaded
    costs = told.told()
    child.communicate(b"\n")
    assert costs["alone"]["processor"] < 0.1
    assert costs["with a child"]["processor"] > 0.15
    assert costs["with a child"]["peak"] > costs["alone"]["peak"] + 4


@pytest.mark.parametrize("library", ["nibabel", "pydicom"])
def test_each_library_computes_where_the_voxels_lie(samples: Path, library: str) -> None:
    place = {"pydicom": "dicom/ct-j2k-series", "nibabel": "heads/MoAE_t1.nii.gz"}[library]
    ours = read_volume(files_at(samples / place))
    values, affine = reading.LIBRARIES[library]()(samples / place)
    assert affine.shape == (4, 4)
    assert np.allclose(
        reading.box(values.shape, affine),
        reading.box(ours.values.shape, ours.affine),
        rtol=0,
        atol=0.01,
    )
    assert np.isclose(values.sum(dtype=np.float64), ours.values.sum(dtype=np.float64))
