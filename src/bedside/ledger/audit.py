"""The checks that make a record a proof, on entries and checkpoints as they come by in order.

The same checks hold for a ledger in its database and for an export in a file.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from bedside.errors import LedgerBroken
from bedside.keys.signing import PublicKey
from bedside.ledger.checkpoint import Checkpoint, read_checkpoint
from bedside.ledger.events import commit_to
from bedside.ledger.form import ADVICE, SALT_BYTES, broken, read_fields
from bedside.ledger.key_chain import CHANGED, new_key
from bedside.ledger.merkle import EMPTY_ROOT, Frontier
from bedside.ledger.shapes import Fields, Shapes


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
        fields: What it is found by, as its event says it.
        leaf: Its leaf hash.
        completed: The inner nodes that it completes, as level, position, hash.
    """

    fields: Fields
    leaf: bytes
    completed: list[tuple[int, int, bytes]]


class Audit:
    """Follows a record from its beginning, and stops at the first thing that is not so.

    It remembers 16 bytes of each id, and no more of an entry than that.

    Attributes:
        tree: The tree so far.
        at: The time of the last entry.
        checkpoints: How many checkpoints were met.
        keys: The keys that were in force so far; the last one is.
    """

    def __init__(self, origin: str, public: PublicKey) -> None:
        self.tree = Frontier()
        self.at = ""
        self.checkpoints = 0
        self.keys = [public]
        self._coming: PublicKey | None = None  # in force once a checkpoint covers its change
        self._origin = origin
        self._root = EMPTY_ROOT
        self._signed = -1  # the size of the last checkpoint
        self._ids: set[bytes] = set()
        self._shapes = Shapes()

    def entry(self, found: Evidence) -> Checked:
        """Check the next entry.

        Raises:
            LedgerBroken: it is missing, or not what was recorded.
        """
        index = self.tree.size
        if found.index != index:
            raise broken(index, f"it is missing, and entry {found.index} stands in its place")
        if self._coming is not None:
            raise broken(index, "the key was changed before it, and no checkpoint stands between")
        fields = read_fields(index, found.event, self._shapes)
        if fields.at < self.at:
            raise broken(index, f"its time {fields.at} is before {self.at}")
        known = hashlib.sha256(fields.id.encode()).digest()[:16]
        if known in self._ids:
            raise broken(index, f"its id {fields.id!r} is that of an earlier entry")
        self._ids.add(known)
        if len(found.salt) != SALT_BYTES:
            raise broken(index, f"its salt has {len(found.salt)} bytes")
        leaf = commit_to(found.salt, found.event)
        completed = self.tree.push(leaf)
        self._root = self.tree.root()
        if found.root != self._root:
            raise broken(index, "its event, salt or place is not the one that was recorded")
        self.at = fields.at
        if fields.kind == CHANGED:
            self._coming = new_key(index, found.event)
        return Checked(fields, leaf, completed)

    def checkpoint(self, note: str) -> Checkpoint:
        """Check a checkpoint that covers exactly the entries so far.

        Raises:
            LedgerBroken: not signed by the ledger's key, or signed over other entries.
        """
        signed = read_checkpoint(note, self._origin, self.keys[-1])
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
        if self._coming is not None:
            self.keys.append(self._coming)
            self._coming = None
        return signed

    def end(self, note: str) -> None:
        """Check the signed head: it must be signed over exactly the entries so far.

        Raises:
            LedgerBroken: not signed by the ledger's key, or signed over other entries.
        """
        signed, size = read_checkpoint(note, self._origin, self.keys[-1]), self.tree.size
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
