"""A film through every form of the HTTP door: the same number, the same record, clear refusals."""

from __future__ import annotations

import asyncio
import base64
import io
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import validate
from PIL import Image

from bedside.api.app import create_app
from bedside.canonical import Json
from bedside.ledger.events import EventKind
from bedside.package.images import SideRange
from bedside.package.manifest import Manifest
from tests.api.client import Client, client_of
from tests.api.test_documented import check
from tests.bedside_site import MODEL, Hospital
from tests.bedside_site import ROW as FIELDS
from tests.package.building_images import BRIGHT, INPUT, ROW, STATED, ImageRecipe, film, row
from tests.serving.films import FILMS, release_films

PREDICT = f"/v1/models/{FILMS}/predict"
TEXT = base64.b64encode(BRIGHT).decode()


@pytest.fixture
def client(hospital: Hospital) -> Iterator[Client]:
    """A client of a hospital in which a model of films is released too."""
    release_films(hospital)
    with client_of(create_app(hospital.site)) as opened:
        yield opened


def sent(client: Client, hospital: Hospital, **options: Any) -> dict[str, Json]:
    headers = hospital["clinician"].headers | options.pop("headers", {})
    answer = client.post(PREDICT, headers=headers, **options)
    assert answer.status_code == 200, answer.text
    told: dict[str, Json] = answer.json()
    return told


def refused(client: Client, hospital: Hospital, status: int, **options: Any) -> dict[str, Json]:
    headers = hospital["clinician"].headers | options.pop("headers", {})
    answer = client.post(options.pop("path", PREDICT), headers=headers, **options)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    told: dict[str, Json] = answer.json()
    assert told["advice"]
    return told


def test_every_form_gets_the_same_answer_and_the_same_record(
    client: Client, hospital: Hospital
) -> None:
    stated = {"modality": "DX", "body_part": "CHEST", "view": "PA"}
    answers = [
        sent(client, hospital, json={"input": ROW}),
        sent(client, hospital, json={"inputs": [{"input": ROW}]}),
        sent(client, hospital, files={"image": ("taro.png", BRIGHT, "image/png")}, data=stated),
        sent(
            client, hospital, content=BRIGHT, headers={"content-type": "image/png"}, params=stated
        ),
    ]
    answers[1] |= answers[1].pop("predictions")[0]
    for answer in answers:
        assert answer["label"] == "opacity"
        assert answer["scores"] == answers[0]["scores"]
        assert answer["told"]["en"].startswith("opacity: 9")
        assert answer["told"]["en"].endswith("above the threshold of 62 %")
        assert answer["flags"] == []
        entry = hospital.site.ledger.entry(answer["recorded"]["index"])
        personal = hospital.site.ledger.opened(entry)
        assert isinstance(personal, dict)
        assert set(json.loads(personal["input"])) == {"image", *STATED}
        assert b"taro" not in json.dumps(personal).encode()


def test_a_jpeg_is_answered_too(client: Client, hospital: Hospital) -> None:
    written = io.BytesIO()
    Image.fromarray(film(170.0)).save(written, "JPEG", quality=95)
    told = sent(
        client,
        hospital,
        content=written.getvalue(),
        headers={"content-type": "image/jpeg"},
        params={"modality": "DX", "body_part": "CHEST"},
    )
    assert told["label"] == "opacity"


def test_what_nobody_said_is_flagged_in_both_languages(client: Client, hospital: Hospital) -> None:
    told = sent(client, hospital, json={"input": row(BRIGHT, modality="DX")})
    (flag,) = told["flags"]
    assert flag["code"] == "body-part-unstated"
    assert set(flag["words"]) == {"en", "ja"}
    assert "CHEST" in flag["detail"]


def test_an_explanation_is_a_picture_of_its_own(client: Client, hospital: Hospital) -> None:
    plain = sent(client, hospital, json={"input": ROW})
    assert "explanation" not in plain
    forms: list[dict[str, Any]] = [
        {"json": {"input": ROW, "explain": True}},
        {"files": {"image": BRIGHT}, "data": {**STATED, "explain": "true"}},
        {
            "content": BRIGHT,
            "headers": {"content-type": "image/png"},
            "params": {**STATED, "explain": "true"},
        },
    ]
    for options in forms:
        told = sent(client, hospital, **options)
        explanation = told["explanation"]
        assert explanation["media_type"] == "image/png"
        with Image.open(io.BytesIO(base64.b64decode(explanation["data"]))) as picture:
            assert picture.format == "PNG"
        assert explanation["of"] == "opacity"
        assert told["scores"] == plain["scores"]


