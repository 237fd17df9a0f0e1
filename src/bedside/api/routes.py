"""All routes but `/docs`: each translates a request, calls one use case, and translates back."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from bedside.api import answers, documented
from bedside.api.doorkeeper import Doorkeeper
from bedside.api.envelope import Service
from bedside.api.example import example_of
from bedside.api.idempotency import PARAMETER, idempotency_key
from bedside.api.lane import PERSON
from bedside.api.metrics import Metrics
from bedside.api.negotiation import preferred_language, preferred_type
from bedside.api.pictures import envelope_of, read_pictures
from bedside.api.predicting import Wanted, predicted, say_repeated
from bedside.api.problems import MEDIA_TYPE
from bedside.api.rates import TAKEN, Rates
from bedside.api.requests import (
    PredictRequest,
    bearer_secret,
    body_length,
    read_body,
    read_bytes,
    read_decision,
    read_predict,
)
from bedside.api.room import PictureRoom
from bedside.api.schema import reference_to
from bedside.api.watch import DatabaseWatch
from bedside.canonical import Json
from bedside.package.bom import bom_json
from bedside.package.card.markdown import card_markdown
from bedside.package.card.page import card_html
from bedside.package.card.page import policy as card_policy
from bedside.package.fields import Language
from bedside.people.permissions import Action
from bedside.people.person import Caller
from bedside.registry.told import history_told, version_told
from bedside.serving.attempt import INLINE_ROWS
from bedside.serving.released import Loaded, Standing
from bedside.serving.repeating import Once
from bedside.serving.serving import INLINE_BYTES
from bedside.site.settings import Limits
from bedside.site.site import Site

DOOR = "rest"

BOM_TYPE = "application/vnd.cyclonedx+json"
"""Source: CycloneDX 1.6, registered media types."""


def site_of(request: Request) -> Site:
    """Return the site that this application serves."""
    site: Site = request.app.state.site
    return site


async def signed_in(request: Request) -> Caller:
    """Return who sent the request.

    Raises:
        SignInRefused: no API key, or one that opens nothing; recorded.
        TooOften: too many sign-ins were refused from there, or the key or the person asks too often.
        Unavailable: the database does not answer, or the person has too many requests in flight.
    """
    state = request.app.state
    doorkeeper: Doorkeeper = state.doorkeeper
    address = state.addresses.of(request.scope)
    caller = await doorkeeper.sign_in(bearer_secret(request), address)
    request.scope[PERSON] = caller.person.id
    if TAKEN not in request.scope:  # the lane asked already
        rates: Rates = state.rates
        rates.admit(request.scope, caller)
    return caller


async def body_of(request: Request) -> bytes:
    """Return the body, read within the site's limits."""
    return await read_body(request, site_of(request).settings.limits)


def permitted(request: Request, caller: Caller, action: Action, about: str = "") -> Site:
    """Return the site, once the caller may do `action`.

    Raises:
        PermissionRefused: they may not; recorded.
    """
    site = site_of(request)
    site.people.require(caller, action, about)
    return site


SignedIn = Annotated[Caller, Depends(signed_in)]
Body = Annotated[bytes, Depends(body_of)]

router = APIRouter(
    responses={
        "default": {"model": documented.ProblemDetails, "description": "A problem (RFC 9457)"}
    }
)


async def predict(request: Request) -> Response:
    """Answer one row or many, or pictures; recorded before it is answered."""
    site = site_of(request)
    caller = await signed_in(request)
    limits = site.settings.limits
    loaded = await site.serving.answering(caller, request.path_params["name"])
    if loaded.pictures:
        return await _predict_pictures(request, caller, limits)
    data = await read_body(request, limits)
    if len(data) <= INLINE_BYTES:
        asked = read_predict(data, limits)
    else:  # megabytes of JSON would hold up every other request
        asked = await asyncio.to_thread(read_predict, data, limits)
    return await _answer(request, caller, asked, len(data), watched=asked.explain)


async def _predict_pictures(request: Request, caller: Caller, limits: Limits) -> Response:
    envelope = envelope_of(request)
    room: PictureRoom = request.app.state.room
    announced = body_length(request, limits.picture_bytes)
    with room.place(caller.person.id, announced) as take:
        data = await read_bytes(request, limits.picture_bytes, take)
        size = len(data)
        asked = await asyncio.to_thread(read_pictures, data, envelope, limits)
        del data  # the row holds the file now
        return await _answer(request, caller, asked, size, watched=True)


