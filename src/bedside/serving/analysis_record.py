"""What an analysis says in the ledger: in the clear, and sealed; as a prediction does (`recording`).

In the clear stand the digests of its files as they lie sealed on the disk, which tell nothing; under
the subject's key their digests in plain, the volumes and what the files said of themselves. Voxels
are in no event.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace

from bedside.canonical import Json, canonical_bytes
from bedside.errors import InputRefused, KeyUnavailable, Refusal
from bedside.jobs.errand import Heard
from bedside.jobs.job import Job
from bedside.keys.subjects import SubjectKey, SubjectKeys
from bedside.ledger.events import Draft, EventKind
from bedside.package.manifest import Manifest
from bedside.package.segmentation import SegmentationOutput
from bedside.people.person import Caller
from bedside.registry.release import Release
from bedside.serving import recording
from bedside.serving.analysis_words import Asked, Outcome
from bedside.serving.recording import clear_part, personal_draft, refusal_drafts
from bedside.serving.values import Row


@dataclass(frozen=True, slots=True)
class Analysed:
    """One analysis that is to be recorded.

    Attributes:
        job: Its id, which is the prediction's and the event's, too: no second one can stand.
        asked: What was asked.
        caller: Who asked, as they are now.
        release: Which version computed.
        manifest: Of its package.
        microseconds: From the request to now.
    """

    job: str
    asked: Asked
    caller: Caller
    release: Release
    manifest: Manifest
    microseconds: int

    @property
    def request(self) -> recording.Asked:
        """Return it as the record of a prediction wants it."""
        return recording.Asked(self.caller, self.release, 1, self.microseconds)


def analysis_draft(analysed: Analysed, heard: Heard, key: SubjectKey) -> Draft:
    """Return the event of an answered analysis."""
    text, answer = canonical_bytes(analysed.asked.input()), heard.said["answer"]
    output = analysed.manifest.postprocessing
    threshold = output.threshold if isinstance(output, SegmentationOutput) else None
    body: dict[str, Json] = clear_part(analysed.request, 0, key.digest(text)) | {
        "verdict": "accepted",
        "label": None,
        "threshold": None if threshold is None else threshold.value,
        "results": {one.name: one.sealed for one in heard.files},
    }
    sealed: dict[str, Json] = {
        "subject": analysed.asked.order.subject,
        "input": text.decode("utf-8"),
        "scores": answer["values"],
        "raw": {},
        "volume": answer["facts"],
        "results": [
            {"name": one.name, "digest": one.digest, "bytes": one.size, "type": one.media_type}
            for one in heard.files
        ],
        "out_of_domain": answer["out_of_domain"],
        "seconds": answer["seconds"],
    }
    if "predicted_overlap" in answer:
        sealed["predicted_overlap"] = answer["predicted_overlap"]
    if answer["flags"]:
        body["flags"] = [code for code, _ in answer["flags"]]
        sealed["flags"] = [{"code": code, "detail": detail} for code, detail in answer["flags"]]
    draft = personal_draft(
        EventKind.PREDICTION, analysed.request, analysed.job, body, (sealed, key)
    )
    return replace(draft, id=analysed.job)


def ended_draft(job: Job, keys: SubjectKeys, by: Caller | None = None) -> Draft:
    """Return the event of an analysis of which no answer came: it failed, or `by` cancelled it.

    Through which door it was asked for, and which version computed, if one did to its end, is sealed
    in the job's row: of somebody who was erased it cannot be told any more.
    """
    return Draft(
        kind=EventKind.ANALYSIS_ENDED,
        about=job.id,
        actor="system" if by is None else by.person.id,
        door="system" if by is None else by.door,
        credential="" if by is None else by.credential,
        body={
            "model": job.about,
            "state": "failed" if by is None else "cancelled",
            "code": job.code if by is None else "cancelled",
            "attempts": job.attempts,
            "asked_by": job.person,
            "asked_at": job.created_at,
        }
        | _of_row(job, keys),
    )


def _of_row(job: Job, keys: SubjectKeys) -> dict[str, Json]:
    told: dict[str, Json] = {}
    with suppress(KeyUnavailable):
        key = keys.get(job.key_id)
        told["asked_through"] = Asked.open(key, job.id, job.request).door
        outcome = Outcome.open(key, job.id, job.outcome) if job.outcome else Outcome()
        if outcome.package:
            told |= {"version": outcome.version, "package": outcome.package}
    return told


def analysis_refusal(analysed: Analysed, heard: Heard, key: SubjectKey) -> Draft:
    """Return the event of a volume that the gate refused, with every reason."""
    refused = InputRefused(tuple(Refusal(**one) for one in heard.said["refusals"]))
    row = Row(analysed.asked.input(), analysed.asked.order.subject)
    (draft,) = refusal_drafts(analysed.request, [row], refused, {0: key})
    return replace(draft, id=analysed.job)
