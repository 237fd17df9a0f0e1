"""The whole ledger against itself: every stored field of every row must be what it must be.

Rows are read as the driver gives them, so that a value of a wrong type is a finding and not a
crash.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, Row, text

from bedside.errors import LedgerBroken
from bedside.keys.signing import PublicKey
from bedside.ledger.audit import ADVICE, Audit, Evidence, Verdict, broken
from bedside.ledger.checkpoint import read_checkpoint
from bedside.ledger.rows import HEAD_ID, PAGE, TILE_LEVELS

_ENTRIES = text(
    "SELECT position, id, kind, about, at, event, salt, leaf, root FROM ledger_entries"
    " WHERE position > :after ORDER BY position LIMIT :page"
)
_CHECKPOINTS = text(
    "SELECT number, size, note FROM ledger_checkpoints"
    " WHERE number > :after ORDER BY number LIMIT :page"
)
_NODE = text("SELECT hash FROM ledger_nodes WHERE level = :level AND position = :position")
_NODES = text("SELECT count(*) FROM ledger_nodes")
_HEAD = text("SELECT id, size, root, frontier, at, checkpoints FROM ledger_head")


class StoredLedger:
    """One look at the stored ledger, from its first entry to its head."""

    def __init__(self, connection: Connection, origin: str, public: PublicKey) -> None:
        self._connection = connection
        self._origin = origin
        self._public = public
        self._audit = Audit(origin, public)
        self._nodes = 0

    def verify(self) -> Verdict:
        """Return what was proved.

        Raises:
            LedgerBroken: the first thing that is not as it must be.
        """
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
        self._count_nodes()
        return self._audit.verdict()

    def _rows(self, query: Any) -> Iterator[Row[Any]]:
        after = -(2**62)
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
            signed = read_checkpoint(row.note, self._origin, self._public)
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
            stored, recorded = row._mapping[name], checked.event[name]
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

    def _count_nodes(self) -> None:
        stored = self._connection.execute(_NODES).scalar_one()
        if stored != self._nodes:
            raise LedgerBroken(
                f"The tree has {stored} stored nodes and must have {self._nodes}.", advice=ADVICE
            )

    def _head(self) -> None:
        size, audit = self._audit.tree.size, self._audit
        heads = self._connection.execute(_HEAD).all()
        if not heads and size == 0 and audit.checkpoints == 0:
            return
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
