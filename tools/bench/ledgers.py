"""Appending to the ledger, verifying it, and proving one entry, as it grows; erasing a person's key."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bedside.canonical import Json
from bedside.clock import system_clock
from bedside.keys.signing import SigningKey
from bedside.keys.site_key import SiteKey
from bedside.keys.subjects import SubjectKey, SubjectKeys
from bedside.ledger import merkle
from bedside.ledger.events import Draft, EventKind, Prepared, prepare
from bedside.ledger.ledger import Ledger
from bedside.site.schema import upgrade
from bedside.store.database import Database

GROUP = 32
KEYS_EVERY = 1_000
"""One subject's key for so many events: what a key costs is measured with `/predict`."""

PROOFS = 200
SINGLE = 300


@dataclass(frozen=True, slots=True)
class Grown:
    """A ledger of so many entries.

    Attributes:
        entries: How many.
        append: Microseconds for each entry in durable groups of `GROUP`, median of the last groups.
        single: Microseconds for a durable entry alone, median.
        verify: Seconds to recompute everything that is stored.
        prove: Microseconds for an inclusion proof, median.
        check: Microseconds to check it, median.
        hashes: Hashes in the longest of the proofs, 32 bytes each.
        megabytes: Size of the database.
    """

    entries: int
    append: float
    single: float
    verify: float
    prove: float
    check: float
    hashes: int
    megabytes: float


def grow(folder: Path, sizes: tuple[int, ...], row: Json) -> list[Grown]:
    """Grow one ledger on SQLite through `sizes`, and measure it at each."""
    folder.mkdir(parents=True)
    database = Database.open(f"sqlite:///{folder / 'bedside.db'}")
    upgrade(database)
    keys = SubjectKeys.open(f"sqlite:///{folder / 'subjects.db'}", SiteKey.create(folder))
    try:
        ledger = Ledger(database, keys, SigningKey.new(), "bedside/bench", system_clock)
        drafts = _drafts(keys, row)
        found = []
        for size in sizes:
            print(f"growing the ledger to {size} entries", flush=True)
            found.append(_measured(ledger, drafts, size, folder))
        return found
    finally:
        keys.close()
        database.close()


def _measured(ledger: Ledger, drafts: Iterator[Draft], size: int, folder: Path) -> Grown:
    append: list[float] = []
    while (present := ledger.head().size) + SINGLE < size:
        count = min(GROUP, size - SINGLE - present)
        groups = [[next(drafts)] for _ in range(count)]
        begun = time.perf_counter()
        ledger.record_each([_prepared(group) for group in groups])
        append.append((time.perf_counter() - begun) / count)
    single = [_seconds(lambda: ledger.record(next(drafts))) for _ in range(SINGLE)]
    checkpoint = ledger.checkpoint()
    places = [int.from_bytes(os.urandom(8), "big") % size for _ in range(PROOFS)]
    paths = [(place, ledger.inclusion(place, checkpoint.size)) for place in places]
    prove = [_seconds(lambda place=place: ledger.inclusion(place, size)) for place in places]  # type: ignore[misc]
    check = [_check(ledger, place, path) for place, path in paths]
    return Grown(
        entries=size,
        append=1e6 * statistics.median(append[-1000:]),
        single=1e6 * statistics.median(single),
        verify=statistics.median(_seconds(ledger.verify) for _ in range(3)),
        prove=1e6 * statistics.median(prove),
        check=1e6 * statistics.median(check),
        hashes=max(len(path) for _, path in paths),
        megabytes=(folder / "bedside.db").stat().st_size / 1e6,
    )


def _check(ledger: Ledger, place: int, path: tuple[bytes, ...]) -> float:

    entry, head = ledger.entry(place), ledger.head()
    begun = time.perf_counter()
    if not merkle.verify_inclusion(entry.leaf, place, head.size, path, head.root):
        raise RuntimeError(f"the proof of entry {place} does not hold")
    return time.perf_counter() - begun


def _prepared(group: list[Draft]) -> list[Prepared]:
    return [prepare(draft) for draft in group]


def _drafts(keys: SubjectKeys, row: Json) -> Iterator[Draft]:
    """Yield events of the size of a prediction's: a clear body, and a sealed row of 30 numbers."""
    number, key = 0, keys.for_nobody()
    while True:
        if number % KEYS_EVERY == 0:
            key = keys.for_nobody()
        yield _draft(number, key, row)
        number += 1


def _draft(number: int, key: SubjectKey, row: Json) -> Draft:
    return Draft(
        kind=EventKind.PREDICTION,
        about=f"bench-{number}",
        actor="01933a2f-7400-7000-8000-000000000000",
        door="rest",
        credential="01933a2f-7600-7000-8000-000000000000",
        body={
            "model": "breast-cancer",
            "version": "1.0.0",
            "package": "sha256:" + "0" * 64,
            "epoch": 1,
            "input": "hmac-sha256:" + "0" * 64,
            "row": 0,
            "rows": 1,
            "latency_us": number % 1000,
            "verdict": "accepted",
            "label": "benign",
            "threshold": 0.5,
        },
        sealed={"input": row, "subject": None, "scores": {"benign": 0.9, "malignant": 0.1}},
        subject_key=key,
    )


def _seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun
