from __future__ import annotations

import httpx
import pytest

from bedside.ledger.events import EventKind
from tests.api.client import Client
from tests.bedside_site import MODEL, ROW, Hospital

PREDICT = f"/v1/models/{MODEL}/predict"
KEY = "8e03978e-40d5-43e8-bc93-6894a57f9324"


def send(client: Client, hospital: Hospital, key: str = KEY, **body: object) -> httpx.Response:
    headers = hospital["clinician"].headers | {"idempotency-key": key}
    return client.post(PREDICT, json=body or {"input": ROW}, headers=headers)


def recorded(hospital: Hospital) -> int:
    return len(hospital.site.ledger.find(kind=EventKind.PREDICTION, limit=1000))


def test_a_repeat_is_the_same_answer_and_says_so(client: Client, hospital: Hospital) -> None:
    first, again = send(client, hospital), send(client, hospital)
    assert first.status_code == again.status_code == 200
    assert again.json() == first.json()
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert recorded(hospital) == 1


def test_many_rows_are_told_again_in_their_order(client: Client, hospital: Hospital) -> None:
    rows = [{"input": ROW | {"age": age}, "subject": f"p-{age}"} for age in range(40, 60)]
    first, again = (send(client, hospital, inputs=rows) for _ in range(2))
    assert again.json() == first.json()
    assert recorded(hospital) == 20


def test_at_once_one_is_recorded(client: Client, hospital: Hospital) -> None:
    headers = hospital["clinician"].headers | {"idempotency-key": KEY}
    found = client.at_once(PREDICT, 16, json={"input": ROW}, headers=headers)
    assert {one.status_code for one in found} == {200}
    assert len({one.json()["id"] for one in found}) == 1
    assert recorded(hospital) == 1


def test_another_body_under_the_key_is_422(client: Client, hospital: Hospital) -> None:
    send(client, hospital)
    other = send(client, hospital, input=ROW | {"age": 50})
    assert other.status_code == 422
    assert other.json()["type"] == "urn:bedside:problem:repeat-differs"
    assert "new key" in other.json()["advice"]


def test_with_and_without_quotes_it_is_one_key(client: Client, hospital: Hospital) -> None:
    first = send(client, hospital, f'"{KEY}"')
    assert send(client, hospital).json() == first.json()


@pytest.mark.parametrize("key", ["", " ", "a b", 'a"', '"', '""', "a,b", "x" * 129, "ä", "a\tb"])
def test_a_key_that_cannot_be_is_400(client: Client, hospital: Hospital, key: str) -> None:
    headers = [
        ("authorization", hospital["clinician"].headers["authorization"]),
        ("idempotency-key", key.encode("latin-1")),
    ]
    answer = client.post(PREDICT, json={"input": ROW}, headers=headers)
    assert answer.status_code == 400
    assert "1 to 128" in answer.json()["advice"]
    assert recorded(hospital) == 0


def test_two_keys_are_400(client: Client, hospital: Hospital) -> None:
    headers = [*hospital["clinician"].headers.items(), *[("idempotency-key", KEY)] * 2]
    assert client.post(PREDICT, json={"input": ROW}, headers=headers).status_code == 400


def test_an_explanation_is_not_asked_for_under_a_key(client: Client, hospital: Hospital) -> None:
    answer = send(client, hospital, input=ROW, explain=True)
    assert answer.status_code == 400
    assert "explanation" in answer.json()["advice"]
    assert recorded(hospital) == 0


def test_a_refused_input_may_be_corrected_under_its_key(client: Client, hospital: Hospital) -> None:
    assert send(client, hospital, input=ROW | {"radius": 99}).status_code == 422
    assert send(client, hospital).status_code == 200


def test_a_decision_is_recorded_once(client: Client, hospital: Hospital) -> None:
    prediction = send(client, hospital).json()["id"]
    path, headers = f"/v1/predictions/{prediction}/decision", hospital["clinician"].headers
    headers |= {"idempotency-key": KEY}
    first, again = (client.post(path, json={"verdict": "agree"}, headers=headers) for _ in "12")
    assert first.status_code == again.status_code == 201
    assert again.json() == first.json()
    assert again.headers["idempotent-replayed"] == "true"
    assert len(hospital.site.ledger.find(kind=EventKind.DECISION)) == 1
    other = client.post(path, json={"verdict": "disagree", "reason": "no no no"}, headers=headers)
    assert other.status_code == 422


def test_the_document_tells_of_the_header(client: Client) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    for path in (
        PREDICT,
        "/v1/predictions/{prediction_id}/decision",
        "/v2/models/{name}/infer",
        "/v2/models/{name}/versions/{version}/infer",
    ):
        named = {one["name"].lower() for one in paths[path]["post"]["parameters"]}
        assert "idempotency-key" in named, path
