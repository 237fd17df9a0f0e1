from __future__ import annotations

from pathlib import Path

import pytest

from bedside.lab.brain.overlap.settings import CalibrationSettings
from bedside.lab.synthesis.settings import SynthesisSettings
from tests.lab.synthesis.maps import ball_map, write_map


@pytest.fixture(scope="session")
def heads(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Label maps of two balls."""
    folder = tmp_path_factory.mktemp("balls")
    return [
        write_map(folder / f"{name}.nii.gz", ball_map(sulcus))
        for name, sulcus in (("a", 2), ("b", 4))
    ]


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> CalibrationSettings:
    synthesis = SynthesisSettings(shift=0, cut=0, cut_below=0, bending=1, largest=1.05)
    keep = str(tmp_path_factory.mktemp("kept"))
    return CalibrationSettings(
        cases=38, grid=(32, 32, 32), spacing=2.0, keep=keep, synthesis=synthesis
    )
