from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bedside.api.app import create_app
from bedside.api.problems import STATUS, TITLES, problem_of
from bedside.canonical import Json
from bedside.errors import BedsideError, TooOften
from bedside.ledger.events import EventKind
from bedside.package.explanation import Contributions, Reference
from bedside.serving.trace import verify_trace
from tests import bedside_site
from tests.api.client import Client, client_of
from tests.api.test_documented import check
from tests.bedside_site import MODEL, ROW, Hospital
from tests.package.building import ROWS, expected_probability

PREDICT = f"/v1/models/{MODEL}/predict"


def predicted(client: Client, hospital: Hospital, **body: Json) -> dict[str, Json]:
    sent = client.post(PREDICT, json=body or {"input": ROW}, headers=hospital["clinician"].headers)
    assert sent.status_code == 200, sent.text
    answer: dict[str, Json] = sent.json()
    return answer


def test_a_row_gets_its_answer_and_stands_in_the_ledger(client: Client, hospital: Hospital) -> None:
    answer = predicted(client, hospital, input=ROW, subject="patient-7")
    assert answer["label"] == "malignant"
    assert answer["scores"]["malignant"] == pytest.approx(
        expected_probability(20.5, 71, "male"), abs=1e-6
    )
    assert answer["threshold"] == {"value": 0.5, "meaning": {"en": "as likely as not"}}
    assert answer["use"]["claim_level"] == "demonstration"
    entry = hospital.site.ledger.entry(answer["recorded"]["index"])
    assert (entry.kind, entry.about, entry.at) == (
        "prediction",
        answer["id"],
        answer["recorded"]["at"],
    )
    assert entry.value["actor"] == hospital["clinician"].caller.person.id
    assert entry.value["door"] == "rest"


def test_many_rows_are_answered_in_their_order(client: Client, hospital: Hospital) -> None:
    answer = predicted(client, hospital, inputs=[{"input": row} for row in ROWS])
    one_by_one = [predicted(client, hospital, input=row) for row in ROWS]
    assert [row["label"] for row in answer["predictions"]] == [row["label"] for row in one_by_one]
    indices = [row["recorded"]["index"] for row in answer["predictions"]]
    assert indices == list(range(indices[0], indices[0] + len(ROWS)))


def test_a_refused_input_says_why_and_is_recorded_without_its_values(
    client: Client, hospital: Hospital
) -> None:
    row = {"radius": 3.0625, "sex": "female", "Taro": 1}
    sent = client.post(PREDICT, json={"input": row}, headers=hospital["clinician"].headers)
    assert sent.status_code == 422
    problem = sent.json()
    assert problem["type"] == "urn:bedside:problem:input-refused"
    assert {one["code"] for one in problem["refusals"]} == {"out-of-range", "unknown-field"}
    (entry,) = hospital.site.ledger.find(kind=EventKind.REFUSAL)
    assert b"3.06" not in entry.event
    assert b"Taro" not in entry.event
    opened = hospital.site.ledger.opened(entry)
    assert opened is not None
    assert json.loads(opened["input"]) == row


def test_the_refused_row_refuses_all_rows(client: Client, hospital: Hospital) -> None:
    before = len(hospital.site.ledger.find(kind=EventKind.PREDICTION))
    body = {"inputs": [{"input": ROW}, {"input": {"radius": None}}]}
    sent = client.post(PREDICT, json=body, headers=hospital["clinician"].headers)
    assert sent.status_code == 422
    assert [one["row"] for one in sent.json()["refusals"]] == [1]
    assert len(hospital.site.ledger.find(kind=EventKind.PREDICTION)) == before


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b'{"input": {"radius": 14, "radius": 15}}', "stands twice"),
        (b'{"input": {"radius": NaN}}', "NaN is not a JSON number"),
        (b'{"input"', "Not JSON"),
        (b"[]", "is not a JSON object"),
        (b"{}", "has no 'input'"),
        (b'{"input": {}, "patient": "x"}', "has a member 'patient'"),
        (b'{"input": {}, "inputs": []}', "beside"),
        (b'{"inputs": []}', "at least one element"),
        (b'{"inputs": [1]}', "inputs[0] is not a JSON object"),
        (b'{"input": {}, "subject": 7}', "is not text"),
        (b'{"input": {}, "subject": " "}', "cannot be used"),
        (b'{"input": {"radius": "\xff"}}', "Not UTF-8"),
    ],
)
def test_what_two_readers_could_read_differently_is_refused(
    client: Client, hospital: Hospital, data: bytes, said: str
) -> None:
    headers = hospital["clinician"].headers | {"content-type": "application/json"}
    sent = client.post(PREDICT, content=data, headers=headers)
    assert sent.status_code == 400
    assert sent.headers["content-type"] == "application/problem+json"
    assert said in sent.json()["detail"]


