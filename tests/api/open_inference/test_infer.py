"""Rows of fields as tensors: the same answers, the same record, clear refusals."""

from __future__ import annotations

import json
from typing import Any

import httpx
import numpy as np
import pytest

from bedside.ledger.events import EventKind
from bedside.ledger.group import Recorded
from tests.api.client import Client
from tests.api.open_inference.tensors import COLUMNS, LENGTH, Arrays, infer, read
from tests.bedside_site import MODEL, Hospital
from tests.package.building import ROWS, expected_probability

VERSION = f"{MODEL}/versions/1.2.3"
PATH = f"/v2/models/{MODEL}/infer"
INPUTS = [
    {"name": "radius", "shape": [2], "datatype": "FP64", "data": [20.5, 8.5]},
    {"name": "sex", "shape": [2], "datatype": "BYTES", "data": ["male", ""]},
    {"name": "age", "shape": [2, 1], "datatype": "FP32", "data": [[71], [None]]},
]


def post(client: Client, hospital: Hospital, path: str = PATH, **body: Any) -> httpx.Response:
    return client.post(path, json=body, headers=hospital["clinician"].headers)


def refused(answer: httpx.Response, status: int) -> str:
    """The protocol's error of an answer, which must have an advice."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    told = answer.json()
    assert set(told) == {"error", "problem"}
    assert told["problem"]["advice"] in told["error"]
    assert told["problem"]["status"] == status
    return str(told["error"])


def sealed(hospital: Hospital, index: int) -> dict[str, Any]:
    ledger = hospital.site.ledger
    opened = ledger.opened(ledger.entry(int(index)))
    assert isinstance(opened, dict)
    return opened


def test_columns_get_the_answers_that_their_rows_get(client: Client, hospital: Hospital) -> None:
    rows = [{"input": ROWS[0]}, {"input": ROWS[1]}, {"input": ROWS[2]}]
    by_rows = client.post(
        f"/v1/models/{MODEL}/predict", json={"inputs": rows}, headers=hospital["clinician"].headers
    ).json()
    found = read(infer(client, hospital, COLUMNS))
    labels = found.as_numpy("labels").astype(str).tolist()
    for place, row in enumerate(by_rows["predictions"]):
        scores = found.as_numpy("scores")[place]
        assert dict(zip(labels, scores.tolist(), strict=True)) == row["scores"]
        assert found.as_numpy("label")[place].decode() == row["label"]
    assert found.as_numpy("scores")[1, 1] == pytest.approx(
        expected_probability(20.5, 71, "male"), abs=1e-6
    )
    assert found.as_numpy("threshold").tolist() == [0.5] * 3
    assert found.as_numpy("flags").tolist() == [b""] * 3
    told = found.get_response()
    assert (told["model_name"], told["model_version"]) == (MODEL, "1.2.3")
    assert told["parameters"]["package"] == by_rows["package"]


@pytest.mark.parametrize("binary", [True, False])
def test_json_and_binary_are_one(client: Client, hospital: Hospital, binary: bool) -> None:
    full = {**COLUMNS, "age": np.array([50.0, 71.0, 40.0], dtype=np.float32)}
    found = read(infer(client, hospital, full, binary=binary))
    assert found.as_numpy("label").tolist() == [b"benign", b"malignant", b"benign"]
    some = infer(client, hospital, full, binary=binary, outputs=["ledger_index", "label"])
    assert (LENGTH.lower() in some.headers) == binary
    names = [one["name"] for one in read(some).get_response()["outputs"]]
    assert names == ["ledger_index", "label"]


def test_each_output_may_come_its_own_way(client: Client, hospital: Hospital) -> None:
    outputs = [{"name": "label", "parameters": {"binary_data": False}}, {"name": "scores"}]
    parameters = {"binary_data_output": True}
    answer = post(client, hospital, inputs=INPUTS, outputs=outputs, parameters=parameters)
    label, scores = read(answer).get_response()["outputs"]
    assert label["data"] == ["malignant", "benign"]
    assert scores["parameters"] == {"binary_data_size": 32}


def test_what_is_recorded_is_the_row_with_its_gaps_and_its_subject(
    client: Client, hospital: Hospital
) -> None:
    parameters = {"subjects": ["patient-7", None]}
    answer = post(client, hospital, inputs=INPUTS, parameters=parameters, id="order 42 \U0001f600")
    assert answer.json()["id"] == "order 42 \U0001f600"
    found = read(answer)
    first, second = (sealed(hospital, index) for index in found.as_numpy("ledger_index"))
    assert json.loads(first["input"]) == {"radius": 20.5, "sex": "male", "age": 71}
    assert json.loads(second["input"]) == {"radius": 8.5, "sex": None, "age": None}
    assert (first["subject"], second["subject"]) == ("patient-7", None)
    entry = hospital.site.ledger.entry(int(found.as_numpy("ledger_index")[0]))
    assert entry.about == found.as_numpy("prediction_id")[0]
    assert entry.value["door"] == "open-inference"
    assert answer.json()["parameters"]["ledger_index"] == entry.index


@pytest.mark.parametrize(
    "parameters",
    [{"subject": "p"}, {"subjects": ["p", "p"]}, {"subjects": '["p", "p"]'}, {"subject": None}],
)
def test_a_pseudonym_is_said_in_either_form(
    client: Client, hospital: Hospital, parameters: dict[str, Any]
) -> None:
    answer = post(client, hospital, inputs=INPUTS, parameters=parameters)
    subjects = [sealed(hospital, i)["subject"] for i in read(answer).as_numpy("ledger_index")]
    assert subjects == ([None] * 2 if parameters == {"subject": None} else ["p", "p"])


def test_all_number_fields_at_once_need_the_version_that_orders_them(
    client: Client, hospital: Hospital
) -> None:
    whole: Arrays = {
        "numbers": np.array([[14.0, 50.0], [20.5, 71.0], [8.5, np.nan]]),
        "sex": COLUMNS["sex"],
    }
    found = read(infer(client, hospital, whole, model=VERSION))
    one_by_one = read(infer(client, hospital, COLUMNS))
    assert found.as_numpy("scores").tolist() == one_by_one.as_numpy("scores").tolist()
    assert "/versions/" in refused(infer(client, hospital, whole), 400)
    twice = {**whole, "age": COLUMNS["age"]}
    assert "'age' is said twice" in refused(infer(client, hospital, twice, model=VERSION), 400)
    narrow = {"numbers": np.zeros((3, 1))}
    assert "[n, 2]" in refused(infer(client, hospital, narrow, model=VERSION), 400)


def test_another_unit_is_said_beside_its_numbers(client: Client, hospital: Hospital) -> None:
    radius = INPUTS[0] | {"data": [0.0205, 0.0085], "parameters": {"unit": "mm"}}
    found = read(post(client, hospital, inputs=[radius, *INPUTS[1:]]))
    plain = read(post(client, hospital, inputs=INPUTS))
    assert found.as_numpy("scores") == pytest.approx(plain.as_numpy("scores"), abs=1e-9)
    wrong = INPUTS[0] | {"parameters": {"unit": "km"}}
    assert "wrong-unit" in refused(post(client, hospital, inputs=[wrong]), 422)


def test_the_gate_refuses_with_every_reason_and_it_is_recorded(
    client: Client, hospital: Hospital
) -> None:
    outside = {"radius": np.array([99.0, np.inf]), "raduis": np.array([1.0, 2.0])}
    answer = infer(client, hospital, outside)
    assert "raduis" in refused(answer, 422)
    codes = {one["code"] for one in answer.json()["problem"]["refusals"]}
    assert codes == {"out-of-range", "not-finite", "unknown-field"}
    assert len(hospital.site.ledger.find(kind=EventKind.REFUSAL)) == 2
    assert hospital.site.ledger.find(kind=EventKind.PREDICTION) == ()


UNFIT: tuple[tuple[Arrays, str], ...] = (
    ({"radius": np.array([14.0]), "age": np.array([50.0, 51.0])}, "has 1 row"),
    ({"radius": np.array([[14.0, 15.0]])}, "[n, 1]"),
    ({"sex": np.array([b"\xff"], dtype=np.object_)}, "UTF-8"),
)


def test_inputs_that_do_not_fit_together_are_refused(client: Client, hospital: Hospital) -> None:
    for arrays, said in UNFIT:
        assert said in refused(infer(client, hospital, arrays), 400)


def test_more_rows_than_a_request_may_have_are_413(client: Client, hospital: Hospital) -> None:
    most = hospital.site.settings.limits.rows
    assert f"at most {most}" in refused(
        infer(client, hospital, {"radius": np.full(most + 1, 14.0)}), 413
    )


UNMET: tuple[tuple[dict[str, Any], str], ...] = (
    ({"outputs": [{"name": "logits"}]}, "prediction_id"),
    ({"parameters": {"subjet": "p"}}, "'subjet'"),
    ({"parameters": {"subjects": ["p"]}}, "2 pseudonym(s)"),
    ({"parameters": {"subjects": "[1, 2]"}}, "not text"),
    ({"parameters": {"subjects": ["p", "q"], "subject": "p"}}, "Send one"),
    ({"parameters": {"subject": 7}}, "not text"),
    ({"parameters": {"binary_data_output": 1}}, "neither true nor false"),
    ({"parameters": {"sequence_id": 3, "sequence_start": True}}, "sequence"),
    ({"model_name": "other"}, "model 'other'"),
)


def test_what_cannot_be_met_is_said(client: Client, hospital: Hospital) -> None:
    for body, said in UNMET:
        assert said in refused(post(client, hospital, inputs=INPUTS, **body), 400)


def test_what_clients_send_by_themselves_is_let_be(client: Client, hospital: Hospital) -> None:
    parameters = {"priority": 3, "timeout": 1000, "content_type": "pd"}
    answer = post(
        client,
        hospital,
        model_name=MODEL,
        model_version="1.2.3",
        inputs=[INPUTS[0] | {"parameters": {"content_type": "np"}}],
        parameters=parameters,
    )
    assert answer.status_code == 200


def test_the_version_in_the_address_must_be_the_one_that_answers(
    client: Client, hospital: Hospital
) -> None:
    assert read(infer(client, hospital, COLUMNS, model=VERSION)).get_response()
    hospital.release(version="2.0.0")
    hospital.site.serving.models.refresh()
    error = refused(infer(client, hospital, COLUMNS, model=VERSION), 409)
    assert "2.0.0" in error
    for version in ("3.0.0", "1.2", "%2e%2e"):
        path = f"/v2/models/{MODEL}/versions/{version}"
        answer = post(client, hospital, f"{path}/infer", inputs=INPUTS)
        assert answer.status_code in (400, 404), version
    in_the_body = post(client, hospital, inputs=INPUTS, model_version="1.2.3")
    assert "2.0.0" in refused(in_the_body, 409)


def test_a_release_in_between_never_answers_for_another_version(
    client: Client, hospital: Hospital, monkeypatch: pytest.MonkeyPatch
) -> None:
    group, released = hospital.site.group, list[str]()
    original = group.submit

    def in_between(*parts: Any) -> Recorded:
        if not released:
            released.append(hospital.release(version="2.0.0"))
        return original(*parts)

    monkeypatch.setattr(group, "submit", in_between)
    assert "2.0.0" in refused(infer(client, hospital, COLUMNS, model=VERSION), 409)
    assert hospital.site.ledger.find(kind=EventKind.PREDICTION) == ()


def test_a_repeat_under_its_key_is_the_same_answer(client: Client, hospital: Hospital) -> None:
    headers = {"Idempotency-Key": "a-key"}
    first, again = (infer(client, hospital, COLUMNS, headers=headers) for _ in "12")
    assert again.content == first.content
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    other = {**COLUMNS, "radius": COLUMNS["radius"] + 1}
    assert "another request" in refused(infer(client, hospital, other, headers=headers), 422)


AROUND: tuple[tuple[dict[str, str], int], ...] = (
    ({"content-encoding": "gzip"}, 415),
    ({"content-type": "text/csv"}, 415),
    ({LENGTH: "x"}, 400),
    ({LENGTH: "-1"}, 400),
    ({LENGTH: "9" * 30}, 400),
)


def test_what_stands_around_the_body_is_looked_at(client: Client, hospital: Hospital) -> None:
    for more, status in AROUND:
        headers = hospital["clinician"].headers | more
        answer = client.post(PATH, json={"inputs": INPUTS}, headers=headers)
        assert answer.status_code == status
        assert answer.json()["error"]


def test_nobody_gets_in_without_a_key_or_the_role(client: Client, hospital: Hospital) -> None:
    stranger = client.post(PATH, json={"inputs": INPUTS})
    refused(stranger, 401)
    assert stranger.headers["www-authenticate"].startswith("Bearer")
    auditor = client.post(PATH, json={"inputs": INPUTS}, headers=hospital["auditor"].headers)
    refused(auditor, 403)
    assert hospital.site.ledger.find(kind=EventKind.PREDICTION) == ()


ELSEWHERE: tuple[tuple[str, str, int], ...] = (
    ("get", "/v2/models/none", 404),
    ("get", "/v2/nothing", 404),
    ("get", PATH, 405),
    ("post", "/v2/models/none/infer", 404),
    ("get", f"/v2/models/{MODEL}/versions/9.9.9/ready", 404),
)


def test_every_error_has_the_form_of_the_protocol(client: Client, hospital: Hospital) -> None:
    for method, path, status in ELSEWHERE:
        headers = hospital["clinician"].headers
        refused(getattr(client, method)(path, headers=headers), status)


def test_beside_the_protocol_errors_keep_their_form(client: Client) -> None:
    answer = client.get("/v22/models")
    assert answer.headers["content-type"] == "application/problem+json"
