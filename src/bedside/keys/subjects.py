"""A key for each person: what is sealed under it is erased by destroying it.

The keys live in a database of their own, outside ordinary backups, wrapped by the site key. A
person is found by an HMAC of their identifier, so the database names nobody. docs/spec/ledger.md
describes the formats.
"""

from __future__ import annotations

import hmac
import os
import threading
from collections import OrderedDict, deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.schema import CreateSchema

from bedside.clock import Clock, new_id, system_clock, timestamp
from bedside.errors import KeyUnavailable, Unavailable, UsageError
from bedside.keys.sealing import KEY_BYTES, Sealed, Sealer, derive
from bedside.keys.site_key import SiteKey
from bedside.keys.tables import SCHEMA, subject_keys_table
from bedside.store.database import Database

MAX_SUBJECT_CHARACTERS = 512
"""Longer than any patient identifier; bounds what a message can make us hash."""

SPARE_KEYS = 64
"""Keys made ahead for predictions without a subject: one durable write for so many of them.
When fewer are left, a thread makes as many again, so that no prediction waits for that write."""

REMEMBERED_KEYS = 4096
"""Unwrapped keys kept in memory; each is looked up anew, so that a destroyed one is not used."""

_LOOKUP = b"bedside/v1/subject-lookup"
_SEAL = b"bedside/v1/seal"
_DIGEST = b"bedside/v1/digest"


class SubjectKey:
    """One person's key, or one prediction's where no person was named.

    Attributes:
        id: A random UUID, stored beside what the key sealed; it says nothing about the person.
    """

    __slots__ = ("_digest_key", "_sealer", "id")

    def __init__(self, key_id: str, secret: bytes) -> None:
        self.id = key_id
        self._sealer = Sealer(derive(secret, _SEAL))
        self._digest_key = derive(secret, _DIGEST)

    def seal(self, plain: bytes, context: bytes) -> Sealed:
        """Return `plain` encrypted and bound to `context` (for an event: its id)."""
        return self._sealer.seal(plain, context)

    def open(self, sealed: Sealed, context: bytes) -> bytes:
        """Return the plain bytes.

        Raises:
            KeyUnavailable: another key, another context, or altered bytes.
        """
        return self._sealer.open(sealed, context)

    def digest(self, data: bytes) -> str:
        """Return `hmac-sha256:` and 64 hexadecimal digits: a digest that cannot be guessed at.

        Source: RFC 2104.
        """
        return "hmac-sha256:" + hmac.digest(self._digest_key, data, "sha256").hex()


