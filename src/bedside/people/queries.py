"""Reading and writing people and keys; every function works on its caller's connection."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, delete, insert, or_, select, update

from bedside.people.api_key import ApiKey
from bedside.people.permissions import Role
from bedside.people.person import Person, name_key
from bedside.people.tables import api_keys, people, refused_sign_ins

_PERSON = (people.c.id, people.c.name, people.c.roles, people.c.active, people.c.created_at)
_KEY = (
    api_keys.c.id,
    api_keys.c.person_id,
    api_keys.c.label,
    api_keys.c.created_at,
    api_keys.c.expires_at,
    api_keys.c.revoked_at,
    api_keys.c.closes_at,
    api_keys.c.replaces,
)

_AT_ONCE = 500
"""Digests in one query: both databases take as many parameters."""


def everybody(connection: Connection) -> tuple[Person, ...]:
    """Return all people, the first one first."""
    rows = connection.execute(select(*_PERSON).order_by(people.c.created_at, people.c.id))
    return tuple(_person(row) for row in rows)


def person(connection: Connection, known_as: str) -> Person | None:
    """Return the person with this id or, failing that, this name."""
    rows = connection.execute(
        select(*_PERSON).where(
            or_(people.c.id == known_as, people.c.name_key == name_key(known_as))
        )
    )
    found = sorted((_person(row) for row in rows), key=lambda one: one.id != known_as)
    return found[0] if found else None


def add_person(connection: Connection, new: Person) -> None:
    """Insert a person."""
    connection.execute(
        insert(people).values(
            id=new.id,
            name=new.name,
            name_key=name_key(new.name),
            roles=" ".join(sorted(new.roles)),
            active=int(new.active),
            created_at=new.created_at,
        )
    )


def change_person(connection: Connection, changed: Person) -> None:
    """Write roles and activity of a person."""
    connection.execute(
        update(people)
        .where(people.c.id == changed.id)
        .values(roles=" ".join(sorted(changed.roles)), active=int(changed.active))
    )


def add_key(connection: Connection, key: ApiKey, digest: str) -> None:
    """Insert a key, by the digest of its secret."""
    connection.execute(
        insert(api_keys).values(
            id=key.id,
            person_id=key.person_id,
            label=key.label,
            digest=digest,
            created_at=key.created_at,
            expires_at=key.expires_at,
            revoked_at=key.revoked_at,
            closes_at=key.closes_at,
            replaces=key.replaces,
        )
    )


def revoke_key(connection: Connection, key_id: str, at: str) -> None:
    """Write when a key was revoked."""
    connection.execute(update(api_keys).where(api_keys.c.id == key_id).values(revoked_at=at))


def close_key(connection: Connection, key_id: str, at: str) -> None:
    """Write from when on a key opens nothing, because another has taken its place."""
    connection.execute(update(api_keys).where(api_keys.c.id == key_id).values(closes_at=at))


def key(connection: Connection, key_id: str) -> ApiKey | None:
    """Return the key with this id."""
    row = connection.execute(select(*_KEY).where(api_keys.c.id == key_id)).one_or_none()
    return None if row is None else ApiKey(*row)


def keys_of(connection: Connection, person_id: str) -> tuple[ApiKey, ...]:
    """Return the keys of a person, oldest first, revoked ones included."""
    rows = connection.execute(
        select(*_KEY)
        .where(api_keys.c.person_id == person_id)
        .order_by(api_keys.c.created_at, api_keys.c.id)
    )
    return tuple(ApiKey(*row) for row in rows)


def lasting_keys(connection: Connection) -> dict[str, str]:
    """Return whose each key is, by its id, of the keys that are good and do not run out."""
    rows = connection.execute(
        select(api_keys.c.id, api_keys.c.person_id).where(
            api_keys.c.revoked_at.is_(None),
            api_keys.c.expires_at.is_(None),
            api_keys.c.closes_at.is_(None),
        )
    )
    return {row.id: row.person_id for row in rows}


def unreplaced(connection: Connection, before: str) -> tuple[tuple[ApiKey, Person], ...]:
    """Return the keys of active people that end before a moment and have no successor."""
    rows = connection.execute(
        select(*_KEY, *_PERSON)
        .join(people, people.c.id == api_keys.c.person_id)
        .where(
            api_keys.c.revoked_at.is_(None),
            api_keys.c.closes_at.is_(None),
            api_keys.c.expires_at < before,
            people.c.active == 1,
        )
        .order_by(api_keys.c.expires_at, api_keys.c.id)
    )
    return tuple((ApiKey(*row[: len(_KEY)]), _person(row[len(_KEY) :])) for row in rows)


def by_digests(connection: Connection, digests: Sequence[str]) -> dict[str, tuple[ApiKey, Person]]:
    """Return by digest the keys whose secrets have one of these digests, and whose they are."""
    found: dict[str, tuple[ApiKey, Person]] = {}
    for start in range(0, len(digests), _AT_ONCE):
        rows = connection.execute(
            select(api_keys.c.digest, *_KEY, *_PERSON)
            .join(people, people.c.id == api_keys.c.person_id)
            .where(api_keys.c.digest.in_(digests[start : start + _AT_ONCE]))
        )
        for digest, *row in rows:
            found[digest] = (ApiKey(*row[: len(_KEY)]), _person(row[len(_KEY) :]))
    return found


def refused_by_minute(connection: Connection) -> dict[str, int]:
    """Return how many sign-ins were refused in each minute that is not closed yet."""
    rows = connection.execute(select(refused_sign_ins.c.minute, refused_sign_ins.c.refused))
    return {row.minute: row.refused for row in rows}


def count_refused(connection: Connection, minute: str, refused: int) -> None:
    """Write that `refused` sign-ins were refused in `minute`."""
    connection.execute(delete(refused_sign_ins).where(refused_sign_ins.c.minute == minute))
    connection.execute(insert(refused_sign_ins).values(minute=minute, refused=refused))


def close_minute(connection: Connection, minute: str) -> None:
    """Forget the count of a minute whose sum is in the ledger now."""
    connection.execute(delete(refused_sign_ins).where(refused_sign_ins.c.minute == minute))


def _person(row: Sequence[Any]) -> Person:
    known_id, name, roles, active, created_at = row
    return Person(
        known_id, name, frozenset(Role(role) for role in roles.split()), bool(active), created_at
    )
