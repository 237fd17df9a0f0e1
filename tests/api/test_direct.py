"""The lane without ASGI beside the routes: the same bytes must get the same answer and the same record."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Coroutine, Iterator
from typing import Any, TypeVar

import pytest
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT

from bedside.api.app import create_app
from bedside.api.direct import Direct, Held
from bedside.api.listener import listening
from bedside.api.server import GracefulServer, server_for
from bedside.canonical import Json
from bedside.errors import Unavailable
from bedside.ledger.events import EventKind
from bedside.serving.serving import INLINE_BYTES
from bedside.site.settings import Limits
from tests.bedside_site import MODEL, Hospital

pytestmark = [pytest.mark.enable_socket, pytest.mark.loopback]

PREDICT = f"/v1/models/{MODEL}/predict"
ROW: dict[str, Json] = {"radius": 20.5, "sex": "male", "age": 71}

T = TypeVar("T")


class Counting:
    """Counts what was answered without ASGI, and can shut that way.

    Attributes:
        answered: Answers that were written in one piece.
        shut: Whether every request goes by the routes.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.answered = 0
        self.shut = False
        answer, hold = Held.answer, Direct.hold

        def answering(held: Held, *given: Any, **more: Any) -> Any:
            found = answer(held, *given, **more)
            self.answered += isinstance(found, bytes)
            return found

        def holding(direct: Direct, scope: Any) -> Held | None:
            return None if self.shut else hold(direct, scope)

        monkeypatch.setattr(Held, "answer", answering)
        monkeypatch.setattr(Direct, "hold", holding)


class Wire:
    """A service of this process, asked over sockets."""

    def __init__(self, hospital: Hospital, runner: asyncio.Runner, server: GracefulServer) -> None:
        self.serving: Any = None
        self.hospital = hospital
        self.server = server
        self.app: Any = server.config.app
        self.port = server.servers[0].sockets[0].getsockname()[1]
        self._runner = runner

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(asyncio.wait_for(work, 20))

    async def opened(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port)

    async def exchange(self, *pieces: bytes, answers: int = 1) -> list[bytes]:
        """Send pieces of bytes over one connection, one after the other; return whole answers."""
        reader, writer = await self.opened()
        for piece in pieces:
            writer.write(piece)
            await asyncio.sleep(0.02)
        found = [await answer_of(reader) for _ in range(answers)]
        writer.close()
        return found

    def post(self, body: bytes, version: str = "1.1", **more: str) -> bytes:
        """Return the bytes of a prediction's request."""
        headers = {
            "host": "here",
            **self.hospital["clinician"].headers,
            "content-type": "application/json",
            "content-length": str(len(body)),
            **{name.replace("_", "-"): value for name, value in more.items()},
        }
        lines = [f"POST {PREDICT} HTTP/{version}", *(f"{k}: {v}" for k, v in headers.items())]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + body

    def size(self) -> int:
        return self.hospital.site.ledger.head().size


