"""A stretch of the stored ledger, checked as fast as the interpreter can.

It checks what `audit` checks of each entry, and decides nothing: whatever is not at once as it must
be is a `Doubt`, and who doubts lets `audit` read the ledger from its beginning and name the first
wrong entry. So a stretch may only err by doubting. Stretches can be checked side by side: each
begins with the tree that the stored nodes give for what is before it, and whoever puts them together
checks that it is the tree in which the stretch before it ends.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bedside.errors import LedgerBroken
from bedside.ledger.form import SALT_BYTES, read_fields
from bedside.ledger.merkle import TILE_LEVELS, root, subtrees
from bedside.ledger.shapes import Shapes
from bedside.store.statement import Asks, Statement

ROWS_AT_ONCE: Final = 64
"""Entries that are looked at together: what a processor keeps close by, as a rule."""

_BOX: Final = b'"box":"'
_UUID_CHARACTERS: Final = 36
_WEIGHTS: Final = np.array(
    [
        int.from_bytes(hashlib.sha256(bytes([number])).digest()[:8], "big") | 1
        for number in range(9)
    ],
    dtype=np.uint64,
)
"""Odd numbers by which the nine words of a UUID's text are weighed."""

_ENTRIES = Statement(
    "SELECT position, id, kind, about, at, event, salt, leaf, root FROM ledger_entries"
    " WHERE position >= ? AND position < ? ORDER BY position"
)
_NODES = Statement(
    "SELECT level, position, hash FROM ledger_nodes"
    " WHERE level = ? AND position >= ? AND position < ? ORDER BY position"
)
_EVENT, _LEAF, _NODE = hashlib.sha256(), hashlib.sha256(b"\x00"), hashlib.sha256(b"\x01")

Row = Sequence[Any]
"""position, id, kind, about, at, event, salt, leaf, root: as the driver gives them."""


class Doubt(Exception):
    """Something is not at once as it must be."""


@dataclass
class Stretch:
    """Entries from `start` on, as far as they were checked.

    Attributes:
        start: The place of the first one.
        frontier: The roots of the complete subtrees before it.
        wanted: Sizes of the tree for which the root is asked.
        size: The size of the tree so far.
        hashes: The roots of its complete subtrees.
        first_at: The time of the first entry; empty where there is none.
        at: The time of the last one.
        roots: The roots that were wanted, by size.
        nodes: Every inner node completed here whose level is a multiple of eight: level, position
            and hash.
        ids: A number for each id, 8 bytes each; equal ids have equal numbers.
    """

    start: int
    frontier: tuple[bytes, ...]
    wanted: Collection[int] = ()
    size: int = field(init=False)
    hashes: list[bytes] = field(init=False)
    first_at: str = ""
    at: str = ""
    roots: dict[int, bytes] = field(default_factory=dict)
    nodes: list[tuple[int, int, bytes]] = field(default_factory=list)
    ids: bytearray = field(default_factory=bytearray)
    _shapes: Shapes = field(default_factory=Shapes)

    def __post_init__(self) -> None:
        self.size = self.start
        self.hashes = list(self.frontier)
        if len(self.hashes) != self.start.bit_count():
            raise Doubt

    def add(self, rows: Sequence[Row]) -> None:
        """Check the next rows.

        Raises:
            Doubt: one of them is not at once as it must be.
        """
        if not rows:
            return
        try:
            self._check_forms(rows)
            self._check_hashes(rows)
        except (TypeError, ValueError, AttributeError) as problem:  # a value of another type
            raise Doubt from problem

    def _check_forms(self, rows: Sequence[Row]) -> None:
        _, ids, kinds, abouts, times, events, *_ = zip(*rows, strict=True)
        found = self._by_shape(events) or self._one_by_one(rows)
        if found != [abouts, times, ids, kinds]:
            raise Doubt
        if times[0] < self.at or list(times) != sorted(times):
            raise Doubt
        self.first_at = self.first_at or times[0]
        self.at = times[-1]
        self.ids += numbered(ids)

    def _by_shape(self, events: Sequence[bytes]) -> list[tuple[str, ...]] | None:
        """Return about, at, id and kind of all, where all are of the shape that was met last."""
        data = b"".join(events)
        if np.frombuffer(data, np.uint8).min(initial=255) < 0x20 or b"\\" in data:
            return None
        if not data.isascii():
            return self._shapes.fields_of_lines(b"\n".join(events).decode(), len(events))
        text = b"\n".join(_without_boxes(events)).decode()
        return self._shapes.fields_of_lines(text, len(events))

    def _one_by_one(self, rows: Sequence[Row]) -> list[tuple[str, ...]]:
        found = [self._in_full(row[0], row[5]) for row in rows]
        return list(zip(*found, strict=True))

    def _in_full(self, index: int, event: bytes) -> tuple[str, ...]:
        try:
            return read_fields(index, event, self._shapes)
        except LedgerBroken as problem:
            raise Doubt from problem

    def _check_hashes(self, rows: Sequence[Row]) -> None:
        index, hashes, wanted = self.size, self.hashes, self.wanted
        begin_event, begin_leaf, begin_node = _EVENT.copy, _LEAF.copy, _NODE.copy
        for position, _, _, _, _, event, salt, leaf, expected in rows:
            if position != index or len(salt) != SALT_BYTES:
                raise Doubt
            one = begin_event()
            one.update(salt + event)
            other = begin_leaf()
            other.update(one.digest())
            value = other.digest()
            if value != leaf:
                raise Doubt
            if index & 1:
                value = self._completed(index, value)
            hashes.append(value)
            index += 1
            for left in hashes[-2::-1]:
                one = begin_node()
                one.update(left + value)
                value = one.digest()
            if value != expected:
                raise Doubt
            if index in wanted:
                self.roots[index] = value
        self.size = index

    def _completed(self, position: int, value: bytes) -> bytes:
        """Return the root of the largest subtree that the leaf at `position` completes."""
        level, hashes = 0, self.hashes
        while position & 1:
            node = _NODE.copy()
            node.update(hashes.pop() + value)
            value = node.digest()
            level, position = level + 1, position >> 1
            if not level % TILE_LEVELS:
                self.nodes.append((level, position, value))
        return value


