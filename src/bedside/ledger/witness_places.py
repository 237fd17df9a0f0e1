"""Where a witness can be: a folder, a bucket, an HTTP endpoint; and a file with what it saw."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bedside.errors import UsageError
from bedside.ledger.note import COSIGNATURE, read_vkey
from bedside.ledger.sightings import Sighting, seen, sightings_in
from bedside.ledger.witness import Log, Witness
from bedside.ledger.witness_http import HttpWitness
from bedside.ledger.witness_shelf import ShelfWitness
from bedside.store.bucket import Bucket
from bedside.store.shelf import FolderShelf

MAX_FILE_BYTES = 64 * 2**20
"""A file of checkpoints with a note for every hour of ten years has a third of this."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a witness is.

    Attributes:
        name: What it is called.
        address: An absolute folder, `s3://bucket/prefix`, or `https://…/v1/witness`.
        vkey: The verifier key of an HTTP witness.
        region: The region of a bucket; None takes the environment's.
        endpoint: Where the bucket's service is, if it is not AWS.
    """

    name: str
    address: str
    vkey: str | None = None
    region: str | None = None
    endpoint: str | None = None


def witness_at(place: Place) -> Witness:
    """Return the witness at a place; nobody is asked yet.

    Raises:
        SiteProblem: a bucket, and the library for it is not installed.
        UsageError: an HTTP witness without its verifier key, or no such address.
    """
    if place.address.startswith(("http://", "https://")):
        if place.vkey is None:
            raise UsageError(
                f"{place.address} signs what it saw, and no key was given to check it with.",
                advice="Name its verifier key: vkey in site.toml, or --witness-key.",
            )
        return HttpWitness(place.name, place.address, read_vkey(place.vkey, COSIGNATURE))
    if place.address.startswith("s3://"):
        bucket = Bucket(place.address, region=place.region, endpoint=place.endpoint)
        return ShelfWitness(place.name, place.address, bucket)
    return ShelfWitness(place.name, place.address, FolderShelf(Path(place.address)))


def sightings_at(where: str, log: Log, vkey: str | None = None) -> Iterator[Sighting]:
    """Return what a witness, or a file of checkpoints, saw of a ledger, in order of size.

    Args:
        where: The address of a witness, or the path of a file of signed notes.
        log: The ledger.
        vkey: The verifier key of an HTTP witness; of a file, the cosignature that it must have.

    Raises:
        UsageError: nothing is there, or nothing was seen.
        LedgerBroken: what is there is not signed as it must be.
        Unavailable: the witness does not answer.
    """
    if "://" in where or Path(where).is_dir():
        address = where if "://" in where else str(Path(where).absolute())
        found = seen(witness_at(Place(where, address, vkey)).history(log), f"the witness {where}")
        return _some(found, where)
    try:
        with Path(where).open(encoding="utf-8", newline="\n") as stream:
            text = stream.read(MAX_FILE_BYTES)
    except (OSError, UnicodeDecodeError) as problem:
        raise UsageError(
            f"{where} cannot be read as checkpoints: {problem}.",
            advice="Name a witness's folder or address, or a file of its checkpoints.",
        ) from problem
    key = None if vkey is None else read_vkey(vkey, COSIGNATURE)
    return iter(sightings_in(text, log, f"the witness in {where}", key))


def in_order(found: Iterable[Iterator[Sighting]]) -> Iterator[Sighting]:
    """Merge what several saw, each in order of size."""
    return heapq.merge(*found, key=lambda one: one.size)


def _some(found: Iterator[Sighting], where: str) -> Iterator[Sighting]:
    """Yield what was seen; a witness that saw nothing must not pass for one that agrees."""
    first = next(found, None)
    if first is None:
        raise UsageError(
            f"The witness {where} saw nothing of this ledger.",
            advice="Look at the address, and whether it is this ledger's public key.",
        )
    yield first
    yield from found
