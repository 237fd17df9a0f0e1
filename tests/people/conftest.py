"""A site with one administrator."""

from __future__ import annotations

import pytest

from bedside.ledger.ledger import Ledger
from bedside.people.people import People
from bedside.people.person import Caller
from bedside.store.database import Database
from tests.conftest import SettableClock


@pytest.fixture
def people(database: Database, ledger: Ledger, clock: SettableClock) -> People:
    """The people of an empty site."""
    return People(database, ledger, clock)


@pytest.fixture
def admin(people: People) -> Caller:
    """Its first administrator, signed in."""
    _, key = people.found("Aoki")
    return people.sign_in(key.secret, "cli")
