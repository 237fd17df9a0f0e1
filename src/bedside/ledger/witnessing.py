"""Lets the witnesses see the ledger grow, in the background, and holds the ledger against them.

One process sends at a time: who sends says until when in the witness's row. A witness that is away
is tried again after longer and longer pauses; the service goes on meanwhile, and says so. A witness
that refuses has seen another ledger: that is said loudly.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal, TypeAlias

from sqlalchemy import Connection

from bedside.clock import Clock, timestamp
from bedside.errors import BedsideError, Conflict, LedgerBroken, NotFound
from bedside.ledger.checkpoint import Checkpoint
from bedside.ledger.key_chain import read_chain
from bedside.ledger.ledger import Ledger
from bedside.ledger.sightings import Sighting, hold, seen
from bedside.ledger.witness import (
    Log,
    Offer,
    StaleOffer,
    Witness,
    WitnessRefused,
    WitnessSpoiled,
)
from bedside.ledger.witness_loss import is_answered_for
from bedside.ledger.witness_rows import (
    SENDING,
    Pace,
    WitnessRow,
    known_row,
    read_rows,
    write_row,
)
from bedside.store.wire import Wire

LOG: Final = logging.getLogger("bedside.witness")

LOOK_SECONDS: Final = 1.0
"""How often the thread looks whether something is due; two small queries."""

TRIES: Final = 4
"""Offers in one attempt: the witness may have seen what another process sent meanwhile."""

Standing: TypeAlias = Literal["agrees", "waiting", "away", "refused"]

STANDINGS: Final[tuple[Standing, ...]] = ("agrees", "waiting", "away", "refused")
"""From the best to the worst."""


@dataclass(frozen=True, slots=True)
class WitnessState:
    """Where one witness stands.

    Attributes:
        name: As in the settings.
        address: The same.
        standing: `agrees`; `waiting`, it was sent nothing yet; `away`; `refused`.
        size: How many entries it saw.
        behind: How many the ledger has more.
        seen_at: When it last agreed; empty if never.
        words: Why it is away or refused; else empty.
        note: The last checkpoint that it saw, with its signature if it signs; else empty.
    """

    name: str
    address: str
    standing: Standing
    size: int
    behind: int
    seen_at: str
    words: str
    note: str


class Witnessing:
    """The witnesses of one ledger; safe to use from many threads.

    Attributes:
        worst: How the worst of them stood when this process looked last; None where there is none,
            or nobody looked yet.
    """

    def __init__(
        self, ledger: Ledger, witnesses: Sequence[Witness], pace: Pace, clock: Clock
    ) -> None:
        """Take the witnesses; nobody is asked yet."""
        self._ledger = ledger
        self._witnesses = tuple(witnesses)
        self._pace = pace
        self._clock = clock
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.worst: Standing | None = None

    @property
    def _log(self) -> Log:
        return log_of(self._ledger)

    def start(self) -> None:
        """Begin to send in the background; without witnesses, do nothing."""
        if self._witnesses and self._thread is None:
            self._stop.clear()
            self._thread = threading.Thread(target=self._run, name="witnessing", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Send no more in the background."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def finish(self) -> None:
        """Stop, and if it was started, send what is new once more; failures are kept for later."""
        self.stop()
        if self._thread is not None:
            self._thread = None
            self._look(lambda row, size: row.size != size and row.is_free(self._clock()))

    def states(self) -> tuple[WitnessState, ...]:
        """Return where each witness stands, as far as is known here; nobody is asked.

        Raises:
            Unavailable: the database cannot answer.
        """
        if not self._witnesses:
            return ()
        rows, size = self._rows()
        found = tuple(_state(rows[one.name], size) for one in self._witnesses)
        self.worst = max((state.standing for state in found), key=STANDINGS.index)
        return found

    def send(self, name: str | None = None) -> tuple[WitnessState, ...]:
        """Let every witness, or one, see the present ledger now; return where they stand.

        Raises:
            NotFound: no witness of this name is in the settings.
        """
        chosen = (self.witness(name),) if name is not None else self._witnesses
        for one in chosen:
            self._attempt(one)
        names = {one.name for one in chosen}
        return tuple(state for state in self.states() if state.name in names)

    def witness(self, name: str) -> Witness:
        """Return a witness by the name in the settings.

        Raises:
            NotFound: none is called so.
        """
        for one in self._witnesses:
            if one.name == name:
                return one
        raise NotFound(
            f"No witness is called {name!r}.", advice="They stand in site.toml, under [witness]."
        )

    def hold(self) -> None:
        """Hold the stored ledger against what each witness saw last.

        Each is asked, whatever its row says: who put the database back wrote the row as well. One
        that does not answer is passed over.

        Raises:
            LedgerBroken: it has fewer entries, or others; the message says which. Or nobody can
                tell any more what the witness saw.
        """
        if not self._witnesses:
            return
        rows, _ = self._rows()
        for one in self._witnesses:
            self._hold(one, rows[one.name])

    def sightings(self, name: str) -> Iterator[Sighting]:
        """Return all that one witness still has of this ledger, in order.

        Raises:
            NotFound: no witness of this name is in the settings.
            Unavailable: it does not answer.
            LedgerBroken: what it has is no checkpoint of this ledger.
        """
        return seen(self.witness(name).history(self._log), f"the witness {name}")

    def missing(self, name: str) -> tuple[Checkpoint, LedgerBroken]:
        """Return what a witness saw, and why the present ledger is not that.

        Raises:
            NotFound: no witness of this name is in the settings.
            Conflict: the ledger is as the witness saw it.
            Unavailable: it does not answer.
        """
        found = self.witness(name).latest(self._log)
        try:
            if found is not None:
                hold(self._ledger, seen([found], f"the witness {name}"))
        except LedgerBroken as problem:
            if found is not None:
                return found, problem
        raise Conflict(f"The ledger is as the witness {name} saw it.", advice="Nothing is lost.")

    def accept(self, connection: Connection, name: str, size: int) -> None:
        """Keep, in the caller's `database.write()`, that what a witness saw up to `size` is lost.

        It is believed only with the event that says so, which the caller appends with it.
        """
        row = _row(read_rows(connection), self.witness(name))
        write_row(connection, replace(row, accepted=size))

    def _run(self) -> None:
        while True:
            self._look(lambda row, size: row.is_due(size, self._clock(), self._pace))
            if self._stop.wait(LOOK_SECONDS):
                return

    def _look(self, wanted: Callable[[WitnessRow, int], bool]) -> None:
        try:
            rows, size = self._rows()
            for one in self._witnesses:
                if wanted(rows[one.name], size) and self._claim(one, wanted, size):
                    self._attempt(one)
            self.states()
        except BedsideError as problem:  # the database is away: whoever records is told so too
            facts = {"error": type(problem).__name__, "why": problem.message}
            LOG.warning("witnesses cannot be looked after", extra={"facts": facts})

    def _claim(self, one: Witness, wanted: Callable[[WitnessRow, int], bool], size: int) -> bool:
        with self._ledger.database.write() as connection:
            row = _row(read_rows(connection), one)
            if not wanted(row, size):
                return False  # another process was first
            until = timestamp(self._clock() + SENDING)
            write_row(connection, replace(row, sending_until=until))
        return True

    def _attempt(self, one: Witness) -> None:
        rows, _ = self._rows()
        try:
            checkpoint, note = self._offer(one, rows[one.name].size)
        except (WitnessRefused, WitnessSpoiled) as problem:
            self._refused(one, problem)
        except BedsideError as problem:
            self._away(one, problem, WitnessRow.failed)
        else:
            self._write(one, lambda row: row.agreed(checkpoint.size, note, self._clock()))

    def _offer(self, one: Witness, old: int) -> tuple[Checkpoint, str]:
        """Let a witness see the present ledger; return what it saw, and the note that it gave."""
        checkpoint = self._ledger.checkpoint()
        if old > checkpoint.size:  # so says a row here: let the witness itself say it
            old = 0
        for _ in range(TRIES):
            if checkpoint.size == 0:
                return checkpoint, checkpoint.note
            if old > checkpoint.size:
                raise WitnessRefused(
                    f"The witness {one.name} saw {old} entries of this ledger, and"
                    f" {checkpoint.size} are left.",
                    index=checkpoint.size,
                    advice="The database was put back or cut off: keep it as it is.",
                )
            known = old in (0, checkpoint.size)
            path = () if known else self._ledger.consistency(old, checkpoint.size)
            try:
                return checkpoint, one.submit(self._log, Offer(checkpoint, old, path))
            except StaleOffer as stale:
                old, checkpoint = stale.size, self._ledger.checkpoint()
        raise Conflict(f"The witness {one.name} sees another size each time.")

    def _hold(self, one: Witness, row: WitnessRow) -> None:
        try:
            found = one.latest(self._log)
        except WitnessSpoiled as problem:
            self._refused(one, problem)
            raise
        except BedsideError as problem:  # what nobody signed for this ledger convicts nobody
            self._away(one, problem, WitnessRow.missed)
            return
        if found is None or self._is_accepted(one, row, found):
            return
        by = f"the witness {one.name}"
        try:
            hold(self._ledger, seen([found], by))
        except LedgerBroken as problem:
            self._refused(one, problem)
            if found.size <= self._ledger.head().size:  # another history: find where it begins
                hold(self._ledger, seen(one.history(self._log), by))
            raise
        if (found.size, "", "") != (row.size, row.trouble, row.refused):
            self._write(one, lambda row: row.agreed(found.size, found.note, self._clock()))

    def _is_accepted(self, one: Witness, row: WitnessRow, found: Checkpoint) -> bool:
        return found.size == row.accepted and is_answered_for(self._ledger, one.name, found)

    def _refused(self, one: Witness, problem: BedsideError) -> None:
        facts = {"name": one.name, "why": str(problem)}
        LOG.error("witness refused", extra={"facts": facts})
        self._write(one, lambda row: row.failed(self._clock(), refused=problem.message))

    def _away(
        self,
        one: Witness,
        problem: BedsideError,
        change: Callable[[WitnessRow, datetime, str], WitnessRow],
    ) -> None:
        facts = {"name": one.name, "why": str(problem)}
        LOG.warning("witness away", extra={"facts": facts})
        self._write(one, lambda row: change(row, self._clock(), problem.message))

    def _rows(self) -> tuple[dict[str, WitnessRow], int]:
        with self._ledger.database.read() as connection:
            stored = read_rows(connection)
        rows = {one.name: _row(stored, one) for one in self._witnesses}
        return rows, self._ledger.head().size

    def _write(self, one: Witness, change: Callable[[WitnessRow], WitnessRow]) -> None:
        with self._ledger.database.write() as connection:
            write_row(connection, change(_row(read_rows(connection), one)))


def log_of(ledger: Ledger) -> Log:
    """Return a ledger as its witnesses know it, with every key that it had.

    Raises:
        Unavailable: the database cannot answer.
        LedgerBroken: a change of the key names none.
    """
    with ledger.database.read() as connection:
        chain = read_chain(Wire.of(connection), ledger.first_key)
    return Log(ledger.origin, chain.first, chain.keys[1:])


def _row(stored: Mapping[str, WitnessRow], one: Witness) -> WitnessRow:
    return known_row(stored, one.name, one.address)


def _state(row: WitnessRow, size: int) -> WitnessState:
    standing: Standing = "agrees" if row.seen_at else "waiting"
    if row.trouble:
        standing = "away"
    if row.refused:
        standing = "refused"
    return WitnessState(
        name=row.name,
        address=row.address,
        standing=standing,
        size=row.size,
        behind=max(size - row.size, 0),
        seen_at=row.seen_at,
        words=row.refused or row.trouble,
        note=row.note,
    )
