"""A training of brain extraction that came to an end, as what a package is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bedside.canonical import Json, canonical_bytes
from bedside.errors import UsageError
from bedside.freezing.authors_words import Origin
from bedside.lab.brain.network import BrainNetwork
from bedside.lab.brain.package_words import TRAINED_BY
from bedside.lab.brain.settings import BrainSettings
from bedside.lab.datasets.manifest import open_dataset
from bedside.lab.datasets.parting import parted
from bedside.lab.training.folder import RECORD, first_weights
from bedside.lab.training.record import origin_of, read_record
from bedside.package.manifest import DataSet, Evaluation, Metric

TASK: Final = "brain-extraction"

PLACES: Final = ("data", "keep", "start", "mlflow")
"""Settings that name a place on somebody's machine; a package names what lay there by its digest."""


@dataclass(frozen=True, slots=True, eq=False)
class TrainedRun:
    """What a run left.

    Attributes:
        settings: With which it was trained.
        network: With the weights of its best validation.
        record: What was recorded of it.
        origin: The same, as a package states it.
    """

    settings: BrainSettings
    network: BrainNetwork
    record: Mapping[str, Json]
    origin: Origin

    def label_maps(self) -> tuple[list[Path], list[Path]]:
        """Return the label maps that it learned from, and those that were held out.

        Raises:
            NotFound, UsageError: they are not there, or others.
        """
        dataset = open_dataset(Path(self.settings.data))
        parts = parted(dataset, seed=self.settings.seed, named=self.settings.validation_patients)
        learned = [dataset.path_of(case, "labels") for case in parts.training]
        return learned, [dataset.path_of(case, "labels") for case in parts.validation]

    def validation(self) -> Evaluation:
        """Return how good it was on drawn heads of the people who were held out."""
        (data,) = (
            DataSet(**one) for one in self.record["data"] if one["name"].endswith(", validation")
        )
        best, step = self.record["best"], self.record["best_step"]
        cases = next(one["cases"] for one in self.record["validations"] if one["step"] == step)
        metric = Metric(
            name="Dice, drawn heads",
            value=best,
            lower=best,
            upper=best,
            confidence=0.95,
            method="mean over heads drawn of label maps that were held out; no interval",
            n=cases,
        )
        return Evaluation(data=data, metrics=(metric,))


def open_run(folder: Path) -> TrainedRun:
    """Return the run in a folder.

    Raises:
        NotFound: it holds none that came to an end.
        UsageError: its weights are not those of its record, or it was of another task.
    """
    weights, _ = first_weights(folder)
    record = read_record(folder / RECORD)
    if record["task"] != TASK:
        raise UsageError(f"{folder} is a run of {record['task']!r}, not of {TASK!r}.")
    settings = BrainSettings.model_validate_json(canonical_bytes(record["settings"]))
    network = BrainNetwork(settings.network)
    network.load_state_dict(weights)
    return TrainedRun(settings, network.eval(), record, _origin(folder / RECORD, record))


def _origin(path: Path, record: Mapping[str, Json]) -> Origin:
    """Return the origin without places on this machine; a run that went before by its record's digest."""
    told = origin_of(path, TRAINED_BY)
    settings = {
        name: value for name, value in told.parameters["settings"].items() if name not in PLACES
    }
    parameters = {**told.parameters, "settings": settings, "started_from_run": record["parent"]}
    return told.model_copy(update={"parameters": parameters})
