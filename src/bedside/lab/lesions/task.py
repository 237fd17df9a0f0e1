"""Lesion candidates as the trainer knows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from torch import Tensor, nn

from bedside.lab.brain.network import BrainNetwork, StandardisedConv
from bedside.lab.datasets.label_maps import PartedMaps, named_dataset
from bedside.lab.datasets.manifest import Dataset
from bedside.lab.lesions.cases import LesionCases
from bedside.lab.lesions.judging import judged
from bedside.lab.lesions.loss import rare_loss
from bedside.lab.lesions.settings import LesionSettings
from bedside.lab.training.task import Batch, Cases, Kind
from bedside.package.manifest import DataSet

RARE: Final = -3.0
"""What a new network says of every voxel: a logit, 1 in 20."""

SHORT: Final = 0.2
"""Length of a new network's standardised weights, of which only the direction counts: an optimiser's
steps turn the shorter ones sooner, and a lesion's few voxels give it few steps that say anything."""


class LesionTask:
    """A network that finds white-matter lesions, learnt from lesions that were drawn into label maps."""

    score: Final = "f1"

    def __init__(self, settings: LesionSettings, dataset: Dataset) -> None:
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
        made = BrainNetwork(self._settings.network)
        for part in made.modules():
            if isinstance(part, StandardisedConv):
                part.weight.data *= SHORT
        assert made.last.bias is not None  # noqa: S101 - the network gives it one
        nn.init.constant_(made.last.bias, RARE)
        return made

    def training_cases(self) -> Cases:
        """Return parts of heads drawn without end."""
        return LesionCases(self._maps.training, self._settings)

    def validation_cases(self) -> Cases:
        """Return so many drawn parts of the heads that are held out, always the same."""
        return LesionCases(self._maps.validation, self._settings, self._settings.validation_cases)

    def on_device(self, batch: Batch, number: int) -> Batch:
        """Return the batch as it is."""
        del number
        return batch

    def loss(self, network: nn.Module, batch: Batch) -> Tensor:
        """Return focal cross-entropy plus 1 − soft Dice."""
        return rare_loss(network(batch["image"]), batch["share"], batch["weight"])

    def metrics(self, network: nn.Module, batch: Batch) -> Mapping[str, float]:
        """Return the lesion-wise scores, the Dice overlap and the loss of one case."""
        logits, share = network(batch["image"]), batch["share"]
        settings = self._settings
        return {
            **judged(logits, share, settings.spacing, settings.lesions.smallest),
            "loss": float(rare_loss(logits, share, batch["weight"])),
        }


def make(settings: LesionSettings) -> LesionTask:
    """Open the label maps and return the task.

    Raises:
        UsageError: no manifest is named, or it is not one of label maps.
    """
    return LesionTask(settings, named_dataset(settings.data))


KIND: Final = Kind(
    about="Finds candidates for white-matter lesions in FLAIR; learnt from drawn lesions alone. Research only.",
    settings=LesionSettings,
    make=make,
)
