"""What a witness is: it sees a ledger grow, and never signs or keeps what does not continue.

The rules are arithmetic over what was seen and what is offered; folder, bucket and HTTP endpoint
keep what was seen, each in its own way.

Source: C2SP tlog-witness (https://c2sp.org/tlog-witness).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Protocol

from bedside.errors import Conflict, LedgerBroken, UsageError
from bedside.keys.signing import PublicKey
from bedside.ledger.checkpoint import Checkpoint, find_checkpoint
from bedside.ledger.merkle import EMPTY_ROOT, verify_consistency

MAX_PATH: Final = 63
"""Hashes in a consistency proof of a tree with fewer than 2⁶³ entries."""


@dataclass(frozen=True, slots=True)
class Log:
    """A ledger as a witness knows it.

    Attributes:
        origin: Its name.
        public: The first key that signed its checkpoints.
        later: Those that did after it.
    """

    origin: str
    public: PublicKey
    later: tuple[PublicKey, ...] = ()

    def checkpoint(self, note: str) -> Checkpoint:
        """Return the checkpoint in a note that one of its keys signed.

        Raises:
            LedgerBroken: not a note, not of this ledger, or not signed by it.
        """
        return find_checkpoint(note, self.origin, self.public, *self.later)


@dataclass(frozen=True, slots=True)
class Offer:
    """A checkpoint for a witness to see.

    Attributes:
        checkpoint: The new one.
        old: The size that the witness saw last, as far as the sender knows; 0 before the first.
        path: The consistency proof between the two; empty where `old` is 0 or the same size.
    """

    checkpoint: Checkpoint
    old: int
    path: tuple[bytes, ...] = ()


class StaleOffer(Conflict):
    """The witness saw another size last than the sender believed.

    Attributes:
        size: What it saw.
    """

    def __init__(self, size: int) -> None:
        super().__init__(
            f"The witness saw {size} entries last.", advice="Offer a proof from that size on."
        )
        self.size = size


class WitnessRefused(LedgerBroken):
    """What was offered does not continue what the witness saw."""


class WitnessSpoiled(LedgerBroken):
    """Nobody can tell any more what a witness saw: too much lies where it keeps this ledger's."""


class Witness(Protocol):
    """Somebody elsewhere who sees a ledger grow.

    Attributes:
        name: What the site's settings call it.
        address: Where it is.
    """

    name: str
    address: str

    def latest(self, log: Log) -> Checkpoint | None:
        """Return what it saw last, signed by the ledger's own key; None where it saw nothing.

        Raises:
            Unavailable: it does not answer, or does not tell.
            LedgerBroken: what it keeps is no checkpoint of this ledger.
            WitnessSpoiled: the same, and somebody put it there.
        """

    def history(self, log: Log) -> Iterator[Checkpoint]:
        """Yield every checkpoint that it still has, in order; at least the latest."""

    def submit(self, log: Log, offer: Offer) -> str:
        """Let it see a checkpoint, and return the note with the witness's signature, if it signs.

        Raises:
            StaleOffer: it saw another size last.
            WitnessRefused: the checkpoint does not continue what it saw.
            Unavailable: it does not answer, or answers what nobody can use.
        """


def judge(seen: Checkpoint | None, offer: Offer) -> None:
    """Check that an offered checkpoint, whose signature is known to be good, continues what was seen.

    Raises:
        UsageError: the old size is beyond the new one, or the proof cannot be one.
        StaleOffer: another size was seen last.
        WitnessRefused: another tree of the same size, or no continuation.
    """
    known, new = (seen.size if seen else 0), offer.checkpoint
    if offer.old > new.size or len(offer.path) > MAX_PATH:
        raise UsageError(f"There is no proof from {offer.old} entries to {new.size}.")
    if offer.old != known:
        raise StaleOffer(known)
    if known == 0:
        empty = new.size > 0 or new.root == EMPTY_ROOT
        good = empty and not offer.path  # from an empty tree nothing is proved
    elif seen is not None and new.size == known:
        if new.root != seen.root:
            raise WitnessRefused(
                f"Two ledgers of {known} entries: their roots are {seen.root.hex()} and"
                f" {new.root.hex()}.",
                advice="One of them was forged: keep both checkpoints.",
            )
        good = not offer.path
    else:
        good = seen is not None and verify_consistency(
            known, new.size, offer.path, seen.root, new.root
        )
    if not good:
        raise WitnessRefused(
            f"The ledger of {new.size} entries does not continue the one of {known} entries that"
            " the witness saw.",
            advice="Keep the database as it is; bedside ledger verify --witness tells more.",
        )
