from __future__ import annotations

import pytest

from bedside.lab.synthesis.heads import Head
from tests.lab.synthesis.maps import ball_head


@pytest.fixture(scope="session")
def head(tmp_path_factory: pytest.TempPathFactory) -> Head:
    return ball_head(tmp_path_factory.mktemp("maps"))
