"""A volume comes by every form, is analysed by a process apart, and its answer is fetched."""

from __future__ import annotations

import base64
import gzip
import json
import time
from collections.abc import Iterator

import pytest

from bedside.api.analysis_requests import order_of
from bedside.api.app import create_app
from bedside.api.documented import TraceAnswer
from bedside.ledger.events import EventKind
from tests.api.client import Client, client_of
from tests.bedside_site import Hospital
from tests.serving.volumes import HEADS, hospital_of_heads
from tests.volume_packages import head_nifti

PATH = f"/v1/models/{HEADS}/analyses"


@pytest.fixture(scope="module")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hospital]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BEDSIDE_ALLOW_TMPFS", "1")
        built = hospital_of_heads(tmp_path_factory.mktemp("analyses") / "site")
        yield built
        built.site.close()


@pytest.fixture(scope="module")
def client(hospital: Hospital) -> Iterator[Client]:
    with client_of(create_app(hospital.site)) as opened:
        yield opened


@pytest.fixture(scope="module")
def analysed(client: Client, hospital: Hospital) -> str:
    """The id of an analysis that is done."""
    headers = hospital["clinician"].headers
    sent = client.post(PATH, headers=headers, files={"volume": head_nifti()})
    job: str = sent.json()["id"]
    assert done(client, hospital, job)["state"] == "done"
    return job


def done(client: Client, hospital: Hospital, job: str) -> dict[str, object]:
    headers, end = hospital["clinician"].headers, time.monotonic() + 90
    while True:
        answer = client.get(f"/v1/analyses/{job}", headers=headers)
        assert answer.status_code == 200, answer.text
        told: dict[str, object] = answer.json()
        if told["state"] not in ("waiting", "running"):
            return told
        assert time.monotonic() < end, told
        time.sleep(0.05)


def test_a_form_with_a_file_is_analysed_and_recorded(client: Client, hospital: Hospital) -> None:
    headers = hospital["clinician"].headers
    answer = client.post(
        PATH,
        headers=headers,
        files={"volume": ("head.nii", head_nifti())},
        data={"subject": "patient-1", "modality": "MR", "body_part": "HEAD"},
    )
    assert answer.status_code == 202, answer.text
    assert answer.headers["location"] == f"/v1/analyses/{answer.json()['id']}"
    told = done(client, hospital, answer.json()["id"])
    assert told["state"] == "done", told
    files = {one["name"]: one for one in told["result"]["files"]}  # type: ignore[index]
    assert set(files) == {"mask.nii.gz", "probability.nii.gz", "measurements.json", "picture.png"}
    mask = client.get(files["mask.nii.gz"]["href"], headers=headers)
    assert gzip.decompress(mask.content)[344:348] == b"n+1\x00"
    picture = client.get(files["picture.png"]["href"], headers=headers)
    assert picture.content.startswith(b"\x89PNG")
    assert picture.headers["content-type"] == "image/png"
    measured = client.get(files["measurements.json"]["href"], headers=headers)
    assert json.loads(measured.content)
    trace = client.get(f"/v1/predictions/{told['id']}/trace", headers=headers)
    assert trace.status_code == 200, trace.text
    assert trace.json()["prediction"]["personal"]["subject"] == "patient-1"


def test_json_with_base64_is_analysed_too(client: Client, hospital: Hospital) -> None:
    sent = {"volume": base64.b64encode(gzip.compress(head_nifti())).decode(), "modality": "MR"}
    headers = hospital["clinician"].headers
    answer = client.post(PATH, headers=headers, json={"input": sent})
    assert answer.status_code == 202, answer.text
    told = done(client, hospital, answer.json()["id"])
    assert told["state"] == "done", told
    assert told["result"]["values"]["bright"] > 100  # type: ignore[index]
    assert [one["code"] for one in told["result"]["flags"]] == ["body-part-unstated"]  # type: ignore[index]


def test_a_kept_upload_is_analysed_as_often_as_one_likes(
    client: Client, hospital: Hospital
) -> None:
    headers = hospital["clinician"].headers
    kept = client.post(
        "/v1/blobs", headers=headers, files={"volume": head_nifti()}, data={"subject": "patient-2"}
    )
    assert kept.status_code == 201, kept.text
    sent = {"blob": kept.json()["blob"], "modality": "MR", "body_part": "HEAD"}
    told = []
    for _ in range(2):
        answer = client.post(PATH, headers=headers, json={"input": sent})
        assert answer.status_code == 202, answer.text
        told.append(done(client, hospital, answer.json()["id"]))
    digests = [{f["name"]: f["digest"] for f in one["result"]["files"]} for one in told]  # type: ignore[index]
    assert digests[0]["mask.nii.gz"] == digests[1]["mask.nii.gz"]
    other = {"input": sent, "subject": "patient-3"}
    answer = client.post(PATH, headers=headers, json=other)
    assert answer.status_code == 400
    assert "another subject" in answer.json()["detail"]