async def _answer(
    request: Request, caller: Caller, asked: PredictRequest, size: int, *, watched: bool
) -> Response:
    """Answer what is asked; where it takes long (`watched`), only while the client is there."""
    wanted = Wanted(
        caller,
        request.path_params["name"],
        asked.rows,
        size,
        "predict",
        explain=asked.explain,
        watched=watched,
        file=asked.file,
    )
    found = await predicted(request, wanted)
    predictions, many = found.predictions, asked.many
    if len(predictions) <= INLINE_ROWS and not asked.explain:
        response = answers.predicted_response(predictions, many=many)
    else:
        response = await asyncio.to_thread(answers.predicted_response, predictions, many=many)
    return say_repeated(response, repeated=found.repeated)


PREDICT = Route("/v1/models/{name}/predict", predict, methods=["POST"])
"""A plain route: no dependency is solved and no model validated on the way of every prediction."""


@router.post(
    "/v1/predictions/{prediction_id}/decision",
    tags=["decide"],
    status_code=HTTPStatus.CREATED,
    response_model=documented.DecisionAnswer,
    openapi_extra={
        "parameters": [{**PARAMETER}],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": reference_to(documented.DecisionBody)}},
        },
    },
)
def decide(request: Request, prediction_id: str, caller: SignedIn, body: Body) -> Response:
    """Record what was decided; a later decision supersedes an earlier one, and both stay."""
    site, decision, repeated = site_of(request), read_decision(body), False
    if (key := idempotency_key(request)) is None:
        recorded = site.serving.decide(caller, prediction_id, decision)
    else:
        once = Once("decision", key)
        recorded, repeated = site.repeating.decide(caller, prediction_id, decision, once)
    response = answers.json_response(
        {
            "prediction": prediction_id,
            "verdict": recorded.verdict.value,
            "label": recorded.label,
            "recorded": {"index": recorded.index, "at": recorded.at},
        },
        HTTPStatus.CREATED,
    )
    return say_repeated(response, repeated=repeated)


