"""People as values, and the rules about them that need no database."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Final

from bedside.errors import Conflict, UsageError
from bedside.ledger.events import Fence
from bedside.people.permissions import Role

MAX_NAME: Final = 100
"""Characters in a person's name or a key's label: longer than any on a badge, short in a record."""

LOOK_ALIKE: Final = frozenset({"LATIN", "GREEK", "CYRILLIC", "ARMENIAN", "CHEROKEE"})
"""Scripts with letters that cannot be told apart by eye (Unicode Technical Standard 39, 5.1)."""

APART: Final = (
    (frozenset({Role.ADMINISTRATOR, Role.APPROVER}), "approve"),
    (frozenset({Role.ADMINISTRATOR, Role.CUSTODIAN}), "erase"),
)
"""Roles that nobody has together, and what one could do alone by another's hand: who gives roles
and keys neither approves nor erases."""


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
    """A person who signed in.

    Attributes:
        person: Who.
        door: By which door.
        credential: The id of the API key.
        expires_at: From this moment on the key opens nothing (RFC 3339, UTC); None is never.
        fences: What must still be so when something is recorded for them: the fence of people
            from before the look at their key (`people.currency`).
    """

    person: Person
    door: str
    credential: str
    expires_at: str | None = None
    fences: tuple[Fence, ...] = field(default=(), compare=False)


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


def person_name(text: str) -> str:
    """Return a person's name as it is kept: cleaned, each word in the letters of one alphabet.

    A twin that is wholly in another script remains; the id beside a name tells the two apart.

    Raises:
        UsageError: as `clean_name`, or a word mixes scripts of `LOOK_ALIKE`.
    """
    name = clean_name(text)
    for word in name.split():
        if len(mixed := sorted(_scripts(word) & LOOK_ALIKE)) > 1:
            raise UsageError(
                f"The name {name!r} mixes {' and '.join(map(str.title, mixed))} letters "
                f"in {word!r}.",
                advice="Write each word with the letters of one alphabet.",
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
        UsageError: none at all, a name that is no role, or two that nobody has together.
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
    roles = frozenset(known[name] for name in asked)
    for pair, act in APART:
        if roles >= pair:
            raise UsageError(
                f"Nobody is {' and '.join(sorted(pair))} at once: one could {act} by another's hand.",
                advice="Give one of the two roles to somebody else.",
            )
    return roles


def administers(person: Person) -> bool:
    """Return whether `person` is an active administrator."""
    return person.active and Role.ADMINISTRATOR in person.roles


def keep_an_administrator(
    people: Collection[Person], with_key: Collection[str], change: str
) -> None:
    """Check that someone can still administer the site as it would become.

    Args:
        people: Everybody as they would be.
        with_key: Ids of the people who would have a key that is good and does not run out.
        change: What would be lost, for the message.

    Raises:
        Conflict: nobody would be left who can sign in and give roles and keys; the site would be
            locked for good.
    """
    if not any(administers(person) and person.id in with_key for person in people):
        raise Conflict(
            f"{change} of this site.",
            advice="Let another administrator have a key that does not run out first.",
        )


def _scripts(word: str) -> set[str]:
    """Return the first word of each letter's Unicode name, which names its script."""
    letters = (character for character in word if character.isalpha())
    return {unicodedata.name(letter, "").partition(" ")[0] for letter in letters}
