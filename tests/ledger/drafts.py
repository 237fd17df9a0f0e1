"""Events for tests of the ledger."""

from __future__ import annotations

from bedside.canonical import Json
from bedside.keys.subjects import SubjectKey
from bedside.ledger.events import Draft, EventKind, Fence

EPOCH = "release:breast-cancer"


def prediction(
    about: str = "breast-cancer@1.0.0",
    *,
    number: int = 0,
    fence: int | None = None,
    sealed: Json | None = None,
    key: SubjectKey | None = None,
) -> Draft:
    """Return the draft of a prediction."""
    return Draft(
        EventKind.PREDICTION,
        about,
        "person-1",
        "rest",
        {"score": 0.25, "number": number},
        sealed=sealed,
        subject_key=key,
        fence=None if fence is None else Fence(EPOCH, fence),
    )