@router.get(
    "/v1/predictions/{prediction_id}/trace",
    tags=["trace"],
    response_model=documented.TraceAnswer,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
def trace(request: Request, prediction_id: str, caller: SignedIn) -> Response:
    """Tell the full story of a prediction, with proofs.

    So it is of an analysis that was refused or cancelled, or failed, by its id.

    As text for people where `Accept` prefers `text/plain` to `application/json`, in Japanese where
    `Accept-Language` prefers `ja` to `en`.
    """
    found = site_of(request).serving.trace(caller, prediction_id)
    if preferred_type(_sent(request, "accept"), ("application/json", "text/plain")) == "text/plain":
        return PlainTextResponse(found.text(_language(request)))
    return answers.json_response(found.document())


@router.get("/v1/models", tags=["models"], response_model=documented.ModelsAnswer)
def models(request: Request, caller: SignedIn) -> Response:
    """List what is released here, and whether it answers."""
    site = permitted(request, caller, Action.MODELS_READ)
    return answers.json_response(
        {
            "models": [
                answers.standing_told(found)
                | {"title": found.manifest.title if isinstance(found, Loaded) else None}
                for found in site.serving.models.standing()
            ]
        }
    )


@router.get("/v1/models/{name}", tags=["models"], response_model=documented.ModelAnswer)
def model(request: Request, name: str, caller: SignedIn) -> Response:
    """Tell what a model is, what it takes, which version answers, and its history."""
    site = permitted(request, caller, Action.MODELS_READ, name)
    history = site.registry.history(name)
    readiness = site.serving.models.readiness(name)  # which loads what was not looked at yet
    found = _standing(site, name)
    standing = answers.standing_told(found) if found else answers.nothing_released(readiness)
    told: dict[str, Json] = {"name": name} | standing
    told |= {
        "manifest": answers.model_summary(found.manifest) if isinstance(found, Loaded) else None,
        "versions": [version_told(one) for one in site.registry.versions(name)],
        "history": [history_told(one) for one in history],
    }
    return answers.json_response(told)


@router.get("/v1/models/{name}/example", tags=["models"], response_model=documented.ExampleAnswer)
def example(request: Request, name: str, caller: SignedIn) -> Response:
    """Return a request body that the model takes; never the row of a real person."""
    site = permitted(request, caller, Action.MODELS_READ, name)
    return answers.json_response({"input": example_of(site.serving.models.fetch(name))})


@router.get(
    "/v1/models/{name}/card",
    tags=["models"],
    response_class=HTMLResponse,
    responses={200: {"content": {"text/markdown": {"schema": {"type": "string"}}}}},
)
def card(request: Request, name: str, caller: SignedIn) -> Response:
    """Return the model card of the version that answers.

    As Markdown where `Accept` prefers `text/markdown` to `text/html`, in Japanese where
    `Accept-Language` prefers `ja` to `en`.
    """
    site = permitted(request, caller, Action.MODELS_READ, name)
    manifest = site.serving.models.fetch(name).manifest
    language = _language(request)
    if preferred_type(_sent(request, "accept"), ("text/html", "text/markdown")) == "text/markdown":
        return Response(card_markdown(manifest, language), media_type="text/markdown")
    policy = f"{card_policy()}; frame-ancestors 'none'"
    return HTMLResponse(card_html(manifest, language), headers={"content-security-policy": policy})


@router.get(
    "/v1/models/{name}/bom",
    tags=["models"],
    response_model=documented.BillOfMaterials,
    responses={200: {"content": {BOM_TYPE: {"schema": reference_to(documented.BillOfMaterials)}}}},
)
def bom(request: Request, name: str, caller: SignedIn) -> Response:
    """Return the bill of materials of the version that answers: CycloneDX 1.6, an ML-BOM."""
    site = permitted(request, caller, Action.MODELS_READ, name)
    manifest = site.serving.models.fetch(name).manifest
    return Response(bom_json(manifest), media_type=BOM_TYPE)


@router.get(
    "/v1/models/{name}/ready",
    tags=["models"],
    response_model=documented.ReadinessAnswer,
    responses={
        503: {
            "model": documented.ReadinessAnswer,
            "description": "It does not answer, and why; or the service is full",
            "content": {MEDIA_TYPE: {"schema": reference_to(documented.ProblemDetails)}},
        }
    },
)
def model_ready(request: Request, name: str, caller: SignedIn) -> Response:
    """Say whether a model answers here: 200, or 503 with the reason."""
    site = permitted(request, caller, Action.MODELS_READ, name)
    readiness = site.serving.models.readiness(name)
    status = HTTPStatus.OK if readiness.ready else HTTPStatus.SERVICE_UNAVAILABLE
    return answers.json_response(answers.readiness_told(readiness), status)


@router.get("/v1/ledger/checkpoint", tags=["ledger"], response_class=PlainTextResponse)
def checkpoint(request: Request, caller: SignedIn) -> Response:
    """Return a signed checkpoint of the ledger as it stands now (C2SP tlog-checkpoint)."""
    site = permitted(request, caller, Action.LEDGER_READ)
    return PlainTextResponse(site.ledger.checkpoint().note)


@router.get("/metrics", tags=["operation"], response_class=PlainTextResponse)
def metrics_text(request: Request, caller: SignedIn) -> Response:
    """Return the metrics in the Prometheus text format."""
    permitted(request, caller, Action.METRICS_READ)
    found: Metrics = request.app.state.metrics
    return Response(found.text(), media_type="text/plain; version=0.0.4; charset=utf-8")


@router.head("/healthz", include_in_schema=False)
@router.get(
    "/healthz",
    tags=["operation"],
    response_model=documented.StatusAnswer,
    openapi_extra={"security": []},
)
async def alive() -> Response:
    """Say that the process answers."""
    return answers.json_response({"status": "alive"})


@router.head("/readyz", include_in_schema=False)
@router.get(
    "/readyz",
    tags=["operation"],
    response_model=documented.StatusAnswer,
    responses={503: {"model": documented.StatusAnswer, "description": "Not now, and why"}},
    openapi_extra={"security": []},
)
async def ready(request: Request) -> Response:
    """Say whether to send requests here: releases can be looked up, records made, nobody stops us."""
    service: Service = request.app.state.service
    watch: DatabaseWatch = request.app.state.watch
    trouble = site_of(request).serving.models.trouble or watch.trouble
    if service.draining:
        return answers.json_response({"status": "stopping"}, HTTPStatus.SERVICE_UNAVAILABLE)
    if trouble is not None:
        return answers.json_response({"status": str(trouble)}, HTTPStatus.SERVICE_UNAVAILABLE)
    witness = site_of(request).witnessing.worst  # whatever it says, the service goes on
    told = {} if witness in (None, "agrees") else {"witness": witness}
    return answers.json_response({"status": "ready"} | told)


@router.get("/openapi.json", include_in_schema=False)
def openapi(request: Request) -> Response:
    """Return the OpenAPI document for what is released now."""
    return Response(request.app.state.document.text(), media_type="application/json")


def _sent(request: Request, header: str) -> str:
    """Return all that was sent under a name that may stand more than once (RFC 9110, section 5.3)."""
    return ", ".join(request.headers.getlist(header))


def _language(request: Request) -> Language:
    wanted = preferred_language(_sent(request, "accept-language"), ("en", "ja"))
    return "ja" if wanted == "ja" else "en"


def _standing(site: Site, name: str) -> Standing | None:
    return next((one for one in site.serving.models.standing() if one.release.model == name), None)
