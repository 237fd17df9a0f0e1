"""Appending: from prepared drafts to entries under a signed head, in the caller's transaction."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from sqlalchemy.exc import IntegrityError

from bedside.errors import Conflict, UsageError
from bedside.keys.signing import SigningKey
from bedside.ledger import rows
from bedside.ledger.checkpoint import CheckpointSigner
from bedside.ledger.claims import Claim, Claims, ClaimTaken
from bedside.ledger.events import Entry, Prepared, commit_to
from bedside.ledger.fences import FenceMoved, first_moved
from bedside.ledger.form import SALT_BYTES
from bedside.ledger.head import check_head, time_after
from bedside.ledger.merkle import TILE_LEVELS, Frontier
from bedside.store.statement import DriverRow
from bedside.store.wire import Wire

Outcome: TypeAlias = tuple[Entry, ...] | FenceMoved | ClaimTaken
"""What became of a group of drafts: recorded together, or refused together."""


@dataclass(frozen=True, slots=True)
class Group:
    """Drafts that are recorded together or not at all.

    Attributes:
        drafts: In the order in which they are recorded.
        claim: What the group takes when it is recorded, and is refused for when it is taken.

    Raises:
        UsageError: a claim for nothing.
    """

    drafts: Sequence[Prepared]
    claim: Claim | None = None

    def __post_init__(self) -> None:
        if self.claim is not None and not self.drafts:
            raise UsageError("A claim needs an event that stands under it.")


class Appender:
    """Appends to one ledger, and remembers the head that it wrote last.

    A stored head that is byte for byte the one remembered needs no second check of its signature:
    this process signed it. Any other head, such as another process's, is checked in full.
    """

    def __init__(self, origin: str, signer: SigningKey, claims: Claims) -> None:
        self._origin = origin
        self._public = signer.public
        self._checkpoints = CheckpointSigner(origin, signer)
        self._claims = claims
        self._remembered: tuple[DriverRow, tuple[bytes, ...]] | None = None

    def append(self, wire: Wire, groups: Sequence[Group], now: datetime) -> list[Outcome]:
        """Append groups of drafts; one that a fence or a claim refuses leaves the others alone.

        Args:
            wire: Inside the transaction that holds the pen.
            groups: In the order in which they are recorded.
            now: The clock's time.

        Raises:
            Conflict: an event with the same id is recorded already; nothing can be committed.
            LedgerBroken: the stored head is not one that this ledger's key signed.
            Unavailable: the last event's time lies more than `MAX_AHEAD` ahead of `now`.
        """
        names = {fence.name for group in groups for p in group.drafts for fence in p.draft.fences}
        row, fences = rows.head_and_fences(wire, names)
        taking: dict[str, ClaimTaken] = {}
        refused = [self._refusal((wire, now), group, fences, taking) for group in groups]
        accepted = [
            prepared
            for group, why in zip(groups, refused, strict=True)
            if why is None
            for prepared in group.drafts
        ]
        entries = self._append(wire, row, accepted, now) if accepted else []
        if taking:
            self._claims.take(wire, tuple(taking.values()), entries[-1].at, now)
        coming = iter(entries)
        return [
            tuple([next(coming) for _ in group.drafts]) if why is None else why
            for group, why in zip(groups, refused, strict=True)
        ]

    def _refusal(
        self,
        moment: tuple[Wire, datetime],
        group: Group,
        fences: Mapping[str, int],
        taking: dict[str, ClaimTaken],
    ) -> FenceMoved | ClaimTaken | None:
        # the claim first: what was recorded before is told, whatever has moved since
        claim = group.claim
        if claim is not None:
            taken = taking.get(claim.name) or self._claims.taken(*moment, claim)
            if taken is not None:
                return taken
        moved = first_moved(group.drafts, fences)
        if claim is not None and moved is None:
            first = group.drafts[0].draft.id
            taking[claim.name] = ClaimTaken(claim.name, first, len(group.drafts))
        return moved

    def _append(
        self, wire: Wire, row: DriverRow | None, drafts: Sequence[Prepared], now: datetime
    ) -> list[Entry]:
        stored, tree = self._present(row)
        head = rows.HeadRow() if stored is None else stored
        at = time_after(head, now)
        entries, nodes = _grow(tree, drafts, at)
        signed = self._checkpoints.sign(tree.size, entries[-1].root)
        frontier = b"".join(tree.hashes)
        new = rows.HeadRow(signed.size, signed.root, frontier, at, head.checkpoints, signed.note)
        try:
            rows.insert_entries(wire, entries)
        except IntegrityError as problem:
            raise Conflict(
                "An event with one of these ids or places is recorded already.",
                advice="Give each event an id of its own; if they have, run bedside ledger verify.",
            ) from problem
        rows.insert_nodes(wire, nodes)
        rows.move_head(wire, stored, new)
        self._remembered = (new.row(), tuple(tree.hashes))  # if it is rolled back, it fits nothing
        return entries

    def _present(self, row: DriverRow | None) -> tuple[rows.HeadRow | None, Frontier]:
        if row is None:
            return None, Frontier()
        head, known = rows.HeadRow(*row), self._remembered
        if known is not None and known[0] == row:
            return head, Frontier(head.size, known[1])
        return check_head(head, self._origin, self._public), head.tree()


def _grow(
    tree: Frontier, drafts: Sequence[Prepared], at: str
) -> tuple[list[Entry], list[tuple[int, int, bytes]]]:
    """Return the entries that the drafts become, and the stored inner nodes that they complete."""
    salts = os.urandom(SALT_BYTES * len(drafts))
    entries: list[Entry] = []
    nodes: list[tuple[int, int, bytes]] = []
    start = 0
    for prepared in drafts:
        draft, event = prepared.draft, prepared.event(at)
        salt = salts[start : start + SALT_BYTES]
        start += SALT_BYTES
        leaf, index = commit_to(salt, event), tree.size
        completed = tree.push(leaf)
        if len(completed) >= TILE_LEVELS:
            nodes += [node for node in completed if node[0] % TILE_LEVELS == 0]
        kind, root = draft.kind.value, tree.root()
        entries.append(Entry(index, draft.id, kind, draft.about, at, event, salt, leaf, root))
    return entries, nodes