async def answer_of(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    return head + await reader.readexactly(length)


def told(answer: bytes) -> object:
    """What an answer says, without what no two answers have in common."""
    head, body = answer.split(b"\r\n\r\n", 1)
    value = json.loads(body)
    if b" 200 " in head[:20]:
        value.update({"id": len(value["id"]), "recorded": sorted(value["recorded"])})
    lines = [line for line in head.split(b"\r\n") if not line.startswith(b"date:")]
    return [line for line in lines if not line.startswith(b"content-length:")], value


BODY = json.dumps({"input": ROW}).encode()


@pytest.fixture
def direct(monkeypatch: pytest.MonkeyPatch) -> Counting:
    return Counting(monkeypatch)


@pytest.fixture
def wire(hospital: Hospital, direct: Counting) -> Iterator[Wire]:
    """A service whose clinician came in a moment ago."""
    limits = Limits(header_seconds=1)
    with asyncio.Runner() as runner, listening("127.0.0.1", 0) as listener:
        server = server_for(create_app(hospital.site), limits)
        serving = runner.get_loop().create_task(server.serve(sockets=[listener]))

        async def begun() -> None:
            while not server.started:
                await asyncio.sleep(0.005)

        runner.run(begun())
        opened = Wire(hospital, runner, server)
        opened.serving = serving
        opened.run(opened.exchange(opened.post(BODY)))
        assert direct.answered == 0
        yield opened
        server.should_exit = True
        runner.run(asyncio.wait_for(serving, 20))
        assert opened.app.state.service.in_flight == 0
        assert opened.app.state.rates.in_flight == {}


@pytest.mark.parametrize(
    ("body", "straight"),
    [
        ({"input": ROW}, True),
        ({"input": ROW, "subject": "patient-7"}, True),
        ({"input": {**ROW, "age": None}}, False),
        ({"input": {**ROW, "radius": 99.5}}, False),
        ({"input": ROW, "explain": False}, False),
        ({}, False),
    ],
)
def test_the_same_bytes_get_the_same_answer_and_record(
    wire: Wire, direct: Counting, body: dict[str, Json], straight: bool
) -> None:
    found = []
    for direct.shut in (False, True):
        before = wire.size()
        (answer,) = wire.run(wire.exchange(wire.post(json.dumps(body).encode())))
        kinds = [entry.kind for entry in wire.hospital.site.ledger.entries(before)]
        found.append((told(answer), kinds))
    assert found[0] == found[1]
    assert direct.answered == straight


def test_a_body_that_comes_in_pieces_is_waited_for(wire: Wire, direct: Counting) -> None:
    whole = wire.post(BODY)
    head, body = whole.split(b"\r\n\r\n")
    pieces = (head + b"\r\n", b"\r\n", body[:7], body[7:])
    (answer,) = wire.run(wire.exchange(*pieces))
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert direct.answered == 1


def test_requests_that_come_ahead_are_answered_in_their_order(wire: Wire, direct: Counting) -> None:
    health = b"GET /healthz HTTP/1.1\r\nHost: here\r\n\r\n"
    sent = wire.post(BODY) + health + wire.post(b"{}") + wire.post(BODY)
    found = wire.run(wire.exchange(sent, answers=4))
    assert [one[9:12] for one in found] == [b"200", b"200", b"400", b"200"]
    assert [b'"label"' in one for one in found] == [True, False, False, True]
    assert direct.answered == 2


@pytest.mark.parametrize(("version", "more"), [("1.1", {"connection": "close"}), ("1.0", {})])
def test_a_connection_is_closed_after_the_answer_where_that_is_asked(
    wire: Wire, direct: Counting, version: str, more: dict[str, str]
) -> None:
    async def to_the_end() -> bytes:
        reader, writer = await wire.opened()
        writer.write(wire.post(BODY, version, **more))
        found = await reader.read()
        writer.close()
        return found

    found = []
    for direct.shut in (False, True):
        found.append(told(wire.run(to_the_end())))
    assert found[0] == found[1]
    assert b"connection: close" in found[0][0]  # type: ignore[index]
    assert direct.answered == 1


def test_a_client_that_leaves_in_its_body_leaves_no_record(
    wire: Wire, direct: Counting, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "bedside.requests")
    before = wire.size()

    async def leaving() -> None:
        _, writer = await wire.opened()
        writer.write(wire.post(BODY)[:-5])
        await asyncio.sleep(0.1)
        writer.close()
        await writer.wait_closed()
        while not caplog.records:
            await asyncio.sleep(0.01)

    wire.run(leaving())
    (line,) = [getattr(one, "facts", {}) for one in caplog.records]
    assert line["status"] == 499
    assert line["ms"] > 90
    assert (direct.answered, wire.size()) == (0, before)


def test_a_body_that_does_not_come_in_time_is_given_up(wire: Wire, direct: Counting) -> None:
    async def dribbling() -> bytes:
        reader, writer = await wire.opened()
        writer.write(wire.post(BODY)[:-5])
        found = await reader.read()
        writer.close()
        return found

    assert wire.run(dribbling()).startswith(b"HTTP/1.1 408 ")
    assert direct.answered == 0


def test_a_client_that_does_not_wait_is_recorded_all_the_same(wire: Wire) -> None:
    before = len(wire.hospital.site.ledger.find(kind=EventKind.PREDICTION))

    async def leaving() -> None:
        _, writer = await wire.opened()
        writer.write(wire.post(BODY))
        await writer.drain()
        writer.transport.abort()
        while len(wire.hospital.site.ledger.find(kind=EventKind.PREDICTION)) == before:
            await asyncio.sleep(0.01)

    wire.run(leaving())


def test_a_record_that_fails_is_told_as_a_problem(
    wire: Wire, direct: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object) -> object:
        raise Unavailable("The disk is full.", advice="Make room.")

    monkeypatch.setattr(wire.hospital.site.ledger, "record_each", failing)
    (answer,) = wire.run(wire.exchange(wire.post(BODY)))
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert b"application/problem+json" in answer
    assert b"The disk is full." in answer
    assert direct.answered == 0


def test_a_fault_is_told_without_its_words(
    wire: Wire, direct: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object) -> object:
        raise RuntimeError("of patient-7")

    monkeypatch.setattr(wire.hospital.site.ledger, "record_each", failing)
    (answer,) = wire.run(wire.exchange(wire.post(BODY)))
    assert answer.startswith(b"HTTP/1.1 500 ")
    assert b"patient-7" not in answer


def test_whoever_asks_too_often_is_refused_and_told_when(
    wire: Wire, direct: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire.app.state.rates._keys, "_rate", 0.01)
    monkeypatch.setattr(wire.app.state.rates._keys, "_burst", 2)
    sent = [wire.run(wire.exchange(wire.post(BODY)))[0] for _ in range(4)]
    assert sent[-1].startswith(b"HTTP/1.1 429 ")
    assert any(one.startswith(b"HTTP/1.1 200 ") and b"\r\nratelimit: " in one for one in sent)
    assert b"\r\nretry-after: " in sent[-1]
    assert direct.answered >= 1


def test_where_the_service_is_full_the_request_is_refused(wire: Wire, direct: Counting) -> None:
    wire.app.state.service.in_flight += 10_000
    (answer,) = wire.run(wire.exchange(wire.post(BODY)))
    wire.app.state.service.in_flight -= 10_000
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert direct.answered == 0


def test_a_service_that_is_being_stopped_says_that_it_closes(wire: Wire, direct: Counting) -> None:
    wire.app.state.service.draining = True
    (answer,) = wire.run(wire.exchange(wire.post(BODY)))
    assert b"\r\nconnection: close\r\n" in answer
    assert direct.answered == 1


def test_it_is_counted_and_logged_once(
    wire: Wire, direct: Counting, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "bedside.requests")
    wire.run(wire.exchange(wire.post(BODY)))
    (line,) = [getattr(one, "facts", {}) for one in caplog.records]
    assert (line["route"], line["status"], line["method"]) == ("predict", 200, "POST")
    assert line["person"] == wire.hospital["clinician"].caller.person.id
    counted = 'bedside_requests_total{route="predict",status="200"} 2.0'
    assert counted in wire.app.state.metrics.text().decode()
    assert direct.answered == 1


def test_a_body_that_is_held_is_never_so_long_that_reading_would_pause() -> None:
    assert INLINE_BYTES <= HIGH_WATER_LIMIT  # nobody calls `receive`, which would go on reading


def test_what_was_accepted_is_recorded_and_logged_though_its_client_left_and_the_service_stops(
    wire: Wire, direct: Counting, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "bedside.requests")
    before = len(wire.hospital.site.ledger.find(kind=EventKind.PREDICTION))
    record_each = wire.hospital.site.ledger.record_each

    def slowly(*given: Any) -> Any:
        time.sleep(0.5)
        return record_each(*given)

    monkeypatch.setattr(wire.hospital.site.ledger, "record_each", slowly)

    async def leaving() -> None:
        writers = [(await wire.opened())[1] for _ in range(3)]
        for writer in writers:
            writer.write(wire.post(BODY))
            await writer.drain()
            await asyncio.sleep(0.05)
        for writer in writers:
            writer.transport.abort()
        await asyncio.sleep(0.05)
        wire.server.should_exit = True
        await asyncio.wait_for(wire.serving, 20)

    wire.run(leaving())
    assert len(wire.hospital.site.ledger.find(kind=EventKind.PREDICTION)) == before + 3
    assert [getattr(one, "facts", {}).get("route") for one in caplog.records] == ["predict"] * 3


def test_an_admitted_request_that_goes_on_to_the_routes_keeps_its_place(
    wire: Wire, direct: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    service, ask = wire.app.state.service, Held.ask

    def crowding(held: Held, data: bytes) -> Any:
        service.in_flight += 10_000  # others come before its turn
        return ask(held, data)

    def failing(*_: object) -> object:
        raise Unavailable("The disk is full.", advice="Make room.")

    monkeypatch.setattr(Held, "ask", crowding)
    monkeypatch.setattr(wire.hospital.site.ledger, "record_each", failing)
    (answer,) = wire.run(wire.exchange(wire.post(BODY)))
    service.in_flight -= 10_000
    assert b"The disk is full." in answer


@pytest.mark.parametrize("step", ["ask", "head"])
def test_a_fault_on_the_way_is_told_and_the_connection_goes_on(
    wire: Wire, direct: Counting, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def faulty(*_: object, **__: object) -> object:
        raise RuntimeError("a bug")

    sent = wire.post(BODY)
    with monkeypatch.context() as patch:
        patch.setattr(Held if step == "ask" else Direct, step, faulty)
        (answer,) = wire.run(wire.exchange(sent))
    assert answer.startswith(b"HTTP/1.1 500 ")
    (again,) = wire.run(wire.exchange(sent))
    assert again.startswith(b"HTTP/1.1 200 ")


def test_a_service_that_waits_no_longer_says_that_nothing_is_confirmed(
    wire: Wire, direct: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire.hospital.site.group, "submit_each", lambda *_: None)

    async def stopping() -> bytes:
        reader, writer = await wire.opened()
        writer.write(wire.post(BODY))
        while not wire.server.server_state.tasks:
            await asyncio.sleep(0.01)
        for told in list(wire.server.server_state.tasks):
            told.cancel(msg="as uvicorn does")
        answer = await answer_of(reader)
        writer.close()
        return answer

    answer = wire.run(stopping())
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert b"may have been recorded" in answer