def test_a_row_of_fields_is_answered_in_the_shape_that_it_had(
    client: Client, hospital: Hospital
) -> None:
    answer = client.post(
        f"/v1/models/{MODEL}/predict", json={"input": FIELDS}, headers=hospital["clinician"].headers
    )
    assert list(answer.json()) == [
        *("id", "label", "shown", "scores", "recorded"),
        *("model", "version", "package", "threshold", "use"),
    ]


def test_a_tibia_is_refused_with_its_reason(client: Client, hospital: Hospital) -> None:
    told = refused(client, hospital, 422, json={"input": ROW | {"body_part": "TIBIA"}})
    assert told["type"] == "urn:bedside:problem:input-refused"
    (reason,) = told["refusals"]
    assert (reason["field"], reason["code"]) == ("body_part", "out-of-domain")
    assert "TIBIA" in reason["value"]
    assert len(hospital.site.ledger.find(kind=EventKind.REFUSAL)) == 1


@pytest.mark.parametrize("media_type", ["image/png", "multipart/form-data; boundary=x"])
def test_a_model_of_fields_takes_no_picture(
    client: Client, hospital: Hospital, media_type: str
) -> None:
    path = f"/v1/models/{MODEL}/predict"
    headers = {"content-type": media_type}
    told = refused(client, hospital, 415, content=BRIGHT, headers=headers, path=path)
    assert "send application/json" in told["detail"]


def test_a_content_type_in_which_no_picture_comes_is_refused(
    client: Client, hospital: Hospital
) -> None:
    headers = {"content-type": "application/octet-stream"}
    told = refused(client, hospital, 415, content=BRIGHT, headers=headers)
    for kind in ("application/json", "multipart/form-data", "application/dicom", "image/png"):
        assert kind in told["detail"]


@pytest.mark.parametrize(
    ("options", "status", "said"),
    [
        ({"content": b"\xff\xd8\xff", "headers": {"content-type": "image/png"}}, 400, "is a JPEG"),
        ({"content": b"", "headers": {"content-type": "image/png"}}, 400, "empty"),
        ({"json": {"input": {"image": "a b"}}}, 422, "base64 with white space"),
        ({"json": {"input": {"image": f"data:image/png;base64,{TEXT}"}}}, 422, "a data: address"),
        ({"json": {"input": {"image": "-_-_"}}}, 422, "the one with + and / is meant"),
        ({"json": {"input": {"image": "a"}}}, 422, "text that is no base64"),
        ({"json": {"input": {"image": "abcdefg"}}}, 422, "without its padding; '=' is missing"),
        ({"json": {"input": {"image": "abcdef"}}}, 422, "without its padding; '==' is missing"),
        ({"json": {"input": {"image": [0] * 20_000}}}, 413, "more than 20000 commas"),
        ({"json": {"input": {"image": [[]] * 201}}}, 413, "more than 200 arrays"),
        (
            {
                "content": json.dumps({"input": ROW | {"view": "\ud800"}}).encode(),
                "headers": {"content-type": "application/json"},
            },
            422,
            "'view': wrong-type",
        ),
        (
            {"content": BRIGHT, "headers": {"content-type": "image/jpg"}, "params": STATED},
            400,
            "is a PNG file",
        ),
        ({"json": {"input": {"image": ""}}}, 422, "not-a-picture"),
        ({"json": {"input": {"image": None}}}, 422, "missing"),
        ({"json": {"input": TEXT}}, 422, "wrong-type"),
        ({"json": {"input": ROW, "explain": "yes"}}, 400, "neither true nor false"),
        ({"json": {"input": ROW}, "params": {"explain": "true"}}, 400, "behind its"),
    ],
)
def test_what_is_wrong_is_named(
    client: Client, hospital: Hospital, options: dict[str, Any], status: int, said: str
) -> None:
    assert said in refused(client, hospital, status, **options)["detail"]


def test_a_body_that_is_compressed_is_not_read(client: Client, hospital: Hospital) -> None:
    for path in (PREDICT, f"/v1/models/{MODEL}/predict"):
        headers = {"content-type": "application/json", "content-encoding": "gzip"}
        told = refused(client, hospital, 415, content=b"\x1f\x8b", headers=headers, path=path)
        assert "'gzip' is not read here; send it uncompressed" in told["detail"]
    plain = {"content-type": "application/json", "content-encoding": "identity"}
    sent(client, hospital, content=json.dumps({"input": ROW}).encode(), headers=plain)


