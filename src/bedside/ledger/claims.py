"""Claims: a name that may be taken once, so that a request sent twice is recorded once.

A group of drafts may come with a claim. Its name is written in the transaction that appends the
group; where the name is taken already, the group is refused alone and told what was recorded under
it. Like fences, claims are no part of the record: they keep two present acts from crossing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bedside.clock import timestamp
from bedside.errors import Conflict, UsageError
from bedside.store.statement import Statement
from bedside.store.wire import Wire

KEPT = timedelta(days=7)
"""How long a claim stands unless a site says otherwise: longer than anybody repeats a request."""

PURGE_EVERY = 256
PURGED_AT_ONCE = 1024
"""Each so many claims, their writer removes at most so many that are over."""

_NAME = re.compile(r"[0-9a-f]{1,128}")
_FIND = Statement("SELECT first_event_id, events, at FROM ledger_claims WHERE name = ?")
_TAKE = Statement.inserting("ledger_claims", ("name", "first_event_id", "events", "at"))
_REMOVE = Statement("DELETE FROM ledger_claims WHERE name = ?")
_PURGE = Statement(
    "DELETE FROM ledger_claims WHERE name IN"  # noqa: S608 - a number of ours
    f" (SELECT name FROM ledger_claims WHERE at < ? ORDER BY at LIMIT {PURGED_AT_ONCE})"
)


@dataclass(frozen=True, slots=True)
class Claim:
    """A name that may be taken once.

    Attributes:
        name: 1 to 128 lower-case hexadecimal digits; a keyed digest, so that it tells nothing.

    Raises:
        UsageError: another name.
    """

    name: str

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise UsageError(
                f"{self.name[:40]!r} cannot be the name of a claim.",
                advice="Use a digest: 1 to 128 lower-case hexadecimal digits.",
            )


class ClaimTaken(Conflict):
    """The claim's name is taken: what it stands for is recorded already.

    Attributes:
        name: The claim's name.
        event_id: The first event that was recorded under it.
        events: How many were recorded together with it, in a row.
    """

    def __init__(self, name: str, event_id: str, events: int) -> None:
        super().__init__(
            f"This was recorded before, from event {event_id} on; nothing was recorded again.",
            advice="Read what was recorded then.",
        )
        self.name = name
        self.event_id = event_id
        self.events = events


class Claims:
    """The claims of one ledger.

    Attributes:
        kept: How long a claim stands.
    """

    def __init__(self, kept: timedelta = KEPT) -> None:
        self.kept = kept
        self._until_purge = 0

    def taken(self, wire: Wire, now: datetime, claim: Claim) -> ClaimTaken | None:
        """Return what stands under a name, or None where nothing does, or nothing any more."""
        found = wire.rows(_FIND, (claim.name,))
        if not found or found[0][2] < self._over(now):
            return None
        event_id, events, _ = found[0]
        return ClaimTaken(claim.name, event_id, events)

    def take(self, wire: Wire, taken: Sequence[ClaimTaken], at: str, now: datetime) -> None:
        """Write that these names are taken, and now and then remove some that are over."""
        for one in taken:
            wire.change(_REMOVE, (one.name,))  # it may be there still, and over
            wire.change(_TAKE, (one.name, one.event_id, one.events, at))
        self._until_purge -= len(taken)
        if self._until_purge < 0:
            self._until_purge = PURGE_EVERY
            wire.change(_PURGE, (self._over(now),))

    def _over(self, now: datetime) -> str:
        return timestamp(now - self.kept)
