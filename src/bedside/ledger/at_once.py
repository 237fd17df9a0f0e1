"""The whole ledger proved at once: everything that `verify` demands, or a `Doubt`."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

from bedside.keys.signing import PublicKey
from bedside.ledger import hands as many
from bedside.ledger.audit import Head, Verdict
from bedside.ledger.checkpoint import read_checkpoint
from bedside.ledger.hands import Walked
from bedside.ledger.key_chain import KeyChain, read_chain
from bedside.ledger.merkle import EMPTY_ROOT, fold
from bedside.ledger.rows import HEAD_ID
from bedside.ledger.stretch import Doubt, all_different
from bedside.store.database import Database
from bedside.store.statement import DriverRow, Statement
from bedside.store.wire import Wire

_HEADS: Final = Statement("SELECT id, size, root, frontier, at, checkpoints, note FROM ledger_head")
_CHECKPOINTS: Final = Statement("SELECT number, size, note FROM ledger_checkpoints ORDER BY number")
_COUNTS: Final = Statement(
    # SQLite counts all rows in an index, and those without a place in the table itself
    "SELECT (SELECT count(*) FROM ledger_entries),"
    " (SELECT count(*) FROM ledger_entries WHERE position < 0 OR position >= ?),"
    " (SELECT count(*) FROM ledger_nodes)"
)


def prove_at_once(database: Database, origin: str, public: PublicKey) -> Verdict:
    """Return what was proved, with as many processes as the ledger is worth.

    Raises:
        Doubt: something is not at once as it must be.
        LedgerBroken: a checkpoint is not signed.
    """
    with database.read() as connection:
        wire = Wire.of(connection)
        heads = wire.rows(_HEADS)
        if len(heads) != 1 or heads[0][0] != HEAD_ID or type(heads[0][1]) is not int:
            raise Doubt
        notes, size = wire.rows(_CHECKPOINTS), int(heads[0][1])
        wanted = [note[1] for note in notes]
        if not all(type(one) is int for one in wanted):
            raise Doubt
        chain = read_chain(wire, public)
        if not chain.covered <= {*wanted, size}:
            raise Doubt
        hands = many.hands_for(size)
        if hands < 2:
            walked = many.walk(wire, size, wanted)
            signed = _signed(notes, origin, chain)
        else:
            with ThreadPoolExecutor(1) as beside:
                address = database.reader_address()
                asked: Future[list[Walked]] = beside.submit(
                    many.walk_by_many, address, size, wanted, hands
                )
                signed = _signed(notes, origin, chain)
                walked = asked.result()
        counts = wire.rows(_COUNTS, (size,))[0]
    _refuse_gaps(walked, size, counts)
    _compare_checkpoints(walked, signed, size)
    _compare_head(walked[-1] if walked else None, heads[0], len(notes))
    head = read_checkpoint(heads[0][6], origin, chain.at(size))
    if (head.size, head.root) != (size, heads[0][2]):
        raise Doubt
    return Verdict(size, size, len(notes), Head(size, head.root))


def _signed(notes: Sequence[DriverRow], origin: str, chain: KeyChain) -> list[tuple[int, bytes]]:
    """Return size and root of each checkpoint, in order; they are signed, numbered and growing."""
    found: list[tuple[int, bytes]] = []
    last = -1
    for expected, (number, size, note) in enumerate(notes):
        if number != expected or not isinstance(note, str):
            raise Doubt
        signed = read_checkpoint(note, origin, chain.at(size))
        if signed.size != size or signed.size <= last:
            raise Doubt
        last = signed.size
        found.append((signed.size, signed.root))
    return found


def _refuse_gaps(walked: Sequence[Walked], size: int, counts: DriverRow) -> None:
    """Check that the stretches are one ledger: each goes on where the one before it ends."""
    place, hashes, at = 0, (), ""
    tree: tuple[bytes, ...] = hashes
    for one in walked:
        if (one.start, one.frontier) != (place, tree) or (
            one.size > one.start and one.first_at < at
        ):
            raise Doubt
        place, tree, at = one.size, one.hashes, one.at
    if place != size or counts != (size, 0, sum(one.nodes for one in walked)):
        raise Doubt
    if not all_different([one.ids for one in walked]):
        raise Doubt


def _compare_checkpoints(
    walked: Sequence[Walked], signed: Sequence[tuple[int, bytes]], size: int
) -> None:
    roots = dict(itertools.chain.from_iterable(one.roots.items() for one in walked))
    roots[0] = EMPTY_ROOT
    if any(covers > size or roots.get(covers) != root for covers, root in signed):
        raise Doubt


def _compare_head(last: Walked | None, head: DriverRow, checkpoints: int) -> None:
    hashes, at = (last.hashes, last.at) if last else ((), "")
    if head[2:6] != (fold(hashes), b"".join(hashes), at, checkpoints) or not isinstance(
        head[6], str
    ):
        raise Doubt