def test_a_kept_upload_is_removed_by_whoever_keeps_it(client: Client, hospital: Hospital) -> None:
    headers = hospital["clinician"].headers
    kept = client.post("/v1/blobs", headers=headers, files={"volume": head_nifti()}).json()["blob"]
    path = f"/v1/blobs/{kept}"
    assert client.request("DELETE", path, headers=hospital["operator"].headers).status_code == 403
    answer = client.request("DELETE", path, headers=headers)
    assert (answer.status_code, answer.content) == (204, b"")
    again = client.request("DELETE", path, headers=headers)
    assert (again.status_code, again.json()["type"]) == (404, "urn:bedside:problem:not-found")
    sent = {"input": {"blob": kept}}
    assert client.post(PATH, headers=headers, json=sent).status_code == 404


def test_a_repeat_finds_its_analysis_after_its_upload_is_gone(
    client: Client, hospital: Hospital
) -> None:
    headers = hospital["clinician"].headers
    kept = client.post("/v1/blobs", headers=headers, files={"volume": head_nifti()}).json()["blob"]
    sent, once = {"input": {"blob": kept, "modality": "MR"}}, headers | {"idempotency-key": "k-1"}
    first = client.post(PATH, headers=once, json=sent).json()["id"]
    done(client, hospital, first)
    assert client.request("DELETE", f"/v1/blobs/{kept}", headers=headers).status_code == 204
    second = client.post(PATH, headers=once, json=sent)
    assert (second.status_code, second.json()["id"]) == (202, first)
    assert second.json()["state"] == "done"
    assert second.headers["idempotent-replayed"] == "true"


def test_what_the_gate_refuses_is_told_and_recorded(client: Client, hospital: Hospital) -> None:
    headers = hospital["clinician"].headers
    sent = {"modality": "CT", "subject": "patient-1"}
    answer = client.post(PATH, headers=headers, files={"volume": head_nifti()}, data=sent)
    told = done(client, hospital, answer.json()["id"])
    assert (told["state"], told["result"]) == ("refused", None)
    why = told["why"]
    assert why["code"] == "input-refused"  # type: ignore[index]
    assert why["refusals"][0]["field"] == "modality"  # type: ignore[index]
    recorded = hospital.site.ledger.entry_of(str(told["id"]))
    assert recorded.kind == "refusal"
    assert recorded.index == told["recorded"]["index"]  # type: ignore[index]
    trace = client.get(f"/v1/predictions/{told['id']}/trace", headers=headers).json()
    assert trace["prediction"]["index"] == recorded.index
    assert trace["prediction"]["personal"]["subject"] == "patient-1"


def test_what_is_no_volume_is_refused_with_its_reason(client: Client, hospital: Hospital) -> None:
    headers = hospital["clinician"].headers
    answer = client.post(PATH, headers=headers, files={"volume": b"\x89PNG no volume at all"})
    told = done(client, hospital, answer.json()["id"])
    assert told["state"] == "refused", told
    assert told["why"]["refusals"][0]["code"]  # type: ignore[index]


def test_a_repeat_under_the_same_key_is_the_same_analysis(
    client: Client, hospital: Hospital
) -> None:
    headers = {**hospital["clinician"].headers, "idempotency-key": "scan-17"}
    first, second = (
        client.post(PATH, headers=headers, files={"volume": head_nifti()}) for _ in range(2)
    )
    assert first.json()["id"] == second.json()["id"]
    assert second.headers["idempotent-replayed"] == "true"
    other = client.post(PATH, headers=headers, files={"volume": head_nifti(1)})
    assert other.status_code == 422
    assert other.json()["type"] == "urn:bedside:problem:repeat-differs"
    done(client, hospital, first.json()["id"])


def test_a_cancelled_analysis_has_no_answer(client: Client, hospital: Hospital) -> None:
    headers = hospital["clinician"].headers
    job = client.post(PATH, headers=headers, files={"volume": head_nifti()}).json()["id"]
    answer = client.request("DELETE", f"/v1/analyses/{job}", headers=headers)
    told = done(client, hospital, job)
    assert answer.status_code in (200, 409)
    if answer.status_code == 200:
        assert told["state"] == "cancelled"
        files = client.get(f"/v1/analyses/{job}/files/mask.nii.gz", headers=headers)
        assert files.status_code == 404
        trace = client.get(f"/v1/predictions/{job}/trace", headers=headers)
        assert TraceAnswer.model_validate(trace.json()).prediction.event.body["asked_through"]
    again = client.request("DELETE", f"/v1/analyses/{job}", headers=headers)
    assert again.status_code == answer.status_code


