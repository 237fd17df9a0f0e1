"""What a prediction, a refusal and a decision say in the ledger: in the clear, and sealed.

In the clear stands what tells nobody anything about the person: model, version, package, epoch,
keyed input digest, label, threshold, codes of flags. Under the subject's key stand the subject, the
input and the scores: with a guess of the input, anybody could compute the score and so confirm the
guess. A picture is named there by its digest, and never kept.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bedside.canonical import Json, canonical_bytes
from bedside.errors import InputRefused, Refusal
from bedside.keys.subjects import SubjectKey
from bedside.ledger.events import Draft, EventKind
from bedside.people.person import Caller
from bedside.registry.release import Release
from bedside.runtime.postprocess import Answer
from bedside.serving.explanations import explanation_kept
from bedside.serving.pictured import facts_kept, kept_anything, kept_row, refused_kept
from bedside.serving.values import Decision, Row

MAX_REFUSED_INPUT: Final = 64 * 1024
"""Characters kept of a refused input: it was not within any model's domain, so it may be anything."""

MAX_REASONS: Final = 100
"""Reasons kept of one refused row."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: who asks, for the answer of which release, with how many rows.

    Attributes:
        caller: Person and door.
        release: The release that computed.
        rows: Number of rows in the request.
        microseconds: From the request to the answer, before it was recorded.
        pictures: Whether the model takes pictures, which are named and not kept.
    """

    caller: Caller
    release: Release
    rows: int
    microseconds: int
    pictures: bool = False


def prediction_draft(
    asked: Asked, prediction_id: str, place: tuple[int, Row], answer: Answer, key: SubjectKey
) -> Draft:
    """Return the event of one answered row.

    Args:
        asked: The request.
        prediction_id: Id of the prediction, which the event is about.
        place: Position of the row in the request, and the row.
        answer: What the model answered.
        key: Seals the personal part.

    Raises:
        UsageError: a value in the input has no exact JSON form (an integer beyond ±2**53).
    """
    position, row = place
    text = canonical_bytes(kept_row(row.input) if answer.picture else row.input)
    body: dict[str, Json] = clear_part(asked, position, key.digest(text)) | {
        "verdict": "accepted",
        "label": answer.label,
        "threshold": answer.threshold,
    }
    sealed: dict[str, Json] = {
        "subject": row.subject,
        "input": text.decode("utf-8"),
        "scores": dict(answer.scores),
        "raw": dict(answer.raw),
    }
    if answer.picture is not None:
        sealed["picture"] = facts_kept(answer.picture)
    if answer.flags:
        body["flags"] = [one.code for one in answer.flags]
        sealed["flags"] = [{"code": one.code, "detail": one.detail} for one in answer.flags]
    if answer.explanation is not None:
        body["explained"] = True
        sealed["explanation"] = explanation_kept(answer.explanation)
    return personal_draft(EventKind.PREDICTION, asked, prediction_id, body, (sealed, key))


def refusal_drafts(
    asked: Asked, rows: Sequence[Row], refused: InputRefused, keys: Mapping[int, SubjectKey]
) -> tuple[Draft, ...]:
    """Return one event for each row that the gate refused; values stand only in the sealed part.

    `keys` holds the key of each refused row by its position. An unknown field's name stands only there too: it is whatever somebody sent.
    """
    by_row: dict[int, list[Refusal]] = {}
    for refusal in refused.refusals:
        by_row.setdefault(refusal.row, []).append(refusal)
    return tuple(
        _refusal_draft(asked, position, rows[position], found[:MAX_REASONS], keys[position])
        for position, found in sorted(by_row.items())
    )


def decision_draft(
    caller: Caller, prediction_id: str, decision: Decision, stands: str | None, key: SubjectKey
) -> Draft:
    """Return the event of a decision; `stands` is the label that it leaves standing."""
    body: dict[str, Json] = {"verdict": decision.verdict.value, "label": stands}
    return Draft(
        kind=EventKind.DECISION,
        about=prediction_id,
        actor=caller.person.id,
        door=caller.door,
        credential=caller.credential,
        body=body,
        sealed={"reason": decision.reason},
        subject_key=key,
        further=caller.fences,
    )


def _refusal_draft(
    asked: Asked, position: int, row: Row, found: Sequence[Refusal], key: SubjectKey
) -> Draft:
    sent = kept_anything(row.input) if asked.pictures else row.input
    text = json.dumps(sent, sort_keys=True, separators=(",", ":"))
    reasons: list[Json] = [
        {"field": None if one.code == "unknown-field" else one.field, "code": one.code}
        for one in found
    ]
    told: list[Json] = [
        {"field": _plain(one.field), "code": one.code, "value": _plain(one.value)} for one in found
    ]
    body = clear_part(asked, position, key.digest(text.encode("ascii"))) | {
        "verdict": "refused",
        "refusals": reasons,
    }
    sealed: dict[str, Json] = {
        "subject": row.subject,
        "input": text[:MAX_REFUSED_INPUT],
        "refusals": told,
    }
    if asked.pictures and (named := refused_kept(row.input)):
        sealed["picture"] = named
    return personal_draft(EventKind.REFUSAL, asked, asked.release.ref, body, (sealed, key))


def clear_part(asked: Asked, position: int, input_digest: str) -> dict[str, Json]:
    """Return what stands in the clear of a row, whether it was answered or refused."""
    release = asked.release
    return {
        "model": release.model,
        "version": release.version,
        "package": release.digest,
        "epoch": release.epoch,
        "input": input_digest,
        "row": position,
        "rows": asked.rows,
        "latency_us": asked.microseconds,
    }


def personal_draft(
    kind: EventKind,
    asked: Asked,
    about: str,
    body: dict[str, Json],
    personal: tuple[Json, SubjectKey],
) -> Draft:
    """Return an event with a personal part, fenced by the release and by people."""
    return Draft(
        kind=kind,
        about=about,
        actor=asked.caller.person.id,
        door=asked.caller.door,
        credential=asked.caller.credential,
        body=body,
        sealed=personal[0],
        subject_key=personal[1],
        fence=asked.release.fence,
        further=asked.caller.fences,
    )


def _plain(text: str) -> str:
    """Return `text` with lone surrogates written out, which no encoding of Unicode can carry."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
