"""The predicted overlap of a run's masks, calibrated on drawn heads of people who were held out."""

from __future__ import annotations

import math
from pathlib import Path

from bedside.canonical import canonical_bytes
from bedside.lab.brain.overlap.calibrating import calibrate
from bedside.lab.brain.overlap.gathering import Recipe
from bedside.lab.brain.overlap.settings import CalibrationSettings
from bedside.lab.brain.recipe import operations
from bedside.lab.brain.run import TrainedRun
from bedside.lab.brain.source import BrainSource
from bedside.package.segmentation import SegmentationOutput

ROOM = (224, 256, 224)
"""mm to the right, to the front, to the head: wide enough for the largest head that is drawn."""

EIGHT = 8
"""Voxels of which each side is a multiple."""


def calibrated(
    run: TrainedRun, output: SegmentationOutput, cases: int, out: Path
) -> SegmentationOutput:
    """Return what the logits mean, with the overlap that is to be expected; write how it was found.

    Args:
        run: That was trained.
        output: Without it.
        cases: How many heads are drawn.
        out: A new folder.
    """
    settings = run.settings
    _, held_out = run.label_maps()
    source = BrainSource(run.network, settings.network.widths)
    found = calibrate(
        source.logits,
        Recipe(operations(settings.spacing, settings.network), output),
        held_out,
        CalibrationSettings(
            cases=cases,
            spacing=settings.spacing,
            grid=_room(settings.spacing),
            closing=settings.closing,
            keep=settings.keep,
        ),
        _told,
    )
    out.mkdir(parents=True)
    (out / "report.json").write_bytes(canonical_bytes(found.report))
    (out / "reliability.png").write_bytes(found.picture)
    return output.model_copy(update={"predicted_overlap": found.predicted})


def _room(spacing: float) -> tuple[int, int, int]:
    """Return the voxels of the room in which heads are drawn; fields of view are parts of it."""
    i, j, k = (math.ceil(side / spacing / EIGHT) * EIGHT for side in ROOM)
    return i, j, k


def _told(done: int, total: int) -> None:
    if done % 20 == 0:
        print(f"  {done} of {total}", flush=True)
