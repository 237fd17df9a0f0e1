"""The events of this room as drafts; their fields are what the ledger keeps about people and keys."""

from __future__ import annotations

from typing import Final

from bedside.canonical import Json
from bedside.ledger.events import Draft, EventKind
from bedside.ledger.view import sha256_of
from bedside.people.api_key import ApiKey, Stranger
from bedside.people.audit import API_KEY
from bedside.people.flood import Sum
from bedside.people.permissions import Action
from bedside.people.person import Caller, Person

SYSTEM: Final = "system"
"""Who acts, and by which door, when nobody has signed in."""

MAX_ABOUT: Final = 200
"""Characters kept of what a refused act was about: it may be anything that somebody sent."""


def standing(person: Person) -> dict[str, Json]:
    """Return what may change about a person."""
    return {"roles": sorted(role.value for role in person.roles), "active": person.active}


def person_added(caller: Caller | None, person: Person) -> Draft:
    """Return the event of a new person; `caller` is None for the first one of a site."""
    body = {"name": person.name} | standing(person)
    return draft_by(caller, EventKind.PERSON_ADDED, person.id, body)


def person_changed(caller: Caller, before: Person, after: Person) -> Draft:
    """Return the event of a change of roles or activity."""
    body: dict[str, Json] = {
        "name": after.name,
        "before": standing(before),
        "after": standing(after),
    }
    return draft_by(caller, EventKind.PERSON_CHANGED, after.id, body)


def key_created(caller: Caller | None, key: ApiKey, digest: str) -> Draft:
    """Return the event of a new key; `caller` is None for the first one of a site.

    `digest` is what is stored of the secret. The event holds the SHA-256 of that, so that a row
    with another digest can be told, and nothing in the ledger opens a door.
    """
    body = _key(key) | {"fingerprint": sha256_of(digest)}
    return draft_by(caller, EventKind.KEY_CREATED, key.id, body)


def key_rotated(caller: Caller, key: ApiKey, digest: str, before: ApiKey) -> Draft:
    """Return the event of a key that takes the place of `before`, which closes by itself.

    It is the event of a new key that says, besides, which one it replaces and until when both open.
    """
    body = _key(key) | {
        "fingerprint": sha256_of(digest),
        "replaces": before.id,
        "closes_at": before.closes_at,
    }
    return draft_by(caller, EventKind.KEY_CREATED, key.id, body)


def key_revoked(caller: Caller, key: ApiKey) -> Draft:
    """Return the event of a key that was taken back."""
    return draft_by(caller, EventKind.KEY_REVOKED, key.id, _key(key))


def sign_in_refused(stranger: Stranger, door: str) -> Draft:
    """Return the event of one refused sign-in; whose key it was, where that is known."""
    body: dict[str, Json] = {"reason": stranger.fault.value}
    found = stranger.found
    if found is not None:
        body |= {"key": found[0].id, "person": found[1].id}
    return Draft(
        kind=EventKind.SIGN_IN_REFUSED,
        about=found[1].id if found else "sign-in",
        actor=SYSTEM,
        door=door,
        body=body,
    )


def sign_ins_refused(total: Sum) -> Draft:
    """Return the event that sums up a minute with more refused sign-ins than were recorded."""
    return Draft(
        kind=EventKind.SIGN_IN_REFUSED,
        about="sign-in",
        actor=SYSTEM,
        door=SYSTEM,
        body={
            "reason": "flood",
            "minute": total.minute,
            "refused": total.refused,
            "recorded": total.recorded,
        },
    )


def permission_refused(caller: Caller, action: Action, about: str, reason: str) -> Draft:
    """Return the event of an act that somebody was not allowed to do."""
    shown = (about if about.isprintable() else ascii(about))[:MAX_ABOUT]
    body: dict[str, Json] = {
        "action": action.value,
        "person": caller.person.id,
        "about": shown,
        "reason": reason,
    }
    return draft_by(caller, EventKind.PERMISSION_REFUSED, shown or action.value, body)


def _key(key: ApiKey) -> dict[str, Json]:
    return {
        "what": API_KEY,
        "person": key.person_id,
        "label": key.label,
        "expires_at": key.expires_at,
    }


def draft_by(caller: Caller | None, kind: EventKind, about: str, body: dict[str, Json]) -> Draft:
    """Return the draft of an act, signed by who did it, or by the system where nobody did."""
    if caller is None:
        return Draft(kind=kind, about=about, actor=SYSTEM, door=SYSTEM, body=body)
    return Draft(
        kind=kind,
        about=about,
        actor=caller.person.id,
        door=caller.door,
        credential=caller.credential,
        body=body,
    )
