"""What the protocol says of the server and of each model."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bedside import __version__
from bedside.api.app import create_app
from bedside.api.open_inference.metadata import model_metadata
from bedside.errors import Unavailable
from bedside.package.fields import CategoryField, NumberField, TabularInput
from bedside.package.outputs import MulticlassOutput, NumberOutput, OutputClass
from bedside.serving.released import ReleasedModels
from tests.api.client import Client, client_of
from tests.api.open_inference.tensors import COLUMNS, infer, read
from tests.api.open_inference.test_infer import refused
from tests.api.test_documented import check
from tests.bedside_site import MODEL, Hospital
from tests.package.building import FIELDS, Recipe
from tests.serving.films import FILMS


def told(client: Client, hospital: Hospital, path: str) -> dict[str, Any]:
    answer = client.get(path, headers=hospital["clinician"].headers)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_the_server_says_what_it_is_to_anybody(client: Client) -> None:
    answer = client.get("/v2")
    assert answer.json() == {
        "name": "bedside",
        "version": __version__,
        "extensions": ["binary_tensor_data"],
    }
    assert client.get("/v2/health/live").json() == {"live": True}
    assert client.get("/v2/health/ready").json() == {"ready": True}


def test_it_is_not_ready_while_a_model_does_not_answer(
    client: Client, hospital: Hospital, monkeypatch: pytest.MonkeyPatch
) -> None:
    trouble = Unavailable("The database is being moved.", advice="Wait.")
    with monkeypatch.context() as patch:
        patch.setattr(ReleasedModels, "trouble", property(lambda _: trouble))
        assert "being moved" in refused(client.get("/v2/health/ready"), 503)
    record = hospital.site.registry.version(hospital.release(version="2.0.0"))
    blob = next(path for path in hospital.site.folder.rglob(f"*{record.archive[-60:]}*"))
    blob.chmod(0o600)
    blob.write_bytes(b"damaged")
    with client_of(create_app(hospital.site)) as other:
        models = hospital.site.serving.models
        models._standing.clear()
        models.refresh()
        assert "does not load here" in refused(other.get("/v2/health/ready"), 503)
        headers = hospital["clinician"].headers
        refused(other.get(f"/v2/models/{MODEL}/ready", headers=headers), 503)
        assert told(other, hospital, f"/v2/models/{FILMS}/ready")["ready"]


def test_a_model_tells_its_tensors(client: Client, hospital: Hospital) -> None:
    found = told(client, hospital, f"/v2/models/{MODEL}")
    assert found == told(client, hospital, f"/v2/models/{MODEL}/versions/1.2.3")
    assert (found["name"], found["versions"]) == (MODEL, ["1.2.3"])
    inputs = {one["name"]: one for one in found["inputs"]}
    assert list(inputs) == ["radius", "sex", "age", "numbers"]
    assert inputs["radius"]["parameters"]["unit"] == "um"
    assert inputs["radius"]["parameters"]["other_units"] == ["mm"]
    assert inputs["sex"]["datatype"] == "BYTES"
    assert inputs["numbers"]["shape"] == [-1, 2]
    assert [one["name"] for one in found["outputs"]] == [
        *("label", "scores", "labels", "threshold"),
        *("prediction_id", "ledger_index", "flags"),
    ]


def test_every_output_that_is_told_is_given_in_its_type_and_shape(
    client: Client, hospital: Hospital
) -> None:
    declared = {
        one["name"]: one for one in told(client, hospital, f"/v2/models/{MODEL}")["outputs"]
    }
    outputs = read(infer(client, hospital, COLUMNS)).get_response()["outputs"]
    assert [one["name"] for one in outputs] == list(declared)
    for one in outputs:
        said = declared[one["name"]]
        assert one["datatype"] == said["datatype"]
        assert one["shape"] == [3 if axis == -1 else axis for axis in said["shape"]]


def test_a_model_of_pictures_tells_that_it_takes_files_and_pixels(
    client: Client, hospital: Hospital
) -> None:
    inputs = {one["name"]: one for one in told(client, hospital, f"/v2/models/{FILMS}")["inputs"]}
    assert list(inputs) == ["image", "pixels", "modality", "body_part", "view"]
    assert inputs["pixels"]["shape"] == [-1, -1, -1]
    assert inputs["modality"]["parameters"] == {
        "categories": ["CR", "DX"],
        "missing": "the empty text",
        "unstated": "flag",
    }


def test_a_version_that_does_not_answer_is_not_ready(client: Client, hospital: Hospital) -> None:
    headers = hospital["clinician"].headers
    hospital.release(version="2.0.0")
    for what in ("", "/ready"):
        refused(client.get(f"/v2/models/{MODEL}/versions/1.2.3{what}", headers=headers), 409)
        refused(client.get(f"/v2/models/{MODEL}/versions/7.0.0{what}", headers=headers), 404)
        refused(client.get(f"/v2/models/{MODEL}{what}"), 401)
    assert told(client, hospital, f"/v2/models/{MODEL}/versions/2.0.0/ready")["ready"]


def test_kinds_of_field_and_output_have_each_their_tensor() -> None:
    fields = TabularInput(
        fields=(
            *FIELDS.fields,
            NumberField(name="numbers", unit="1", minimum=0, maximum=9, whole=True),
            CategoryField(name="code", categories=(1, 2)),
            CategoryField(name="gap", categories=(1, 2), missing="allow"),
        )
    )
    manifest = Recipe().manifest().model_copy(update={"input": fields})
    inputs = {one["name"]: one for one in model_metadata(manifest)["inputs"]}
    assert inputs["numbers"]["datatype"] == "INT64"  # a field's name goes before
    assert len(inputs) == 6
    assert (inputs["code"]["datatype"], inputs["gap"]["datatype"]) == ("INT64", "FP64")
    number = NumberOutput(name="volume", unit="mL")
    classes = MulticlassOutput(classes=tuple(OutputClass(label=one) for one in "abc"))
    for output, names in (
        (number, ["value", "prediction_id", "ledger_index", "flags"]),
        (classes, ["label", "scores", "labels", "prediction_id", "ledger_index", "flags"]),
    ):
        changed = manifest.model_copy(update={"postprocessing": output})
        assert [one["name"] for one in model_metadata(changed)["outputs"]] == names


def test_answers_are_what_the_document_says(client: Client, hospital: Hospital) -> None:
    document = client.get("/openapi.json").json()
    headers = hospital["clinician"].headers
    for path, asked in {
        "/v2": "/v2",
        "/v2/health/live": "/v2/health/live",
        "/v2/health/ready": "/v2/health/ready",
        "/v2/models/{name}": f"/v2/models/{MODEL}",
        "/v2/models/{name}/ready": f"/v2/models/{FILMS}/ready",
        "/v2/models/{name}/versions/{version}": f"/v2/models/{MODEL}/versions/1.2.3",
        "/v2/models/{name}/versions/{version}/ready": f"/v2/models/{MODEL}/versions/1.2.3/ready",
    }.items():
        check(document, path, "get", client.get(asked, headers=headers))
    full = {**COLUMNS, "age": np.array([50.0, 71.0, 40.0])}
    path = "/v2/models/{name}/infer"
    answer = infer(client, hospital, full, binary=False, outputs=["label", "scores"])
    check(document, path, "post", answer)
    check(document, path, "post", infer(client, hospital, {"radius": np.array([99.0])}))
    assert document["paths"]["/v2"]["get"]["security"] == []
