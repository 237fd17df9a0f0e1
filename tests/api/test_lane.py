"""The lane beside the route: the same request by both must get the same answer and the same record."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bedside.api.app import create_app
from bedside.api.lane import Lane
from bedside.canonical import Json
from bedside.ledger.events import Entry, EventKind
from bedside.serving.together import Together, Wanted
from tests.api.client import Client, client_of
from tests.bedside_site import MODEL, Hospital

PREDICT = f"/v1/models/{MODEL}/predict"
ROW: dict[str, Json] = {"radius": 20.5, "sex": "male", "age": 71}
"""A plain row: every field there, as a bare number or a known code."""


class Counting:
    """Counts what the lane answered, and can shut it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.answered = 0
        self.shut = False
        answer, asked = Lane.answer, Lane.asked

        async def answering(lane: Lane, *given: Any) -> Any:
            found = await answer(lane, *given)
            self.answered += isinstance(found, bytes)
            return found

        def asking(lane: Lane, *given: Any) -> Any:
            return None if self.shut else asked(lane, *given)

        monkeypatch.setattr(Lane, "answer", answering)
        monkeypatch.setattr(Lane, "asked", asking)


@pytest.fixture
def lane(monkeypatch: pytest.MonkeyPatch) -> Counting:
    return Counting(monkeypatch)


@pytest.fixture
def known(hospital: Hospital, lane: Counting) -> Iterator[Client]:
    """A client whose clinician came in a moment ago, so that the next request may go by the lane."""
    with client_of(create_app(hospital.site)) as opened:
        sent = opened.post(PREDICT, json={"input": ROW}, headers=hospital["clinician"].headers)
        assert sent.status_code == 200
        assert lane.answered == 0
        yield opened


def told(sent: httpx.Response) -> object:
    """What an answer says, without what no two answers have in common."""
    body = sent.json()
    if sent.status_code == 200:
        for row in body.get("predictions", [body]):
            row.update({"id": len(row["id"]), "recorded": sorted(row["recorded"])})
    headers = {name: value for name, value in sent.headers.items() if name != "content-length"}
    return sent.status_code, headers, list(body), body


def recorded(hospital: Hospital, entry: Entry) -> object:
    """What an event says, without what no two events have in common."""
    value = entry.value
    body = dict(value["body"])
    keyed, latency = body.pop("input", ""), body.pop("latency_us", 0)
    facts = [value[name] for name in ("v", "kind", "actor", "credential", "door")]
    facts.append(value["about"] if value["kind"] != "prediction" else len(value["about"]))
    sealed = hospital.site.ledger.opened(entry) if value["sealed"] else None
    return facts, list(body), body, keyed[:12], latency >= 0, list(value), sealed


def both_ways(
    known: Client, hospital: Hospital, lane: Counting, data: bytes, **more: str
) -> tuple[bool, list[object]]:
    """Send the same by the lane and by the route; return whether the lane answered, and what."""
    headers = hospital["clinician"].headers | {"content-type": "application/json"} | more
    found: list[object] = []
    lane.answered = 0
    for shut in (False, True):
        lane.shut = shut
        before = hospital.site.ledger.head().size
        sent = known.post(PREDICT, content=data, headers=headers)
        events = [recorded(hospital, one) for one in hospital.site.ledger.entries(before)]
        found.append((told(sent), events))
    lane.shut = False
    return lane.answered == 1, found


