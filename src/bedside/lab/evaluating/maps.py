"""What an evaluation leaves to look at: pictures, and each case's probability to count otherwise."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from bedside.imaging.measuring.masks import Mask
from bedside.imaging.volume_writing import nifti_bytes
from bedside.lab.datasets.manifest import Case
from bedside.lab.evaluating.analysed import Found
from bedside.lab.evaluating.evaluating import Compared
from bedside.lab.evaluating.pictures import WorstPictures
from bedside.store.disk import replace_file

MODE: Final = 0o644
_NAME = re.compile(r"[^A-Za-z0-9.-]+")


class ProbabilityMaps:
    """Writes `CASE.nii.gz` for each case, once, on the case's own grid."""

    def __init__(self, folder: Path) -> None:
        """Write into a folder, which is made."""
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def keep(self, case: Case, found: Found) -> None:
        """Write the probability of a case, in steps of 1/65,535."""
        path = self._folder / f"{_NAME.sub('-', case.name)}.nii.gz"
        probability = found.analysis.probability
        if probability is not None and not path.exists():
            data = nifti_bytes(probability, found.volume.affine, stored="uint16")
            replace_file(path, data, MODE)


class Exhibits:
    """Pictures of the worst cases, and the probability of every case where it is asked for."""

    def __init__(self, folder: Path | None, pictures: int, *, mapped: bool) -> None:
        """Write into `pictures` and `probabilities` of a folder; without one, nothing."""
        self._worst = None if folder is None else WorstPictures(folder / "pictures", pictures)
        self._maps = ProbabilityMaps(folder / "probabilities") if folder and mapped else None

    def keep(self, case: Case, found: Found, reference: Mask, one: Compared) -> None:
        """Write what there is to see of a case."""
        if self._worst is not None:
            self._worst.keep(case, found, reference, one)
        if self._maps is not None:
            self._maps.keep(case, found)

    @property
    def pictures(self) -> list[Path]:
        """Where the pictures are, the worst first."""
        return [] if self._worst is None else self._worst.paths
