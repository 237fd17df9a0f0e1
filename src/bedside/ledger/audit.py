"""The checks that make a record a proof, on entries and checkpoints as they come by in order.

The same checks hold for a ledger in its database and for an export in a file.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from bedside.canonical import Json, canonical_bytes, read_json
from bedside.errors import BedsideError, LedgerBroken
from bedside.keys.signing import PublicKey
from bedside.ledger.checkpoint import Checkpoint, read_checkpoint
from bedside.ledger.events import SALT_BYTES, VERSION, commit_to
from bedside.ledger.merkle import EMPTY_ROOT, Frontier

ADVICE = "Keep this record as it is, compare it with an export or a witness, and find out who."
_TEXTS = ("id", "kind", "about", "at", "actor", "credential", "door")
_FIELDS = {*_TEXTS, "v", "body", "sealed"}
_SEALED = {"box", "key", "nonce"}
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
        signed: How many of them a signature of the ledger's key covers: all, or it is no verdict.
        checkpoints: How many checkpoints were checked.
        head: Where the record ends.
    """

    entries: int
    signed: int
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

    It remembers 16 bytes of each id, and no more of an entry than that.

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
        self._ids: set[bytes] = set()

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
        known = hashlib.sha256(event["id"].encode()).digest()[:16]
        if known in self._ids:
            raise broken(index, f"its id {event['id']!r} is that of an earlier entry")
        self._ids.add(known)
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

    def end(self, note: str) -> None:
        """Check the signed head: it must be signed over exactly the entries so far.

        Raises:
            LedgerBroken: not signed by the ledger's key, or signed over other entries.
        """
        signed, size = read_checkpoint(note, self._origin, self._public), self.tree.size
        if signed.size > size:
            raise broken(size, f"it is missing; the head was signed over {signed.size} entries")
        if signed.size < size:
            raise broken(signed.size, f"the head was signed over {signed.size} entries only")
        if signed.root != self._root:
            first = max(self._signed, 0)
            raise broken(first, "from here to the end something is not what was signed")
        self._signed = size

    def verdict(self) -> Verdict:
        """Return what was proved.

        Raises:
            LedgerBroken: the last entries are under no signature.
        """
        size = self.tree.size
        if self._signed != size:
            raise broken(max(self._signed, 0), "from here to the end no checkpoint is signed")
        return Verdict(size, self._signed, self.checkpoints, Head(size, self._root))


def is_number(value: Json, expected: int) -> bool:
    """Return whether a value of JSON is this number; to Python, true is 1 as well."""
    return type(value) is int and value == expected


def _is_sealed_or_null(value: Json) -> bool:
    if value is None:
        return True
    texts = isinstance(value, dict) and all(isinstance(part, str) for part in value.values())
    return texts and set(value) == _SEALED


def _read_event(index: int, data: bytes) -> dict[str, Json]:
    try:
        event = read_json(data)
        canonical = canonical_bytes(event) == data
    except BedsideError as problem:
        raise broken(index, f"its event cannot be read ({problem.message})") from problem
    if not canonical:
        raise broken(index, "its event is not canonical JSON")
    if not isinstance(event, dict) or set(event) != _FIELDS or not is_number(event["v"], VERSION):
        raise broken(index, "its event does not have the fields of version 1")
    odd = [name for name in _TEXTS if not isinstance(event[name], str)]
    if odd:
        raise broken(index, f"its event's {odd[0]} is not text")
    if not isinstance(event["body"], dict) or not _is_sealed_or_null(event["sealed"]):
        raise broken(index, "its event's body or sealed part is not of the form of version 1")
    if not _TIME.fullmatch(event["at"]):
        raise broken(index, f"{event['at']!r} is not a time")
    return event
