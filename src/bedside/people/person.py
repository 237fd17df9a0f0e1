"""People as values, and the rules about them that need no database."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from bedside.errors import Conflict, UsageError
from bedside.people.permissions import Role

MAX_NAME = 100
"""Characters in a person's name or a key's label: longer than any on a badge, short in a record."""


@dataclass(frozen=True, slots=True)
class Person:
    """Someone known to this site.

    Attributes:
        id: A UUID; it never changes and is never given again.
        name: As shown; unique here without regard to case or width.
        roles: What the person may act as.
        active: An inactive person cannot sign in; their past acts stay.
        created_at: RFC 3339 time in UTC.
    """

    id: str
    name: str
    roles: frozenset[Role]
    active: bool
    created_at: str


@dataclass(frozen=True, slots=True)
class Caller:
    """A person who signed in, by which door and with which credential (the id of an API key)."""

    person: Person
    door: str
    credential: str


def clean_name(text: str, what: str = "name") -> str:
    """Return `text` as it is kept: Unicode NFC, without space around it.

    Args:
        text: A person's name, a key's label or the like.
        what: What it is, for the message.

    Raises:
        UsageError: blank, longer than `MAX_NAME`, or with a control, format, surrogate or
            line-breaking character, which could make two names look alike or forge a line in a log.
    """
    name = unicodedata.normalize("NFC", text).strip()
    if not name:
        raise UsageError(f"The {what} {text[:MAX_NAME]!r} is blank.", advice=f"Give a {what}.")
    if len(name) > MAX_NAME:
        raise UsageError(
            f"The {what} {name[:20]!r}… has {len(name)} characters.",
            advice=f"Use at most {MAX_NAME}.",
        )
    for character in name:
        if unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"}:
            raise UsageError(
                f"The {what} {name!r} holds the invisible character U+{ord(character):04X}.",
                advice="Use letters, digits, spaces and punctuation.",
            )
    return name


def name_key(name: str) -> str:
    """Return the form of a cleaned name by which names are compared: case and width folded.

    Source: Unicode Standard Annex 15 (NFKC) and the default caseless matching of chapter 3.13.
    """
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def read_roles(names: Iterable[str]) -> frozenset[Role]:
    """Return the roles of these names.

    Raises:
        UsageError: none at all, or a name that is no role.
    """
    known = {role.value: role for role in Role}
    asked = list(names)
    if unknown := [name for name in asked if name not in known]:
        raise UsageError(
            f"{unknown[0]!r} is not a role.", advice=f"Choose from {', '.join(sorted(known))}."
        )
    if not asked:
        raise UsageError(
            "A person needs at least one role.",
            advice="Deactivate someone who shall do nothing here any more.",
        )
    return frozenset(known[name] for name in asked)


def administers(person: Person) -> bool:
    """Return whether `person` is an active administrator."""
    return person.active and Role.ADMINISTRATOR in person.roles


def keep_an_administrator(people: Collection[Person], changed: Person) -> None:
    """Check that someone still administers the site once `changed` stands in its old place.

    Args:
        people: Everybody as they are now.
        changed: One of them (same id) as they would become.

    Raises:
        Conflict: nobody would be left who can give roles and keys; the site would be locked.
    """
    after = [changed if person.id == changed.id else person for person in people]
    if not any(administers(person) for person in after):
        raise Conflict(
            f"{changed.name!r} is the last active administrator of this site.",
            advice="Give the role administrator to somebody else first.",
        )
