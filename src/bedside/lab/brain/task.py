"""Brain extraction as the trainer knows it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from torch import Tensor, nn

from bedside.lab.brain.cases import DrawnCases
from bedside.lab.brain.loss import dice, overlap_loss
from bedside.lab.brain.network import BrainNetwork
from bedside.lab.brain.settings import BrainSettings
from bedside.lab.datasets.label_maps import PartedMaps, named_dataset
from bedside.lab.datasets.manifest import Dataset
from bedside.lab.training.task import Batch, Cases, Kind
from bedside.package.manifest import DataSet


class BrainTask:
    """A network that finds the brain in a head, learnt from label maps alone."""

    score: Final = "dice"

    def __init__(self, settings: BrainSettings, dataset: Dataset) -> None:
        """Part the patients; `bedside.errors.UsageError` where one that is named is not there."""
        self._settings = settings
        self._maps = PartedMaps(dataset, settings.seed, settings.validation_patients)

    @property
    def data(self) -> tuple[DataSet, ...]:
        """The heads for training and for validation."""
        return self._maps.data

    @property
    def split(self) -> str:
        """How they were parted."""
        return self._maps.split

    def network(self) -> nn.Module:
        """Return a new network."""
        return BrainNetwork(self._settings.network)

    def training_cases(self) -> Cases:
        """Return heads drawn without end."""
        return DrawnCases(self._maps.training, self._settings)

    def validation_cases(self) -> Cases:
        """Return so many drawn heads of the patients that are held out, always the same."""
        return DrawnCases(self._maps.validation, self._settings, self._settings.validation_cases)

    def on_device(self, batch: Batch, number: int) -> Batch:
        """Return the batch as it is."""
        del number
        return batch

    def loss(self, network: nn.Module, batch: Batch) -> Tensor:
        """Return cross-entropy plus 1 − soft Dice."""
        return overlap_loss(network(batch["image"]), batch["share"])

    def metrics(self, network: nn.Module, batch: Batch) -> Mapping[str, float]:
        """Return the Dice overlap and the loss of one case."""
        logits = network(batch["image"])
        return {
            "dice": dice(logits, batch["share"]),
            "loss": float(overlap_loss(logits, batch["share"])),
        }


def make(settings: BrainSettings) -> BrainTask:
    """Open the label maps and return the task.

    Raises:
        UsageError: no manifest is named, or it is not one of label maps.
    """
    return BrainTask(settings, named_dataset(settings.data))


KIND: Final = Kind(
    about="Finds the brain in a head of any MR contrast; learnt from label maps alone.",
    settings=BrainSettings,
    make=make,
)
