"""A key takes the place of another: for a while both open, then the old one closes by itself.

So a key can be changed where it is used in many places at once, and none of them stands still.
The rules are pure; `rotate` writes what follows from them, in its caller's transaction.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from bedside.clock import new_id, read_timestamp, timestamp
from bedside.errors import Conflict, UsageError
from bedside.ledger.ledger import Ledger
from bedside.people import events, queries
from bedside.people.api_key import (
    LONGEST_OVERLAP,
    ApiKey,
    IssuedKey,
    key_fault,
    new_secret,
    secret_digest,
)
from bedside.people.person import Caller, Person


@dataclass(frozen=True, slots=True)
class Rotated:
    """A new key on its only appearance, and the moment at which the old one closes."""

    key: IssuedKey
    closes_at: str
    expires_at: str | None


@dataclass(frozen=True, slots=True)
class Terms:
    """How one key takes the place of another.

    Attributes:
        overlap: How long both open: nothing, or up to `LONGEST_OVERLAP` days.
        expires_at: The end of the new key; None gives it as long as the old one had.
    """

    overlap: timedelta
    expires_at: datetime | None = None


def closed(key: ApiKey, owner: Person, terms: Terms, now: datetime) -> ApiKey:
    """Return the old key as it stands after its rotation.

    Raises:
        Conflict: it opens nothing any more, its owner is inactive, or it was replaced already.
        UsageError: the overlap is negative or too long.
    """
    if not timedelta(0) <= terms.overlap <= timedelta(days=LONGEST_OVERLAP):
        raise UsageError(
            f"An overlap of {terms.overlap.total_seconds() / 86_400:g} days cannot be.",
            advice=f"Choose 0 to {LONGEST_OVERLAP} days.",
        )
    if key.closes_at is not None:
        raise Conflict(
            f"The API key {key.id} was replaced already; it closes at {key.closes_at}.",
            advice=f"Rotate its successor: bedside people list {owner.id}.",
        )
    fault = key_fault((key, owner), timestamp(now))
    if fault is not None:
        raise Conflict(
            f"The API key {key.id} of {owner.name!r} is {fault}.",
            advice="Issue a new one: bedside people key.",
        )
    closes = timestamp(now + terms.overlap)
    return replace(key, closes_at=min(closes, key.expires_at or closes))


def successor(before: ApiKey, terms: Terms, now: datetime) -> ApiKey:
    """Return the key that takes the place of `before`, as it is when it is issued.

    Raises:
        UsageError: it would end before the old one closes.
    """
    expires = terms.expires_at
    if expires is None and before.expires_at is not None:
        lifetime = read_timestamp(before.expires_at) - read_timestamp(before.created_at)
        expires = now + lifetime
    until = None if expires is None else timestamp(expires)
    if until is not None and (until <= timestamp(now) or until < (before.closes_at or "")):
        raise UsageError(
            f"The new key would end at {until}, before the old one closes at {before.closes_at}.",
            advice="Give a later time.",
        )
    return ApiKey(new_id(), before.person_id, before.label, "", until, None, None, before.id)


def rotate(
    connection: Connection, ledger: Ledger, caller: Caller, before: ApiKey, new: ApiKey
) -> Rotated:
    """Write the new key and the end of the old one, and their event, in the caller's transaction.

    Args:
        connection: Of the transaction.
        ledger: Takes the event.
        caller: Who rotates it.
        before: The old key as `closed` returned it.
        new: Its successor.
    """
    secret = new_secret()
    digest = secret_digest(secret)
    (entry,) = ledger.append(connection, [events.key_rotated(caller, new, digest, before)])
    queries.add_key(connection, replace(new, created_at=entry.at), digest)
    closes_at = before.closes_at or entry.at
    queries.close_key(connection, before.id, closes_at)
    return Rotated(IssuedKey(new.id, secret), closes_at, new.expires_at)
