from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from bedside.lab.synthesis.heads import Head
from tests.lab.synthesis.maps import ball_head


@pytest.fixture(scope="session")
def head(tmp_path_factory: pytest.TempPathFactory) -> Head:
    return ball_head(tmp_path_factory.mktemp("maps"))


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """Arrays here are small: threads that wait for each other cost more than they bring."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