def _without_boxes(events: Sequence[bytes]) -> list[bytes]:
    """Return events of plain ASCII, each without what its first text after `"box":` holds.

    What such a text holds decides nothing of the event's form, and it is most of the event.
    """
    found, place, length = [], 0, len(_BOX)
    for event in events:
        if not event.startswith(_BOX, place):  # where it was in the one before
            place = event.find(_BOX)
        end = event.find(b'"', place + length) if place >= 0 else -1
        found.append(event[: place + length] + event[end:] if end > 0 else event)
        place = max(place, 0)
    return found


def check_stretch(asked: Asks, start: int, stop: int, wanted: Collection[int]) -> Stretch:
    """Return the entries from `start` to before `stop`, checked; `start` is a multiple of 256.

    Raises:
        Doubt: something is not at once as it must be.
    """
    found = Stretch(start, _frontier(asked, start), wanted)
    while found.size < stop:
        following = min(found.size + ROWS_AT_ONCE, stop)
        found.add(asked.rows(_ENTRIES, (found.size, following)))
        if found.size != following:
            raise Doubt  # fewer entries than there must be
    for level in range(TILE_LEVELS, stop.bit_length(), TILE_LEVELS):
        told = [node for node in found.nodes if node[0] == level]
        stored = asked.rows(_NODES, (level, start >> level, stop >> level))
        if [tuple(node) for node in stored] != told:
            raise Doubt
    return found


def _frontier(asked: Asks, size: int) -> tuple[bytes, ...]:
    """Return the roots of the complete subtrees of a tree of this size, by the stored nodes."""
    hashes = []
    for level, position in subtrees(0, size):
        below = level % TILE_LEVELS
        span = (position << below, (position + 1) << below)
        stored = [node[2] for node in asked.rows(_NODES, (level - below, *span))]
        if len(stored) != 1 << below or not all(isinstance(one, bytes) for one in stored):
            raise Doubt
        hashes.append(root(stored))
    return tuple(hashes)


def numbered(ids: Sequence[str]) -> bytes:
    """Return a number of 8 bytes for each id: equal ids have equal numbers, others hardly ever.

    Those who can choose ids can make equal numbers of different ones, and gain a second look at them.
    """
    uuids = [one for one in ids if len(one) == _UUID_CHARACTERS and one.isascii()]
    text = "".join(uuids).encode()
    words = np.frombuffer(text, np.uint32).reshape(len(uuids), _UUID_CHARACTERS // 4)
    weighed: NDArray[np.uint64] = (words.astype(np.uint64) * _WEIGHTS).sum(axis=1, dtype=np.uint64)
    numbers: bytes = weighed.tobytes()
    if len(uuids) == len(ids):
        return numbers
    others = [one for one in ids if len(one) != _UUID_CHARACTERS or not one.isascii()]
    return numbers + b"".join([_short_digest(one) for one in others])


def all_different(numbers: Iterable[bytes | bytearray]) -> bool:
    """Return whether no number stands twice."""
    parts: list[NDArray[np.uint64]] = [np.frombuffer(one, np.uint64) for one in numbers]
    together = np.sort(np.concatenate(parts)) if parts else np.zeros(0, np.uint64)
    return not bool((together[1:] == together[:-1]).any())


def _short_digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()[:8]
