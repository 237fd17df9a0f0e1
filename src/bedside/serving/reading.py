"""Who may see what of a trace, and the record that somebody read it.

Reading a trace opens what is sealed under a person's key, so it is an event of its own, recorded
before anything is told. It is not part of any trace, so reading one adds nothing to the next.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bedside.canonical import Json
from bedside.clock import is_id
from bedside.ledger.erasure import Erasure
from bedside.ledger.events import Draft, EventKind
from bedside.people.person import Caller

WITHHELD: Final = ("sop_instance", "series", "study", "frame_of_reference")
"""What of the facts of a picture or a volume leads to its patient in an archive."""


def reference(named: str) -> str:
    """Return what somebody asked about, if it is an id; else nothing: it may be a patient's name.

    What was asked about stands in clear in the event of a refused permission, for good.
    """
    return named if is_id(named) else ""


def trace_read_draft(caller: Caller, prediction_id: str, *, subject: bool) -> Draft:
    """Return the event of a trace that was read, with or without the subject's identifier."""
    return Draft(
        kind=EventKind.TRACE_READ,
        about=prediction_id,
        actor=caller.person.id,
        door=caller.door,
        credential=caller.credential,
        body={"subject": "shown" if subject else "pseudonym"},
        further=caller.fences,
    )


def pseudonymous(personal: Mapping[str, Json], pseudonym: str) -> dict[str, Json]:
    """Return a personal part without what names the person, for who may not see that.

    The subject's identifier gives way to the pseudonym, and a picture's UIDs are left out. Free
    text, such as the reason of a decision, stays as it was written.
    """
    told = dict(personal)
    if told.get("subject") is not None:
        del told["subject"]
        told["pseudonym"] = pseudonym
    for pictured in ("picture", "volume"):
        if isinstance(facts := told.get(pictured), dict):
            told[pictured] = {
                name: None if name in WITHHELD else value for name, value in facts.items()
            }
    return told


def erasure_told(found: Erasure, names: Mapping[str, str]) -> dict[str, Json]:
    """Return when, why and by which two people something was erased."""
    confirmed = found.confirmed or found.requested
    acts = {"requested_by": found.requested.by, "confirmed_by": confirmed.by}
    told: dict[str, Json] = {
        "id": found.id,
        "at": (found.done or confirmed).at,
        "reason": found.reason,
        "case": found.case,
    }
    return told | {name: {"id": by, "name": names.get(by, "")} for name, by in acts.items()}
