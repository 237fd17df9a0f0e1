"""The door of the witness: other ledgers' sites come in here, without a key and with a signature.

C2SP tlog-witness at `/v1/witness`, which is also where a checkpoint that was cosigned is told again:
`checkpoint/` and the SHA-256 of the log's origin, in hexadecimal (no part of C2SP). Plain routes, as
the protocol is not JSON; only what a known log's own key signed is written anywhere.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bedside.api.requests import body_length, read_bytes
from bedside.ledger.witness_host import PLAIN, Reply, WitnessHost
from bedside.ledger.witness_request import MAX_REQUEST_BYTES
from bedside.site.site import Site

_NOBODY: Final = Reply(HTTPStatus.NOT_FOUND, PLAIN, "This log is not known here.\n")


async def add_checkpoint(request: Request) -> Response:
    """See a ledger grow, and cosign: `POST /v1/witness/add-checkpoint`."""
    body_length(request, MAX_REQUEST_BYTES)
    body = await read_bytes(request, MAX_REQUEST_BYTES)
    host = await _host(request)
    return _told(_NOBODY if host is None else await asyncio.to_thread(host.add_checkpoint, body))


async def latest(request: Request) -> Response:
    """Tell which checkpoint of a log was cosigned last: `GET /v1/witness/checkpoint/{log}`."""
    host = await _host(request)
    log: str = request.path_params["log"]
    return _told(_NOBODY if host is None else await asyncio.to_thread(host.latest, log))


ROUTES: Final = (
    Route("/v1/witness/add-checkpoint", add_checkpoint, methods=["POST"]),
    Route("/v1/witness/checkpoint/{log}", latest, methods=["GET"]),
)


async def _host(request: Request) -> WitnessHost | None:
    site: Site = request.app.state.site
    return await asyncio.to_thread(site.witnessed.host)


def _told(reply: Reply) -> Response:
    headers = {"content-type": reply.media_type}
    return Response(reply.body.encode(), status_code=reply.status, headers=headers)
