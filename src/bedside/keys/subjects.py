"""A key for each person: what is sealed under it is erased by destroying it.

The keys live in a database of their own, outside ordinary backups, wrapped by the site key. A
person is found by an HMAC of their identifier, so the database names nobody. docs/spec/ledger.md
describes the formats.
"""

from __future__ import annotations

import os
import threading
import time
from collections import OrderedDict
from collections.abc import Collection, Sequence

from sqlalchemy import select, update
from sqlalchemy.schema import CreateSchema

from bedside.clock import Clock, new_ids, system_clock, timestamp
from bedside.errors import KeyUnavailable, Unavailable, UsageError
from bedside.keys.pseudonyms import Pseudonyms
from bedside.keys.sealing import KEY_BYTES, NONCE_BYTES, Sealed, Sealer, expand, extract, mac
from bedside.keys.site_key import SiteKey
from bedside.keys.spares import Spares
from bedside.keys.tables import SCHEMA, subject_keys_table
from bedside.store.database import Database
from bedside.store.statement import AnyOf, DriverRow, Statement
from bedside.store.wire import Wire

MAX_SUBJECT_CHARACTERS = 512
"""Longer than any patient identifier; bounds what a message can make us hash."""

REMEMBERED_KEYS = 4096
"""Unwrapped keys kept in memory; each is looked up anew, so that a destroyed one is not used."""

_AT_ONCE = 500
"""Ids in one query: both databases take as many parameters."""

_ROWS_AT_ONCE = 64
"""New keys in one statement."""

_TURN = 16
"""New keys that are wrapped before another thread gets its turn: a fifth of a millisecond."""

_LOOKUP = b"bedside/v1/subject-lookup"
_SEAL = b"bedside/v1/seal"
_DIGEST = b"bedside/v1/digest"


class SubjectKey:
    """One person's key, or one prediction's where no person was named.

    Attributes:
        id: A random UUID, stored beside what the key sealed; it says nothing about the person.
    """

    __slots__ = ("_derived", "_nonces", "_secret", "id")

    def __init__(self, key_id: str, secret: bytes, nonce: bytes = b"") -> None:
        """Keep a key; `nonce`, where it was drawn ahead, is used for the first box only."""
        self.id = key_id
        self._secret = secret
        self._nonces = [nonce] if nonce else []
        self._derived: tuple[Sealer, bytes] | None = None  # a spare key may never be used

    def seal(self, plain: bytes, context: bytes) -> Sealed:
        """Return `plain` encrypted and bound to `context` (for an event: its id)."""
        try:
            nonce = self._nonces.pop()  # in one step: no two threads get the same
        except IndexError:
            nonce = b""
        return self._keys()[0].seal(plain, context, nonce)

    def open(self, sealed: Sealed, context: bytes) -> bytes:
        """Return the plain bytes.

        Raises:
            KeyUnavailable: another key, another context, or altered bytes.
        """
        return self._keys()[0].open(sealed, context)

    def digest(self, data: bytes) -> str:
        """Return `hmac-sha256:` and 64 hexadecimal digits: a digest that cannot be guessed at.

        Source: RFC 2104.
        """
        return "hmac-sha256:" + mac(self._keys()[1], data).hex()

    def _keys(self) -> tuple[Sealer, bytes]:
        """Return what seals, and the key of digests."""
        if self._derived is None:
            pseudorandom = extract(self._secret)
            self._derived = Sealer(expand(pseudorandom, _SEAL)), expand(pseudorandom, _DIGEST)
        return self._derived


