"""The routes of the Open Inference Protocol v2, beside those of our own; the same use cases behind both.

Source: github.com/kserve/open-inference-protocol, specification/protocol/inference_rest.md.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bedside import __version__
from bedside.api import answers
from bedside.api.envelope import Service
from bedside.api.open_inference import documented
from bedside.api.open_inference.asking import Address, InferAsked, read_asked
from bedside.api.open_inference.metadata import model_metadata
from bedside.api.open_inference.outputs import JSON_BYTES, told
from bedside.api.predicting import Wanted, predicted, say_repeated
from bedside.api.requests import MEDIA_TYPE, body_length, check_media_type, read_bytes
from bedside.api.room import PictureRoom
from bedside.api.routes import SignedIn, permitted, signed_in, site_of
from bedside.errors import Conflict, NotFound, Unavailable, UsageError
from bedside.people.permissions import Action
from bedside.people.person import Caller
from bedside.serving.attempt import INLINE_ROWS, Terms
from bedside.serving.released import Loaded
from bedside.serving.serving import INLINE_BYTES
from bedside.serving.values import Prediction
from bedside.site.site import Site

DOOR: Final = "open-inference"
"""How a record names this way in."""

TYPES: Final = (MEDIA_TYPE, documented.BINARY)
"""What a body may be declared to be; Triton's clients declare nothing."""

router = APIRouter(
    tags=[documented.TAG],
    responses={"default": {"model": documented.InferError, "description": "What went wrong"}},
)


async def infer(request: Request) -> Response:
    """Answer the rows or pictures that the input tensors say; recorded before it is answered."""
    site = site_of(request)
    caller = replace(await signed_in(request), door=DOOR)
    address = _address(request)
    loaded = await site.serving.answering(caller, address.model)
    if address.version not in (None, loaded.release.version):
        await asyncio.to_thread(_check_version, site, loaded, address.version)
    check_media_type(request, TYPES if "content-type" in request.headers else ("",))
    limits = site.settings.limits
    if not loaded.pictures:
        body_length(request, limits.body_bytes)
        data = await read_bytes(request, limits.body_bytes)
        return await _answer(request, caller, data, loaded)
    room: PictureRoom = request.app.state.room
    announced = body_length(request, limits.picture_bytes)
    with room.place(caller.person.id, announced) as take:
        parts = [await read_bytes(request, limits.picture_bytes, take)]
        return await _answer(request, caller, parts.pop(), loaded)


async def _answer(request: Request, caller: Caller, data: bytes, loaded: Loaded) -> Response:
    site, size = site_of(request), len(data)
    address, limits = _address(request), site.settings.limits
    if size <= INLINE_BYTES and not loaded.pictures:
        asked = read_asked(data, address, loaded, limits)
    else:
        asked = await asyncio.to_thread(read_asked, data, address, loaded, limits)
    del data  # the rows hold what is needed of it
    wanted = Wanted(
        caller,
        address.model,
        asked.rows,
        size,
        "infer",
        version=asked.version,
        watched=loaded.pictures,
        file=True,
    )
    found = await predicted(request, wanted)
    if len(found.predictions) <= INLINE_ROWS:
        response = _response(found.predictions, asked)
    else:
        response = await asyncio.to_thread(_response, found.predictions, asked)
    return say_repeated(response, repeated=found.repeated)


def _response(predictions: tuple[Prediction, ...], asked: InferAsked) -> Response:
    found = told(predictions, asked.outputs, request_id=asked.id, binary=asked.binary)
    if found.json_bytes is None:
        return Response(found.body, media_type=MEDIA_TYPE)
    return Response(
        found.body, media_type=documented.BINARY, headers={JSON_BYTES: str(found.json_bytes)}
    )


INFER: Final = (
    Route("/v2/models/{name}/infer", infer, methods=["POST"]),
    Route("/v2/models/{name}/versions/{version}/infer", infer, methods=["POST"]),
)
"""Plain routes: no dependency is solved and no model validated on the way of every prediction."""


