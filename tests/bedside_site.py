"""A site with people of every role and a released model, for tests of the rooms above the registry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bedside.clock import Clock, system_clock
from bedside.keys.signing import SigningKey
from bedside.people.permissions import Role
from bedside.people.person import Caller
from bedside.site.site import Site
from tests.package.building import ROWS, Recipe

MODEL = "small-tumour"
ROW = ROWS[1]
REF = f"{MODEL}@1.2.3"
DOOR = "rest"


@dataclass(frozen=True)
class Somebody:
    """A person who signed in, and the secret of their key."""

    caller: Caller
    secret: str

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.secret}"}


@dataclass(frozen=True)
class Hospital:
    """A site, its people by role (approvers: `approver` and `approver-2`), and the author's key."""

    site: Site
    people: Mapping[str, Somebody]
    key: SigningKey

    def __getitem__(self, role: str) -> Somebody:
        return self.people[role]

    def add(self, **changes: Any) -> str:
        """Register and verify a variant of the small package; return its `name@version`."""
        archive = Recipe(changes=changes).archive(self.key)
        record = self.site.registry.add(self["developer"].caller, archive)
        self.site.registry.verify(self["developer"].caller, record.ref)
        return record.ref

    def approve(self, ref: str) -> None:
        for role in ("approver", "approver-2"):
            meaning = "I looked at the evaluation and accept it"
            self.site.registry.approve(self[role].caller, ref, meaning)

    def release(self, **changes: Any) -> str:
        """Bring a variant of the small package to release; return its `name@version`."""
        ref = self.add(**changes)
        self.approve(ref)
        self.site.registry.release(self["operator"].caller, ref, "it is needed")
        return ref


def build(folder: Path, clock: Clock = system_clock) -> Hospital:
    """Make a site in `folder` with one person for each role, trusting one author; no model yet."""
    site, issued = Site.create(folder, "Ward 7", "Ada Admin", clock)
    admin = site.people.sign_in(issued.secret, DOOR)
    secrets = {"administrator": issued.secret}
    roles = [role for role in Role if role is not Role.ADMINISTRATOR]
    for name, role in [*((role.value, role) for role in roles), ("approver-2", Role.APPROVER)]:
        person = site.people.add(admin, f"Person {name}", {role})
        secrets[name] = site.people.issue_key(admin, person.id, "test").secret
    author = SigningKey.new()
    site.registry.trust_key(admin, author.public, "the author")
    people = {  # once all are there, so that nobody's sign-in is outdated
        name: Somebody(site.people.sign_in(secret, DOOR), secret)
        for name, secret in secrets.items()
    }
    return Hospital(site, people, author)