def test_whoever_sends_a_file_hears_nothing_of_base64(client: Client, hospital: Hospital) -> None:
    for options in (
        {"content": b"no picture", "headers": {"content-type": "image/png"}},
        {"files": {"image": b"no picture"}},
    ):
        told = refused(client, hospital, 422, **options)
        assert "base64" not in json.dumps(told)
    told = refused(client, hospital, 422, json={"input": {"image": "bm8="}})
    assert "base64" in told["detail"]


def test_an_address_that_is_not_utf_8_is_refused(client: Client, hospital: Hospital) -> None:
    headers = {"content-type": "image/png"}
    path = f"{PREDICT}?modality=DX&view=%ff"
    told = refused(client, hospital, 400, content=BRIGHT, headers=headers, path=path)
    assert "'view' in the address is not UTF-8" in told["detail"]


def limited(hospital: Hospital, **changes: int) -> Hospital:
    settings = hospital.site.settings
    limits = settings.limits.model_copy(update=changes)
    hospital.site.settings = settings.model_copy(update={"limits": limits})
    return hospital


def test_only_where_pictures_are_taken_a_body_may_be_large(hospital: Hospital) -> None:
    limited(hospital, body_bytes=1024, picture_bytes=2000)
    release_films(hospital)
    body = json.dumps({"input": ROW}).encode().ljust(1500)
    headers = {"content-type": "application/json"}
    with client_of(create_app(hospital.site)) as client:
        sent(client, hospital, content=body, headers=headers)
        for path, limit in ((f"/v1/models/{MODEL}/predict", 1024), (PREDICT, 2000)):
            told = refused(client, hospital, 413, content=body * 2, headers=headers, path=path)
            assert f"longer than {limit} bytes" in told["detail"]


def test_more_pictures_than_fit_into_memory_are_told_to_come_back(hospital: Hospital) -> None:
    limited(hospital, picture_bytes=len(BRIGHT))
    release_films(hospital)
    app = create_app(hospital.site)
    held = asyncio.Event()

    async def sending(beginning: bytes) -> AsyncIterator[bytes]:
        if beginning:
            yield beginning
        await held.wait()
        yield BRIGHT[len(beginning) :]

    async def at_once(client: Client) -> list[int]:
        headers = hospital["clinician"].headers | {"content-type": "image/png"}
        headers |= {"content-length": str(len(BRIGHT))}
        post = client._client.post

        def begun(beginning: bytes) -> asyncio.Task[httpx.Response]:
            return asyncio.create_task(post(PREDICT, content=sending(beginning), headers=headers))

        silent = [begun(b"") for _ in range(4)]
        await asyncio.sleep(0.1)
        alone = await post(PREDICT, content=BRIGHT, headers=headers)
        waiting = [begun(BRIGHT[:-1]) for _ in range(3)]
        while app.state.room._free > len(BRIGHT) + 3:
            await asyncio.sleep(0.01)
        full = await post(PREDICT, content=BRIGHT, headers=headers)
        assert full.headers["retry-after"] == "1"
        assert "As many of your pictures" in full.json()["detail"]
        for one in silent:
            one.cancel()
        held.set()
        answers = await asyncio.gather(*waiting)
        again = await post(PREDICT, content=BRIGHT, headers=headers)
        return [one.status_code for one in (alone, full, *answers, again)]

    with client_of(app) as client:
        assert client._runner.run(at_once(client)) == [200, 503, 200, 200, 200, 200]


def test_the_example_is_a_picture_that_the_model_takes(client: Client, hospital: Hospital) -> None:
    headers = hospital["clinician"].headers
    example = client.get(f"/v1/models/{FILMS}/example", headers=headers).json()
    assert sent(client, hospital, json=example)["label"] == "clear"


def test_a_picture_that_may_be_a_real_one_is_no_example(hospital: Hospital) -> None:
    release_films(hospital, replace(ImageRecipe(), changes={"lineage": _real_rows()}))
    with client_of(create_app(hospital.site)) as client:
        headers = hospital["clinician"].headers
        told = client.get(f"/v1/models/{FILMS}/example", headers=headers)
        assert told.status_code == 404
        assert "no picture that may be shown" in told.json()["detail"]
        document = client.get("/openapi.json").json()
        validate(document)
        golden = ImageRecipe().golden[0].input["image"]
        assert golden not in json.dumps(document)


