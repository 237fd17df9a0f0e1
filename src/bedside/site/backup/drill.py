"""Restores a generation into a folder that is thrown away.

A backup that was never restored is none.
"""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from typing import Final

from bedside.canonical import Json
from bedside.errors import Conflict
from bedside.keys.site_keys.opening import FILE_NAMES, file_of
from bedside.ledger.events import Draft, EventKind
from bedside.site.backup.place import Place, locked
from bedside.site.backup.restoring import ON_SQLITE, Order, Restored, restore
from bedside.site.site import Site
from bedside.site.unlocking import KEYS_FOLDER

FOLDER: Final = ".drill"
"""In the site's folder, as private as the site itself, and on a disk that has room for another."""


@dataclass(frozen=True, slots=True)
class Drilled:
    """What a drill proved.

    Attributes:
        restored: The copy, which is gone.
        behind: Entries that the living ledger has beyond it.
        seconds: What all of it took.
    """

    restored: Restored
    behind: int
    seconds: float


def drill(site: Site, place: Place, generation: str | None = None, door: str = "system") -> Drilled:
    """Restore a generation beside the living site, prove it, hold it against the site, throw it away.

    The copy is on SQLite, whatever the site is on, and knows of no witness and no other database.

    Args:
        site: The living one; it may serve meanwhile.
        place: Where the generations are.
        generation: Which one; None takes the newest that seems whole.
        door: The way in of whoever asked.

    Raises:
        Conflict: another drill is under way.
        NotFound: there is no such generation, or none at all.
        LedgerBroken: the copy is not how the living ledger began.
        PackageRefused: a released package does not prove itself from the copy.
        SiteProblem: a file of the generation is not what was written.
        Unavailable: disk or database cannot be used now.
    """
    begun = time.perf_counter()
    scratch = site.folder / FOLDER
    with locked(site.folder / f"{FOLDER}.lock", wait=False) as alone:
        if not alone:
            raise Conflict("Another drill is under way.", advice="Wait until it is done.")
        shutil.rmtree(scratch, ignore_errors=True)  # what a killed drill left
        try:
            restored = restore(_order(site, place, generation), site.clock)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    took = time.perf_counter() - begun
    found = Drilled(restored, restored.proof.lost or 0, took)
    site.ledger.record(_event(site, door, found))
    return found


def _order(site: Site, place: Place, generation: str | None) -> Order:
    used = file_of(site.settings.keys.source)
    paths = [site.folder / KEYS_FOLDER / name for name in FILE_NAMES if name == used]
    return Order(
        place=place,
        folder=site.folder / FOLDER / "site",
        generation=generation,
        site_key_file=next((path for path in paths if path.is_file()), None),
        database=ON_SQLITE,
        checkpoint=site.ledger.checkpoint().note,
        drill=True,
    )


def _event(site: Site, door: str, found: Drilled) -> Draft:
    manifest = found.restored.manifest
    body: dict[str, Json] = {
        "act": "drilled",
        "behind": found.behind,
        "generation": manifest.generation,
        "models": list(found.restored.proof.models),
        "root": manifest.root,
        "size": manifest.size,
    }
    return Draft(EventKind.BACKUP, site.settings.id, "system", door, body)
