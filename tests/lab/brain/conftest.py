from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from bedside.lab.brain.settings import BrainSettings
from bedside.lab.datasets.listing import Words, list_folder
from bedside.store.disk import replace_file
from tests.lab.synthesis.maps import ball_map, write_map


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> BrainSettings:
    """Three small heads, and a small network."""
    folder = tmp_path_factory.mktemp("heads")
    for name, sulcus in (("one", 2), ("two", 4), ("three", 6)):
        write_map(folder / f"{name}.nii.gz", ball_map(sulcus))
    words = Words("balls", "CC0-1.0", "nobody's data", "drawn in a test")
    manifest = list_folder(folder, "labels", words, str)
    path = folder / "labels.json"
    replace_file(path, manifest.model_dump_json().encode(), 0o644)
    return make_settings(path)


def make_settings(path: Path) -> BrainSettings:
    return BrainSettings.model_validate_json(
        f'{{"data": "{path}", "grid": [32, 32, 32], "network": {{"widths": [8, 12]}}, '
        '"validation_patients": ["two"], "validation_cases": 2, "keep": "'
        f'{path.parent / "kept"}", "synthesis": {{"shift": 4, "turned": 0}}}}'
    )


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """Arrays here are small: threads that wait for each other cost more than they bring."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
