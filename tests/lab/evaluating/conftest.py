"""One data set of drawn heads for all tests of this folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lab.evaluating.drawn import dataset_of_heads


@pytest.fixture(scope="session")
def heads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The manifest of three drawn heads."""
    return dataset_of_heads(tmp_path_factory.mktemp("heads"))