BODIES: tuple[tuple[Json, bool], ...] = (
    ({"input": ROW}, True),
    ({"input": ROW, "subject": "patient-7"}, True),
    ({"input": ROW, "subject": None}, True),
    ({"input": {"age": 0, "sex": "female", "radius": 6}}, True),
    ({"input": {**ROW, "age": 71.0}}, True),
    ({"input": {**ROW, "age": None}}, False),
    ({"input": {**ROW, "radius": {"value": 0.0085, "unit": "mm"}}}, False),
    ({"input": {"radius": 15, "sex": "male"}}, False),
    ({"input": {**ROW, "radius": 99.5}}, False),
    ({"input": {**ROW, "age": 71.5}}, False),
    ({"input": {**ROW, "sex": "Male"}}, False),
    ({"input": {**ROW, "age": True}}, False),
    ({"input": {**ROW, "Taro": 1}}, False),
    ({"input": {**ROW, "radius": 2**60}}, False),
    ({"input": {**ROW, "radius": "20.5"}}, False),
    ({"input": [ROW]}, False),
    ({"input": ROW, "subject": " "}, False),
    ({"input": ROW, "explain": False}, False),
    ({"inputs": [{"input": ROW}, {"input": ROW}]}, False),
    ({"input": ROW, "patient": "x"}, False),
    ({}, False),
    ([], False),
)
"""Bodies, and whether the lane answers them."""

TEXTS: tuple[bytes, ...] = (
    b'{"input": {"radius": 14, "radius": 15, "sex": "male", "age": 50}}',
    b'{"input": {"radius": NaN, "sex": "male", "age": 50}}',
    b'{"input": {"radius": 1e999, "sex": "male", "age": 50}}',
    b'{"input": {"radius": 20.5, "sex": "\xff", "age": 50}}',
    b'{"input": {"radius": 20.5, "sex": "m\\u0061le", "age": 50}}',
    b'\xef\xbb\xbf{"input": {"radius": 20.5, "sex": "male", "age": 50}}',
    b'{"input"',
    b"",
)
"""Bodies that two readers could read differently."""


def test_the_same_is_told_and_recorded_by_the_lane_and_by_the_route(
    known: Client, hospital: Hospital, lane: Counting
) -> None:
    sent = [(json.dumps(body).encode(), by_lane) for body, by_lane in BODIES]
    for data, by_lane in sent + [(text, False) for text in TEXTS]:
        answered, (short, long) = both_ways(known, hospital, lane, data)
        assert answered == by_lane, data
        assert short == long, data


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    row=st.fixed_dictionaries(
        {
            "radius": st.floats(5.5, 29.5) | st.integers(5, 30) | st.none(),
            "sex": st.sampled_from(["female", "male", "other", None]),
            "age": st.integers(-1, 121) | st.floats(0, 121),
        },
        optional={"more": st.integers()},
    )
)
def test_any_row_is_told_and_recorded_alike(
    known: Client, hospital: Hospital, lane: Counting, row: dict[str, Json]
) -> None:
    _, (short, long) = both_ways(known, hospital, lane, json.dumps({"input": row}).encode())
    assert short == long


HEADS: tuple[tuple[dict[str, str], bool], ...] = (
    ({"content-type": "application/json; charset=utf-8"}, True),
    ({"accept": "text/plain", "accept-language": "ja"}, True),
    ({"content-type": "text/plain"}, False),
    ({"content-encoding": "gzip"}, False),
    ({"authorization": "Basic x"}, False),
)
"""Headers, and whether the lane answers a request that has them."""


def test_what_the_head_asks_for_is_done(known: Client, hospital: Hospital, lane: Counting) -> None:
    data = json.dumps({"input": ROW}).encode()
    for headers, by_lane in HEADS:
        answered, (short, long) = both_ways(known, hospital, lane, data, **headers)
        assert answered == by_lane, headers
        assert short == long, headers


def test_a_request_that_may_be_repeated_goes_by_the_route(
    known: Client, hospital: Hospital, lane: Counting
) -> None:
    headers = hospital["clinician"].headers | {"idempotency-key": "0123456789abcdef"}
    sent = [known.post(PREDICT, json={"input": ROW}, headers=headers).json() for _ in range(2)]
    assert sent[0]["id"] == sent[1]["id"]
    assert lane.answered == 0


