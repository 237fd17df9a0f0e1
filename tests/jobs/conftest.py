"""Toys on either kind of database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bedside.clock import system_clock
from bedside.keys.site_key import SiteKey
from bedside.keys.subjects import SubjectKeys
from bedside.keys.signing import SigningKey
from bedside.ledger.ledger import Ledger
from bedside.store.database import Database
from tests.conftest import SettableClock
from tests.jobs.toy import Toys


@pytest.fixture
def toys(
    ledger: Ledger, subject_keys: SubjectKeys, tmp_path: Path, clock: SettableClock
) -> Toys:
    """Toys whose clock obeys."""
    return Toys(ledger, subject_keys, tmp_path, clock)
