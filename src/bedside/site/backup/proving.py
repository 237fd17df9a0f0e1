"""Proves a restored site before anybody may use it, and records that it was restored."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bedside.canonical import Json
from bedside.clock import Clock
from bedside.errors import LedgerBroken, PackageRefused, Unavailable, UsageError
from bedside.keys.site_key import SiteKey
from bedside.ledger.audit import Head
from bedside.ledger.checkpoint import Checkpoint, find_checkpoint
from bedside.ledger.events import Draft, EventKind
from bedside.ledger.key_chain import read_chain
from bedside.ledger.ledger import Ledger
from bedside.ledger.note import ED25519, NoteKey, read_note
from bedside.site.backup.manifest import Manifest
from bedside.site.settings import Settings
from bedside.site.site import Site
from bedside.store.failures import DatabaseUnavailable
from bedside.store.wire import Wire


@dataclass(frozen=True, slots=True)
class Copy:
    """A filled folder and database that is to become a site.

    Attributes:
        folder: The folder.
        settings: What will stand in its `site.toml`; without witnesses, to whom nothing is sent
            before a person has looked.
        url: The database's address.
        clock: Tells the time.
        site_key: Of a drill's copy, which has none itself and records nothing: its entries would
            be signed beside those of the living ledger. None: this is to be the site.
    """

    folder: Path
    settings: Settings
    url: str
    clock: Clock
    site_key: SiteKey | None = None


@dataclass(frozen=True, slots=True)
class Proof:
    """What was proved of a restored site.

    Attributes:
        entries: Entries verified, all of the ledger as it was backed up.
        checkpoints: Signed checkpoints verified.
        models: Released packages whose golden cases hold on this machine.
        unproven: Released packages that do not prove themselves here, with the reason, by name.
        lost: Entries recorded after the backup and before the given checkpoint; None where no
            checkpoint was given.
        erased: Keys that were destroyed again, because the ledger tells that they were erased.
        ledger_key: Fingerprint of the key that signed all of it, to be compared with the one known.
        index: The place of the event of the restore in the ledger; None in a drill.
    """

    entries: int
    checkpoints: int
    models: tuple[str, ...]
    unproven: dict[str, str]
    lost: int | None
    erased: int
    ledger_key: str
    index: int | None


def prove(copy: Copy, manifest: Manifest, checkpoint: str | None, *, record_only: bool) -> Proof:
    """Verify everything of a copy, then record the restore as its first act, if it is no drill.

    Args:
        copy: What was filled.
        manifest: Of the generation.
        checkpoint: The note of a later checkpoint, or None.
        record_only: Whether released packages may fail to prove themselves here.

    Raises:
        LedgerBroken: the record is not whole, not the one of the manifest, or not the one that the
            checkpoint was signed over.
        PackageRefused: a released package does not prove itself, and `record_only` is not set.
        UsageError: the checkpoint is signed by a key that the copy does not know.
        Unavailable: the database cannot answer.
    """
    with Site(
        copy.folder, copy.settings, copy.clock, hold=False, url=copy.url, site_key=copy.site_key
    ) as site:
        verdict = site.verify()
        _refuse_other_head(verdict.head, manifest)
        lost = None if checkpoint is None else missing_since(site.ledger, checkpoint)
        proved, unproven = _golden(site)
        if unproven and not record_only:
            model, reason = next(iter(unproven.items()))
            raise PackageRefused(
                f"{model} is released and does not prove itself on this machine: {reason}",
                advice="Restore on a machine like the one before; or, to have the record back"
                " without this model, with --record-only.",
            )
        erased = destroy_again(site)
        index = None
        if copy.site_key is None:
            told: dict[str, Json] = {"erased": erased, "lost": lost, "unproven": sorted(unproven)}
            (entry,) = site.ledger.record(_event(copy, manifest, told))
            index = entry.index
        key = site.ledger.public_key.fingerprint
    return Proof(verdict.entries, verdict.checkpoints, proved, unproven, lost, erased, key, index)


def destroy_again(site: Site) -> int:
    """Destroy every key that is alive although the ledger tells of its erasure; return how many.

    Raises:
        Unavailable: one is destroyed and its bytes may still be in the database's files.
    """
    told = site.erasing.told().erasures.values()
    alive = [key for one in told if one.done for key in site.subject_keys.standing(one.keys)]
    for key_id in alive:
        site.subject_keys.destroy(key_id)
    return len(alive)


def missing_since(ledger: Ledger, note: str) -> int:
    """Return how many entries a later checkpoint covers that this ledger does not have.

    Args:
        ledger: The restored one.
        note: The checkpoint, with or without signatures of witnesses under the ledger's own.

    Raises:
        LedgerBroken: it is not this ledger's, its signature is wrong, or it is older than the
            backup and signed over other entries.
        UsageError: it is signed by a key that this ledger does not know: perhaps a later one.
    """
    known = _own(note, ledger)
    head = ledger.head()
    if known.size > head.size:
        return known.size - head.size
    if known.size and known.root != _root_at(ledger, known.size):
        raise LedgerBroken(
            f"The restored ledger is another one than that of the checkpoint over {known.size} "
            "entries.",
            advice="Somebody made two histories of this site. Keep both, and find out who.",
        )
    return 0


def _own(note: str, ledger: Ledger) -> Checkpoint:
    with ledger.database.read() as connection:
        keys = read_chain(Wire.of(connection), ledger.first_key).keys
    known = [NoteKey(ledger.origin, ED25519, key) for key in keys]
    own = [line for line in read_note(note).signatures if line.name == ledger.origin]
    if own and not any(line.is_by(key) for line in own for key in known):
        raise UsageError(
            f"The checkpoint is signed by a key of {ledger.origin} that this backup does not know:"
            " a later one, if the ledger's key was changed after the backup was made.",
            advice="Give a checkpoint from before that change, or none. Nothing is wrong with the"
            " backup by this.",
        )
    return find_checkpoint(note, ledger.origin, *keys)


def _root_at(ledger: Ledger, size: int) -> bytes:
    return ledger.entry(size - 1).root


def _event(copy: Copy, manifest: Manifest, told: dict[str, Json]) -> Draft:
    body: dict[str, Json] = told | {
        "generation": manifest.generation,
        "made": manifest.made,
        "root": manifest.root,
        "schema": manifest.schema,
        "size": manifest.size,
        "software": manifest.software,
    }
    return Draft(EventKind.RESTORE, copy.settings.id, "system", "system", body)


def _refuse_other_head(head: Head, manifest: Manifest) -> None:
    if (head.size, head.root.hex()) != (manifest.size, manifest.root):
        raise LedgerBroken(
            f"The restored ledger has {head.size} entries with the root {head.root.hex()}; the "
            f"manifest tells of {manifest.size} with {manifest.root}.",
            advice="Use another generation.",
        )


def _golden(site: Site) -> tuple[tuple[str, ...], dict[str, str]]:
    """Replay the golden cases of every released package."""
    proved: list[str] = []
    unproven: dict[str, str] = {}
    for release in site.registry.released():
        try:
            site.proofs.prove(site.registry.package(release.digest))
        except DatabaseUnavailable:
            raise
        except (PackageRefused, Unavailable) as problem:
            unproven[release.ref] = problem.message
        else:
            proved.append(release.ref)
    return tuple(proved), unproven