def test_a_key_revoked_since_the_last_request_gets_no_answer_recorded(
    known: Client, hospital: Hospital, lane: Counting
) -> None:
    clinician = hospital["clinician"]
    known.post(PREDICT, json={"input": ROW}, headers=clinician.headers)
    assert lane.answered == 1
    before = len(hospital.site.ledger.find(kind=EventKind.PREDICTION))
    hospital.site.people.revoke_key(hospital["administrator"].caller, clinician.caller.credential)
    for _ in range(2):
        sent = known.post(PREDICT, json={"input": ROW}, headers=clinician.headers)
        assert sent.status_code == 401
    assert len(hospital.site.ledger.find(kind=EventKind.PREDICTION)) == before


def test_a_role_taken_away_while_the_answer_is_computed_gets_none_recorded(
    known: Client, hospital: Hospital, lane: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    worked = Together._worked

    def changing(together: Together, group: list[Wanted]) -> object:
        found = worked(together, group)
        monkeypatch.setattr(Together, "_worked", worked)
        person = hospital["clinician"].caller.person.id
        hospital.site.people.set_roles(hospital["administrator"].caller, person, {"auditor"})
        return found

    monkeypatch.setattr(Together, "_worked", changing)
    before = len(hospital.site.ledger.find(kind=EventKind.PREDICTION))
    sent = known.post(PREDICT, json={"input": ROW}, headers=hospital["clinician"].headers)
    assert sent.status_code == 403
    assert lane.answered == 0
    assert len(hospital.site.ledger.find(kind=EventKind.PREDICTION)) == before


def test_a_release_while_the_answer_is_computed_is_answered_by_the_new_version(
    known: Client, hospital: Hospital, lane: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    ref = hospital.add(version="2.0.0")
    hospital.approve(ref)
    known.post(PREDICT, json={"input": ROW}, headers=hospital["clinician"].headers)
    lane.answered = 0
    worked = Together._worked

    def releasing(together: Together, group: list[Wanted]) -> object:
        found = worked(together, group)
        monkeypatch.setattr(Together, "_worked", worked)
        hospital.site.registry.release(hospital["operator"].caller, ref, "better")
        return found

    monkeypatch.setattr(Together, "_worked", releasing)
    sent = known.post(PREDICT, json={"input": ROW}, headers=hospital["clinician"].headers)
    assert (sent.status_code, sent.json()["version"]) == (200, "2.0.0")
    assert lane.answered == 0
    (release,) = hospital.site.ledger.find(kind=EventKind.RELEASE, about=ref)
    later = [e for e in hospital.site.ledger.entries(release.index) if e.kind == "prediction"]
    assert [e.value["body"]["version"] for e in later] == ["2.0.0"]


def test_one_refused_row_in_a_group_touches_no_other(
    known: Client, hospital: Hospital, lane: Counting
) -> None:
    headers = hospital["clinician"].headers
    rows = [ROW, {**ROW, "radius": 99.5}, {**ROW, "sex": None}, ROW, {**ROW, "radius": "x"}]
    before = hospital.site.ledger.head().size

    async def all_of_them() -> list[httpx.Response]:
        sending = (
            known._client.post(PREDICT, json={"input": row}, headers=headers) for row in rows
        )
        return list(await asyncio.gather(*sending))

    sent = known._runner.run(all_of_them())
    assert [one.status_code for one in sent] == [200, 422, 200, 200, 422]
    kinds = [entry.kind for entry in hospital.site.ledger.entries(before)]
    assert sorted(kinds) == ["prediction"] * 3 + ["refusal"] * 2
    assert lane.answered == 2


def test_what_comes_at_the_same_time_is_recorded_in_few_transactions(
    known: Client, hospital: Hospital, lane: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    groups: list[int] = []
    record_each = hospital.site.ledger.record_each

    def recording(submitted: Any, *more: Any) -> Any:
        groups.append(len(submitted))
        return record_each(submitted, *more)

    monkeypatch.setattr(hospital.site.ledger, "record_each", recording)
    sent = known.at_once(PREDICT, 40, json={"input": ROW}, headers=hospital["clinician"].headers)
    assert {one.status_code for one in sent} == {200}
    assert len({one.json()["recorded"]["index"] for one in sent}) == 40
    assert lane.answered == 40
    assert sum(groups) == 40
    assert len(groups) <= 4


def test_a_slow_disk_holds_up_nobody_else(
    known: Client, hospital: Hospital, lane: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    record_each = hospital.site.ledger.record_each
    slow = threading.Event()

    def recording(*given: Any) -> Any:
        slow.set()
        time.sleep(1.0)
        return record_each(*given)

    monkeypatch.setattr(hospital.site.ledger, "record_each", recording)
    headers = hospital["clinician"].headers

    async def beside_each_other() -> tuple[list[float], int]:
        predicting = asyncio.create_task(
            known._client.post(PREDICT, json={"input": ROW}, headers=headers)
        )
        while not slow.is_set():
            await asyncio.sleep(0.001)
        waited = []
        while not predicting.done():
            begun = time.perf_counter()
            assert (await known._client.get("/healthz")).status_code == 200
            waited.append(time.perf_counter() - begun)
            await asyncio.sleep(0.02)
        return waited, (await predicting).status_code

    waited, status = known._runner.run(beside_each_other())
    assert status == 200
    assert len(waited) > 10
    assert max(waited) < 0.5


def test_a_client_that_leaves_in_its_body_is_told_nothing_and_leaves_no_record(
    known: Client, hospital: Hospital, lane: Counting
) -> None:
    before = hospital.site.ledger.head().size
    data = json.dumps({"input": ROW}).encode()
    messages: list[dict[str, Any]] = [
        {"type": "http.request", "body": data[:10], "more_body": True},
        {"type": "http.disconnect"},
    ]
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return messages.pop(0) if len(messages) > 1 else messages[0]

    async def send(message: Any) -> None:
        sent.append(message)

    secret = hospital["clinician"].secret.encode()
    scope = {
        "type": "http",
        "method": "POST",
        "scheme": "http",
        "path": PREDICT,
        "query_string": b"",
        "client": ("127.0.0.1", 1),
        "headers": [
            (b"authorization", b"Bearer " + secret),
            (b"content-type", b"application/json"),
            (b"content-length", str(len(data)).encode()),
        ],
    }
    known._runner.run(known.app(scope, receive, send))
    assert [one.get("status") for one in sent][:1] == [499]
    assert lane.answered == 0
    assert hospital.site.ledger.head().size == before


def test_a_caller_who_gives_up_leaves_the_others_of_its_group_alone(
    known: Client, hospital: Hospital, lane: Counting
) -> None:
    headers = hospital["clinician"].headers

    async def one_gives_up() -> list[object]:
        sending = [
            asyncio.create_task(known._client.post(PREDICT, json={"input": ROW}, headers=headers))
            for _ in range(4)
        ]
        while not hospital.site.serving.together()._busy:
            await asyncio.sleep(0)
        sending[1].cancel()
        return list(await asyncio.gather(*sending, return_exceptions=True))

    found = known._runner.run(one_gives_up())
    assert isinstance(found[1], asyncio.CancelledError)
    others = [one for place, one in enumerate(found) if place != 1]
    assert all(isinstance(one, httpx.Response) and one.status_code == 200 for one in others)


def test_the_metrics_and_the_log_tell_of_it_as_of_any_request(
    known: Client, hospital: Hospital, lane: Counting, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "bedside.requests")
    known.post(PREDICT, json={"input": ROW}, headers=hospital["clinician"].headers)
    assert lane.answered == 1
    (line,) = [getattr(one, "facts", {}) for one in caplog.records]
    assert (line["route"], line["status"], line["method"]) == ("predict", 200, "POST")
    assert line["person"] == hospital["clinician"].caller.person.id
    text = known.get("/metrics", headers=hospital["operator"].headers).text
    assert 'bedside_requests_total{route="predict",status="200"} 2.0' in text
    assert 'label="malignant"' in text