@pytest.mark.parametrize("role", ["developer", "operator", "auditor", "administrator"])
def test_who_may_not_see_patients_sees_no_analysis(
    client: Client, hospital: Hospital, analysed: str, role: str
) -> None:
    headers, job = hospital[role].headers, analysed
    assert client.post(PATH, headers=headers, files={"volume": b"x"}).status_code == 403
    assert client.post("/v1/blobs", headers=headers, files={"volume": b"x"}).status_code == 403
    assert client.get(f"/v1/analyses/{job}", headers=headers).status_code == 403
    assert client.get(f"/v1/analyses/{job}/files/mask.nii.gz", headers=headers).status_code == 403
    cancelled = client.request("DELETE", f"/v1/analyses/{job}", headers=headers)
    assert cancelled.status_code == (409 if role == "operator" else 403)  # it is over


def test_that_a_custodian_reads_somebody_elses_analysis_is_recorded(
    client: Client, hospital: Hospital, analysed: str
) -> None:
    path, headers = f"/v1/analyses/{analysed}/files/picture.png", hospital["custodian"].headers
    assert client.get(path, headers=headers).status_code == 200
    (read,) = hospital.site.ledger.find(kind=EventKind.TRACE_READ, about=analysed, limit=10)
    assert read.value["actor"] == hospital["custodian"].caller.person.id


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"input": {}}, 400, "either a 'volume' or a 'blob'"),
        ({"input": {"volume": "####"}}, 400, "not base64"),
        ({"input": {"volume": []}}, 400, "No file was sent"),
        ({"input": {"volume": ""}}, 400, "A file is empty"),
        ({"input": {"blob": "nothing"}}, 404, "no upload"),
        ({"input": {"blob": "a\0b"}}, 404, "no upload"),
        ({"input": {"volume": "AAAA", "rule": "any"}}, 400, "no rule 'any'"),
        ({"input": {"volume": "AAAA"}, "language": "xx"}, 400, "no language 'xx'"),
        ({"input": {"volume": "AAAA", "colour": "red"}}, 400, "a member 'colour'"),
        ({"input": {"volume": "AAAA"}, "version": "9.9.9"}, 409, "answers with version"),
        ({"input": {"volume": "AAAA", "modality": "M\nR"}}, 400, "'modality' is"),
        ({"input": {"volume": "AAAA"}, "subject": " "}, 400, "A subject of 1"),
        ([], 400, "not a JSON object"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_what_makes_no_sense_is_told(
    client: Client, hospital: Hospital, body: object, status: int, words: str
) -> None:
    answer = client.post(PATH, headers=hospital["clinician"].headers, json=body)
    assert answer.status_code == status, answer.text
    assert words in answer.json()["detail"]


def test_the_picture_is_asked_for_in_the_reader_s_language_and_convention() -> None:
    said = {"modality": "MR", "language": "ja", "convention": "neurological"}
    assert order_of(said).style() == {"language": "ja", "convention": "neurological"}


def test_nothing_stays_of_what_was_refused(client: Client, hospital: Hospital) -> None:
    before = hospital.site.analysing.files.names()
    headers = hospital["clinician"].headers
    form = {"volume": head_nifti()}
    cut = client.post(PATH, headers=headers, files=form, data={"rule": "nothing"})
    assert cut.status_code == 400
    assert hospital.site.analysing.files.names() == before


def test_the_document_has_the_routes_and_no_row_of_a_volume(client: Client) -> None:
    document = client.get("/openapi.json").json()
    assert f"/v1/models/{HEADS}/predict" not in document["paths"]
    operation = document["paths"]["/v1/models/{name}/analyses"]["post"]
    assert set(operation["requestBody"]["content"]) == {"application/json", "multipart/form-data"}
    form = operation["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert form["properties"]["rule"]["enum"] == ["only", "only-volumetric", "largest"]
    assert form["properties"]["language"]["enum"] == ["en", "ja"]
    for path in ("/v1/analyses/{analysis_id}", "/v1/blobs/{blob}"):
        for told in document["paths"][path].values():
            assert "application/problem+json" in told["responses"]["409"]["content"]


def test_a_volume_model_answers_no_rows_and_says_where_to_go(
    client: Client, hospital: Hospital
) -> None:
    answer = client.post(
        f"/v1/models/{HEADS}/predict",
        headers=hospital["clinician"].headers,
        json={"input": {"volume": "AAAA"}},
    )
    assert answer.status_code == 400, answer.text


def test_a_method_that_is_not_there_is_told_those_that_are(
    client: Client, hospital: Hospital
) -> None:
    answer = client.request("PUT", "/v1/analyses/x", headers=hospital["clinician"].headers)
    assert answer.status_code == 405
    assert answer.headers["allow"] == "DELETE, GET"
    nothing = client.get("/v1/analyses/x", headers=hospital["clinician"].headers)
    assert nothing.json()["detail"] == "There is no analysis 'x'."
