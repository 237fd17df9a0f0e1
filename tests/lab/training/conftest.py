"""Runs with their records."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bedside.lab.training.record import write_record
from bedside.lab.training.training import Order, Trained, train


@pytest.fixture(scope="session")
def recorded() -> Callable[[Order, Path], tuple[Trained, str]]:
    """Train, and return what came of it with the digest of its record."""

    def run(order: Order, folder: Path) -> tuple[Trained, str]:
        trained = train(order, folder)
        return trained, write_record(order, trained, folder)

    return run
