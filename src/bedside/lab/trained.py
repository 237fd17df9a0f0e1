"""What a training run leaves behind."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bedside.canonical import Json
from bedside.freezing.freeze import FrozenModel
from bedside.lab.evaluation import metric_table
from bedside.lab.threshold import ThresholdChoice
from bedside.package.manifest import Metric


@dataclass(frozen=True, slots=True)
class Trained:
    """What training leaves behind.

    Attributes:
        package: Path of the signed `.bedside` file.
        held_out: Path of the test rows: JSON, a list of `{"input": row, "label": label}`.
        run_record: Path of the run record, whose digest is in the lineage.
        rows: The test rows, as a client sends them.
        labels: Their true labels.
        metrics: On the test split, by the frozen model.
        threshold: How the threshold was chosen, on the validation split.
        frozen: The package in memory, and the comparison that it stands on.
    """

    package: Path
    held_out: Path
    run_record: Path
    rows: tuple[Json, ...]
    labels: tuple[str, ...]
    metrics: tuple[Metric, ...]
    threshold: ThresholdChoice
    frozen: FrozenModel

    @property
    def table(self) -> str:
        """The metrics as lines of text."""
        return metric_table(self.metrics)
