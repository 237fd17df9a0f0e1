"""The routes of long analyses: a volume comes, a job is confirmed, its answer is fetched later.

A file is sealed as it comes (`serving.receiving`); what an analysis costs is paid elsewhere, by a
process that is in no hurry, so that nobody who waits for a prediction waits for it.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterator
from http import HTTPStatus

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from bedside.api import analysis_documented as told_as
from bedside.api import answers, documented
from bedside.api.analysis_documented import TAG
from bedside.api.analysis_requests import (
    FORM,
    Given,
    order_of,
    read_analysis,
    read_upload,
)
from bedside.api.idempotency import idempotency_key
from bedside.api.predicting import say_repeated
from bedside.api.requests import check_media_type
from bedside.api.routes import SignedIn, site_of
from bedside.canonical import Json
from bedside.errors import Unavailable
from bedside.jobs.errand import KeptFile
from bedside.jobs.job import Job
from bedside.people.person import Caller
from bedside.runtime.flags import Flag
from bedside.serving.analysing import Analysing, Told
from bedside.serving.analysis_ends import words_of
from bedside.serving.analysis_words import Outcome
from bedside.serving.flags import flags_told
from bedside.serving.receiving import Receiving
from bedside.serving.released import Loaded

router = APIRouter(
    responses={
        "default": {"model": documented.ProblemDetails, "description": "A problem (RFC 9457)"}
    }
)


@router.post(
    "/v1/models/{name}/analyses",
    tags=[TAG],
    status_code=HTTPStatus.ACCEPTED,
    response_model=told_as.AnalysisAnswer,
    openapi_extra=told_as.asked(),
)
async def analyse(request: Request, name: str, caller: SignedIn) -> Response:
    """Begin an analysis of a volume; it is durable when this is answered.

    Ask for it by its id until it is done. With an Idempotency-Key it is begun once.
    """
    site = site_of(request)
    analysing, once = site.analysing, idempotency_key(request)
    submitting, loaded = analysing.submitting, None
    known = once is not None and await asyncio.to_thread(submitting.known, caller, name, once)
    if not known:
        loaded = await site.serving.answering(caller, name)
        submitting.memory_of(loaded)  # before anything of the body is read
    received = await asyncio.to_thread(submitting.receiving, caller, keeps=not known)
    try:
        given = await read_analysis(request, caller, received)
        work = (caller, loaded or name, given, received, once)
        job, repeated = await asyncio.to_thread(_submitted, analysing, work)
    finally:
        await asyncio.to_thread(received.drop)
    outcome = None
    if repeated:
        outcome = (await asyncio.to_thread(analysing.told, caller, job.id)).outcome
    response = answers.json_response(_told(Told(job, outcome)), HTTPStatus.ACCEPTED)
    response.headers["location"] = f"/v1/analyses/{job.id}"
    return say_repeated(response, repeated=repeated)


@router.post(
    "/v1/blobs",
    tags=[TAG],
    status_code=HTTPStatus.CREATED,
    response_model=told_as.BlobAnswer,
    openapi_extra=told_as.uploaded(),
)
async def upload(request: Request, caller: SignedIn) -> Response:
    """Keep a volume for a time, so that several analyses can name it; sealed as it comes."""
    submitting = site_of(request).analysing.submitting
    check_media_type(request, (FORM,))
    await asyncio.to_thread(submitting.permitted, caller)
    received = await asyncio.to_thread(submitting.receiving, caller)
    try:
        said = order_of(await read_upload(request, received, ("subject",)))
        kept = await asyncio.to_thread(submitting.keep, caller, received, said.subject)
    finally:
        await asyncio.to_thread(received.drop)
    told: dict[str, Json] = {"blob": kept.id, "bytes": kept.size, "kept_until": kept.kept_until}
    return answers.json_response(told, HTTPStatus.CREATED)


@router.delete(
    "/v1/blobs/{blob}",
    tags=[TAG],
    status_code=HTTPStatus.NO_CONTENT,
    response_class=Response,
    responses=told_as.conflict("An analysis that is not finished needs it"),
)
def drop(request: Request, blob: str, caller: SignedIn) -> Response:
    """Remove an upload that you kept, before its time."""
    site_of(request).analysing.submitting.drop(caller, blob)
    return Response(status_code=HTTPStatus.NO_CONTENT)


@router.get(
    "/v1/analyses/{analysis_id}",
    tags=[TAG],
    response_model=told_as.AnalysisAnswer,
    responses=told_as.conflict(told_as.ERASED),
)
def analysis(request: Request, analysis_id: str, caller: SignedIn) -> Response:
    """Tell how an analysis stands, and what came of it.

    That somebody else than who began it reads what came of it is recorded.
    """
    return answers.json_response(_told(site_of(request).analysing.told(caller, analysis_id)))


@router.delete(
    "/v1/analyses/{analysis_id}",
    tags=[TAG],
    response_model=told_as.AnalysisAnswer,
    responses=told_as.conflict("It is over, and cannot be cancelled any more"),
)
def cancel(request: Request, analysis_id: str, caller: SignedIn) -> Response:
    """Cancel an analysis: at once where it waits, within seconds where it runs."""
    job = site_of(request).analysing.cancel(caller, analysis_id)
    return answers.json_response(_told(Told(job, None)))


@router.get(
    "/v1/analyses/{analysis_id}/files/{file}",
    tags=[TAG],
    response_class=Response,
    responses={
        200: {
            "description": "The file",
            "content": {
                kind: {"schema": {"type": "string", "format": "binary"}}
                for kind in ("application/gzip", "application/json", "image/png")
            },
        },
        **told_as.conflict(told_as.ERASED),
    },
)
def result(request: Request, analysis_id: str, file: str, caller: SignedIn) -> Response:
    """Return a file that came of an analysis: NIfTI, PNG or JSON."""
    kept, pieces = site_of(request).analysing.result(caller, analysis_id, file)
    first = next(pieces, b"")  # what is wrong with it is told before anything is sent
    headers = {
        "content-length": str(kept.size),
        "content-disposition": f'attachment; filename="{kept.name}"',
        "repr-digest": f"sha-256=:{_base64(kept)}:",  # RFC 9530, section 3
        "cache-control": "no-store",
    }
    return StreamingResponse(_joined(first, pieces), media_type=kept.media_type, headers=headers)


def _submitted(
    analysing: Analysing, work: tuple[Caller, Loaded | str, Given, Receiving, str | None]
) -> tuple[Job, bool]:
    caller, loaded, given, received, once = work
    source = received if given.blob is None else given.blob
    if isinstance(
        loaded, str
    ):  # which was begun under this key: any version may answer now, or none
        job = analysing.submitting.repeated(caller, loaded, given.order, source, once or "")
        if job is None:
            raise Unavailable("The analysis was removed just now.", advice="Send it again.")
        return job, True
    return analysing.submit(caller, loaded, given.order, source, once)


def _joined(first: bytes, pieces: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from pieces


def _base64(kept: KeptFile) -> str:
    return base64.b64encode(bytes.fromhex(kept.digest.removeprefix("sha256:"))).decode()


def _told(found: Told) -> dict[str, Json]:
    """Return an analysis as JSON; every member is named here."""
    job, outcome = found.job, found.outcome or Outcome()
    running: dict[str, Json] = {"stage": job.stage, "done": job.done, "total": job.total}
    recorded: Json = None
    if outcome.index is not None:
        recorded = {"index": outcome.index, "at": outcome.at}
    return {
        "id": job.id,
        "model": job.about,
        "state": job.state.value,
        "cancelling": job.cancelled and job.unfinished,
        "progress": running if job.unfinished and job.stage else None,
        "created_at": job.created_at,
        "ended_at": job.ended_at or None,
        "version": outcome.version or None,
        "package": outcome.package or None,
        "recorded": recorded,
        "result": _result(job, outcome) if outcome.answer else None,
        "why": _why(job, outcome) if job.code else None,
    }


def _result(job: Job, outcome: Outcome) -> dict[str, Json]:
    answer = outcome.answer
    flags = [Flag(code, detail) for code, detail in answer["flags"]]
    return {
        "values": answer["values"],
        "flags": flags_told(flags),
        "out_of_domain": answer["out_of_domain"],
        "predicted_overlap": answer.get("predicted_overlap"),
        "seconds": answer["seconds"],
        "files": [
            {
                "name": one.name,
                "media_type": one.media_type,
                "bytes": one.size,
                "digest": one.digest,
                "href": f"/v1/analyses/{job.id}/files/{one.name}",
            }
            for one in outcome.files
        ],
    }


def _why(job: Job, outcome: Outcome) -> dict[str, Json]:
    message, advice = words_of(job, outcome)
    return {
        "code": job.code,
        "message": message,
        "advice": advice,
        "refusals": list(outcome.refusals),
    }