@router.get("/v2", response_model=documented.ServerMetadata, openapi_extra={"security": []})
async def server_metadata() -> Response:
    """Tell what this server is, and which extensions of the protocol it knows."""
    about = {"name": "bedside", "version": __version__, "extensions": ["binary_tensor_data"]}
    return answers.json_response(about)


@router.get("/v2/health/live", response_model=documented.Live, openapi_extra={"security": []})
async def live() -> Response:
    """Say that the server answers."""
    return answers.json_response({"live": True})


@router.get("/v2/health/ready", response_model=documented.Ready, openapi_extra={"security": []})
async def server_ready(request: Request) -> Response:
    """Say whether every model that is released here answers: 200, or 503 with the reason.

    To decide whether to send requests here at all, ask `/readyz`: one model that does not load is
    no reason to take the others away.
    """
    service: Service = request.app.state.service
    models = site_of(request).serving.models
    if service.draining:
        raise Unavailable("The service is being stopped.")
    if models.trouble is not None:
        raise Unavailable(models.trouble.message, advice=models.trouble.advice)
    broken = [one for one in models.standing() if not isinstance(one, Loaded)]
    if broken:
        raise Unavailable(broken[0].error.message, advice=broken[0].error.advice)
    return answers.json_response({"ready": True})


@router.get("/v2/models/{name}", response_model=documented.ModelMetadata)
def metadata(request: Request, name: str, caller: SignedIn) -> Response:
    """Tell the inputs and outputs of the version that answers, as tensors."""
    return answers.json_response(model_metadata(_loaded(request, name, caller).manifest))


@router.get("/v2/models/{name}/versions/{version}", response_model=documented.ModelMetadata)
def version_metadata(request: Request, name: str, version: str, caller: SignedIn) -> Response:
    """Tell the inputs and outputs of a version as tensors, once it is the one that answers."""
    return answers.json_response(model_metadata(_loaded(request, name, caller, version).manifest))


@router.get("/v2/models/{name}/ready", response_model=documented.ModelReady)
def model_ready(request: Request, name: str, caller: SignedIn) -> Response:
    """Say whether a model answers here: 200, or why not."""
    _loaded(request, name, caller)
    return answers.json_response({"name": name, "ready": True})


@router.get("/v2/models/{name}/versions/{version}/ready", response_model=documented.ModelReady)
def version_ready(request: Request, name: str, version: str, caller: SignedIn) -> Response:
    """Say whether this version of a model is the one that answers here: 200, or why not."""
    _loaded(request, name, caller, version)
    return answers.json_response({"name": name, "ready": True})


def _loaded(request: Request, name: str, caller: Caller, version: str | None = None) -> Loaded:
    site = permitted(request, replace(caller, door=DOOR), Action.MODELS_READ, name)
    loaded = site.serving.models.fetch(name)
    _check_version(site, loaded, version)
    return loaded


def _check_version(site: Site, loaded: Loaded, version: str | None) -> None:
    """Check that a version, where one is named, is the one that answers.

    Raises:
        NotFound: the site knows no such version.
        Conflict: it knows it, and another one answers.
    """
    try:
        Terms(version).check(loaded)
    except Conflict:
        try:
            site.registry.version(f"{loaded.release.model}@{version}")
        except UsageError as nonsense:  # what is no version's name names nothing that is here
            raise NotFound(nonsense.message, advice=nonsense.advice) from nonsense
        raise


def _address(request: Request) -> Address:
    lengths = request.headers.getlist(JSON_BYTES)
    if len(lengths) > 1 or not all(one.isdecimal() and len(one) <= 18 for one in lengths):
        raise UsageError(
            f"The header Inference-Header-Content-Length is {', '.join(lengths)[:40]!r}.",
            advice="It is one number: how many bytes of the body are JSON.",
        )
    found = request.path_params
    return Address(found["name"], found.get("version"), int(lengths[0]) if lengths else None)
