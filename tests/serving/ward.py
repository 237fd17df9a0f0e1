"""A hospital with two custodians, for tests of erasures."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from bedside.ledger.events import EventKind
from bedside.people.permissions import Role
from bedside.people.person import Caller
from bedside.serving.erasing import Erasing, Target
from bedside.serving.values import Prediction, Row
from bedside.site.site import Site
from tests import postgres, site_copies
from tests.bedside_site import DOOR, MODEL, ROW, Hospital, Somebody
from tests.conftest import SettableClock
from tests.site_copies import Original

PATIENT = "patient-0042"
SECOND = "custodian-2"


@dataclass(frozen=True)
class Ward:
    """A hospital with two custodians."""

    hospital: Hospital
    first: Caller
    second: Caller
    clock: SettableClock

    @property
    def site(self) -> Site:
        return self.hospital.site

    @property
    def erasing(self) -> Erasing:
        return self.site.erasing

    def predict(self, subject: str | None = PATIENT) -> Prediction:
        clinician = self.hospital["clinician"].caller
        (one,) = self.site.serving.predict_now(clinician, MODEL, [Row(ROW, subject)])
        return one

    def erase(self, target: Target) -> str:
        asked = self.erasing.request(self.first, target, "asked", "file-17")
        return self.erasing.confirm(self.second, asked.id, target).id

    def steps(self) -> list[str]:
        found = self.site.ledger.find(kind=EventKind.ERASURE)
        return [entry.value["body"]["step"] for entry in found]


def original(folder: Path, server: postgres.Server | None) -> Original:
    """Build the hospital of a ward, with its model released."""
    return site_copies.original(folder, _filled, server, SettableClock())


@contextmanager
def ward_of(kept: Original, folder: Path, clock: SettableClock) -> Iterator[Ward]:
    """Give a ward of its own to a test."""
    with kept.copied(folder, clock) as hospital:
        people = hospital.people
        yield Ward(hospital, people["custodian"].caller, people[SECOND].caller, clock)


def _filled(built: Hospital) -> Hospital:
    built.release()
    admin = built["administrator"].caller
    person = built.site.people.add(admin, f"Person {SECOND}", {Role.CUSTODIAN})
    secret = built.site.people.issue_key(admin, person.id, "test").secret
    second = Somebody(built.site.people.sign_in(secret, DOOR), secret)
    return replace(built, people={**built.people, SECOND: second})
