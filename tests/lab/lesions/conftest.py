from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from bedside.lab.datasets.listing import Words, list_folder
from bedside.lab.lesions.places import Places, places_of
from bedside.lab.lesions.settings import LesionSettings
from bedside.lab.synthesis.heads import Head
from bedside.store.disk import replace_file
from tests.lab.synthesis.maps import ball_head, ball_map, write_map


@pytest.fixture(scope="session")
def head(tmp_path_factory: pytest.TempPathFactory) -> Head:
    """A ball of brain: a ventricle of 3 mm, white matter to 9 mm, grey matter to 13 mm, fluid."""
    return ball_head(tmp_path_factory.mktemp("maps"))


@pytest.fixture(scope="session")
def places(head: Head) -> Places:
    return places_of(head)


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> LesionSettings:
    """Three small heads, and a small network."""
    folder = tmp_path_factory.mktemp("heads")
    for name, sulcus in (("one", 2), ("two", 4), ("three", 6)):
        write_map(folder / f"{name}.nii.gz", ball_map(sulcus))
    words = Words("balls", "CC0-1.0", "nobody's data", "drawn in a test")
    path = folder / "labels.json"
    manifest = list_folder(folder, "labels", words, str)
    replace_file(path, manifest.model_dump_json().encode(), 0o644)
    return LesionSettings.model_validate_json(
        f'{{"data": "{path}", "grid": [32, 32, 32], "network": {{"widths": [8, 12]}}, '
        '"validation_patients": ["two"], "validation_cases": 2, "keep": "'
        f'{folder / "kept"}", "lesions": {{"none": 0, "typical": 6, "volume": 20}}}}'
    )


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """Arrays here are small: threads that wait for each other cost more than they bring."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
