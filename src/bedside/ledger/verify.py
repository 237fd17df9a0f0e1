"""The whole ledger against itself: every stored field of every row must be what it must be.

It is looked through twice at most. First as fast as can be, by `at_once`, which proves everything or
doubts. Where it doubts, the ledger is read again in order, and the first wrong entry is named. Rows are
read as the driver gives them, so that a value of a wrong type is a finding and not a crash.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, Row, text

from bedside.errors import LedgerBroken
from bedside.keys.signing import PublicKey
from bedside.ledger.at_once import prove_at_once
from bedside.ledger.audit import Audit, Evidence, Head, Verdict
from bedside.ledger.checkpoint import read_checkpoint
from bedside.ledger.form import ADVICE, broken
from bedside.ledger.merkle import EMPTY_ROOT, TILE_LEVELS
from bedside.ledger.rows import HEAD_ID, PAGE
from bedside.ledger.stretch import Doubt
from bedside.store.database import Database

_ENTRIES = text(
    "SELECT position, id, kind, about, at, event, salt, leaf, root FROM ledger_entries"
    " WHERE position > :after ORDER BY position LIMIT :page"
)
_CHECKPOINTS = text(
    "SELECT number, size, note FROM ledger_checkpoints"
    " WHERE number > :after ORDER BY number LIMIT :page"
)
_COUNTS = {
    name: text(f"SELECT count(*) FROM ledger_{name}")  # noqa: S608 - four constants
    for name in ("entries", "checkpoints", "nodes", "head")
}
_NODE = text("SELECT hash FROM ledger_nodes WHERE level = :level AND position = :position")
_HEAD = text("SELECT id, size, root, frontier, at, checkpoints, note FROM ledger_head")


class StoredLedger:
    """One look at the stored ledger, from its first entry to its head."""

    def __init__(self, connection: Connection, origin: str, public: PublicKey) -> None:
        self._connection = connection
        self._origin = origin
        self._audit = Audit(origin, public)
        self._nodes = 0

    def verify(self) -> Verdict:
        """Return what was proved, reading the ledger in order.

        Raises:
            LedgerBroken: the first thing that is not as it must be.
        """
        if not any(self._count(name) for name in _COUNTS):
            return Verdict(0, 0, 0, Head(0, EMPTY_ROOT))  # nothing was ever recorded
        checkpoints = self._checkpoints()
        coming = next(checkpoints, None)
        while coming is not None and coming[0] == 0:
            self._audit.checkpoint(coming[1])
            coming = next(checkpoints, None)
        for row in self._rows(_ENTRIES):
            self._entry(row)
            while coming is not None and coming[0] <= self._audit.tree.size:
                self._audit.checkpoint(coming[1])
                coming = next(checkpoints, None)
        if coming is not None:
            self._audit.checkpoint(coming[1])  # signed over more entries than there are
        self._head()
        self._refuse_hidden_rows()
        return self._audit.verdict()

    def _rows(self, query: Any) -> Iterator[Row[Any]]:
        after = -1  # a row before the first place is counted, see _refuse_hidden_rows
        while True:
            found = self._connection.execute(query, {"after": after, "page": PAGE}).all()
            yield from found
            if len(found) < PAGE:
                return
            after = found[-1][0]

    def _checkpoints(self) -> Iterator[tuple[int, str]]:
        for expected, row in enumerate(self._rows(_CHECKPOINTS)):
            if row.number != expected:
                raise LedgerBroken(f"Checkpoint {expected} is missing.", advice=ADVICE)
            if not isinstance(row.note, str):
                raise LedgerBroken(f"Checkpoint {expected} is not text.", advice=ADVICE)
            signed = read_checkpoint(row.note, self._origin, self._audit.keys[-1])
            if row.size != signed.size:
                raise LedgerBroken(
                    f"Checkpoint {expected} is stored for {row.size} entries and signed for"
                    f" {signed.size}.",
                    advice=ADVICE,
                )
            yield signed.size, row.note

    def _entry(self, row: Row[Any]) -> None:
        index = self._audit.tree.size
        for name in ("event", "salt", "leaf", "root"):
            if not isinstance(row._mapping[name], bytes):
                raise broken(index, f"its stored {name} is not bytes")
        checked = self._audit.entry(Evidence(row.position, row.event, row.salt, row.root))
        for name in ("id", "kind", "about", "at"):
            stored, recorded = row._mapping[name], getattr(checked.fields, name)
            if stored != recorded:
                raise broken(index, f"its stored {name} {stored!r} is {recorded!r} in its event")
        if row.leaf != checked.leaf:
            raise broken(index, "its stored leaf hash is not that of its event and salt")
        for level, position, value in checked.completed:
            if level % TILE_LEVELS == 0:
                self._node(level, position, value)

    def _node(self, level: int, position: int, value: bytes) -> None:
        self._nodes += 1
        where = {"level": level, "position": position}
        if self._connection.execute(_NODE, where).scalar_one_or_none() != value:
            raise broken(
                position << level, f"the stored tree node {position} at level {level} is wrong"
            )

    def _refuse_hidden_rows(self) -> None:
        audit = self._audit
        expected = {
            "entries": audit.tree.size,
            "checkpoints": audit.checkpoints,
            "nodes": self._nodes,
        }
        for name, count in expected.items():
            stored = self._count(name)
            if stored != count:
                raise LedgerBroken(
                    f"There are {stored} rows of {name} where there must be {count}: the others"
                    " stand in no place of the ledger.",
                    index=0 if name == "entries" else None,  # they stand before the first
                    advice=ADVICE,
                )

    def _count(self, name: str) -> int:
        return int(self._connection.execute(_COUNTS[name]).scalar_one())

    def _head(self) -> None:
        size, audit = self._audit.tree.size, self._audit
        heads = self._connection.execute(_HEAD).all()
        if len(heads) != 1 or heads[0].id != HEAD_ID:
            raise LedgerBroken(f"There are {len(heads)} heads, or it is misnamed.", advice=ADVICE)
        head = heads[0]
        if head.size != size:
            raise broken(size, f"it is missing, or unknown to the head, which counts {head.size}")
        expected = {
            "root": audit.tree.root(),
            "frontier": b"".join(audit.tree.hashes),
            "at": audit.at,
            "checkpoints": audit.checkpoints,
        }
        for name, value in expected.items():
            if head._mapping[name] != value:
                raise LedgerBroken(f"The head's stored {name} is wrong.", advice=ADVICE)
        if not isinstance(head.note, str):
            raise LedgerBroken("The head's signature is not text.", advice=ADVICE)
        audit.end(head.note)


def verify_stored(database: Database, origin: str, public: PublicKey) -> Verdict:
    """Return what was proved of the ledger in a database.

    Raises:
        LedgerBroken: something is not as it must be; `index` is the first wrong entry.
    """
    try:
        return prove_at_once(database, origin, public)
    except (Doubt, LedgerBroken):
        with database.read() as connection:
            return StoredLedger(connection, origin, public).verify()