class SubjectKeys:
    """Every subject key of a site; safe to use from many threads.

    Attributes:
        pseudonyms: What people are called outside of the site.
    """

    def __init__(self, database: Database, site_key: SiteKey, clock: Clock) -> None:
        self._database = database
        self._site_key = site_key
        self._clock = clock
        self._lookup_key = site_key.derive(_LOOKUP)
        self.pseudonyms = Pseudonyms(site_key)
        schema = SCHEMA if database.dialect == "postgresql" else None
        self._table = subject_keys_table(schema)
        name = f"{schema}.{self._table.name}" if schema else self._table.name
        self._find = AnyOf(f"SELECT lookup, key_id, wrapped FROM {name} WHERE lookup")  # noqa: S608 - a name of ours
        self._insert = {
            count: Statement.inserting(name, self._table.columns.keys(), count)
            for count in (_ROWS_AT_ONCE, 1)
        }
        self._spares = Spares(self._make_unnamed)
        self._remembered: OrderedDict[bytes, SubjectKey] = OrderedDict()
        self._guard = threading.Lock()

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

    @property
    def database(self) -> Database:
        """Return where the keys are."""
        return self._database

    def close(self) -> None:
        """Close the database and forget every key."""
        self._spares.close()
        with self._guard:
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

    def at_hand(self, count: int) -> list[SubjectKey] | None:
        """Return so many fresh keys from memory, or None; never waits, so an event loop may ask."""
        return self._spares.at_hand(count)

    def many(self, subjects: Sequence[str | None]) -> list[SubjectKey]:
        """Return a key for each subject (None: a fresh one), with at most one durable write.

        Raises:
            UsageError: an empty or over-long identifier.
        """
        lookups = [None if subject is None else self._lookup(subject) for subject in subjects]
        fresh = self._spares.take(lookups.count(None))
        if len(fresh) == len(lookups):
            return fresh
        named = sorted({lookup for lookup in lookups if lookup is not None})
        found: dict[str, SubjectKey] = {}
        for statement, values in self._find.parts(named):
            found |= self._unwrapped_rows(self._database.ask(statement, values))
        missing = [lookup for lookup in named if lookup not in found]
        if missing:
            found |= self._make_named(missing)
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
                advice="Restore the subject keys of this site: in a backup they are the file beside the data.",
            )
        if row.wrapped is None:
            raise KeyUnavailable(
                f"The subject key {key_id} was destroyed at {row.destroyed_at}.",
                advice="What it sealed was erased, for good.",
            )
        return self._unwrapped(key_id, row.wrapped)

    def known(self, subject: str) -> str | None:
        """Return the id of the person's living key, or None; none is made.

        Raises:
            UsageError: an empty or over-long identifier.
        """
        columns = self._table.c
        query = select(columns.key_id).where(columns.lookup == self._lookup(subject))
        with self._database.read() as connection:
            found: str | None = connection.execute(query).scalar_one_or_none()
        return found

    def standing(self, key_ids: Collection[str]) -> dict[str, bool]:
        """Return of the living ones among these keys whether each is a person's own, by id.

        False is the key of one prediction that named no person. Who is not in it was destroyed, or
        was never here.
        """
        columns, known = self._table.c, list(key_ids)
        found: dict[str, bool] = {}
        for start in range(0, len(known), _AT_ONCE):
            query = select(columns.key_id, columns.lookup).where(
                columns.key_id.in_(known[start : start + _AT_ONCE]), columns.wrapped.is_not(None)
            )
            with self._database.read() as connection:
                found |= {row.key_id: row.lookup is not None for row in connection.execute(query)}
        return found

    def forget_destroyed(self) -> None:
        """Drop from memory what another process destroyed; a use of it would be refused anyway."""
        with self._guard:
            remembered = {key.id: wrapped for wrapped, key in self._remembered.items()}
        gone = remembered.keys() - self.standing(remembered).keys()
        with self._guard:
            for key_id in gone:
                self._remembered.pop(remembered[key_id], None)

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
        return mac(self._lookup_key, data).hex()

    def _make_named(self, lookups: list[str]) -> dict[str, SubjectKey]:
        """Write a key for each person who has none still, and return everybody's."""
        with self._database.writing() as wire:
            found: dict[str, SubjectKey] = {}
            for statement, values in self._find.parts(lookups):
                found |= self._unwrapped_rows(wire.rows(statement, values))
            missing = [lookup for lookup in lookups if lookup not in found]
            made = self._drawn(len(missing))
            self._write(wire, [(lookup, *key) for lookup, key in zip(missing, made, strict=True)])
        keys = [SubjectKey(key_id, secret) for key_id, secret, _ in made]
        return found | dict(zip(missing, keys, strict=True))

    def _make_unnamed(self, count: int) -> list[SubjectKey]:
        """Write new keys for nobody, and return them."""
        made = self._drawn(count)  # before the pen is taken
        with self._database.writing() as wire:
            self._write(wire, [(None, *key) for key in made])
        nonces = os.urandom(NONCE_BYTES * count)
        return [
            SubjectKey(key_id, secret, nonces[number * NONCE_BYTES : (number + 1) * NONCE_BYTES])
            for number, (key_id, secret, _) in enumerate(made)
        ]

    def _drawn(self, count: int) -> list[tuple[str, bytes, bytes]]:
        """Return new keys: id, secret, and the secret wrapped."""
        made = []
        secrets = os.urandom(KEY_BYTES * count)
        for number, key_id in enumerate(new_ids(count)):
            if number % _TURN == _TURN - 1:
                time.sleep(0)  # whoever waits for the interpreter gets it now
            secret = secrets[number * KEY_BYTES : (number + 1) * KEY_BYTES]
            made.append((key_id, secret, self._site_key.wrap(secret, key_id.encode())))
        return made

    def _write(self, wire: Wire, keys: list[tuple[str | None, str, bytes, bytes]]) -> None:
        now, start = timestamp(self._clock()), 0
        for count, statement in self._insert.items():
            while len(keys) - start >= count:
                values: list[object] = []
                for lookup, key_id, _, wrapped in keys[start : start + count]:
                    values += (key_id, lookup, wrapped, now, None)
                wire.change(statement, values)
                start += count

    def _unwrapped_rows(self, rows: list[DriverRow]) -> dict[str, SubjectKey]:
        return {lookup: self._unwrapped(key_id, wrapped) for lookup, key_id, wrapped in rows}

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