class SubjectKeys:
    """Every subject key of a site; safe to use from many threads."""

    def __init__(self, database: Database, site_key: SiteKey, clock: Clock) -> None:
        self._database = database
        self._site_key = site_key
        self._clock = clock
        self._lookup_key = site_key.derive(_LOOKUP)
        schema = SCHEMA if database.dialect == "postgresql" else None
        self._table = subject_keys_table(schema)
        self._spare: deque[SubjectKey] = deque()
        self._remembered: OrderedDict[bytes, SubjectKey] = OrderedDict()
        self._guard = threading.Lock()
        self._maker = ThreadPoolExecutor(1, thread_name_prefix="subject-keys")  # starts at need
        self._refill: Future[None] | None = None
        self._closed = False

    @classmethod
    def open(cls, url: str, site_key: SiteKey, clock: Clock = system_clock) -> SubjectKeys:
        """Open the keys at `url`, making their table where it is missing.

        Args:
            url: A SQLite file of its own, or the site's PostgreSQL database, in which the keys
                have the schema `bedside_keys`.
            site_key: What wraps them.
            clock: Tells when a key was made or destroyed.

        Raises:
            SiteProblem: the database cannot be used.
            Unavailable: it does not answer.
        """
        database = Database.open(url, pen="bedside-keys", erasing=True)
        keys = cls(database, site_key, clock)
        with database.write() as connection:
            if database.dialect == "postgresql":
                connection.execute(CreateSchema(SCHEMA, if_not_exists=True))
            keys._table.metadata.create_all(connection)
        return keys

    def close(self) -> None:
        """Close the database and forget every key."""
        with self._guard:
            self._closed = True
        self._maker.shutdown()
        with self._guard:
            self._spare.clear()
            self._remembered.clear()
        self._database.close()

    def for_subject(self, subject: str) -> SubjectKey:
        """Return the person's key, made durable before it is returned the first time.

        Raises:
            UsageError: an empty or over-long identifier.
        """
        return self.many([subject])[0]

    def for_nobody(self) -> SubjectKey:
        """Return a fresh key, for one prediction without a subject."""
        return self.many([None])[0]

    def many(self, subjects: Sequence[str | None]) -> list[SubjectKey]:
        """Return a key for each subject (None: a fresh one), with at most one durable write.

        Raises:
            UsageError: an empty or over-long identifier.
        """
        lookups = [None if subject is None else self._lookup(subject) for subject in subjects]
        named = sorted({lookup for lookup in lookups if lookup is not None})
        found = self._found(named)
        fresh = self._take_spare(lookups.count(None))
        missing = [lookup for lookup in named if lookup not in found]
        wanted = lookups.count(None) - len(fresh)
        if missing or wanted:
            made, more = self._make(missing, wanted, SPARE_KEYS if wanted else 0)
            found |= made
            fresh += more
        return [fresh.pop() if lookup is None else found[lookup] for lookup in lookups]

    def get(self, key_id: str) -> SubjectKey:
        """Return the key with this id.

        Raises:
            KeyUnavailable: destroyed, unknown, or wrapped by another site key.
        """
        table = self._table
        query = select(table.c.wrapped, table.c.destroyed_at).where(table.c.key_id == key_id)
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        if row is None:
            raise KeyUnavailable(
                f"There is no subject key {key_id}.",
                advice="Restore the subject keys of this site; they are not in ordinary backups.",
            )
        if row.wrapped is None:
            raise KeyUnavailable(
                f"The subject key {key_id} was destroyed at {row.destroyed_at}.",
                advice="What it sealed was erased, for good.",
            )
        return self._unwrapped(key_id, row.wrapped)

    def destroy(self, key_id: str) -> None:
        """Destroy the key: what it sealed can never be read again. It may be repeated.

        Raises:
            KeyUnavailable: there is no such key.
            Unavailable: it is destroyed, and its bytes may still be in the database's log or
                files, because somebody reads them: repeat it.
        """
        table = self._table
        gone = {"wrapped": None, "lookup": None, "destroyed_at": timestamp(self._clock())}
        with self._database.write() as connection:
            known = connection.execute(select(table.c.key_id).where(table.c.key_id == key_id))
            if known.one_or_none() is None:
                raise KeyUnavailable(f"There is no subject key {key_id}.", advice="Check its id.")
            alive = (table.c.key_id == key_id) & table.c.wrapped.is_not(None)
            connection.execute(update(table).where(alive).values(gone))
        with self._guard:
            for wrapped in [w for w, key in self._remembered.items() if key.id == key_id]:
                del self._remembered[wrapped]
        try:
            self._database.forget_overwritten(table.c.wrapped)
        except Unavailable as problem:
            raise Unavailable(
                f"The subject key {key_id} is destroyed, but its bytes may still be on the disk."
                f" {problem.message}",
                advice="It is not erased yet. Repeat the erasure when no other process reads.",
            ) from problem

    def _lookup(self, subject: str) -> str:
        if not subject or len(subject) > MAX_SUBJECT_CHARACTERS:
            raise UsageError(
                f"A subject's identifier of {len(subject)} characters cannot be used.",
                advice=f"Send 1 to {MAX_SUBJECT_CHARACTERS} characters, or no subject.",
            )
        try:
            data = subject.encode("utf-8")
        except UnicodeEncodeError as problem:
            raise UsageError("A subject's identifier is not Unicode text.") from problem
        return hmac.digest(self._lookup_key, data, "sha256").hex()

    def _found(self, lookups: list[str]) -> dict[str, SubjectKey]:
        if not lookups:
            return {}
        with self._database.read() as connection:
            return self._read(connection, lookups)

    def _read(self, connection: Connection, lookups: list[str]) -> dict[str, SubjectKey]:
        columns = self._table.c
        query = select(columns.lookup, columns.key_id, columns.wrapped).where(
            columns.lookup.in_(lookups)
        )
        rows = connection.execute(query).all()
        return {row.lookup: self._unwrapped(row.key_id, row.wrapped) for row in rows}

    def _take_spare(self, count: int) -> list[SubjectKey]:
        with self._guard:
            taken = [self._spare.pop() for _ in range(min(count, len(self._spare)))]
            idle = self._refill is None or self._refill.done()
            if taken and len(self._spare) < SPARE_KEYS and idle and not self._closed:
                # one that failed is no loss: who finds nothing spare meets the same problem
                self._refill = self._maker.submit(self._make_spare)
        return taken

    def _make_spare(self) -> None:
        self._make([], 0, SPARE_KEYS)

    def _make(
        self, lookups: list[str], fresh: int, spare: int
    ) -> tuple[dict[str, SubjectKey], list[SubjectKey]]:
        """Write new keys: one for each lookup that is still unknown, `fresh` and some to spare."""
        with self._database.write() as connection:
            found = self._read(connection, lookups) if lookups else {}
            missing = [lookup for lookup in lookups if lookup not in found]
            wanted: list[str | None] = [*missing, *[None] * (fresh + spare)]
            made = [(lookup, new_id(), os.urandom(KEY_BYTES)) for lookup in wanted]
            now = timestamp(self._clock())
            rows = [
                {
                    "key_id": key_id,
                    "lookup": lookup,
                    "wrapped": self._site_key.wrap(secret, key_id.encode()),
                    "created_at": now,
                    "destroyed_at": None,
                }
                for lookup, key_id, secret in made
            ]
            if rows:
                connection.execute(insert(self._table), rows)
        keys = [(lookup, SubjectKey(key_id, secret)) for lookup, key_id, secret in made]
        found |= {lookup: key for lookup, key in keys if lookup is not None}
        unnamed = [key for lookup, key in keys if lookup is None]
        with self._guard:
            self._spare.extend(unnamed[fresh:])
        return found, unnamed[:fresh]

    def _unwrapped(self, key_id: str, wrapped: bytes) -> SubjectKey:
        with self._guard:
            key = self._remembered.get(wrapped)
            if key is not None and key.id == key_id:
                self._remembered.move_to_end(wrapped)
                return key
        key = SubjectKey(key_id, self._site_key.unwrap(wrapped, key_id.encode()))
        with self._guard:
            self._remembered[wrapped] = key
            if len(self._remembered) > REMEMBERED_KEYS:
                self._remembered.popitem(last=False)
        return key
