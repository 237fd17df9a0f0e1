"""Label maps parted by patient: what every task that draws its images out of them needs."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from bedside.errors import UsageError
from bedside.lab.datasets.manifest import Case, Dataset, open_dataset
from bedside.lab.datasets.parting import parted
from bedside.package.manifest import DataSet

LABELS: Final = "labels"
"""The role of a label map among the files of a case."""


class PartedMaps:
    """The label maps of a data set, those for training apart from those for validation.

    Attributes:
        data: Both parts as a record names them.
        split: How they were parted, in words.
    """

    def __init__(self, dataset: Dataset, seed: int, held_out: tuple[str, ...]) -> None:
        """Part the patients; `bedside.errors.UsageError` where one that is named is not there."""
        found = parted(dataset, seed=seed, named=held_out)
        self._dataset = dataset
        self._cases = found
        self.data: tuple[DataSet, ...] = (
            dataset.described(found.training, "training"),
            dataset.described(found.validation, "validation"),
        )
        self.split = found.words

    @property
    def training(self) -> list[Path]:
        """Files to draw from, each held against its digest now."""
        return self._paths(self._cases.training)

    @property
    def validation(self) -> list[Path]:
        """Files of the patients that are held out, each held against its digest now."""
        return self._paths(self._cases.validation)

    def _paths(self, cases: tuple[Case, ...]) -> list[Path]:
        return [self._dataset.path_of(case, LABELS) for case in cases]


def named_dataset(path: str) -> Dataset:
    """Return the data set that a setting names.

    Raises:
        UsageError: none is named, or it is no manifest.
        NotFound: no such file.
    """
    if not path:
        raise UsageError(
            "No data set is named.",
            advice="Write a manifest with `bedside lab dataset FOLDER`, and name it: data=FILE.",
        )
    return open_dataset(Path(path))
