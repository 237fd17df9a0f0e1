"""A witness in memory, and what somebody may do to the database of a ledger that it saw."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import delete, insert, select, update

from bedside.errors import Unavailable
from bedside.ledger.checkpoint import Checkpoint
from bedside.ledger.events import Draft, EventKind
from bedside.ledger.ledger import Ledger
from bedside.ledger.tables import (
    ledger_checkpoints,
    ledger_entries,
    ledger_head,
    ledger_nodes,
    witnesses,
)
from bedside.ledger.witness import Log, Offer, judge
from bedside.ledger.witness_loss import LOSS_ACCEPTED
from bedside.ledger.witnessing import Witnessing, WitnessState
from bedside.store.database import Database
from tests.ledger.drafts import prediction

RECORD = (ledger_entries, ledger_nodes, ledger_head, ledger_checkpoints)


class Friend:
    """A witness in memory that can be away."""

    def __init__(self, name: str = "friend") -> None:
        self.name = name
        self.address = f"memory://{name}"
        self.seen: list[Checkpoint] = []
        self.away = False
        self.asked = 0

    def latest(self, log: Log) -> Checkpoint | None:
        del log
        self._answer()
        return self.seen[-1] if self.seen else None

    def history(self, log: Log) -> Iterator[Checkpoint]:
        del log
        self._answer()
        return iter(self.seen)

    def submit(self, log: Log, offer: Offer) -> str:
        del log
        self._answer()
        judge(self.seen[-1] if self.seen else None, offer)
        self.seen.append(offer.checkpoint)
        return offer.checkpoint.note

    def _answer(self) -> None:
        self.asked += 1
        if self.away:
            raise Unavailable(f"The witness {self.name} does not answer.")


def grow(ledger: Ledger, count: int = 1) -> None:
    ledger.record(*[prediction(number=number) for number in range(count)])


def kept(database: Database) -> dict[Any, list[dict[str, Any]]]:
    with database.read() as connection:
        return {
            table: [dict(row._mapping) for row in connection.execute(select(table))]
            for table in RECORD
        }


def rows_of(database: Database) -> list[dict[str, Any]]:
    """Return what is known of the witnesses; nobody signed it."""
    with database.read() as connection:
        return [dict(row._mapping) for row in connection.execute(select(witnesses))]


def forge(database: Database, **columns: Any) -> None:
    """Write to the witnesses' rows, as somebody does who may write to the database."""
    with database.write() as connection:
        connection.execute(update(witnesses).values(**columns))


def answer_for(ledger: Ledger, witness: str, saw: Checkpoint) -> None:
    """Record that what a witness saw is lost."""
    body = {"act": LOSS_ACCEPTED, "witness": witness, "saw": saw.note, "size": saw.size}
    ledger.record(Draft(EventKind.RESTORE, "ledger", "somebody", "cli", body))


def put_back(database: Database, rows: dict[Any, list[dict[str, Any]]]) -> None:
    with database.write() as connection:
        for table, found in rows.items():
            connection.execute(delete(table))
            if found:
                connection.execute(insert(table), found)


def tick(witnessing: Witnessing) -> WitnessState:
    """Look once, as the thread does each second."""
    witnessing._look(lambda row, size: row.is_due(size, witnessing._clock(), witnessing._pace))
    [state] = witnessing.states()
    return state


def earlier_note(friend: Friend) -> str:
    return friend.seen[0].note


def entries_of(database: Database, kind: str) -> list[dict[str, Any]]:
    return [row for row in kept(database)[ledger_entries] if row["kind"] == kind]
