"""All routes but `/docs`: each translates a request, calls one use case, and translates back."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bedside.api import answers
from bedside.api.doorkeeper import Doorkeeper
from bedside.api.envelope import PERSON, Service
from bedside.api.metrics import Metrics
from bedside.api.requests import bearer_secret, read_body, read_decision, read_predict
from bedside.canonical import Json
from bedside.errors import InputRefused
from bedside.people.permissions import Action
from bedside.people.person import Caller
from bedside.serving.released import Loaded
from bedside.serving.values import Verdict
from bedside.site.site import Site

DOOR = "rest"


class ProblemDetails(BaseModel):
    """What went wrong, and the next step (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    advice: str
    refusals: list[dict[str, Any]] = Field(default_factory=list)


class DecisionBody(BaseModel):
    """What the physician decided about a prediction."""

    verdict: Verdict
    label: str | None = Field(None, description="Only with `corrected`: the label that is right.")
    reason: str = Field("", description="Needed unless the verdict is `agree`.")


def site_of(request: Request) -> Site:
    """Return the site that this application serves."""
    site: Site = request.app.state.site
    return site


async def signed_in(request: Request) -> Caller:
    """Return who sent the request.

    Raises:
        SignInRefused: no API key, or one that opens nothing; recorded.
    """
    doorkeeper: Doorkeeper = request.app.state.doorkeeper
    caller = await doorkeeper.sign_in(bearer_secret(request))
    request.scope[PERSON] = caller.person.id
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
    responses={"default": {"model": ProblemDetails, "description": "A problem (RFC 9457)"}}
)


async def predict(request: Request) -> Response:
    """Answer one row or many; recorded before it is answered."""
    site = site_of(request)
    caller = await signed_in(request)
    limits = site.settings.limits
    asked = read_predict(await read_body(request, limits), limits)
    name: str = request.path_params["name"]
    metrics: Metrics = request.app.state.metrics
    try:
        predictions = await site.serving.predict(caller, name, asked.rows)
    except InputRefused:
        metrics.refused(name)
        raise
    for one in predictions:
        metrics.predicted(one.manifest.name, one.manifest.version, one.label)
    told = answers.many_answers(predictions) if asked.many else answers.one_answer(predictions[0])
    return answers.json_response(told)


PREDICT = Route("/v1/models/{name}/predict", predict, methods=["POST"])
"""A plain route: no dependency is solved and no model validated on the way of every prediction."""


@router.post(
    "/v1/predictions/{prediction_id}/decision",
    tags=["decide"],
    status_code=HTTPStatus.CREATED,
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": DecisionBody.model_json_schema()}},
        }
    },
)
def decide(request: Request, prediction_id: str, caller: SignedIn, body: Body) -> Response:
    """Record what was decided; a later decision supersedes an earlier one, and both stay."""
    recorded = site_of(request).serving.decide(caller, prediction_id, read_decision(body))
    return answers.json_response(
        {
            "prediction": prediction_id,
            "verdict": recorded.verdict.value,
            "label": recorded.label,
            "recorded": {"index": recorded.index, "at": recorded.at},
        },
        HTTPStatus.CREATED,
    )


@router.get("/v1/predictions/{prediction_id}/trace", tags=["trace"])
def trace(request: Request, prediction_id: str, caller: SignedIn) -> Response:
    """Tell the full story of a prediction, with proofs.

    As text for people where `Accept: text/plain` is sent, in Japanese with `Accept-Language: ja`.
    """
    found = site_of(request).serving.trace(caller, prediction_id)
    if "text/plain" in request.headers.get("accept", ""):
        japanese = request.headers.get("accept-language", "").strip().lower().startswith("ja")
        return PlainTextResponse(found.text("ja" if japanese else "en"))
    return answers.json_response(found.document())


@router.get("/v1/models", tags=["models"])
def models(request: Request, caller: SignedIn) -> Response:
    """List what is released here, and whether it answers."""
    site = permitted(request, caller, Action.MODELS_READ)
    return answers.json_response(
        {
            "models": [
                {
                    "release": answers.release_told(found.release),
                    "ready": isinstance(found, Loaded),
                    "title": found.manifest.title if isinstance(found, Loaded) else None,
                }
                for found in site.serving.models.standing()
            ]
        }
    )


@router.get("/v1/models/{name}", tags=["models"])
def model(request: Request, name: str, caller: SignedIn) -> Response:
    """Tell what a model is, what it takes, which version answers, and its history."""
    site = permitted(request, caller, Action.MODELS_READ, name)
    history = site.registry.history(name)
    loaded = site.serving.models.current(name)
    told: dict[str, Json] = {
        "name": name,
        "release": answers.release_told(loaded.release) if loaded else None,
        "manifest": answers.model_summary(loaded.manifest) if loaded else None,
        "versions": [answers.version_told(one) for one in site.registry.versions(name)],
        "history": [answers.history_told(one) for one in history],
    }
    return answers.json_response(told)


@router.get("/v1/models/{name}/example", tags=["models"])
def example(request: Request, name: str, caller: SignedIn) -> Response:
    """Return a request body that the model takes: a golden case of the released package."""
    site = permitted(request, caller, Action.MODELS_READ, name)
    return answers.json_response({"input": site.serving.models.fetch(name).example})


@router.get("/v1/models/{name}/ready", tags=["models"])
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


@router.get("/healthz", tags=["operation"], openapi_extra={"security": []})
async def alive() -> Response:
    """Say that the process answers."""
    return answers.json_response({"status": "alive"})


@router.get("/readyz", tags=["operation"], openapi_extra={"security": []})
async def ready(request: Request) -> Response:
    """Say whether to send requests here: the database answers and nobody is stopping us."""
    service: Service = request.app.state.service
    trouble = site_of(request).serving.models.trouble
    if service.draining or trouble is not None:
        status = "stopping" if service.draining else "the database does not answer"
        return answers.json_response({"status": status}, HTTPStatus.SERVICE_UNAVAILABLE)
    return answers.json_response({"status": "ready"})


@router.get("/openapi.json", include_in_schema=False)
def openapi(request: Request) -> Response:
    """Return the OpenAPI document for what is released now."""
    return answers.json_response(request.app.state.document.value())
