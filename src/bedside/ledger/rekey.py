"""Changes the ledger's signing key, in one transaction: the old key vouches for the new one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from sqlalchemy import Connection

from bedside.canonical import Json
from bedside.errors import LedgerBroken
from bedside.keys.signing import SigningKey
from bedside.ledger import rows
from bedside.ledger.checkpoint import sign_checkpoint
from bedside.ledger.encoding import to_base64
from bedside.ledger.events import Draft, EventKind
from bedside.ledger.ledger import Ledger
from bedside.store.wire import Wire

DraftOf = Callable[[EventKind, dict[str, Json]], Draft]
"""Makes a draft of a kind with a body, in the name of whoever does it."""


def change_key(ledger: Ledger, new: SigningKey, reason: str, draft_of: DraftOf) -> None:
    """Sign with `new` from now on; on return the change is durable, and `ledger` has the key.

    Two events are recorded: the change, under a checkpoint that the old key signs, and that the new
    key is in force, under one that the new key signs.

    Raises:
        LedgerBroken: the present head is not signed, or does not continue the last checkpoint.
        Unavailable: the database cannot answer now.
    """
    old, before = ledger.signer, ledger.public_key.fingerprint
    ledger.checkpoint()
    change = draft_of(
        EventKind.LEDGER_KEY_CHANGED,
        {
            "public_key": to_base64(new.public.raw),
            "fingerprint": new.public.fingerprint,
            "before": before,
            "reason": reason,
        },
    )
    told = {"act": "ledger-key-in-force", "fingerprint": new.public.fingerprint}
    try:
        with ledger.database.write() as connection:
            ledger.append(connection, [change])
            _keep_head(connection)
            _hand_over(connection, ledger.origin, new)
            ledger.sign_with(new)
            ledger.append(connection, [draft_of(EventKind.CONFIGURATION_CHANGED, told)])
            _keep_head(connection)
    except BaseException:
        ledger.sign_with(old)
        raise


def _keep_head(connection: Connection) -> None:
    """Store the signed head, as it is, as a checkpoint."""
    head = _head(connection)
    rows.insert_checkpoint(connection, head.checkpoints, head.size, head.note)
    moved = replace(head, checkpoints=head.checkpoints + 1)
    rows.move_head(Wire.of(connection), head, moved)


def _hand_over(connection: Connection, origin: str, new: SigningKey) -> None:
    """Sign the head with the new key too, so that it can be extended; nobody outside sees this."""
    head = _head(connection)
    note = sign_checkpoint(origin, head.size, head.root, new).note
    rows.move_head(Wire.of(connection), head, replace(head, note=note))


def _head(connection: Connection) -> rows.HeadRow:
    head = rows.read_head(connection)
    if head is None:
        raise LedgerBroken("The ledger has no head.", advice="bedside ledger verify")
    return head
