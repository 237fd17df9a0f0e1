"""The acts about people: add, give roles, issue keys, sign in, permit; each with its event."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from bedside.clock import Clock, new_id, timestamp
from bedside.errors import Conflict, PermissionRefused, SignInRefused, UsageError
from bedside.ledger.ledger import Ledger
from bedside.people import events, queries
from bedside.people.api_key import (
    ApiKey,
    IssuedKey,
    Stranger,
    new_secret,
    secret_digest,
)
from bedside.people.currency import (
    PEOPLE_FENCE,
    ended,
    fence_on,
    not_allowed,
    people_fence,
    present,
)
from bedside.people.finding import one_key, one_person
from bedside.people.permissions import Action, Role, allowed
from bedside.people.person import (
    Caller,
    Person,
    administers,
    clean_name,
    keep_an_administrator,
    name_key,
    person_name,
    read_roles,
)
from bedside.people.rotation import Rotated, Terms, closed, rotate, successor
from bedside.people.signing_in import Recognised, SigningIn
from bedside.store.database import Database

_OF_PEOPLE: Final = frozenset({Action.PEOPLE_MANAGE, Action.KEYS_MANAGE})
"""What advances the fence of people."""


class People:
    """The people of one site."""

    def __init__(self, database: Database, ledger: Ledger, clock: Clock) -> None:
        self._database = database
        self._ledger = ledger
        self._clock = clock
        self._signing_in = SigningIn(database, ledger, clock)

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
            founder = self._add(connection, None, founder)
            key = self._issue(connection, None, founder, "first key", None)
        return founder, key

    def add(self, caller: Caller, name: str, roles: Collection[str]) -> Person:
        """Add a person with these roles.

        Raises:
            PermissionRefused: the caller may not manage people.
            UsageError: the name cannot be used, or the roles cannot (see `read_roles`).
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
            return self._add(connection, caller, person)

    def set_roles(self, caller: Caller, person_id: str, roles: Collection[str]) -> Person:
        """Give a person exactly these roles.

        Raises:
            PermissionRefused: the caller may not manage people, or it is their own roles.
            NotFound: there is no such person.
            UsageError: the roles cannot be given (see `read_roles`).
            Conflict: they have these roles already, or the last administrator would be lost.
        """
        with self.acting(caller, Action.PEOPLE_MANAGE, person_id) as connection:
            person = one_person(connection, person_id)
            if person.id == caller.person.id:
                raise PermissionRefused(
                    "Nobody changes their own roles.", advice="Ask another administrator."
                )
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
            person = one_person(connection, person_id)
            return self._change(connection, caller, person, replace(person, active=False))

    def reactivate(self, caller: Caller, person_id: str) -> Person:
        """Let an inactive person in again, with the roles and keys that they have.

        Raises:
            PermissionRefused: the caller may not manage people.
            NotFound: there is no such person.
            Conflict: active already.
        """
        with self.acting(caller, Action.PEOPLE_MANAGE, person_id) as connection:
            person = one_person(connection, person_id)
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
            return one_person(connection, known_as)

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
            person = one_person(connection, person_id)
            if not person.active:
                raise Conflict(f"{person.name!r} is inactive.", advice="Reactivate them first.")
            return self._issue(connection, caller, person, label, expires_at)

    def revoke_key(self, caller: Caller, key_id: str) -> ApiKey:
        """Take a key back, from the next sign-in on.

        Raises:
            PermissionRefused: the caller may not manage keys.
            NotFound: there is no such key.
            Conflict: it is revoked already, or no administrator could sign in any more.
        """
        with self.acting(caller, Action.KEYS_MANAGE, key_id) as connection:
            key = one_key(connection, key_id)
            if key.revoked_at is not None:
                raise Conflict(f"The API key {key_id} was revoked at {key.revoked_at}.")
            _keep_open(connection, f"{key_id} is the last key of an administrator", without=key_id)
            (entry,) = self._ledger.append(connection, [events.key_revoked(caller, key)])
            queries.revoke_key(connection, key_id, entry.at)
        return replace(key, revoked_at=entry.at)

    def rotate_key(self, caller: Caller, key_id: str, terms: Terms) -> Rotated:
        """Issue a key that takes the place of another, which closes by itself after the overlap.

        Raises:
            PermissionRefused: the caller may not manage keys.
            NotFound: there is no such key.
            UsageError: the overlap or the end of the new key cannot be.
            Conflict: the old key opens nothing any more or was replaced already, or no
                administrator would have a key that does not run out.
        """
        now = self._clock()
        with self.acting(caller, Action.KEYS_MANAGE, key_id) as connection:
            key = one_key(connection, key_id)
            before = closed(key, one_person(connection, key.person_id), terms, now)
            new = successor(before, terms, now)
            if new.expires_at is not None:
                what = f"{key_id} is the last key of an administrator that does not run out"
                _keep_open(connection, what, without=key_id)
            return rotate(connection, self._ledger, caller, before, new)

    def unreplaced_keys(self, before: datetime) -> tuple[tuple[ApiKey, Person], ...]:
        """Return the keys that end before a moment, have no successor, and whose they are."""
        with self._database.read() as connection:
            return queries.unreplaced(connection, timestamp(before))

    def keys(self, person_id: str) -> tuple[ApiKey, ...]:
        """Return the keys of a person (id or name), oldest first, revoked ones too; no secrets.

        Raises:
            NotFound: there is no such person.
        """
        with self._database.read() as connection:
            return queries.keys_of(connection, one_person(connection, person_id).id)

    def sign_in(self, secret: str | None, door: str) -> Caller:
        """Return the caller whose API key this is.

        Raises:
            SignInRefused: missing, malformed, unknown, revoked, expired, or its owner is inactive;
                the attempt is recorded before this is raised.
        """
        outcome = self.recognise([secret], door)[secret]
        if isinstance(outcome, Stranger):
            raise self.turn_away(outcome, door)
        return outcome

    def recognise(self, secrets: Collection[str | None], door: str) -> Recognised:
        """Return who each secret belongs to; who is a stranger must be turned away, each time."""
        return self._signing_in.recognise(secrets, door)

    def turn_away(self, stranger: Stranger, door: str, times: int = 1) -> SignInRefused:
        """Return what to tell a stranger who tried so many times, once that is on record."""
        return self._signing_in.turn_away(stranger, door, times)

    def sum_up_refused_sign_ins(self) -> None:
        """Record the sum of every past minute that had more refused sign-ins than were recorded.

        The next refused sign-in does this too; a site calls it when it closes.
        """
        self._signing_in.sum_up()

    def require(self, caller: Caller, action: Action, about: str = "") -> None:
        """Check that the caller's roles allow `action`, and that their key has not ended by itself.

        Raises:
            PermissionRefused: one of them; this is recorded before it is raised.
        """
        if not allowed(caller.person.roles, action):
            refusal = not_allowed(caller.person, action)
            self._record_refusal(caller, action, about, refusal)
            raise refusal
        if self.ended(caller):
            self.renewed(caller, action, about)

    def ended(self, caller: Caller) -> bool:
        """Return whether the caller's key has ended by itself since they came in; asks no database."""
        return caller.expires_at is not None and ended(caller, timestamp(self._clock()))

    def current(self, caller: Caller, action: Action, about: str = "") -> Caller:
        """Return the caller, read anew if people or keys changed since they signed in.

        Raises:
            PermissionRefused: they may not do `action` now; recorded.
        """
        self.require(caller, action, about)
        if people_fence(self._ledger) in caller.fences:
            return caller
        return self.renewed(caller, action, about)

    def renewed(self, caller: Caller, action: Action, about: str = "") -> Caller:
        """Return the caller as they stand now: person, roles and key read anew, and their fence.

        Raises:
            PermissionRefused: they may not do `action` now, or their key is spent; recorded.
        """
        try:
            with self._database.read() as connection:
                fence = fence_on(connection, self._ledger)
                person, key = present(connection, caller, action, timestamp(self._clock()))
        except PermissionRefused as refusal:
            self._record_refusal(caller, action, about, refusal)
            raise
        return replace(caller, person=person, expires_at=key.ends_at, fences=(fence,))

    @contextmanager
    def acting(self, caller: Caller, action: Action, about: str = "") -> Iterator[Connection]:
        """Open the write transaction of a permitted act; all of it is kept, or none.

        The caller is read again inside it, so a role or a key that was taken away meanwhile does
        not count. A `PermissionRefused` raised inside is recorded after everything else is rolled back.

        Raises:
            PermissionRefused: the roles do not allow the act, or the block raised it.
        """
        self.require(caller, action, about)
        try:
            with self._database.write() as connection:
                present(connection, caller, action, timestamp(self._clock()))
                yield connection
                if action in _OF_PEOPLE:
                    self._ledger.advance_fence(connection, PEOPLE_FENCE)
        except PermissionRefused as refusal:
            self._record_refusal(caller, action, about, refusal)
            raise

    def _new_person(self, name: str, roles: Collection[str]) -> Person:
        return Person(new_id(), person_name(name), read_roles(roles), True, "")

    def _add(self, connection: Connection, caller: Caller | None, person: Person) -> Person:
        (entry,) = self._ledger.append(connection, [events.person_added(caller, person)])
        person = replace(person, created_at=entry.at)
        queries.add_person(connection, person)
        return person

    def _change(
        self, connection: Connection, caller: Caller, before: Person, after: Person
    ) -> Person:
        if before == after:
            raise Conflict(f"{before.name!r} is so already: {events.standing(before)}.")
        if administers(before) and not administers(after):
            what = f"{after.name!r} is the last active administrator with a key"
            _keep_open(connection, what, changed=after)
        self._ledger.append(connection, [events.person_changed(caller, before, after)])
        queries.change_person(connection, after)
        return after

    def _issue(
        self,
        connection: Connection,
        caller: Caller | None,
        person: Person,
        label: str,
        expires_at: datetime | None,
    ) -> IssuedKey:
        expires = None if expires_at is None else timestamp(expires_at)
        if expires is not None and expires <= timestamp(self._clock()):
            raise UsageError(
                f"The key would expire at {expires}, before it is used.",
                advice="Give a time in the future.",
            )
        key = ApiKey(new_id(), person.id, clean_name(label, "label"), "", expires, None)
        secret = new_secret()
        digest = secret_digest(secret)
        (entry,) = self._ledger.append(connection, [events.key_created(caller, key, digest)])
        queries.add_key(connection, replace(key, created_at=entry.at), digest)
        return IssuedKey(key.id, secret)

    def _record_refusal(
        self, caller: Caller, action: Action, about: str, refusal: PermissionRefused
    ) -> None:
        self._ledger.record(events.permission_refused(caller, action, about, refusal.message))


def _keep_open(
    connection: Connection, change: str, *, changed: Person | None = None, without: str = ""
) -> None:
    """Check that an administrator can still sign in once `changed` stands and `without` is gone."""
    people = {person.id: person for person in queries.everybody(connection)}
    if changed is not None:
        people[changed.id] = changed
    keys = queries.lasting_keys(connection)
    if without and not (without in keys and administers(people[keys[without]])):
        return
    keys.pop(without, None)
    keep_an_administrator(tuple(people.values()), set(keys.values()), change)
