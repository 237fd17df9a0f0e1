"""The database against the ledger: every row that a door or a process believes is told by an event."""

from __future__ import annotations

from bedside.ledger import erasure, view
from bedside.people import audit as people_audit
from bedside.registry import audit as registry_audit
from bedside.store.database import Database


def check_rows(database: Database) -> None:
    """Check people, API keys, versions, approvals, releases, fences, trusted keys and erasures.

    It reads the events of these alone, by the index of their kinds: cheap however many
    predictions there are. That the events themselves are those that were signed is what
    `Ledger.verify` finds out.

    Raises:
        LedgerBroken: a row differs from what the ledger tells; the message names table, key,
            column, and both values.
    """
    with database.read() as connection:
        erasure.told(view.events(connection, erasure.KINDS))
        view.refuse(people_audit.differences(connection) + registry_audit.differences(connection))
