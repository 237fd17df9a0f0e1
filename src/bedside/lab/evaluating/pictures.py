"""The worst cases as pictures: what was found and right, found wrongly, missed."""

from __future__ import annotations

import heapq
import re
from pathlib import Path
from typing import Final

import numpy as np

from bedside.imaging.measuring.masks import Mask
from bedside.imaging.views.picture import picture
from bedside.imaging.views.view import Findings, ShownClass, Style
from bedside.lab.datasets.manifest import Case
from bedside.lab.evaluating.analysed import Found
from bedside.lab.evaluating.evaluating import Compared
from bedside.store.disk import replace_file

MODE: Final = 0o644
_CLASSES: Final = (
    ShownClass(1, "found and right"),
    ShownClass(2, "found wrongly"),
    ShownClass(3, "missed"),
)
_NAME = re.compile(r"[^A-Za-z0-9.-]+")


class WorstPictures:
    """Draws the cases with the smallest Dice, and forgets the better ones as worse ones come."""

    def __init__(self, folder: Path, most: int) -> None:
        """Keep at most so many pictures in a folder, which is made."""
        self._folder = folder
        self._most = most
        self._kept: list[tuple[float, str, Path]] = []
        folder.mkdir(parents=True, exist_ok=True)

    def keep(self, case: Case, found: Found, reference: Mask, one: Compared) -> None:
        """Draw a case, unless enough are worse already."""
        dice = one.scores.dice
        full = len(self._kept) >= self._most
        if not self._most or (full and dice >= -self._kept[0][0]):
            return
        name = _NAME.sub("-", f"{dice:.4f} {case.name} {one.reference}")
        path = self._folder / f"{name}.png"
        replace_file(path, drawn(found, reference), MODE)
        entry = (-dice, name, path)
        if full:
            heapq.heapreplace(self._kept, entry)[2].unlink()
        else:
            heapq.heappush(self._kept, entry)

    @property
    def paths(self) -> list[Path]:
        """Where the pictures are, the worst first."""
        return [path for _, _, path in sorted(self._kept, reverse=True)]


def drawn(found: Found, reference: Mask) -> bytes:
    """Return a PNG of a volume with its mask and a reference."""
    labels = np.zeros(reference.shape, dtype=np.uint8)
    labels[found.mask & reference] = 1
    labels[found.mask & ~reference] = 2
    labels[~found.mask & reference] = 3
    findings = Findings(labels=labels, classes=_CLASSES)
    return picture(found.volume.values, found.volume.affine, findings, Style(recorded=False))
