"""What a witness saw and is lost for good: who answers for it says so in the record, and nowhere else.

A row of the table `witnesses` says where to look; it is not signed, and alone it excuses nothing.
"""

from __future__ import annotations

from typing import Final

from bedside.ledger.checkpoint import Checkpoint
from bedside.ledger.events import Entry, EventKind
from bedside.ledger.ledger import Ledger
from bedside.ledger.merkle import verify_inclusion
from bedside.ledger.view import events

LOSS_ACCEPTED: Final = "loss-accepted"
"""What the body of such an event says under `act`; beside it stand `witness` and `saw`, the note."""


def is_answered_for(ledger: Ledger, name: str, found: Checkpoint) -> bool:
    """Return whether the signed record tells that what a witness saw is lost.

    Args:
        ledger: The ledger that lacks it.
        name: What the witness is called.
        found: What it saw last: this very tree must be named.

    Raises:
        LedgerBroken: an event of the kind was altered, or the head is not signed.
    """
    with ledger.database.read() as connection:
        told = events(connection, (EventKind.RESTORE,))
    return any(_names(entry, name, found) and _stands(ledger, entry) for entry in told)


def _names(entry: Entry, name: str, found: Checkpoint) -> bool:
    body = entry.value.get("body")
    if not isinstance(body, dict) or body.get("act") != LOSS_ACCEPTED:
        return False
    return body.get("witness") == name and _tree(str(body.get("saw"))) == _tree(found.note)


def _tree(note: str) -> str:
    return note.partition("\n\n")[0]


def _stands(ledger: Ledger, entry: Entry) -> bool:
    head = ledger.head()
    if entry.index >= head.size:
        return False
    path = ledger.inclusion(entry.index, head.size)
    return verify_inclusion(entry.leaf, entry.index, head.size, path, head.root)