def test_only_json_is_read(client: Client, hospital: Hospital) -> None:
    sent = client.post(PREDICT, content=b"{}", headers=hospital["clinician"].headers)
    assert sent.status_code == 415
    assert sent.json()["type"] == "urn:bedside:problem:unsupported-media-type"


def test_a_body_beyond_the_limit_is_refused_before_it_is_read(
    client: Client, hospital: Hospital
) -> None:
    limit = hospital.site.settings.limits.body_bytes
    headers = hospital["clinician"].headers | {"content-type": "application/json"}
    declared = client.post(PREDICT, content=b" " * (limit + 1), headers=headers)
    chunked = client.post(PREDICT, content=_parts(limit // 2**20 + 1), headers=headers)
    assert declared.status_code == chunked.status_code == 413
    assert f"longer than {limit} bytes" in declared.json()["detail"]


async def _parts(count: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield b" " * 2**20


def test_more_rows_than_the_limit_are_refused(client: Client, hospital: Hospital) -> None:
    rows = hospital.site.settings.limits.rows + 1
    body: Json = {"inputs": [{"input": {}}] * rows}
    sent = client.post(PREDICT, json=body, headers=hospital["clinician"].headers)
    assert sent.status_code == 413
    assert f"{rows} inputs" in sent.json()["detail"]


def test_without_a_key_nobody_comes_in(client: Client, hospital: Hospital) -> None:
    for headers in ({}, {"authorization": "Basic x"}, {"authorization": "Bearer bds_" + "A" * 43}):
        sent = client.post(PREDICT, json={"input": ROW}, headers=headers)
        assert sent.status_code == 401
        assert sent.headers["www-authenticate"].startswith("Bearer")
        assert sent.json()["advice"]


@pytest.mark.parametrize("role", ["auditor", "operator", "developer", "administrator"])
def test_whoever_is_no_clinician_may_not_predict(
    client: Client, hospital: Hospital, role: str
) -> None:
    sent = client.post(PREDICT, json={"input": ROW}, headers=hospital[role].headers)
    assert sent.status_code == 403
    (refused,) = hospital.site.ledger.find(kind=EventKind.PERMISSION_REFUSED)
    assert refused.value["body"]["action"] == "predict"


def test_an_unknown_model_is_not_here(client: Client, hospital: Hospital) -> None:
    headers = hospital["clinician"].headers
    for path in ("/v1/models/unknown/predict", "/nothing"):
        sent = client.post(path, json={"input": ROW}, headers=headers)
        assert (sent.status_code, sent.json()["type"]) == (404, "urn:bedside:problem:not-found")
        assert sent.json()["instance"] == path


def test_nobody_is_sent_elsewhere_with_a_patients_data(client: Client, hospital: Hospital) -> None:
    headers = hospital["clinician"].headers | {"host": "elsewhere.example"}
    for path in (f"{PREDICT}/", "/v1/models/", "/healthz/"):
        for sent in (
            client.post(path, json={"input": ROW}, headers=headers),
            client.get(path, headers=headers),
        ):
            assert (sent.status_code, sent.json()["type"]) == (404, "urn:bedside:problem:not-found")
            assert "location" not in sent.headers
            assert "elsewhere" not in sent.text


def test_a_wrong_method_is_a_problem_too(client: Client) -> None:
    sent = client.get(PREDICT)
    assert sent.status_code == 405
    assert sent.headers["content-type"] == "application/problem+json"


def test_a_decision_is_recorded_and_traced(client: Client, hospital: Hospital) -> None:
    prediction = predicted(client, hospital)["id"]
    headers = hospital["clinician"].headers
    decision = {"verdict": "corrected", "label": "benign", "reason": "the biopsy says so"}
    sent = client.post(f"/v1/predictions/{prediction}/decision", json=decision, headers=headers)
    assert sent.status_code == 201
    assert sent.json()["label"] == "benign"
    path = f"/v1/predictions/{prediction}/trace"
    trace = client.get(path, headers=hospital["auditor"].headers).json()
    assert trace["decisions"][0]["personal"] == {"reason": "the biopsy says so"}
    assert trace["prediction"]["personal"]["input"] == ROW
    verdict = verify_trace(trace, hospital.site.ledger.public_key)
    assert verdict.entries == len(trace["proofs"]) == 7
    text = client.get(path, headers=hospital["auditor"].headers | {"accept": "text/plain"})
    assert "the biopsy says so" in text.text
    assert "registered by Person developer" in text.text
    for wanted, language in (
        ({"accept": "text/plain", "accept-language": "en;q=0.1, ja"}, "ja"),
        ({"accept": "application/json, text/plain, */*"}, None),
    ):
        given = client.get(path, headers=hospital["auditor"].headers | wanted)
        assert given.headers["content-type"].startswith(
            "text/plain" if language else "application/json"
        )
        assert ("登録:" in given.text) == (language == "ja")


@pytest.mark.parametrize(
    ("decision", "said"),
    [
        ({"verdict": "perhaps"}, "not a verdict"),
        ({"verdict": "disagree"}, "reason"),
        ({"verdict": "corrected", "reason": "so"}, "cannot replace"),
        ({"verdict": "corrected", "label": "malignant", "reason": "so"}, "cannot replace"),
        ({"verdict": "agree", "label": "benign"}, "was sent with the verdict"),
        ({"verdict": "agree", "note": "x"}, "has a member 'note'"),
    ],
)
def test_a_decision_that_does_not_fit_is_refused(
    client: Client, hospital: Hospital, decision: Json, said: str
) -> None:
    prediction = predicted(client, hospital)["id"]
    sent = client.post(
        f"/v1/predictions/{prediction}/decision",
        json=decision,
        headers=hospital["clinician"].headers,
    )
    assert sent.status_code == 400
    assert said in sent.json()["detail"]


def test_models_tell_what_they_are(client: Client, hospital: Hospital) -> None:
    headers = hospital["auditor"].headers
    (listed,) = client.get("/v1/models", headers=headers).json()["models"]
    assert listed["ready"]
    told = client.get(f"/v1/models/{MODEL}", headers=headers).json()
    assert told["manifest"]["intended_use"]["ja"] == "試験"
    assert [one["epoch"] for one in told["history"]] == [1]
    assert len(told["versions"][0]["approvals"]) == 2
    ready = client.get(f"/v1/models/{MODEL}/ready", headers=headers)
    assert ready.json()["ready"]
    assert client.get("/v1/models/unknown/ready", headers=headers).status_code == 404


def test_a_model_gives_an_example_that_it_takes(client: Client, hospital: Hospital) -> None:
    headers = hospital["clinician"].headers
    example = client.get(f"/v1/models/{MODEL}/example", headers=headers)
    assert client.post(PREDICT, json=example.json(), headers=headers).status_code == 200
    assert client.get("/v1/models/unknown/example", headers=headers).status_code == 404


def test_health_needs_no_key(client: Client) -> None:
    assert client.get("/healthz").json() == {"status": "alive"}
    assert client.get("/readyz").json() == {"status": "ready"}


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_a_load_balancer_may_ask_with_head(client: Client, path: str) -> None:
    assert client.head(path).status_code == 200
    assert client.head("/v1/models").status_code == 405


def test_metrics_count_what_happened(client: Client, hospital: Hospital) -> None:
    predicted(client, hospital)
    headers = hospital["operator"].headers
    text = client.get("/metrics", headers=headers).text
    assert (
        f'bedside_predictions_total{{label="malignant",model="{MODEL}",version="1.2.3"}} 1.0'
        in text
    )
    assert 'route="predict",status="200"} 1.0' in text
    assert "bedside_requests_in_flight 1.0" in text
    assert f'bedside_model_ready{{model="{MODEL}",version="1.2.3"}} 1.0' in text
    assert client.get("/metrics", headers=hospital["clinician"].headers).status_code == 403
    assert client.get("/metrics").status_code == 401


def test_two_applications_do_not_share_metrics(hospital: Hospital) -> None:
    with client_of(create_app(hospital.site)) as first:
        predicted(first, hospital)
    hospital.site.serving.models.stop()
    with client_of(create_app(hospital.site)) as second:
        text = second.get("/metrics", headers=hospital["operator"].headers).text
    assert "bedside_predictions_total{" not in text


def test_a_checkpoint_is_given_to_auditors(client: Client, hospital: Hospital) -> None:
    note = client.get("/v1/ledger/checkpoint", headers=hospital["auditor"].headers).text
    assert note == hospital.site.ledger.checkpoint().note
    refused = client.get("/v1/ledger/checkpoint", headers=hospital["clinician"].headers)
    assert refused.status_code == 403


def test_every_answer_carries_the_security_headers(client: Client, hospital: Hospital) -> None:
    for sent in (
        client.post(PREDICT, json={"input": ROW}, headers=hospital["clinician"].headers),
        client.get("/nothing"),
        client.get("/healthz", headers={"origin": "https://elsewhere.example"}),
    ):
        assert sent.headers["x-content-type-options"] == "nosniff"
        assert sent.headers["cache-control"] == "no-store"
        assert "access-control-allow-origin" not in sent.headers


def test_an_unforeseen_error_says_nothing_of_the_inside(
    client: Client, hospital: Hospital, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("the secret is 1234")

    client.app.state.document.text = broken
    sent = client.get("/openapi.json")
    assert sent.status_code == 500
    assert sent.headers["x-content-type-options"] == "nosniff"
    assert "1234" not in sent.text
    assert any(sent.json()["id"] in str(getattr(r, "facts", "")) for r in caplog.records)


def test_every_error_of_the_tree_has_a_status() -> None:
    for child in BedsideError.__subclasses__():
        assert child in STATUS, f"{child.__name__} has only the status of the root"

    def tree(kind: type[BedsideError]) -> list[type[BedsideError]]:
        return [kind, *(one for child in kind.__subclasses__() for one in tree(child))]

    for kind in tree(BedsideError):
        error = kind.__new__(kind)
        error.message, error.advice = "found", "do"
        if hasattr(kind, "refusals") or kind.__name__ == "InputRefused":
            error.refusals = ()  # type: ignore[attr-defined]
        if isinstance(error, TooOften):
            error.wait, error.quota = 1.0, None
        problem = problem_of(error, "/here")
        assert 400 <= problem.status < 600
        assert problem.kind in TITLES


REFERENCE: Reference = {"radius": 14.0, "sex": "female", "age": 50}
WHY = Contributions(
    method="sampled-shapley", scale="logit", reference=REFERENCE, permutations=4, passes=10
)


def test_a_row_of_fields_is_explained_where_that_is_asked(tmp_path: Path) -> None:
    built = bedside_site.build(tmp_path / "explained")
    built.release(explanation=WHY)
    with client_of(create_app(built.site)) as client:
        plain = predicted(client, built)
        told = predicted(client, built, input=ROW, explain=True)
        document = client.get("/openapi.json").json()
        answer = client.post(
            PREDICT, json={"input": ROW, "explain": True}, headers=built["clinician"].headers
        )
        check(document, PREDICT, "post", answer)
        entry = built.site.ledger.entry(told["recorded"]["index"])
        kept = built.site.ledger.opened(entry)
    built.site.close()
    assert set(told) - set(plain) == {"told", "flags", "explanation"}
    assert told["scores"] == plain["scores"]
    explanation = told["explanation"]
    sizes = [abs(one["contribution"]) for one in explanation["contributions"]]
    assert sizes == sorted(sizes, reverse=True)
    assert {one["field"] for one in explanation["contributions"]} == set(REFERENCE)
    total = explanation["base"] + sum(c["contribution"] for c in explanation["contributions"])
    assert total == pytest.approx(explanation["total"], abs=1e-6)
    assert entry.value["body"]["explained"] is True
    assert kept is not None
    assert kept["explanation"] == explanation


def test_an_explanation_that_no_model_declares_is_refused(
    client: Client, hospital: Hospital
) -> None:
    body = {"input": ROW, "explain": True}
    sent = client.post(PREDICT, json=body, headers=hospital["clinician"].headers)
    assert sent.status_code == 400
    assert "declares no explanation" in sent.json()["detail"]
