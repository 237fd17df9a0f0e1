"""The keys of a ledger: each change of the key is signed with the key before it.

Whoever has the first public key follows the changes to the present one (docs/spec/ledger.md, 4).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bedside.canonical import read_json
from bedside.errors import BedsideError
from bedside.keys.signing import PublicKey
from bedside.ledger.encoding import from_base64
from bedside.ledger.events import EventKind
from bedside.ledger.form import broken
from bedside.store.statement import Asks, Statement

CHANGED: Final = EventKind.LEDGER_KEY_CHANGED.value

_CHANGES = Statement("SELECT position, event FROM ledger_entries WHERE kind = ? ORDER BY position")


@dataclass(frozen=True, slots=True)
class KeyChain:
    """Every key that a ledger had, in order.

    Attributes:
        first: The one that a verifier was given.
        changes: For each change, the index of its entry, and the key that it names.
    """

    first: PublicKey
    changes: tuple[tuple[int, PublicKey], ...] = ()

    def at(self, size: int) -> PublicKey:
        """Return the key that signs a checkpoint of this size."""
        found = self.first
        for index, key in self.changes:
            if index + 1 >= size:  # the checkpoint that ends with the change is the old key's
                break
            found = key
        return found

    @property
    def keys(self) -> tuple[PublicKey, ...]:
        """Return all of them, the present one last."""
        return (self.first, *(key for _, key in self.changes))

    @property
    def covered(self) -> frozenset[int]:
        """Return the sizes at which there must be a checkpoint: those that end with a change."""
        return frozenset(index + 1 for index, _ in self.changes)


def read_chain(asked: Asks, first: PublicKey) -> KeyChain:
    """Return the keys as the stored entries name them; whether those are signed is not checked.

    Raises:
        LedgerBroken: a change names no key.
    """
    rows = asked.rows(_CHANGES, (CHANGED,))
    return KeyChain(first, tuple((int(row[0]), new_key(int(row[0]), row[1])) for row in rows))


def new_key(index: int, event: bytes) -> PublicKey:
    """Return the key that the change at `index` names.

    Raises:
        LedgerBroken: it names none.
    """
    try:
        return PublicKey(from_base64(str(read_json(event)["body"]["public_key"])))
    except (KeyError, TypeError, ValueError, BedsideError) as problem:
        raise broken(index, "it changes the key, and names none") from problem
