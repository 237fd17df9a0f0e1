"""The ledger: append, look up, prove, verify."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from bedside.canonical import Json, read_json
from bedside.clock import Clock
from bedside.errors import (
    KeyUnavailable,
    NotFound,
    Unavailable,
    UsageError,
)
from bedside.keys.sealing import Sealed
from bedside.keys.signing import PublicKey, SigningKey
from bedside.keys.subjects import SubjectKeys
from bedside.ledger import merkle, rows
from bedside.ledger.appending import Appender, Group, Outcome
from bedside.ledger.audit import Head, Verdict
from bedside.ledger.checkpoint import (
    Checkpoint,
    check_origin,
    read_checkpoint,
    sign_checkpoint,
    verifier_key,
)
from bedside.ledger.claims import Claim, Claims
from bedside.ledger.encoding import from_base64
from bedside.ledger.events import (
    Draft,
    Entry,
    EventKind,
    Prepared,
    prepare,
)
from bedside.ledger.head import refuse_fork, signed_head
from bedside.ledger.tree import StoredTree
from bedside.ledger.verify import verify_stored
from bedside.store.database import Database
from bedside.store.failures import CommitUnknown
from bedside.store.wire import Wire

DEFAULT_LIMIT = 100
MAX_LIMIT = 10_000
"""More than a page of anything; what needs all entries uses `entries`."""


@dataclass(frozen=True, slots=True)
class Proof:
    """That one entry stands in the ledger; docs/spec/ledger.md says how to check it.

    Attributes:
        index: The entry's place.
        path: The hashes from the leaf's sibling up to the root.
        checkpoint: The signed tree head that the path ends in.
    """

    index: int
    path: tuple[bytes, ...]
    checkpoint: Checkpoint


class Ledger:
    """The record of one site, in its database.

    Attributes:
        database: Where the rows are.
        origin: The ledger's name in its checkpoints.
        signer: What signs its checkpoints.
        first_key: The key that its first checkpoints are checked with, and that a verifier begins
            with: the signer's own, until somebody who knows of a change sets it.
    """

    def __init__(
        self,
        database: Database,
        subject_keys: SubjectKeys,
        signer: SigningKey,
        origin: str,
        clock: Clock,
        claims: Claims | None = None,
    ) -> None:
        self.database = database
        self.origin = check_origin(origin)
        self.first_key = signer.public
        self.signer = signer
        self._subject_keys = subject_keys
        self._clock = clock
        self._claims = claims or Claims()
        self._appender = Appender(self.origin, signer, self._claims)

    @property
    def public_key(self) -> PublicKey:
        """Return the key that checks this ledger's present checkpoints."""
        return self.signer.public

    def sign_with(self, signer: SigningKey) -> None:
        """Sign with another key from now on; `rekey.change_key` says so in the record."""
        self.signer = signer
        self._appender = Appender(self.origin, signer, self._claims)

    @property
    def vkey(self) -> str:
        """Return the public key under the ledger's name, as a C2SP witness reads it."""
        return verifier_key(self.origin, self.signer.public)

    def append(self, connection: Connection, drafts: Sequence[Draft]) -> tuple[Entry, ...]:
        """Append drafts in the caller's `database.write()`; they stand when it commits.

        Raises:
            FenceMoved: a draft's fence is not at its value; nothing was appended.
            UsageError: a draft that cannot be an event.
            LimitExceeded: a draft that is too large.
            Conflict: an event with the same id is recorded already.
            LedgerBroken: the stored head is not one that this ledger's key signed.
            Unavailable: the last event's time lies more than `MAX_AHEAD` ahead of the clock.
        """
        return _entries(self.append_each(connection, [[prepare(draft) for draft in drafts]]))

    def append_each(
        self,
        connection: Connection,
        groups: Sequence[Sequence[Prepared]],
        claims: Sequence[Claim | None] = (),
    ) -> list[Outcome]:
        """Append several groups; one that a fence or a claim refuses leaves the others alone.

        Args:
            connection: The caller's `database.write()`.
            groups: Each is recorded as a whole or not at all.
            claims: What each group claims, or nothing where none claims anything.

        Raises:
            Conflict: an event with the same id is recorded already; nothing can be committed.
            LedgerBroken: the stored head is not one that this ledger's key signed.
            Unavailable: the last event's time lies more than `MAX_AHEAD` ahead of the clock.
            UsageError: a claim for a group of nothing.
        """
        return self._appender.append(Wire.of(connection), _groups(groups, claims), self._clock())

    def record(self, *drafts: Draft) -> tuple[Entry, ...]:
        """Append drafts in a transaction of their own; they are durable on return.

        Raises:
            FenceMoved: a draft's fence is not at its value; nothing was recorded.
            UsageError: a draft that cannot be an event.
            LimitExceeded: a draft that is too large.
            Conflict: an event with the same id is recorded already.
            LedgerBroken: the stored head is not one that this ledger's key signed.
            Unavailable: the database cannot answer, or the clock is far behind the ledger.
        """
        return _entries(self.record_each([[prepare(draft) for draft in drafts]]))

    def record_each(
        self, groups: Sequence[Sequence[Prepared]], claims: Sequence[Claim | None] = ()
    ) -> list[Outcome]:
        """Append several groups in one durable transaction; see `append_each`.

        Where the connection to PostgreSQL is lost in the commit, it looks whether the commit took
        place.

        Raises:
            CommitUnknown: the connection was lost, and nobody answers who could tell; or the disk
                under SQLite failed in the commit.
        """
        outcomes: list[Outcome] = []
        together = _groups(groups, claims)
        try:
            with self.database.writing() as wire:
                outcomes = self._appender.append(wire, together, self._clock())
        except CommitUnknown as problem:
            self._refuse_unrecorded(outcomes, problem)
        return outcomes

    def claimed(self, claim: Claim) -> tuple[Entry, ...]:
        """Return what stands under a claim, in the ledger's order; nothing where it is free."""
        with self.database.read() as connection:
            wire = Wire.of(connection)
            taken = self._claims.taken(wire, self._clock(), claim)
            if taken is None:
                return ()
            first = rows.entry_with_id(connection, taken.event_id)
            if first is None:
                return ()
            return tuple(rows.pages(connection, first.index, first.index + taken.events))

    def fence(self, connection: Connection, name: str) -> int:
        """Return the value of a fence; 0 before it first moved."""
        return rows.read_fences(connection, [name])[name]

    def advance_fence(self, connection: Connection, name: str) -> int:
        """Add one to a fence in the caller's `database.write()`, and return its new value."""
        return rows.advance_fence(connection, name)

    def entry(self, index: int) -> Entry:
        """Return the entry at a place.

        Raises:
            NotFound: the ledger is shorter.
        """
        with self.database.read() as connection:
            found = rows.page(connection, index, index + 1)
        if not found:
            raise NotFound(f"There is no entry {index} in the ledger.")
        return found[0]

    def entry_of(self, event_id: str) -> Entry:
        """Return the entry of an event.

        Raises:
            NotFound: no such event is recorded.
        """
        with self.database.read() as connection:
            found = rows.entry_with_id(connection, event_id)
        if found is None:
            raise NotFound(f"No event {event_id!r} is recorded.", advice="Check the identifier.")
        return found

    def find(
        self,
        *,
        kind: EventKind | None = None,
        about: str | None = None,
        limit: int = DEFAULT_LIMIT,
        newest_first: bool = False,
    ) -> tuple[Entry, ...]:
        """Return at most `limit` entries of a kind, about something, in the ledger's order.

        Raises:
            UsageError: a limit outside 1 to `MAX_LIMIT`.
        """
        if not 1 <= limit <= MAX_LIMIT:
            raise UsageError(f"The limit {limit} is not within 1 and {MAX_LIMIT}.")
        with self.database.read() as connection:
            return rows.matching(
                connection, kind=kind, about=about, limit=limit, newest_first=newest_first
            )

    def entries(self, start: int = 0, stop: int | None = None) -> Iterator[Entry]:
        """Yield entries in order, from `start` to before `stop` (None: the present end)."""
        end = self.head().size if stop is None else stop
        while start < end:
            with self.database.read() as connection:
                found = rows.page(connection, start, end)
            if not found:
                return
            yield from found
            start = found[-1].index + 1

    def opened(self, entry: Entry) -> Json | None:
        """Return the personal part of an event, or None where it has none.

        Raises:
            KeyUnavailable: the key was destroyed (the person is erased), or does not fit.
        """
        sealed = entry.value["sealed"]
        if sealed is None:
            return None
        try:
            box = Sealed(from_base64(sealed["nonce"]), from_base64(sealed["box"]))
        except ValueError as problem:
            raise KeyUnavailable(f"The sealed part of {entry.id} is {problem}.") from problem
        key = self._subject_keys.get(sealed["key"])
        return read_json(key.open(box, entry.id.encode()))

    def head(self) -> Head:
        """Return the present size and root, as they are signed.

        Raises:
            LedgerBroken: the stored head is not one that this ledger's key signed.
        """
        with self.database.read() as connection:
            head = self._head(connection) or rows.HeadRow()
        return Head(head.size, head.root)

    def checkpoint(self) -> Checkpoint:
        """Return a checkpoint of the present head; store one if the ledger has grown.

        Raises:
            LedgerBroken: the present head is not signed, or does not continue the last checkpoint.
        """
        with self.database.write() as connection:
            head = self._head(connection)
            known = head or rows.HeadRow()
            last = self._latest(connection)
            if last is not None:
                if last.size == known.size and last.root == known.root:
                    return last
                refuse_fork(connection, last, known)
            signed = sign_checkpoint(self.origin, known.size, known.root, self.signer)
            rows.insert_checkpoint(connection, known.checkpoints, signed.size, signed.note)
            count = known.checkpoints + 1
            new = replace(known, checkpoints=count, note=signed.note)
            rows.move_head(Wire.of(connection), head, new)
            return signed

    def latest_checkpoint(self) -> Checkpoint | None:
        """Return the checkpoint that was signed last, or None before the first.

        Raises:
            LedgerBroken: it is not signed by this ledger's key.
        """
        with self.database.read() as connection:
            return self._latest(connection)

    def inclusion(self, index: int, size: int) -> tuple[bytes, ...]:
        """Return the proof that entry `index` is among the first `size`, from the leaf upwards.

        Raises:
            UsageError: not 0 <= index < size <= the present size.
        """
        with self.database.read() as connection:
            _refuse_beyond(connection, size)
            return merkle.inclusion_path(index, size, StoredTree(connection))

    def consistency(self, first: int, second: int) -> tuple[bytes, ...]:
        """Return the proof that the ledger of `first` entries is how that of `second` began.

        Raises:
            UsageError: not 0 < first <= second <= the present size.
        """
        with self.database.read() as connection:
            _refuse_beyond(connection, second)
            return merkle.consistency_path(first, second, StoredTree(connection))

    def prove(self, index: int) -> Proof:
        """Return the proof that entry `index` stands under a signed tree head, signing if need be.

        Raises:
            UsageError: the ledger is shorter.
        """
        latest = self.latest_checkpoint()
        if latest is None or index >= latest.size:
            latest = self.checkpoint()
        return Proof(index, self.inclusion(index, latest.size), latest)

    def verify(self) -> Verdict:
        """Recompute everything that is stored, and return what was proved.

        Raises:
            LedgerBroken: something is not as it must be; `index` is the first wrong entry.
        """
        return verify_stored(self.database, self.origin, self.first_key)

    def _head(self, connection: Connection) -> rows.HeadRow | None:
        return signed_head(connection, self.origin, self.signer.public)

    def _refuse_unrecorded(self, outcomes: Sequence[Outcome], problem: CommitUnknown) -> None:
        """Find out what became of a commit whose answer was lost."""
        first = next((one[0] for one in outcomes if isinstance(one, tuple) and one), None)
        if first is None:
            return  # there was nothing to commit
        if self.database.dialect == "sqlite":  # what can be read was perhaps never on the disk
            raise problem
        try:
            with self.database.write() as connection:  # after the pen, the lost commit is over
                found = rows.entry_with_id(connection, first.id)
        except Unavailable:
            raise problem from None
        if found != first:
            advice = "Nothing was recorded. Try again."
            raise Unavailable(problem.message, advice=advice) from problem

    def _latest(self, connection: Connection) -> Checkpoint | None:
        note = rows.latest_note(connection)
        return None if note is None else read_checkpoint(note, self.origin, self.signer.public)


def _entries(outcomes: Sequence[Outcome]) -> tuple[Entry, ...]:
    (outcome,) = outcomes
    if isinstance(outcome, tuple):
        return outcome
    raise outcome


def _groups(
    groups: Sequence[Sequence[Prepared]], claims: Sequence[Claim | None]
) -> tuple[Group, ...]:
    if not claims:
        return tuple([Group(drafts) for drafts in groups])
    return tuple([Group(drafts, claim) for drafts, claim in zip(groups, claims, strict=True)])


def _refuse_beyond(connection: Connection, size: int) -> None:
    present = (rows.read_head(connection) or rows.HeadRow()).size
    if size > present:
        raise UsageError(f"The ledger has {present} entries, fewer than {size}.")
