"""What became of an attempt: awaited, and told to whoever asked."""

from __future__ import annotations

import asyncio
from typing import Final

from bedside.errors import BedsideError, Unavailable
from bedside.ledger.events import Entry
from bedside.ledger.group import Recorded
from bedside.serving.attempt import Attempt
from bedside.serving.values import Prediction

TRIES: Final = 5
"""How often something is tried anew because releases or people kept changing under it."""

RECORD_SECONDS: Final = 60.0
"""How long a caller waits for its record; longer than any writer may wait."""


def outcome(attempt: Attempt, entries: tuple[Entry, ...]) -> tuple[Prediction, ...]:
    """Return what the caller may now hear.

    Raises:
        InputRefused: the gate refused, and that is recorded now.
    """
    if attempt.refused is not None:
        raise attempt.refused
    release = attempt.loaded.release
    return tuple(
        Prediction(
            id=prediction_id,
            manifest=attempt.loaded.manifest,
            package=release.digest,
            epoch=release.epoch,
            label=answer.label,
            scores=answer.scores,
            threshold=answer.threshold,
            index=entry.index,
            at=entry.at,
            flags=answer.flags,
            picture=answer.picture,
            explanation=answer.explanation,
        )
        for prediction_id, answer, entry in zip(attempt.ids, attempt.answers, entries, strict=True)
    )


def awaited(recorded: Recorded, look: str) -> tuple[Entry, ...]:
    """Return the entries once they are durable.

    Args:
        recorded: What the group commit accepted; it cannot be called back.
        look: How to find out whether it was recorded after all.

    Raises:
        Unavailable: nobody confirmed it within `RECORD_SECONDS`.
    """
    try:
        return recorded.result(RECORD_SECONDS)
    except TimeoutError as problem:
        raise not_confirmed(look) from problem


async def confirmed(recorded: Recorded, look: str) -> tuple[Entry, ...]:
    """Return the same on an event loop; a caller who goes away takes no record out of its group.

    Raises:
        Unavailable: nobody confirmed it within `RECORD_SECONDS`.
    """
    waiting = asyncio.wrap_future(recorded)
    try:
        return await asyncio.wait_for(asyncio.shield(waiting), RECORD_SECONDS)
    except TimeoutError as problem:
        raise not_confirmed(look) from problem


def not_confirmed(look: str) -> Unavailable:
    """Return what to say where nobody confirmed a record in time; `look` says how to find out."""
    return Unavailable(
        f"The record was not confirmed within {RECORD_SECONDS:g} seconds; "
        "it may have been recorded, or may still be.",
        advice=look,
    )


def look_for(attempt: Attempt) -> str:
    """Return how to find out whether an attempt was recorded after all."""
    if not attempt.ids:
        ref = attempt.loaded.release.ref
        return f"The input was refused; look for a refusal about {ref} in the ledger."
    others = f" (and {len(attempt.ids) - 1} more)" if len(attempt.ids) > 1 else ""
    return f"Ask for the trace of {attempt.ids[0]}{others} before you send it again."


def kept_changing(model: str) -> BedsideError:
    """Return what to say where releases or people kept changing."""
    return Unavailable(
        f"The release of {model}, or people and keys of this site, changed {TRIES} times while this "
        "answer was computed.",
        advice="Send the request again.",
    )
