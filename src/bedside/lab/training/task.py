"""What a task must say so that the trainer can train it; the trainer knows no task."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, Protocol, TypeAlias, TypeVar

import torch
from torch import nn

from bedside.lab.training.settings import Settings
from bedside.package.manifest import DataSet

Batch: TypeAlias = dict[str, torch.Tensor]
"""One case, or several of them stacked along a first axis, by name."""


class Cases(Protocol):
    """Numbered cases. Each is a function of its number alone, so that a run can go on anywhere.

    They are pickled on their way to worker processes of our own (`workers`).
    """

    def __getitem__(self, number: int, /) -> Batch:
        """Return a case without batch axis, on the CPU. Of training cases any number from 0 exists."""
        ...

    def __len__(self) -> int:
        """Return how many there are; of training cases, how many different ones (at least 1)."""
        ...


class Task(Protocol):
    """A network, what it learns from, and how good it is.

    Attributes:
        score: The metric that chooses the best weights and stops early; larger is better.
        data: What the run rests on, for its record and the package's lineage.
        split: How training and validation were parted, in words.
    """

    @property
    def score(self) -> str: ...  # noqa: D102 - described above

    @property
    def data(self) -> tuple[DataSet, ...]: ...  # noqa: D102

    @property
    def split(self) -> str: ...  # noqa: D102

    def network(self) -> nn.Module:
        """Return a new network; its weights follow from torch's seed, which was set before."""
        ...

    def training_cases(self) -> Cases:
        """Return what it learns from."""
        ...

    def validation_cases(self) -> Cases:
        """Return what it is judged by: patients that no training case is of."""
        ...

    def on_device(self, batch: Batch, number: int) -> Batch:
        """Return the batch as the network learns from it; what is quicker there than in a worker.

        Args:
            batch: Training cases, stacked, on the training device.
            number: Of the first of them; randomness follows from it and the seed alone.
        """
        ...

    def loss(self, network: nn.Module, batch: Batch) -> torch.Tensor:
        """Return one number to make small, in float32; called under automatic mixed precision."""
        ...

    def metrics(self, network: nn.Module, batch: Batch) -> Mapping[str, float]:
        """Return how good the network is on one validation case, `score` among them.

        Called without gradients and in evaluation mode, with the averaged weights if there are.
        """
        ...


S = TypeVar("S", bound=Settings)


@dataclass(frozen=True, slots=True)
class Kind(Generic[S]):
    """A task as it is known by its name: what may be set, and how it is made.

    Attributes:
        about: What is trained, in a sentence.
        settings: All that may be set, with defaults.
        make: Opens the data and returns the task.
    """

    about: str
    settings: type[S]
    make: Callable[[S], Task]
