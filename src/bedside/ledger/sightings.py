"""What others saw of a ledger, against the ledger: a root at a size, from a witness or an export.

A sighting that the ledger does not have shows that it was cut off, rolled back, forked or signed
anew, even where every signature is good. The first wrong entry lies after the last sighting that
agrees; where there is one for each entry, as in an earlier export, it is named exactly.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sqlalchemy import bindparam, select

from bedside.errors import LedgerBroken, UsageError
from bedside.ledger.checkpoint import Checkpoint
from bedside.ledger.cosignature import cosigned_at
from bedside.ledger.ledger import Ledger
from bedside.ledger.merkle import verify_consistency
from bedside.ledger.note import NoteKey, read_note
from bedside.ledger.tables import ledger_entries
from bedside.ledger.witness import Log

ADVICE = "Keep this record as it is, and what the other saw; find out who wrote to the database."

_ROOT = select(ledger_entries.c.root).where(ledger_entries.c.position == bindparam("place"))
_NOTES = re.compile(r"(?:[^\n]+\n)+\n(?:— [^\n]*\n)+")


@dataclass(frozen=True, slots=True)
class Sighting:
    """Somebody saw the ledger with this many entries and this root.

    Attributes:
        size: The number of entries.
        root: The root over them.
        by: Who, in words that begin in the middle of a sentence.
    """

    size: int
    root: bytes
    by: str


class Sightings:
    """Sightings in order of size, compared with a ledger as it is gone through.

    Attributes:
        coming: The size at which the next one is to be compared, or -1 when none is left.
        agreed: The size of the last one that agreed.
        count: How many agreed.
    """

    def __init__(self, found: Iterable[Sighting]) -> None:
        self._rest = iter(found)
        self._next: Sighting | None = None
        self.coming = -1
        self.agreed = 0
        self.count = 0
        self._advance()

    def compare(self, size: int, root: bytes) -> None:
        """Compare with a ledger that has this root at the size that is `coming`.

        Raises:
            LedgerBroken: it is another root.
        """
        while self._next is not None and self._next.size == size:
            if self._next.root != root:
                raise _forked(self._next, self.agreed)
            self.agreed, self.count = size, self.count + 1
            self._advance()

    def end(self, size: int) -> None:
        """Say that the ledger has no more entries than `size`.

        Raises:
            LedgerBroken: somebody saw more.
        """
        if self._next is not None:
            raise LedgerBroken(
                f"The ledger is broken at entry {size}: it is missing; {self._next.by} saw"
                f" {self._next.size} entries, and {size} are left.",
                index=size,
                advice=ADVICE,
            )

    def _advance(self) -> None:
        self._next = next((one for one in self._rest if one.size > 0), None)
        self.coming = -1 if self._next is None else self._next.size


def hold(ledger: Ledger, found: Iterable[Sighting]) -> int:
    """Hold the stored ledger, as its head is signed now, against sightings in order of size.

    Only the tree is read, a few hundred hashes a sighting; `Ledger.verify` checks the entries.

    Returns:
        How many there were.

    Raises:
        LedgerBroken: one saw other entries, or more of them; `index` is the first wrong entry if
            it is missing, else the first that may be.
    """
    head, agreed, count = ledger.head(), 0, 0
    for one in found:
        if one.size > head.size:
            Sightings([one]).end(head.size)
        if one.size > 0 and not _has(ledger, one, head.size, head.root):
            raise _forked(one, agreed)
        agreed, count = one.size, count + 1
    return count


def compare(ledger: Ledger, found: Iterable[Sighting]) -> int:
    """Hold a ledger that was verified this moment against sightings in order of size.

    Returns:
        How many there were.

    Raises:
        LedgerBroken: as `hold`.
    """
    size, sightings = ledger.head().size, Sightings(found)
    with ledger.database.read() as connection:
        while 0 < sightings.coming <= size:
            at = {"place": sightings.coming - 1}
            sightings.compare(sightings.coming, connection.execute(_ROOT, at).scalar_one())
    sightings.end(size)
    return sightings.count


def sightings_in(text: str, log: Log, by: str, key: NoteKey | None = None) -> list[Sighting]:
    """Return what the checkpoints in a file say, in order of size.

    Args:
        text: One note or several, one after the other.
        log: Whose checkpoints they must be.
        by: Who saw them, for messages.
        key: The witness's key; its cosignature is then demanded of each.

    Raises:
        UsageError: there is none in the text, or something else is.
        LedgerBroken: one is not signed as it must be.
    """
    notes = _NOTES.findall(text)
    if not notes or "".join(notes) != text:
        raise UsageError(
            f"{by} holds no checkpoints.",
            advice="Each is a signed note: a witness's file, or bedside ledger witness show.",
        )
    if key is not None:
        for note in notes:
            cosigned_at(read_note(note), key)
    found = [log.checkpoint(note) for note in notes]
    return sorted(seen(found, by), key=lambda one: one.size)


def seen(checkpoints: Iterable[Checkpoint], by: str) -> Iterator[Sighting]:
    """Yield checkpoints as sightings."""
    for one in checkpoints:
        yield Sighting(one.size, one.root, by)


def _has(ledger: Ledger, one: Sighting, size: int, root: bytes) -> bool:
    path = ledger.consistency(one.size, size)
    return verify_consistency(one.size, size, path, one.root, root)


def _forked(one: Sighting, agreed: int) -> LedgerBroken:
    if one.size == agreed + 1:
        where = f"at entry {agreed}: it is not the one that {one.by} saw"
    else:
        where = (
            f"from entry {agreed} to entry {one.size - 1}: something there is not what {one.by}"
            f" saw, who agrees up to {agreed} entries"
        )
    return LedgerBroken(f"The ledger is broken {where}.", index=agreed, advice=ADVICE)
