"""What is known here of each witness of this ledger: one row for each, kept by whoever sends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, delete, insert, select

from bedside.clock import timestamp
from bedside.ledger.tables import witnesses

FIRST_PAUSE: Final = timedelta(seconds=5)
LONGEST_PAUSE: Final = timedelta(hours=1)

SENDING: Final = timedelta(seconds=60)
"""Longer than any attempt lasts; a process that died while it sent is waited for no longer."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How often checkpoints go to the witnesses.

    Attributes:
        seconds: After so many, if there is something new.
        entries: Sooner, once there are so many new entries.
    """

    seconds: int = 60
    entries: int = 10_000


@dataclass(frozen=True, slots=True)
class WitnessRow:
    """What is known of one witness; docs/spec/ledger.md, section 7, says what each column is.

    It is no part of the record, and nobody signed it: a sender who believes something wrong is told
    so by the witness, and what it says of times is believed no further than anybody here sets them.
    """

    name: str
    address: str
    size: int = 0
    note: str = ""
    seen_at: str = ""
    sending_until: str = ""
    next_at: str = ""
    failures: int = 0
    trouble: str = ""
    refused: str = ""
    accepted: int = 0

    def agreed(self, size: int, note: str, now: datetime) -> WitnessRow:
        """Return the row once the witness has seen `size` entries."""
        return replace(
            self,
            size=size,
            note=note,
            seen_at=timestamp(now),
            sending_until="",
            next_at="",
            failures=0,
            trouble="",
            refused="",
            accepted=0,
        )

    def failed(self, now: datetime, trouble: str = "", *, refused: str = "") -> WitnessRow:
        """Return the row after a failure: the pause before the next attempt doubles each time."""
        pause = min(FIRST_PAUSE * 2 ** min(max(self.failures, 0), 20), LONGEST_PAUSE)
        return replace(
            self,
            sending_until="",
            next_at=timestamp(now + pause),
            failures=self.failures + 1,
            trouble=trouble,
            refused=refused or self.refused,
        )

    def missed(self, now: datetime, trouble: str) -> WitnessRow:
        """Return the row after a question that nobody answered; a pause that is kept stays so."""
        if self.is_free(now):
            return self.failed(now, trouble)
        return replace(self, trouble=trouble)

    def is_free(self, now: datetime) -> bool:
        """Return whether nobody sends now, and no pause is kept."""
        sends = _lasts(self.sending_until, now, SENDING)
        return not sends and not _lasts(self.next_at, now, LONGEST_PAUSE)

    def is_due(self, size: int, now: datetime, pace: Pace) -> bool:
        """Return whether it is time to send a ledger of `size` entries."""
        if size == self.size or not self.is_free(now):
            return False
        if size - self.size >= pace.entries:
            return True
        since = timestamp(now - timedelta(seconds=pace.seconds))
        return not since < self.seen_at <= timestamp(now)


_NAMES = tuple(field.name for field in fields(WitnessRow))


def read_rows(connection: Connection) -> dict[str, WitnessRow]:
    """Return what is known of every witness, by name."""
    found = connection.execute(select(*(witnesses.c[name] for name in _NAMES)))
    return {row.name: WitnessRow(**row._mapping) for row in found}


def known_row(rows: Mapping[str, WitnessRow], name: str, address: str) -> WitnessRow:
    """Return the row of a witness; a new one where there is none, or it was at another address."""
    found = rows.get(name)
    return found if found and found.address == address else WitnessRow(name, address)


def write_row(connection: Connection, row: WitnessRow) -> None:
    """Put a row in the place of the one of its name."""
    connection.execute(delete(witnesses).where(witnesses.c.name == row.name))
    connection.execute(insert(witnesses), asdict(row))


def _lasts(until: str, now: datetime, longest: timedelta) -> bool:
    return timestamp(now) < until <= timestamp(now + longest)
