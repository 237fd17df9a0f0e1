"""Who comes in with which key, and how those are recorded who do not."""

from __future__ import annotations

import threading
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import TypeAlias

from sqlalchemy import Connection

from bedside.clock import Clock, timestamp
from bedside.errors import SignInRefused
from bedside.ledger import rows
from bedside.ledger.events import Draft, EventKind, Fence
from bedside.ledger.ledger import Ledger
from bedside.ledger.view import sha256_of
from bedside.people import events, flood, queries
from bedside.people.api_key import (
    ApiKey,
    SignInFault,
    Stranger,
    key_fault,
    public_message,
    secret_digest,
    shape_fault,
)
from bedside.people.currency import fence_on
from bedside.people.flood import FLUSH_SECONDS, RECORDED_PER_MINUTE, Sum
from bedside.people.person import Caller, Person
from bedside.store.database import Database

Recognised: TypeAlias = dict[str | None, Caller | Stranger]


class SigningIn:
    """The sign-ins of one process; safe to use from many threads."""

    def __init__(self, database: Database, ledger: Ledger, clock: Clock) -> None:
        self._database = database
        self._ledger = ledger
        self._clock = clock
        self._lock = threading.Lock()
        self._full = ""  # the latest minute that has more refusals than get an event
        self._waiting = 0  # refusals in it that are counted here alone
        self._flushed: datetime | None = None
        self._told: set[tuple[str, str, str, str | None]] = set()  # keys that the ledger tells of

    def recognise(self, secrets: Collection[str | None], door: str) -> Recognised:
        """Return who each secret belongs to, in one look at the database; nothing is recorded."""
        now = timestamp(self._clock())
        faults = {secret: shape_fault(secret) for secret in secrets}
        digests: dict[str | None, str] = {
            secret: secret_digest(secret)
            for secret, fault in faults.items()
            if secret is not None and fault is None
        }
        found: dict[str, tuple[ApiKey, Person]] = {}
        fences: tuple[Fence, ...] = ()
        untold: set[str] = set()
        if digests:
            with self._database.read() as connection:
                fences = (fence_on(connection, self._ledger),)  # before the look that it proves
                found = queries.by_digests(connection, list(digests.values()))
                untold = {one for one in found if not self._is_told(connection, one, found[one][0])}
        recognised: Recognised = {}
        for secret, shape in faults.items():
            known = found.get(digests.get(secret, ""))
            fault = shape or key_fault(known, now)
            if digests.get(secret) in untold:
                fault = SignInFault.UNTOLD
            if fault is None and known is not None:
                recognised[secret] = Caller(known[1], door, known[0].id, known[0].ends_at, fences)
            elif fault is not None:
                recognised[secret] = Stranger(fault, known)
        return recognised

    def turn_away(self, stranger: Stranger, door: str, times: int = 1) -> SignInRefused:
        """Return what to tell a stranger who tried so many times, once that is on record."""
        now = self._clock()
        with self._lock:
            if flood.minute_of(now) <= self._full and not self._due(now):
                self._waiting += times
            else:
                self._record(stranger, door, times, now)
        message, advice = public_message(stranger.fault)
        return SignInRefused(message, advice=advice)

    def sum_up(self) -> None:
        """Write what is counted in memory, and record the sum of every past minute above the limit."""
        with self._lock:
            with self._database.write() as connection:
                refused, drafts = self._settled(connection)
                drafts += _close(connection, refused, flood.minute_of(self._clock()))
                self._append(connection, drafts)
            self._waiting = 0

    def _is_told(self, connection: Connection, digest: str, key: ApiKey) -> bool:
        """Return whether the ledger tells of this key; asked once a key, for that never changes."""
        facts = (key.id, digest, key.person_id, key.expires_at)
        if facts not in self._told:
            created = rows.matching(
                connection, kind=EventKind.KEY_CREATED, about=key.id, limit=1, newest_first=False
            )
            for entry in created:
                body = entry.value["body"]
                if (body["fingerprint"], body["person"], body["expires_at"]) == (
                    sha256_of(digest),
                    key.person_id,
                    key.expires_at,
                ):
                    self._told.add(facts)
        return facts in self._told

    def _due(self, now: datetime) -> bool:
        flushed = self._flushed
        return flushed is None or not timedelta(0) <= now - flushed < timedelta(
            seconds=FLUSH_SECONDS
        )

    def _record(self, stranger: Stranger, door: str, times: int, now: datetime) -> None:
        with self._database.write() as connection:
            refused, drafts = self._settled(connection)
            minute = flood.latest(refused, flood.minute_of(now))
            drafts += _close(connection, refused, minute)
            already = refused.get(minute, 0)
            single = max(0, min(times, RECORDED_PER_MINUTE - already))
            drafts += [events.sign_in_refused(stranger, door) for _ in range(single)]
            queries.count_refused(connection, minute, already + times)
            self._append(connection, drafts)
        self._waiting, self._flushed = 0, now
        if already + times >= RECORDED_PER_MINUTE:
            self._full = minute

    def _settled(self, connection: Connection) -> tuple[dict[str, int], list[Draft]]:
        """Return the counts with what waited here added, or its sum if its minute is closed."""
        refused = queries.refused_by_minute(connection)
        if not self._waiting:
            return refused, []
        if self._full not in refused:
            return refused, [events.sign_ins_refused(Sum(self._full, self._waiting, 0))]
        refused[self._full] += self._waiting
        queries.count_refused(connection, self._full, refused[self._full])
        return refused, []

    def _append(self, connection: Connection, drafts: list[Draft]) -> None:
        if drafts:
            self._ledger.append(connection, drafts)


def _close(connection: Connection, refused: dict[str, int], minute: str) -> list[Draft]:
    """Forget the minutes before `minute`; return the events of their sums."""
    for past in refused:
        if past < minute:
            queries.close_minute(connection, past)
    return [events.sign_ins_refused(one) for one in flood.sums(refused, minute)]
