"""What somebody who may write to the database can do to a ledger, with the signing key or without."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from bedside.canonical import canonical_bytes, read_json
from bedside.keys.signing import SigningKey
from bedside.ledger.checkpoint import sign_checkpoint
from bedside.ledger.events import commit_to
from bedside.ledger.export import write_export
from bedside.ledger.form import SALT_BYTES
from bedside.ledger.ledger import Ledger
from bedside.ledger.merkle import Frontier
from bedside.ledger.tables import ledger_checkpoints, ledger_entries, ledger_head, ledger_nodes
from tests.ledger.drafts import prediction


def grow(ledger: Ledger, count: int) -> None:
    ledger.record(*[prediction(number=number) for number in range(count)])


def exported(ledger: Ledger, folder: Path, name: str = "ledger.jsonl") -> Path:
    path = folder / name
    with path.open("wb") as stream:
        write_export(ledger, stream)
    return path


def entries(ledger: Ledger) -> list[dict[str, Any]]:
    with ledger.database.read() as connection:
        query = select(ledger_entries).order_by(ledger_entries.c.position)
        return [dict(row._mapping) for row in connection.execute(query)]


def rewritten(ledger: Ledger, index: int, signer: SigningKey) -> None:
    """Put another event at `index`, make all that follows fit, and sign it."""
    rows = entries(ledger)
    rows[index] |= forged(rows[index])
    written(ledger, rows, signer)


def forged(row: dict[str, Any]) -> dict[str, Any]:
    """Return another event in the place of a row's, with its salt."""
    value = read_json(row["event"]) | {"body": {"score": 0.75, "forged": True}}
    return {"event": canonical_bytes(value), "salt": bytes(SALT_BYTES)}


def written(ledger: Ledger, rows: list[dict[str, Any]], signer: SigningKey) -> None:
    """Write a ledger of these events in the place of the present one, signed with `signer`.

    Fewer than 256 entries, so that no tree node is stored.
    """
    with ledger.database.write() as connection:
        for table in (ledger_entries, ledger_nodes, ledger_head, ledger_checkpoints):
            connection.execute(delete(table))
        tree, made = Frontier(), []
        for row in rows:
            leaf = commit_to(row["salt"], row["event"])
            tree.push(leaf)
            made.append(row | {"position": tree.size - 1, "leaf": leaf, "root": tree.root()})
        if made:
            connection.execute(insert(ledger_entries), made)
        _head(connection, ledger.origin, tree, rows[-1]["at"] if rows else "", signer)


def _head(connection: Connection, origin: str, tree: Frontier, at: str, signer: SigningKey) -> None:
    note = sign_checkpoint(origin, tree.size, tree.root(), signer).note
    head = {"id": 1, "size": tree.size, "root": tree.root(), "at": at, "checkpoints": 1}
    frontier = b"".join(tree.hashes)
    connection.execute(insert(ledger_head).values(**head, frontier=frontier, note=note))
    connection.execute(insert(ledger_checkpoints).values(number=0, size=tree.size, note=note))
