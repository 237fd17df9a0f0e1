"""The signed head: what may be believed of the ledger's end, and what may follow it."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection

from bedside.clock import timestamp
from bedside.errors import LedgerBroken, Unavailable
from bedside.keys.signing import PublicKey
from bedside.ledger import merkle, rows
from bedside.ledger.checkpoint import Checkpoint, read_checkpoint
from bedside.ledger.tree import StoredTree

MAX_AHEAD = timedelta(minutes=10)
"""How far the last event's time may lie ahead of the clock: less is skew between two machines;
more would freeze the ledger's time, and nobody could tell any more what answered when."""


def signed_head(connection: Connection, origin: str, public: PublicKey) -> rows.HeadRow | None:
    """Return the stored head once its signature is checked, or None before the first.

    Whoever extends or signs a head without this check puts a good signature on a forged past.

    Raises:
        LedgerBroken: it is not signed by the ledger's key, or signed over something else.
    """
    head = rows.read_head(connection)
    return None if head is None else check_head(head, origin, public)


def check_head(head: rows.HeadRow, origin: str, public: PublicKey) -> rows.HeadRow:
    """Return a head once its signature is checked.

    Raises:
        LedgerBroken: it is not signed by the ledger's key, or signed over something else.
    """
    signed = read_checkpoint(head.note, origin, public)
    if (signed.size, signed.root) != (head.size, head.root):
        raise LedgerBroken(
            f"The stored head of {head.size} entries is not the one of {signed.size} entries that"
            " was signed.",
            advice="Somebody wrote to the database past Bedside. Run bedside ledger verify.",
        )
    return head


def time_after(head: rows.HeadRow, now: datetime) -> str:
    """Return the time of an event that follows `head`: now, and never earlier than the last one.

    Raises:
        Unavailable: the last event's time lies more than `MAX_AHEAD` ahead of `now`.
    """
    said = timestamp(now)
    if head.at <= said:
        return said
    if head.at > timestamp(now + MAX_AHEAD):
        raise Unavailable(
            f"The last event was recorded at {head.at}, and this clock says {said}.",
            advice="Nothing was recorded. Set the clock. If it is right, that event was recorded"
            " under a clock that ran ahead: restore the backup from before it.",
        )
    return head.at


def refuse_fork(connection: Connection, last: Checkpoint, head: rows.HeadRow) -> None:
    """Check that a head continues what was signed before.

    Raises:
        LedgerBroken: it does not.
    """
    advice = "Nothing was signed. Run bedside ledger verify."
    if last.size > head.size:
        raise LedgerBroken(
            f"A checkpoint was signed over {last.size} entries, and {head.size} are left.",
            index=head.size,
            advice=advice,
        )
    if last.size == 0:
        return
    path = merkle.consistency_path(last.size, head.size, StoredTree(connection))
    if not merkle.verify_consistency(last.size, head.size, path, last.root, head.root):
        raise LedgerBroken(
            f"The present tree of {head.size} entries does not continue the one of {last.size}"
            " entries that was signed.",
            advice=advice,
        )
