"""The probability of each case of an evaluation as a file, for who wants to look, or count otherwise."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from bedside.imaging.volume_writing import nifti_bytes
from bedside.lab.datasets.manifest import Case
from bedside.lab.evaluating.analysed import Found
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
