"""What one case is: a part of a head drawn anew with lesions, and their share of voxels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import torch

from bedside.lab.lesions.drawing import drawn
from bedside.lab.lesions.places import Places, places_of
from bedside.lab.lesions.settings import LesionSettings
from bedside.lab.synthesis.chance import Chance
from bedside.lab.synthesis.heads import Head, read_head
from bedside.lab.training.task import Batch

_TRAINING: Final = 0
_VALIDATION: Final = 1


class LesionCases:
    """Cases out of heads; each follows from the seed and its number alone.

    Args:
        paths: Of the label maps.
        settings: Of the task.
        count: How many validation cases there are; 0 for training, where heads are drawn by chance.
    """

    def __init__(self, paths: Sequence[Path], settings: LesionSettings, count: int = 0) -> None:
        self._paths = tuple(paths)
        self._settings = settings
        self._count = count
        self._heads = dict[int, tuple[Head, Places]]()

    def __getstate__(self) -> dict[str, Any]:
        """Return what travels to another process: no head that was read."""
        return {**self.__dict__, "_heads": {}}

    def __len__(self) -> int:
        """Return how many there are; of training, how many heads."""
        return self._count or len(self._paths)

    def __getitem__(self, number: int) -> Batch:
        """Return `image`, `share` and `weight`, each (1, i, j, k) float32.

        Raises:
            IndexError: a number that no validation case has.
        """
        if number < 0 or (self._count and number >= self._count):
            raise IndexError(number)
        part = _VALIDATION if self._count else _TRAINING
        chance = Chance((self._settings.seed, part, number), torch.device("cpu"))
        heads = len(self._paths)
        head, places = self._head(number % heads if self._count else chance.whole(0, heads))
        found = drawn(head, places, chance, self._settings)
        return {
            "image": found.image[None],
            "share": found.share[None],
            "weight": found.weight[None],
        }

    def _head(self, place: int) -> tuple[Head, Places]:
        if place not in self._heads:
            keep = Path(self._settings.keep) if self._settings.keep else None
            head = read_head(self._paths[place], keep=keep)
            self._heads[place] = head, places_of(head)
        return self._heads[place]
