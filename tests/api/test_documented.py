"""Real answers, held against what the document says of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from openapi_schema_validator import OAS31Validator

from bedside.api.app import create_app
from bedside.errors import Unavailable
from tests import bedside_site
from tests.api.client import Client, client_of
from tests.bedside_site import MODEL, ROW, Hospital

REASON = "it is not quite so"


@pytest.fixture
def document(client: Client) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/openapi.json").json()
    return found


def check(document: dict[str, Any], path: str, method: str, sent: httpx.Response) -> None:
    """Validate `sent` against the schema of its status and media type, which must say something."""
    responses = document["paths"][path][method]["responses"]
    media_type = sent.headers["content-type"].partition(";")[0]
    said = stated(document, responses[str(sent.status_code)])
    schema = said["content"][media_type]["schema"]
    assert schema, path
    OAS31Validator({**schema, "components": document["components"]}).validate(sent.json())


def stated(document: dict[str, Any], response: dict[str, Any]) -> dict[str, Any]:
    """Return a response, from the components where it stands there."""
    if "$ref" not in response:
        return response
    found: dict[str, Any] = document["components"]["responses"][response["$ref"].rpartition("/")[2]]
    return found


def references(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            if name == "$ref":
                yield inner
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def test_every_reference_of_the_document_leads_somewhere(document: dict[str, Any]) -> None:
    found = set(references(document))
    assert {"#/components/schemas/Verdict", "#/components/schemas/DecisionBody"} <= found
    for reference in found:
        root, *steps = reference.split("/")
        assert root == "#", reference
        part: Any = document
        for step in steps:
            assert step in part, reference
            part = part[step]


def test_answers_are_what_the_document_says(
    client: Client, hospital: Hospital, document: dict[str, Any]
) -> None:
    headers = hospital["clinician"].headers
    predicted = client.post(f"/v1/models/{MODEL}/predict", json={"input": ROW}, headers=headers)
    check(document, f"/v1/models/{MODEL}/predict", "post", predicted)
    about = f"/v1/predictions/{predicted.json()['id']}"
    body = {"verdict": "corrected", "label": "benign", "reason": REASON}
    decided = client.post(f"{about}/decision", json=body, headers=headers)
    assert decided.status_code == 201
    check(document, "/v1/predictions/{prediction_id}/decision", "post", decided)
    fixed = {
        "/v1/predictions/{prediction_id}/trace": f"{about}/trace",
        "/v1/models": "/v1/models",
        "/v1/releases": "/v1/releases",
        "/v1/models/{name}": f"/v1/models/{MODEL}",
        "/v1/models/{name}/example": f"/v1/models/{MODEL}/example",
        "/v1/models/{name}/ready": f"/v1/models/{MODEL}/ready",
        "/v1/models/{name}/bom": f"/v1/models/{MODEL}/bom",
        "/healthz": "/healthz",
        "/readyz": "/readyz",
    }
    for path, asked in fixed.items():
        sent = client.get(asked, headers=headers)
        assert sent.status_code == 200, path
        check(document, path, "get", sent)
        if path.startswith("/v1"):
            check(document, path, "get", client.get(asked))


def test_a_trace_after_erasure_is_what_the_document_says(
    client: Client, hospital: Hospital, document: dict[str, Any]
) -> None:
    headers = hospital["clinician"].headers
    answer = client.post(f"/v1/models/{MODEL}/predict", json={"input": ROW}, headers=headers).json()
    entry = hospital.site.ledger.entry(answer["recorded"]["index"])
    hospital.site.subject_keys.destroy(entry.value["sealed"]["key"])
    sent = client.get(f"/v1/predictions/{answer['id']}/trace", headers=headers)
    assert sent.json()["prediction"]["personal"] == "erased"
    check(document, "/v1/predictions/{prediction_id}/trace", "get", sent)


def test_an_empty_schema_stands_nowhere(document: dict[str, Any]) -> None:
    for path, operations in document["paths"].items():
        for operation in operations.values():
            for status, response in operation["responses"].items():
                told = stated(document, response).get("content", {})  # 204 has none
                for media_type, content in told.items():
                    assert content["schema"], (path, status, media_type)


def test_a_trace_is_declared_as_text_too(document: dict[str, Any]) -> None:
    trace = document["paths"]["/v1/predictions/{prediction_id}/trace"]["get"]
    assert set(trace["responses"]["200"]["content"]) == {"application/json", "text/plain"}


def test_troubles_are_told_as_the_document_says(
    client: Client,
    hospital: Hospital,
    document: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    models = hospital.site.serving.models
    trouble = Unavailable("The database is being moved.")
    monkeypatch.setattr(type(models), "trouble", property(lambda _: trouble))
    sent = client.get("/readyz")
    assert (sent.status_code, sent.json()) == (503, {"status": "The database is being moved."})
    check(document, "/readyz", "get", sent)


def test_a_release_that_does_not_load_is_told_with_its_reason(tmp_path: Path) -> None:
    built = bedside_site.build(tmp_path / "site")
    ref = built.release()
    record = built.site.registry.version(ref)
    blob = next(path for path in built.site.folder.rglob(f"*{record.archive[-60:]}*"))
    blob.chmod(0o600)
    blob.write_bytes(b"damaged")
    headers = built["clinician"].headers
    with client_of(create_app(built.site)) as client:
        document = client.get("/openapi.json").json()
        ready = client.get(f"/v1/models/{MODEL}/ready", headers=headers)
        told = client.get(f"/v1/models/{MODEL}", headers=headers)
        listed = client.get("/v1/models", headers=headers)
    built.site.close()
    assert ready.status_code == 503
    check(document, "/v1/models/{name}/ready", "get", ready)
    check(document, "/v1/models/{name}", "get", told)
    check(document, "/v1/models", "get", listed)
    assert told.json()["release"]["version"] == "1.2.3"
    assert "does not load here" in told.json()["reason"]
    assert (told.json()["ready"], told.json()["manifest"]) == (False, None)
    assert listed.json()["models"][0]["reason"] == told.json()["reason"]


def test_a_model_of_which_nothing_is_released_says_so(
    client: Client, hospital: Hospital, document: dict[str, Any]
) -> None:
    hospital.site.registry.retire(hospital["operator"].caller, f"{MODEL}@1.2.3", "superseded")
    hospital.site.serving.models.refresh()
    told = client.get(f"/v1/models/{MODEL}", headers=hospital["clinician"].headers)
    check(document, "/v1/models/{name}", "get", told)
    assert told.json()["release"] is None
    assert told.json()["reason"].startswith("No version of")
