"""From a request that was read to recorded predictions: the same way from every route that predicts."""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from bedside.api.idempotency import REPEATED, idempotency_key
from bedside.api.leaving import unless_left
from bedside.api.metrics import Metrics
from bedside.errors import InputRefused, UsageError
from bedside.people.person import Caller
from bedside.serving.attempt import Terms
from bedside.serving.pictured import refused_file
from bedside.serving.repeating import Once, Predicted
from bedside.serving.values import Prediction, Row
from bedside.site.site import Site


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a request asks to be predicted.

    Attributes:
        caller: Who asks, through which door.
        model: Name of the model.
        rows: What to predict for.
        size: Bytes in which they came.
        route: The way in, to which a key to repeat it belongs.
        version: The only version that may answer; None for whichever is released.
        explain: Whether each answer comes with its explanation.
        watched: Whether it takes so long that it ends when the client leaves.
        file: Whether pictures came as files, and not as base64.
    """

    caller: Caller
    model: str
    rows: Sequence[Row]
    size: int
    route: str
    version: str | None = None
    explain: bool = False
    watched: bool = False
    file: bool = False


async def predicted(request: Request, wanted: Wanted) -> Predicted:
    """Return the recorded predictions; with an Idempotency-Key, those that were recorded under it.

    Raises:
        UsageError: a key that cannot be, or one with a wish for explanations.
        BedsideError: whatever `Serving.predict` and `Repeating.predict` raise.
        ClientDisconnect: the client left.
    """
    site: Site = request.app.state.site
    metrics: Metrics = request.app.state.metrics
    key, terms = idempotency_key(request), Terms(wanted.version)
    parts = wanted.caller, wanted.model, wanted.rows
    work: Coroutine[Any, Any, Predicted]
    if key is None:
        work = _first(
            site.serving.predict(*parts, size=wanted.size, explain=wanted.explain, terms=terms)
        )
    else:
        _check_repeatable(wanted)
        once = Once(wanted.route, key)
        work = site.repeating.predict(*parts, once, size=wanted.size, terms=terms)
    try:
        found = await (unless_left(request, work) if wanted.watched else work)
    except InputRefused as refused:
        metrics.refused(wanted.model)
        if wanted.file:
            raise refused_file(refused) from refused
        raise
    if not found.repeated:
        for one in found.predictions:
            metrics.predicted(one.manifest.name, one.manifest.version, one.label)
    return found


def say_repeated(response: Response, *, repeated: bool) -> Response:
    """Return `response`, with the header that says it where it was given before."""
    if repeated:
        response.headers.update(REPEATED)
    return response


async def _first(work: Coroutine[Any, Any, tuple[Prediction, ...]]) -> Predicted:
    return Predicted(await work, repeated=False)


def _check_repeatable(wanted: Wanted) -> None:
    if wanted.explain:
        raise UsageError(
            "The request has an Idempotency-Key and asks for explanations, which are not kept whole.",
            advice="Ask for the answer under the key, and for the explanation without one.",
        )
