"""A folder or a bucket as a witness: it cannot sign, but what was put there stays.

Each checkpoint lies under the size that the witness had seen before it (`after-…41.note` is what
followed 41), and a name is given once: so there is one successor of each, whoever writes at the
same time, and no two ledgers of one size. The checks are made here, on the sender's machine; that
nobody takes a file away or puts another in its place is up to the owner of the folder or bucket.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Iterator
from typing import Final

from bedside.errors import LedgerBroken, LimitExceeded, NotFound, Unavailable, UsageError
from bedside.ledger.checkpoint import Checkpoint
from bedside.ledger.witness import (
    Log,
    Offer,
    StaleOffer,
    WitnessRefused,
    WitnessSpoiled,
    judge,
)
from bedside.ledger.witness_request import request_body
from bedside.store.shelf import Shelf

LOG: Final = logging.getLogger("bedside.witness")

MAX_STRAYS: Final = 64
"""So many files behind the last checkpoint are passed over that are none of this ledger."""

_AFTER: Final = re.compile(r"after-([0-9]{20})\.note")


class ShelfWitness:
    """A witness that keeps on a shelf what it saw.

    Attributes:
        name: What the site's settings call it.
        address: Where the shelf is.
    """

    def __init__(self, name: str, address: str, shelf: Shelf) -> None:
        self.name = name
        self.address = address
        self._shelf = shelf
        self._seen = ""
        self._told = False

    def latest(self, log: Log) -> Checkpoint | None:
        """Return what was put here last; None where nothing was.

        A file that is no checkpoint of this ledger, or is in a wrong place, convicts nobody, and
        hides nothing: the last one before it counts.

        Raises:
            Unavailable: the shelf cannot be read.
            WitnessSpoiled: there are files, and none of the last ones is a checkpoint.
        """
        folder = folder_of(log.origin)
        names = self._names(folder, self._seen) or self._names(folder)
        last = len(names) - 1
        strays: list[LedgerBroken] = []
        for place in range(last, max(last - MAX_STRAYS, -1), -1):
            try:
                found = self._read(folder, names[place], log)
            except LedgerBroken as problem:
                strays.append(problem)
                continue
            if place > 0:
                self._seen = names[place - 1]  # the next look begins here, and finds it again
            self._tell(strays)
            return found
        if strays:
            self._seen = ""
            raise self._spoiled(strays)
        return None

    def history(self, log: Log) -> Iterator[Checkpoint]:
        """Yield every checkpoint that was put here, in order.

        Raises:
            Unavailable: the shelf cannot be read.
            LedgerBroken: one is no checkpoint of this ledger, or one between them is gone.
        """
        folder = folder_of(log.origin)
        last = 0
        for name in self._names(folder):
            follows = int(_number(name))
            if follows != last:
                raise LedgerBroken(
                    f"The witness {self.name} has a checkpoint that followed {follows} entries,"
                    f" and the one of {follows} is gone: the last before it is of {last}.",
                    advice="Somebody took a file away. Ask who may write there.",
                )
            found = self._read(folder, name, log)
            yield found
            last = found.size

    def submit(self, log: Log, offer: Offer) -> str:
        """Put a checkpoint here if it continues the last one, and return its note.

        What does not is kept beside them, as it was offered.

        Raises:
            StaleOffer: another size was put here last.
            WitnessRefused: the checkpoint does not continue what is here.
            WitnessSpoiled: nobody can tell any more what was put here last.
            UsageError: a checkpoint of no entries, or no proof.
            Unavailable: the shelf cannot be read or written, or something else is in the way.
        """
        new, seen = offer.checkpoint, self.latest(log)
        if new.size == 0:
            raise UsageError("There is nothing in a ledger of no entries to witness.")
        try:
            judge(seen, offer)
        except WitnessRefused:
            self._keep_refused(log, offer)
            raise
        if seen is None or new.size > seen.size:
            name = f"{folder_of(log.origin)}/after-{offer.old:020d}.note"
            if not self._shelf.put_new(name, new.note.encode()):
                raise self._taken(name, log, offer.old)
        return new.note

    def _taken(self, name: str, log: Log, old: int) -> StaleOffer | Unavailable:
        found = self.latest(log)
        size = found.size if found else 0
        if size != old:
            return StaleOffer(size)
        return Unavailable(
            f"{name} at the witness {self.name} is no checkpoint of this ledger, and lies where the"
            " next one belongs.",
            advice="Ask who may write there, and have it taken away.",
        )

    def _tell(self, strays: list[LedgerBroken]) -> None:
        if strays and not self._told:
            self._told = True
            facts = {"name": self.name, "files": len(strays), "why": strays[0].message}
            LOG.warning("witness has files that are no checkpoints", extra={"facts": facts})

    def _spoiled(self, strays: list[LedgerBroken]) -> WitnessSpoiled:
        return WitnessSpoiled(
            f"What the witness {self.name} saw cannot be told: its last {len(strays)} files about"
            f" this ledger are no checkpoints of it. {strays[0].message}",
            advice="Ask who may write there, and have the files taken away; or take the witness out"
            " of site.toml, which is recorded.",
        )

    def _names(self, folder: str, after: str = "") -> list[str]:
        return [one for one in self._shelf.names(folder, after) if _AFTER.fullmatch(one)]

    def _read(self, folder: str, name: str, log: Log) -> Checkpoint:
        try:
            note = self._shelf.get(f"{folder}/{name}").decode()
        except (UnicodeDecodeError, NotFound, LimitExceeded) as problem:
            raise LedgerBroken(
                f"{name} at the witness {self.name} is not text that can be read.",
                advice="Somebody put it there by hand. Ask who may write there.",
            ) from problem
        found = log.checkpoint(note)
        if found.size <= int(_number(name)):
            raise LedgerBroken(
                f"{name} at the witness {self.name} is a checkpoint of {found.size} entries.",
                advice="Somebody put it there by hand. Ask who may write there.",
            )
        return found

    def _keep_refused(self, log: Log, offer: Offer) -> None:
        new = offer.checkpoint
        name = f"refused-{new.size:020d}-{new.root.hex()[:16]}.txt"
        self._shelf.put_new(f"{folder_of(log.origin)}/{name}", request_body(offer))


def folder_of(origin: str) -> str:
    """Return where a log's checkpoints lie: the SHA-256 of its origin, in hexadecimal."""
    return hashlib.sha256(origin.encode()).hexdigest()


def _number(name: str) -> str:
    found = _AFTER.fullmatch(name)
    return found[1] if found else "0"
