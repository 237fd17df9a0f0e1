"""The acts about people: add, give roles, issue keys, sign in, permit; each with its event."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from bedside.clock import Clock, new_id, timestamp
from bedside.errors import (
    Conflict,
    NotFound,
    PermissionRefused,
    SignInRefused,
    UsageError,
)
from bedside.ledger.events import EventKind
from bedside.ledger.ledger import Ledger
from bedside.people import events, flood, queries
from bedside.people.api_key import (
    ApiKey,
    IssuedKey,
    SignInFault,
    key_fault,
    new_secret,
    public_message,
    secret_digest,
    shape_fault,
)
from bedside.people.events import SYSTEM
from bedside.people.permissions import Action, Role, allowed, roles_for
from bedside.people.person import (
    MAX_NAME,
    Caller,
    Person,
    clean_name,
    keep_an_administrator,
    name_key,
    read_roles,
)
from bedside.store.database import Database


class People:
    """The people of one site."""

    def __init__(self, database: Database, ledger: Ledger, clock: Clock) -> None:
        self._database = database
        self._ledger = ledger
        self._clock = clock

    def found(self, name: str) -> tuple[Person, IssuedKey]:
        """Add the first administrator of an empty site and issue their first key.

        Raises:
            Conflict: the site has people already.
            UsageError: the name cannot be used.
        """
        founder = self._new_person(name, {Role.ADMINISTRATOR})
        with self._database.write() as connection:
            if queries.everybody(connection):
                raise Conflict(
                    "This site has people already.",
                    advice="Sign in as an administrator and add others.",
                )
            self._ledger.append(connection, [events.person_added(founder, SYSTEM, SYSTEM)])
            queries.add_person(connection, founder)
            key = self._issue(connection, founder, "first key", None, (SYSTEM, SYSTEM))
        return founder, key

    def add(self, caller: Caller, name: str, roles: Collection[str]) -> Person:
        """Add a person with these roles.

        Raises:
            PermissionRefused: the caller may not manage people.
            UsageError: the name cannot be used, or a role does not exist.
            Conflict: somebody has this name, or one that differs only in case or width.
        """
        with self.acting(caller, Action.PEOPLE_MANAGE) as connection:
            person = self._new_person(name, roles)
            taken = [
                other
                for other in queries.everybody(connection)
                if name_key(other.name) == name_key(person.name)
            ]
            if taken:
                raise Conflict(
                    f"The name {person.name!r} is taken by {taken[0].id}.",
                    advice="Add something that tells the two apart, such as a department.",
                )
            draft = events.person_added(person, caller.person.id, caller.door)
            self._ledger.append(connection, [draft])
            queries.add_person(connection, person)
        return person

    def set_roles(self, caller: Caller, person_id: str, roles: Collection[str]) -> Person:
        """Give a person exactly these roles.

        Raises:
            PermissionRefused: the caller may not manage people.
            NotFound: there is no such person.
            UsageError: a role does not exist, or none is given.
            Conflict: they have these roles already, or the last administrator would be lost.
        """
        with self.acting(caller, Action.PEOPLE_MANAGE, person_id) as connection:
            person = _one(connection, person_id)
            return self._change(
                connection, caller, person, replace(person, roles=read_roles(roles))
            )

    def deactivate(self, caller: Caller, person_id: str) -> Person:
        """Let a person's keys open nothing any more; what they did stays in the record.

        Raises:
            PermissionRefused: the caller may not manage people.
            NotFound: there is no such person.
            Conflict: inactive already, or the last active administrator.
        """
        with self.acting(caller, Action.PEOPLE_MANAGE, person_id) as connection:
            person = _one(connection, person_id)
            return self._change(connection, caller, person, replace(person, active=False))

    def reactivate(self, caller: Caller, person_id: str) -> Person:
        """Let an inactive person in again, with the roles and keys that they have.

        Raises:
            PermissionRefused: the caller may not manage people.
            NotFound: there is no such person.
            Conflict: active already.
        """
        with self.acting(caller, Action.PEOPLE_MANAGE, person_id) as connection:
            person = _one(connection, person_id)
            return self._change(connection, caller, person, replace(person, active=True))

    def list(self) -> tuple[Person, ...]:
        """Return everybody, inactive people too, the first one first."""
        with self._database.read() as connection:
            return queries.everybody(connection)

    def get(self, known_as: str) -> Person:
        """Return the person with this id or name.

        Raises:
            NotFound: there is none.
        """
        with self._database.read() as connection:
            return _one(connection, known_as)

    def issue_key(
        self, caller: Caller, person_id: str, label: str, expires_at: datetime | None = None
    ) -> IssuedKey:
        """Issue a key to a person; its secret is in what is returned and nowhere else.

        Args:
            caller: Who issues it.
            person_id: For whom: an id or a name.
            label: What the key is for.
            expires_at: From this moment on it does not open; None is never.

        Raises:
            PermissionRefused: the caller may not manage keys.
            NotFound: there is no such person.
            UsageError: the label cannot be used, or the moment is not in the future.
            Conflict: the person is inactive.
        """
        with self.acting(caller, Action.KEYS_MANAGE, person_id) as connection:
            person = _one(connection, person_id)
            if not person.active:
                raise Conflict(f"{person.name!r} is inactive.", advice="Reactivate them first.")
            signed = (caller.person.id, caller.door)
            return self._issue(connection, person, label, expires_at, signed)

    def revoke_key(self, caller: Caller, key_id: str) -> ApiKey:
        """Take a key back, from the next sign-in on.

        Raises:
            PermissionRefused: the caller may not manage keys.
            NotFound: there is no such key.
            Conflict: it is revoked already.
        """
        with self.acting(caller, Action.KEYS_MANAGE, key_id) as connection:
            key = queries.key(connection, key_id) if _could_exist(key_id) else None
            if key is None:
                raise NotFound(f"There is no API key {key_id!r}.", advice="List a person's keys.")
            if key.revoked_at is not None:
                raise Conflict(f"The API key {key_id} was revoked at {key.revoked_at}.")
            draft = events.key_event(EventKind.KEY_REVOKED, key, caller.person.id, caller.door)
            (entry,) = self._ledger.append(connection, [draft])
            queries.revoke_key(connection, key_id, entry.at)
        return replace(key, revoked_at=entry.at)

    def keys(self, person_id: str) -> tuple[ApiKey, ...]:
        """Return the keys of a person (id or name), oldest first, revoked ones too; no secrets.

        Raises:
            NotFound: there is no such person.
        """
        with self._database.read() as connection:
            return queries.keys_of(connection, _one(connection, person_id).id)

    def sign_in(self, secret: str | None, door: str) -> Caller:
        """Return the caller whose API key this is.

        Raises:
            SignInRefused: missing, malformed, unknown, revoked, expired, or its owner is inactive;
                the attempt is recorded before this is raised.
        """
        now, found = self._clock(), None
        fault = shape_fault(secret)
        if fault is None and secret is not None:
            with self._database.read() as connection:
                found = queries.by_digest(connection, secret_digest(secret))
            fault = key_fault(found, timestamp(now))
        if fault is None and found is not None:
            return Caller(person=found[1], door=door, credential=found[0].id)
        fault = fault or SignInFault.UNKNOWN
        self._record_refused_sign_in(fault, found, door, now)
        message, advice = public_message(fault)
        raise SignInRefused(message, advice=advice)

    def sum_up_refused_sign_ins(self) -> None:
        """Record the sum of every past minute that had more refused sign-ins than were recorded.

        The next refused sign-in does this too; a site calls it when it opens and closes.
        """
        with self._database.write() as connection:
            self._close_minutes(connection, flood.minute_of(self._clock()))

    def require(self, caller: Caller, action: Action, about: str = "") -> None:
        """Check that the caller's roles allow `action`.

        Raises:
            PermissionRefused: they do not; this is recorded before it is raised.
        """
        if not allowed(caller.person.roles, action):
            refusal = _not_allowed(caller.person, action)
            self._record_refusal(caller, action, about, refusal)
            raise refusal

    @contextmanager
    def acting(self, caller: Caller, action: Action, about: str = "") -> Iterator[Connection]:
        """Open the write transaction of a permitted act; all of it is kept, or none.

        The caller is read again inside it, so a role that was taken away meanwhile does not count.
        A `PermissionRefused` raised inside is recorded after everything else is rolled back.

        Raises:
            PermissionRefused: the roles do not allow the act, or the block raised it.
        """
        self.require(caller, action, about)
        try:
            with self._database.write() as connection:
                present = queries.person(connection, caller.person.id)
                if present is None or not present.active or not allowed(present.roles, action):
                    raise _not_allowed(present or caller.person, action)
                yield connection
        except PermissionRefused as refusal:
            self._record_refusal(caller, action, about, refusal)
            raise

    def _new_person(self, name: str, roles: Collection[str]) -> Person:
        now = timestamp(self._clock())
        return Person(new_id(), clean_name(name), read_roles(roles), True, now)

    def _change(
        self, connection: Connection, caller: Caller, before: Person, after: Person
    ) -> Person:
        if before == after:
            raise Conflict(f"{before.name!r} is so already: {events.standing(before)}.")
        keep_an_administrator(queries.everybody(connection), after)
        self._ledger.append(connection, [events.person_changed(caller, before, after)])
        queries.change_person(connection, after)
        return after

    def _issue(
        self,
        connection: Connection,
        person: Person,
        label: str,
        expires_at: datetime | None,
        signed: tuple[str, str],
    ) -> IssuedKey:
        now = self._clock()
        if expires_at is not None and timestamp(expires_at) <= timestamp(now):
            raise UsageError(
                f"The key would expire at {timestamp(expires_at)}, before it is used.",
                advice="Give a time in the future.",
            )
        expires = None if expires_at is None else timestamp(expires_at)
        shown = clean_name(label, "label")
        key = ApiKey(new_id(), person.id, shown, timestamp(now), expires, None)
        secret = new_secret()
        self._ledger.append(connection, [events.key_event(EventKind.KEY_CREATED, key, *signed)])
        queries.add_key(connection, key, secret_digest(secret))
        return IssuedKey(key.id, secret)

    def _record_refused_sign_in(
        self, fault: SignInFault, found: tuple[ApiKey, Person] | None, door: str, now: datetime
    ) -> None:
        minute = flood.minute_of(now)
        with self._database.write() as connection:
            already = self._close_minutes(connection, minute)
            queries.count_refused(connection, minute, already + 1)
            if flood.is_recorded(already):
                draft = events.sign_in_refused(fault, found, door)
                self._ledger.append(connection, [draft])

    def _close_minutes(self, connection: Connection, minute: str) -> int:
        """Record and forget the minutes before `minute`; return the count of `minute` so far."""
        refused = queries.refused_by_minute(connection)
        drafts = [events.sign_ins_refused(one) for one in flood.sums(refused, minute)]
        if drafts:
            self._ledger.append(connection, drafts)
        for past in refused.keys() - {minute}:
            queries.close_minute(connection, past)
        return refused.get(minute, 0)

    def _record_refusal(
        self, caller: Caller, action: Action, about: str, refusal: PermissionRefused
    ) -> None:
        self._ledger.record(events.permission_refused(caller, action, about, refusal.message))


def _one(connection: Connection, known_as: str) -> Person:
    person = queries.person(connection, known_as) if _could_exist(known_as) else None
    if person is None:
        raise NotFound(
            f"Nobody here has the id or name {known_as[:MAX_NAME]!r}.",
            advice="List the people of this site.",
        )
    return person


def _could_exist(known_as: str) -> bool:
    """Return whether this could be a name or id: some characters not even a database takes."""
    try:
        return bool(clean_name(known_as))
    except UsageError:
        return False


def _not_allowed(person: Person, action: Action) -> PermissionRefused:
    if not person.active:
        return PermissionRefused(f"{person.name!r} is inactive.", advice="Ask an administrator.")
    return PermissionRefused(
        f"{person.name!r} ({', '.join(sorted(person.roles)) or 'no role'}) may not {action}.",
        advice=f"It takes the role {' or '.join(roles_for(action))}.",
    )
