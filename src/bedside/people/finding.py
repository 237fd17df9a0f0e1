"""One person, one key: found by what somebody called them, or said not to be there."""

from __future__ import annotations

from sqlalchemy import Connection

from bedside.errors import NotFound, UsageError
from bedside.people import queries
from bedside.people.api_key import ApiKey
from bedside.people.person import MAX_NAME, Person, clean_name


def one_person(connection: Connection, known_as: str) -> Person:
    """Return the person with this id or name.

    Raises:
        NotFound: there is none.
    """
    person = queries.person(connection, known_as) if _could_exist(known_as) else None
    if person is None:
        raise NotFound(
            f"Nobody here has the id or name {known_as[:MAX_NAME]!r}.",
            advice="List the people of this site.",
        )
    return person


def one_key(connection: Connection, key_id: str) -> ApiKey:
    """Return the key with this id.

    Raises:
        NotFound: there is none.
    """
    key = queries.key(connection, key_id) if _could_exist(key_id) else None
    if key is None:
        raise NotFound(
            f"There is no API key {key_id[:MAX_NAME]!r}.", advice="List a person's keys."
        )
    return key


def _could_exist(known_as: str) -> bool:
    """Return whether this could be a name or id: some characters not even a database takes."""
    try:
        return bool(clean_name(known_as))
    except UsageError:
        return False
