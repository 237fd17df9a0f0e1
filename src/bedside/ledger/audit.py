"""The checks that make a record a proof, on entries and checkpoints as they come by in order.

The same checks hold for a ledger in its database and for an export in a file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bedside.canonical import Json, read_json
from bedside.errors import BedsideError, LedgerBroken
from bedside.keys.signing import PublicKey
from bedside.ledger.checkpoint import Checkpoint, read_checkpoint
from bedside.ledger.events import SALT_BYTES, VERSION, commit_to
from bedside.ledger.merkle import EMPTY_ROOT, Frontier

ADVICE = "Keep this record as it is, compare it with an export or a witness, and find out who."
_FIELDS = {"v", "id", "kind", "about", "at", "actor", "door", "body", "sealed"}
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z")


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a ledger.

    Attributes:
        size: The number of entries.
        root: The root over them.
    """

    size: int
    root: bytes


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was proved.

    Attributes:
        entries: How many entries were checked.
        checkpoints: How many checkpoints were checked.
        head: Where the record ends.
    """

    entries: int
    checkpoints: int
    head: Head


@dataclass(frozen=True, slots=True)
class Evidence:
    """One entry as it was found.

    Attributes:
        index: Its place.
        event: The event's bytes.
        salt: Its salt.
        root: The root that was stored with it.
    """

    index: int
    event: bytes
    salt: bytes
    root: bytes


@dataclass(frozen=True, slots=True)
class Checked:
    """One entry that is as it must be.

    Attributes:
        event: The parsed event.
        leaf: Its leaf hash.
        completed: The inner nodes that it completes, as level, position, hash.
    """

    event: dict[str, Json]
    leaf: bytes
    completed: list[tuple[int, int, bytes]]


def broken(index: int, what: str) -> LedgerBroken:
    """Return the error that names the first wrong entry."""
    return LedgerBroken(
        f"The ledger is broken at entry {index}: {what}.", index=index, advice=ADVICE
    )


class Audit:
    """Follows a record from its beginning, and stops at the first thing that is not so.

    Attributes:
        tree: The tree so far.
        at: The time of the last entry.
        checkpoints: How many checkpoints were met.
    """

    def __init__(self, origin: str, public: PublicKey) -> None:
        self.tree = Frontier()
        self.at = ""
        self.checkpoints = 0
        self._origin = origin
        self._public = public
        self._root = EMPTY_ROOT
        self._signed = -1  # the size of the last checkpoint

    def entry(self, found: Evidence) -> Checked:
        """Check the next entry.

        Raises:
            LedgerBroken: it is missing, or not what was recorded.
        """
        index = self.tree.size
        if found.index != index:
            raise broken(index, f"it is missing, and entry {found.index} stands in its place")
        event = _read_event(index, found.event)
        if event["at"] < self.at:
            raise broken(index, f"its time {event['at']} is before {self.at}")
        if len(found.salt) != SALT_BYTES:
            raise broken(index, f"its salt has {len(found.salt)} bytes")
        leaf = commit_to(found.salt, found.event)
        completed = self.tree.push(leaf)
        self._root = self.tree.root()
        if found.root != self._root:
            raise broken(index, "its event, salt or place is not the one that was recorded")
        self.at = event["at"]
        return Checked(event, leaf, completed)

    def checkpoint(self, note: str) -> Checkpoint:
        """Check a checkpoint that covers exactly the entries so far.

        Raises:
            LedgerBroken: not signed by the ledger's key, or signed over other entries.
        """
        signed = read_checkpoint(note, self._origin, self._public)
        if signed.size > self.tree.size:
            raise broken(
                self.tree.size, f"it is missing; a checkpoint was signed over {signed.size} entries"
            )
        if signed.size < self.tree.size or signed.size <= self._signed:
            raise LedgerBroken(
                f"A checkpoint of {signed.size} entries stands where one of {self.tree.size} must.",
                advice=ADVICE,
            )
        if signed.root != self._root:
            first = max(self._signed, 0)
            raise broken(
                first, f"from here to entry {signed.size - 1} something is not what was signed"
            )
        self._signed = signed.size
        self.checkpoints += 1
        return signed

    def verdict(self) -> Verdict:
        """Return what was proved so far."""
        size = self.tree.size
        return Verdict(size, self.checkpoints, Head(size, self._root))


def _read_event(index: int, data: bytes) -> dict[str, Json]:
    try:
        event = read_json(data)
    except BedsideError as problem:
        raise broken(index, f"its event cannot be read ({problem.message})") from problem
    if not isinstance(event, dict) or set(event) != _FIELDS or event["v"] != VERSION:
        raise broken(index, "its event does not have the fields of version 1")
    if not all(isinstance(event[name], str) for name in ("id", "kind", "about", "at")):
        raise broken(index, "its event's id, kind, subject matter or time is not text")
    if not _TIME.fullmatch(event["at"]):
        raise broken(index, f"{event['at']!r} is not a time")
    return event
