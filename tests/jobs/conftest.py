"""Toys on either kind of database."""

from __future__ import annotations

from pathlib import Path

import pytest

from bedside.keys.subjects import SubjectKeys
from bedside.ledger.ledger import Ledger
from tests.conftest import SettableClock
from tests.jobs.toy import Toys


@pytest.fixture
def toys(ledger: Ledger, subject_keys: SubjectKeys, tmp_path: Path, clock: SettableClock) -> Toys:
    """Toys whose clock obeys."""
    return Toys(ledger, subject_keys, tmp_path, clock)
