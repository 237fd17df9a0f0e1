"""Restores a generation into a folder that is thrown away.

A backup that was never restored is none.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from bedside.canonical import Json
from bedside.errors import LedgerBroken
from bedside.ledger import merkle
from bedside.ledger.events import Draft, EventKind
from bedside.site.backup.manifest import Manifest
from bedside.site.backup.place import Place
from bedside.site.backup.restoring import ON_SQLITE, Order, Restored, restore
from bedside.site.backup.scratch import scratch
from bedside.site.site import Site
from bedside.site.unlocking import unlock


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
    It records nothing and has no site key: two histories under one key would else be on this disk.

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
    with scratch(site.folder) as copies:
        restored = restore(_order(site, place, generation, copies), site.clock)
    behind = _behind(site, restored.manifest)
    found = Drilled(restored, behind, time.perf_counter() - begun)
    site.ledger.record(_event(site, door, found))
    return found


def _order(site: Site, place: Place, generation: str | None, copies: Path) -> Order:
    return Order(
        place=place.belonging_to(site.settings.origin),
        folder=copies / "site",
        generation=generation,
        database=ON_SQLITE,
        drill=unlock(site.folder, site.settings),
    )


def _behind(site: Site, manifest: Manifest) -> int:
    """Return how many entries the living ledger has beyond a copy, whatever keys signed the two."""
    head, root = site.ledger.head(), bytes.fromhex(manifest.root)
    if manifest.size <= head.size:
        path = site.ledger.consistency(manifest.size, head.size)
        if merkle.verify_consistency(manifest.size, head.size, path, root, head.root):
            return head.size - manifest.size
    raise LedgerBroken(
        f"The ledger of {manifest.size} entries in {manifest.generation} is not how the living one "
        f"of {head.size} began.",
        advice="Somebody made two histories of this site. Keep both, and find out who.",
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
