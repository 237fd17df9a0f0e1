"""What answered at a moment: the same question as `bedside registry at`, and the same answer."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel
from pydantic.json_schema import SkipJsonSchema
from starlette.requests import Request
from starlette.responses import Response

from bedside.api import answers, documented
from bedside.api.routes import SignedIn, permitted
from bedside.clock import read_timestamp, timestamp
from bedside.people.permissions import Action
from bedside.registry.told import release_told

router = APIRouter(
    responses={
        "default": {"model": documented.ProblemDetails, "description": "A problem (RFC 9457)"}
    }
)


class ReleaseAnswer(BaseModel):
    """The version that answered for one model."""

    model: str
    version: str
    digest: str
    epoch: int
    since: str
    by: str
    reason: str
    event_id: str


class ReleasesAnswer(BaseModel):
    """What answered at one moment."""

    at: str
    released: list[ReleaseAnswer]


@router.get("/v1/releases", tags=["models"], response_model=ReleasesAnswer)
def releases(
    request: Request,
    caller: SignedIn,
    at: Annotated[
        str | SkipJsonSchema[None],
        Query(
            max_length=64,
            json_schema_extra={"format": "date-time"},
            description="RFC 3339 time with its zone, such as 2026-11-21T01:00:00Z; without it, now.",
        ),
    ] = None,
) -> Response:
    """Tell which version of each model answered at a moment, exact to the microsecond.

    A release counts from its own time on; models without a release then are left out.
    """
    site = permitted(request, caller, Action.MODELS_READ)
    moment = site.clock() if at is None else read_timestamp(at)
    found = site.registry.at(moment)
    return answers.json_response(
        {"at": timestamp(moment), "released": [release_told(one) for one in found]}
    )
