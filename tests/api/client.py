"""A client that calls an application straight, without a socket, and runs its lifespan."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
from fastapi import FastAPI


class Client:
    """Sends requests to `app` one after the other, on one event loop."""

    def __init__(self, app: FastAPI, runner: asyncio.Runner) -> None:
        self.app = app
        self._runner = runner
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        self._client = httpx.AsyncClient(transport=transport, base_url="http://bedside")

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self._runner.run(self._client.get(path, **options))

    def head(self, path: str, **options: Any) -> httpx.Response:
        return self._runner.run(self._client.head(path, **options))

    def post(self, path: str, **options: Any) -> httpx.Response:
        return self._runner.run(self._client.post(path, **options))

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        return self._runner.run(self._client.request(method, path, **options))

    def at_once(self, path: str, times: int, **options: Any) -> list[httpx.Response]:
        """Send the same POST `times` times at once."""

        async def all_of_them() -> list[httpx.Response]:
            return list(
                await asyncio.gather(*(self._client.post(path, **options) for _ in range(times)))
            )

        return self._runner.run(all_of_them())


@contextmanager
def client_of(app: FastAPI) -> Iterator[Client]:
    """Give a client of `app` while its lifespan runs."""
    with asyncio.Runner() as runner:
        lifespan = app.router.lifespan_context(app)
        runner.run(lifespan.__aenter__())
        try:
            yield Client(app, runner)
        finally:
            runner.run(lifespan.__aexit__(None, None, None))