def _real_rows() -> Any:
    lineage = ImageRecipe().manifest().lineage
    return lineage.model_copy(update={"golden_from_real_rows": True})


def test_the_document_says_all_forms_of_a_picture(client: Client, hospital: Hospital) -> None:
    document = client.get("/openapi.json").json()
    validate(document)
    post = document["paths"][PREDICT]["post"]
    content = post["requestBody"]["content"]
    assert set(content) == {
        *("application/json", "multipart/form-data"),
        *("application/dicom", "image/png", "image/jpeg"),
    }
    assert {one["name"] for one in post["parameters"]} == {*STATED, "explain", "Idempotency-Key"}
    schema = {**content["application/json"]["schema"], "components": document["components"]}
    for body in ({"input": ROW}, {"inputs": [{"input": ROW}] * 16, "explain": True}):
        OAS31Validator(schema).validate(body)
    refused_ones: list[Json] = [
        {"input": ROW | {"shoe": 42}},
        {"input": ROW | {"body_part": "TIBIA"}},
        {"input": ROW | {"view": "pa"}},
        {"input": ROW | {"view": "A" * 17}},
        {"input": {}},
        {"inputs": [{"input": ROW}] * 17},
        {"inputs": [{"input": ROW, "explain": True}]},
    ]
    for one in refused_ones:
        assert not OAS31Validator(schema).is_valid(one), one
    assert [
        one["name"]
        for one in document["paths"][f"/v1/models/{MODEL}/predict"]["post"]["parameters"]
    ] == ["Idempotency-Key"]


def test_answers_about_pictures_are_what_the_document_says(
    client: Client, hospital: Hospital
) -> None:
    document = client.get("/openapi.json").json()
    headers = hospital["clinician"].headers
    bodies: list[Json] = [
        {"input": ROW},
        {"input": row(BRIGHT), "explain": True},
        {"inputs": [{"input": ROW}, {"input": row(BRIGHT)}], "explain": True},
    ]
    for body in bodies:
        answer = client.post(PREDICT, json=body, headers=headers)
        assert answer.status_code == 200
        check(document, PREDICT, "post", answer)
    told = client.get(f"/v1/models/{FILMS}", headers=headers)
    check(document, "/v1/models/{name}", "get", told)
    manifest = told.json()["manifest"]
    assert manifest["input"]["modalities"] == ["CR", "DX"]
    assert manifest["explanation"]["kind"] == "occlusion"


def test_what_a_client_should_know_of_a_model_without_explanation_is_as_it_was(
    client: Client, hospital: Hospital
) -> None:
    told = client.get(f"/v1/models/{MODEL}", headers=hospital["clinician"].headers).json()
    assert "explanation" not in told["manifest"]
    assert set(told["manifest"]) <= set(Manifest.model_fields)


LARGE = SideRange(minimum=32, maximum=4096)


def test_real_films_are_answered_alike_in_every_form_and_a_tibia_is_refused(
    hospital: Hospital, samples: Path
) -> None:
    declared = INPUT.model_copy(update={"rows": LARGE, "columns": LARGE})
    release_films(hospital, replace(ImageRecipe(), input=declared))
    film_file = (samples / "films" / "00000001_000.png").read_bytes()
    chest = (samples / "films" / "chest_MONOCHROME2.dcm").read_bytes()
    tibia = (samples / "dicom" / "files" / "RG3_J2KR.dcm").read_bytes()
    with client_of(create_app(hospital.site)) as client:
        answers = [
            sent(client, hospital, json={"input": row(film_file, **STATED)}),
            sent(client, hospital, files={"image": film_file}, data=STATED),
            sent(
                client,
                hospital,
                content=film_file,
                headers={"content-type": "image/png"},
                params=STATED,
            ),
        ]
        assert all(one["scores"] == answers[0]["scores"] for one in answers)
        header = {"content-type": "application/dicom"}
        assert sent(client, hospital, content=chest, headers=header)["flags"] == []
        told = refused(client, hospital, 422, content=tibia, headers=header)
    assert {one["code"] for one in told["refusals"]} == {"out-of-domain"}
    assert "body_part" in {one["field"] for one in told["refusals"]}
    (entry,) = hospital.site.ledger.find(kind=EventKind.REFUSAL)
    assert len(entry.event) < 4000
