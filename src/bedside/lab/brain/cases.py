"""What one case is: a head drawn anew, scaled as it will be served, and the brain's share of voxels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import torch

from bedside.lab.brain.scaling import scaled
from bedside.lab.brain.settings import BrainSettings
from bedside.lab.synthesis.chance import Chance
from bedside.lab.synthesis.drawing import drawn
from bedside.lab.synthesis.heads import Head, read_head
from bedside.lab.training.task import Batch

_TRAINING: Final = 0
_VALIDATION: Final = 1


class DrawnCases:
    """Cases out of heads; each follows from the seed and its number alone.

    Args:
        paths: Of the label maps.
        settings: Of the task.
        count: How many validation cases there are; 0 for training, where heads are drawn by chance.
    """

    def __init__(self, paths: Sequence[Path], settings: BrainSettings, count: int = 0) -> None:
        self._paths = tuple(paths)
        self._settings = settings
        self._count = count
        self._heads = dict[int, Head]()

    def __getstate__(self) -> dict[str, Any]:
        """Return what travels to another process: no head that was read."""
        return {**self.__dict__, "_heads": {}}

    def __len__(self) -> int:
        """Return how many there are; of training, how many heads."""
        return self._count or len(self._paths)

    def __getitem__(self, number: int) -> Batch:
        """Return `image` and `share`, each (1, i, j, k) float32.

        Raises:
            IndexError: a number that no validation case has.
        """
        if number < 0 or (self._count and number >= self._count):
            raise IndexError(number)
        part = _VALIDATION if self._count else _TRAINING
        chance = Chance((self._settings.seed, part, number), torch.device("cpu"))
        heads = len(self._paths)
        head = self._head(number % heads if self._count else chance.whole(0, heads))
        settings = self._settings
        found = drawn(head, settings.grid, settings.spacing, chance, settings.synthesis)
        return {"image": scaled(found.image)[None], "share": found.mask[None]}

    def _head(self, place: int) -> Head:
        if place not in self._heads:
            keep = Path(self._settings.keep) if self._settings.keep else None
            self._heads[place] = read_head(self._paths[place], self._settings.closing, keep)
        return self._heads[place]
