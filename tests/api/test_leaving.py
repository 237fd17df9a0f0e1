"""A client that leaves while its answer is computed."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message

from bedside.api.leaving import unless_left
from bedside.ledger.events import EventKind
from bedside.serving.values import Row
from tests.bedside_site import Hospital
from tests.package.building_images import ROW
from tests.serving.films import FILMS, release_films


class Line:
    """A connection whose client leaves when it is told to."""

    def __init__(self) -> None:
        self.hung_up = asyncio.Event()
        self.request = Request({"type": "http"}, self._receive)

    async def _receive(self) -> Message:
        await self.hung_up.wait()
        return {"type": "http.disconnect"}


async def working(seconds: float, ended: list[str]) -> str:
    try:
        await asyncio.sleep(seconds)
    except asyncio.CancelledError:
        ended.append("cancelled")
        raise
    return "done"


def test_whoever_waits_gets_the_answer() -> None:
    async def asked() -> str:
        return await unless_left(Line().request, working(0, []))

    assert asyncio.run(asked()) == "done"


def test_what_went_wrong_is_told() -> None:
    async def failing() -> None:
        raise ValueError

    async def asked() -> None:
        await unless_left(Line().request, failing())

    with pytest.raises(ValueError):  # noqa: PT011 - raised just above
        asyncio.run(asked())


def test_whoever_leaves_ends_the_work() -> None:
    ended: list[str] = []

    async def asked() -> None:
        line = Line()
        asyncio.get_running_loop().call_later(0.01, line.hung_up.set)
        await unless_left(line.request, working(60, ended))

    with pytest.raises(ClientDisconnect):
        asyncio.run(asked())
    assert ended == ["cancelled"]


@pytest.mark.parametrize("explain", [False, True])
def test_a_film_that_nobody_waits_for_is_neither_computed_to_its_end_nor_recorded(
    hospital: Hospital, monkeypatch: pytest.MonkeyPatch, explain: bool
) -> None:
    release_films(hospital)
    serving = hospital.site.serving
    begun, goes_on = threading.Event(), threading.Event()
    attempt = serving._attempt

    def slowly(request: Any) -> object:
        begun.set()
        assert goes_on.wait(60)
        return attempt(request)

    monkeypatch.setattr(serving, "_attempt", slowly)

    async def asked() -> list[BaseException | Any]:
        caller = hospital["clinician"].caller
        line = Line()
        rows = [Row(ROW)] * 3
        works = [serving.predict(caller, FILMS, rows, explain=explain) for _ in range(6)]
        tasks = [asyncio.create_task(unless_left(line.request, one)) for one in works]
        assert await asyncio.to_thread(begun.wait, 60)
        line.hung_up.set()
        await asyncio.sleep(0.05)
        goes_on.set()
        return await asyncio.gather(*tasks, return_exceptions=True)

    assert [type(one) for one in asyncio.run(asked())] == [ClientDisconnect] * 6
    assert not hospital.site.ledger.find(kind=EventKind.PREDICTION)
