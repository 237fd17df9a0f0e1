"""People and API keys as the ledger tells them, against the rows that doors believe.

`told` is pure: it replays the events of this room. A key's digest is compared by its SHA-256,
which is what the event of its creation holds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, TypeAlias

from sqlalchemy import Connection

from bedside.canonical import Json
from bedside.ledger import view
from bedside.ledger.events import Entry, EventKind
from bedside.ledger.view import Difference
from bedside.people.person import name_key
from bedside.people.tables import api_keys, people

API_KEY: Final = "api-key"
"""What a key event of this room is about; signing keys have the same kinds of event."""


@dataclass(slots=True)
class Told:
    """The rows that must be there, by id."""

    people: dict[str, dict[str, object]] = field(default_factory=dict)
    keys: dict[str, dict[str, object]] = field(default_factory=dict)


Step: TypeAlias = Callable[[Told, Entry, Mapping[str, Json]], None]


def told(entries: Iterable[Entry]) -> Told:
    """Return the rows that these events, in the ledger's order, lead to.

    Raises:
        LedgerBroken: an event that cannot have happened after those before it.
    """
    rows = Told()
    for entry in entries:
        event = entry.value
        body = event["body"]
        if entry.kind in _KEY_KINDS and body.get("what") != API_KEY:
            continue
        try:
            _STEPS[EventKind(entry.kind)](rows, entry, body)
        except (LookupError, TypeError, ValueError) as problem:
            raise view.broken_story(entry, f"nothing before it tells of {problem}.") from problem
    return rows


def differences(connection: Connection) -> tuple[Difference, ...]:
    """Return where people and API keys are not as the ledger tells.

    Raises:
        LedgerBroken: the events themselves were altered, or contradict each other.
    """
    expected = told(view.events(connection, tuple(_STEPS)))
    keys = [
        {**row, "digest": view.sha256_of(row["digest"])}
        for row in view.stored(connection, api_keys)
    ]
    return (
        *view.compare(people, view.stored(connection, people), expected.people.values()),
        *view.compare(api_keys, keys, expected.keys.values()),
    )


def _person_added(rows: Told, entry: Entry, body: Mapping[str, Json]) -> None:
    _refuse_second(entry, rows.people)
    name: str = body["name"]
    rows.people[entry.about] = {
        "id": entry.about,
        "name": name,
        "name_key": name_key(name),
        "created_at": entry.at,
    } | _standing(body)


def _person_changed(rows: Told, entry: Entry, body: Mapping[str, Json]) -> None:
    rows.people[entry.about] |= _standing(body["after"])


def _key_created(rows: Told, entry: Entry, body: Mapping[str, Json]) -> None:
    _refuse_second(entry, rows.keys)
    rows.keys[entry.about] = {
        "id": entry.about,
        "person_id": body["person"],
        "label": body["label"],
        "digest": body["fingerprint"],
        "created_at": entry.at,
        "expires_at": body["expires_at"],
        "revoked_at": None,
        "closes_at": None,
        "replaces": body.get("replaces"),
    }
    if "replaces" in body:
        rows.keys[body["replaces"]]["closes_at"] = body["closes_at"]


def _key_revoked(rows: Told, entry: Entry, body: Mapping[str, Json]) -> None:
    del body
    rows.keys[entry.about]["revoked_at"] = entry.at


def _standing(body: Mapping[str, Json]) -> dict[str, object]:
    return {"roles": " ".join(body["roles"]), "active": int(body["active"])}


def _refuse_second(entry: Entry, known: Mapping[str, object]) -> None:
    if entry.about in known:
        raise view.broken_story(entry, "the same was told before.")


_KEY_KINDS: Final = (EventKind.KEY_CREATED, EventKind.KEY_REVOKED)
_STEPS: Final[Mapping[EventKind, Step]] = MappingProxyType(
    {
        EventKind.PERSON_ADDED: _person_added,
        EventKind.PERSON_CHANGED: _person_changed,
        EventKind.KEY_CREATED: _key_created,
        EventKind.KEY_REVOKED: _key_revoked,
    }
)
