"""A client that leaves while its answer is computed: the work ends, and nothing of it is recorded."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from starlette.requests import ClientDisconnect, Request

Value = TypeVar("Value")


async def unless_left(request: Request, work: Coroutine[Any, Any, Value]) -> Value:
    """Return what `work` returns, as long as the client of `request` waits for it.

    The request's body must have been read: what comes after it is that the client left.

    Raises:
        ClientDisconnect: the client left; `work` was cancelled, and has ended.
    """
    working = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(_left(request))
    try:
        await asyncio.wait((working, leaving), return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        raise ClientDisconnect
    finally:
        leaving.cancel()
        working.cancel()
        await asyncio.wait((working, leaving))


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
