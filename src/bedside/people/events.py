"""The events of this room as drafts; their fields are what the ledger keeps about people and keys."""

from __future__ import annotations

from typing import Final

from bedside.canonical import Json
from bedside.ledger.events import Draft, EventKind
from bedside.people.api_key import ApiKey, SignInFault
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


def person_added(person: Person, actor: str, door: str) -> Draft:
    """Return the event of a new person."""
    return Draft(
        kind=EventKind.PERSON_ADDED,
        about=person.id,
        actor=actor,
        door=door,
        body={"name": person.name} | standing(person),
    )


def person_changed(caller: Caller, before: Person, after: Person) -> Draft:
    """Return the event of a change of roles or activity."""
    return Draft(
        kind=EventKind.PERSON_CHANGED,
        about=after.id,
        actor=caller.person.id,
        door=caller.door,
        body={"name": after.name, "before": standing(before), "after": standing(after)},
    )


def key_event(kind: EventKind, key: ApiKey, actor: str, door: str) -> Draft:
    """Return the event of a key that was created or revoked; nothing of its secret is in it."""
    return Draft(
        kind=kind,
        about=key.id,
        actor=actor,
        door=door,
        body={
            "what": "api-key",
            "person": key.person_id,
            "label": key.label,
            "expires_at": key.expires_at,
        },
    )


def sign_in_refused(fault: SignInFault, found: tuple[ApiKey, Person] | None, door: str) -> Draft:
    """Return the event of one refused sign-in; whose key it was, where that is known."""
    body: dict[str, Json] = {"reason": fault.value}
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
    return Draft(
        kind=EventKind.PERMISSION_REFUSED,
        about=shown or action.value,
        actor=caller.person.id,
        door=caller.door,
        body={
            "action": action.value,
            "person": caller.person.id,
            "about": shown,
            "reason": reason,
        },
    )
