"""A training of seconds, the whole way from the command line: it must learn, or the build fails."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bedside.cli.app import create_app
from bedside.lab.brain.settings import BrainSettings

STEPS = 60
LEARNT = 0.5
"""Dice that the last validation is above the first: with these settings it gains 0.6 and more."""


@pytest.fixture(scope="module")
def label_maps(settings: BrainSettings) -> Path:
    """The manifest of the three drawn heads."""
    return Path(settings.data)


def gained(label_maps: Path, run: Path, *words: str) -> float:
    """Train by `bedside lab train`, and return by how much the overlap on held-out heads rose."""
    said = (
        f"data={label_maps}",
        f"keep={label_maps.parent / 'kept'}",
        'validation_patients=["two"]',
        *("grid=[32,32,32]", "spacing=1.5", "network.widths=[8,12]", "precision=float32"),
        *("workers=0", "threads=1", "ema=0.9", "warmup=5", "validation_cases=4"),
        *("synthesis.shift=4", "synthesis.turned=0"),
    )
    command = ["lab", "train", "brain-extraction", *said, *words, "--out", str(run), "--json"]
    done = CliRunner().invoke(create_app("lab"), command, catch_exceptions=False)
    assert done.exit_code == 0, done.stderr
    told = json.loads((run / "run-record.json").read_bytes())["validations"]
    return float(told[-1]["means"]["dice"] - told[0]["means"]["dice"])


@pytest.mark.slow
def test_a_minute_of_training_learns_what_a_brain_is(label_maps: Path, tmp_path: Path) -> None:
    words = (f"steps={STEPS}", f"validate_every={STEPS // 4}", "lr=4e-3")
    assert gained(label_maps, tmp_path / "run", *words) > LEARNT


def test_one_that_cannot_learn_is_seen_not_to(label_maps: Path, tmp_path: Path) -> None:
    words = ("steps=4", "validate_every=2", "lr=1e-12")
    assert gained(label_maps, tmp_path / "run", *words) < LEARNT / 10
