from __future__ import annotations

import asyncio

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from bedside.api.app import create_app
from bedside.api.envelope import Envelope, Service
from bedside.api.metrics import Metrics
from bedside.api.problems import Problem, respond
from tests.api.client import client_of
from tests.bedside_site import Hospital


class Slow:
    """An application that answers when it is let, with a header of its own."""

    def __init__(self) -> None:
        self.go = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.go.wait()
        problem = Problem("conflict", 409, "so", headers={"cache-control": "public"})
        await respond(problem)(scope, receive, send)


@pytest.fixture
def metrics(hospital: Hospital) -> Metrics:
    return Metrics(hospital.site)


def test_beyond_the_limit_requests_are_told_to_come_back(metrics: Metrics) -> None:
    async def five_at_once() -> list[httpx.Response]:
        app, service = Slow(), Service()
        transport = httpx.ASGITransport(Envelope(app, 3, service, metrics))
        async with httpx.AsyncClient(transport=transport, base_url="http://bedside") as client:
            tasks = [asyncio.create_task(client.get("/v1/models")) for _ in range(5)]
            tasks.append(asyncio.create_task(client.get("/healthz")))
            while service.in_flight != 4:
                await asyncio.sleep(0)
            app.go.set()
            answers = await asyncio.gather(*tasks)
        assert service.in_flight == 0
        return answers

    answers = asyncio.run(five_at_once())
    assert [answer.status_code for answer in answers] == [409, 409, 409, 503, 503, 409]
    full = answers[3]
    assert full.headers["retry-after"] == "1"
    assert full.headers["content-type"] == "application/problem+json"
    assert full.headers["x-content-type-options"] == "nosniff"
    assert "3 requests are being answered" in full.json()["detail"]


def test_a_route_may_set_a_header_otherwise(metrics: Metrics) -> None:
    async def one(service: Service) -> httpx.Response:
        app = Slow()
        app.go.set()
        transport = httpx.ASGITransport(Envelope(app, 3, service, metrics))
        async with httpx.AsyncClient(transport=transport, base_url="http://bedside") as client:
            return await client.get("/")

    answer = asyncio.run(one(Service()))
    assert answer.headers.get_list("cache-control") == ["public"]
    assert "connection" not in answer.headers
    assert asyncio.run(one(Service(draining=True))).headers["connection"] == "close"


def test_a_service_that_is_being_stopped_says_so(hospital: Hospital) -> None:

    app = create_app(hospital.site)
    with client_of(app) as client:
        app.state.service.draining = True
        answer = client.get("/readyz")
    assert (answer.status_code, answer.json()) == (503, {"status": "stopping"})
