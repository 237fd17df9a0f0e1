"""What erasing a person, backing up and restoring cost, on a site with predictions of its own."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from pathlib import Path

from bedside.keys.site_key import FILE_NAME
from bedside.people.permissions import Role
from bedside.people.person import Caller
from bedside.serving.erasing import Target
from bedside.serving.values import Row
from bedside.site.backup.making import back_up
from bedside.site.backup.place import Place
from bedside.site.backup.restoring import Order, restore
from bedside.site.site import Site
from tools.bench.prepare import Prepared

BATCH = 1_000
ERASURES = 7


@dataclass(frozen=True, slots=True)
class Continuity:
    """Figures of one site on SQLite.

    Attributes:
        entries: Entries of its ledger.
        predictions: Of these, predictions, each of another person.
        erase: Seconds to carry out an erasure once it is confirmed, median; no backup is there yet.
        erase_backed: The same with one generation of backups.
        backup: Seconds, the verification before and the reading back after included.
        restore: Seconds, proofs and golden cases included.
        data: Megabytes of the data file.
        keys: Megabytes of the keys file.
        database: Megabytes of the database.
    """

    entries: int
    predictions: int
    erase: float
    erase_backed: float
    backup: float
    restore: float
    data: float
    keys: float
    database: float


def measure_continuity(prepared: Prepared, folder: Path, predictions: int) -> Continuity:
    """Predict for so many persons on the prepared site, then erase, back up and restore."""
    folder.mkdir()
    place = Place.at(folder / "generations")
    with Site.open(prepared.site) as site:
        clinician = site.people.sign_in(prepared.secret, "cli")
        for start in range(0, predictions, BATCH):
            rows = [Row(prepared.row, f"bench-{start + place}") for place in range(BATCH)]
            site.serving.predict_now(clinician, prepared.model, rows)
        custodians = _custodians(site, prepared.admin)
        erased = [_erase(site, custodians, f"bench-{number}") for number in range(ERASURES)]
        begun = time.perf_counter()
        back_up(site, place)
        backup = time.perf_counter() - begun
        later = [_erase(site, custodians, f"bench-{100 + number}") for number in range(ERASURES)]
        entries = site.ledger.head().size
    begun = time.perf_counter()
    restore(Order(place, folder / "restored", site_key_file=prepared.site / "keys" / FILE_NAME))
    data, keys = (
        sum(path.stat().st_size for path in place.folder.glob(f"*.{kind}")) / 1e6
        for kind in ("data", "keys")
    )
    return Continuity(
        entries=entries,
        predictions=predictions,
        erase=statistics.median(erased),
        erase_backed=statistics.median(later),
        backup=backup,
        restore=time.perf_counter() - begun,
        data=data,
        keys=keys,
        database=(prepared.site / "bedside.db").stat().st_size / 1e6,
    )


def _custodians(site: Site, admin_secret: str) -> tuple[Caller, Caller]:
    admin = site.people.sign_in(admin_secret, "cli")
    found = []
    for name in ("Benchmark custodian A", "Benchmark custodian B"):
        person = site.people.add(admin, name, [Role.CUSTODIAN])
        key = site.people.issue_key(admin, person.id, "benchmark")
        found.append(site.people.sign_in(key.secret, "cli"))
    return found[0], found[1]


def _erase(site: Site, custodians: tuple[Caller, Caller], subject: str) -> float:
    target = Target(subject=subject)
    asked = site.erasing.request(custodians[0], target, "asked")
    begun = time.perf_counter()
    site.erasing.confirm(custodians[1], asked.id, target)
    return time.perf_counter() - begun
