"""A site with a person for each role, three approvers, and a trusted signing key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from bedside.keys.signing import SigningKey
from bedside.ledger.ledger import Ledger
from bedside.people.people import People
from bedside.people.person import Caller
from bedside.registry.registry import Registry
from bedside.store.blobs import FolderBlobs
from bedside.store.database import Database
from tests.conftest import SettableClock
from tests.package.building import Recipe, network

MEANING = "I reviewed the evaluation."
MODEL = "small-tumour"
CREW: Mapping[str, tuple[str, ...]] = {
    "dev": ("developer", "approver"),
    "ann": ("approver",),
    "ben": ("approver",),
    "cho": ("approver",),
    "ops": ("operator",),
    "doc": ("clinician",),
    "aud": ("auditor",),
}


@dataclass(frozen=True)
class Bench:
    """A registry and everybody who uses it."""

    registry: Registry
    people: People
    ledger: Ledger
    database: Database
    clock: SettableClock
    crew: Mapping[str, Caller]
    key: SigningKey
    blobs: Path

    def archive(self, version: str = "1.0.0", recipe: Recipe | None = None) -> bytes:
        """A signed package of the small model."""
        made = recipe or Recipe(changes={"version": version})
        return made.archive(self.key)

    def add(self, version: str = "1.0.0", recipe: Recipe | None = None) -> str:
        """Register a version and return its name."""
        return self.registry.add(self.crew["dev"], self.archive(version, recipe)).ref

    def verify(self, version: str = "1.0.0") -> str:
        """Register and verify."""
        ref = self.add(version)
        self.registry.verify(self.crew["ops"], ref)
        return ref

    def approve(self, version: str = "1.0.0") -> str:
        """Register, verify and approve by two people."""
        ref = self.verify(version)
        self.registry.approve(self.crew["ann"], ref, MEANING)
        self.registry.approve(self.crew["ben"], ref, MEANING)
        return ref

    def release(self, version: str = "1.0.0") -> str:
        """All the way."""
        ref = self.approve(version)
        self.registry.release(self.crew["ops"], ref, "first use")
        return ref

    def answers(self) -> str | None:
        """The version that answers for the model now."""
        return next((release.version for release in self.registry.released()), None)


def wrong_golden(version: str = "1.0.0") -> Recipe:
    """A whole package whose network gives other answers than its golden cases say."""
    return Recipe(network=network(intercept=0.5), changes={"version": version})


@pytest.fixture
def bench(database: Database, ledger: Ledger, clock: SettableClock, tmp_path: Path) -> Bench:
    """A site before its first package."""
    people = People(database, ledger, clock)
    _, first = people.found("adm")
    admin = people.sign_in(first.secret, "cli")
    crew = {"adm": admin}
    for name, roles in CREW.items():
        secret = people.issue_key(admin, people.add(admin, name, roles).id, "key").secret
        crew[name] = people.sign_in(secret, "cli")
    blobs = tmp_path / "blobs"
    registry = Registry(database, ledger, people, FolderBlobs(blobs), clock)
    key = SigningKey.new()
    registry.trust_key(admin, key.public, "the lab")
    return Bench(registry, people, ledger, database, clock, crew, key, blobs)
