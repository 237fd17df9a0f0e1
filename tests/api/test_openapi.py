from __future__ import annotations

from typing import Any

import pytest
from fastapi.routing import APIRoute
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import validate

from bedside.api import analyses, releases
from bedside.api.open_inference import routes as open_inference
from bedside.api.routes import router
from bedside.api.schema import input_schema
from bedside.errors import InputRefused
from bedside.package.fields import CategoryField, NumberField, TabularInput
from bedside.runtime.gate import Gate
from tests.api.client import Client
from tests.bedside_site import MODEL, Hospital
from tests.package.building import FIELDS, ROWS, Recipe

PATH = f"/v1/models/{MODEL}/predict"


def document(client: Client) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/openapi.json").json()
    return found


def schema_of(declared: TabularInput) -> OAS31Validator:
    manifest = Recipe().manifest().model_copy(update={"input": declared})
    schema = input_schema(manifest, None)
    OAS31Validator.check_schema(schema)
    return OAS31Validator(schema)


def test_the_document_is_valid_openapi(client: Client) -> None:
    validate(document(client))


def test_every_route_but_the_pages_is_in_the_document(client: Client) -> None:
    shown = set(document(client)["paths"])
    routes = {route.path for route in router.routes if isinstance(route, APIRoute)}
    for more in (analyses.router, releases.router):
        routes |= {route.path for route in more.routes if isinstance(route, APIRoute)}
    protocol = {route.path for route in open_inference.INFER} | {
        route.path for route in open_inference.router.routes if isinstance(route, APIRoute)
    }
    assert shown == (routes - {"/openapi.json"}) | {PATH} | protocol


def test_a_released_model_has_a_path_of_its_own(client: Client, hospital: Hospital) -> None:
    found = document(client)
    body = found["paths"][PATH]["post"]["requestBody"]["content"]["application/json"]
    example = body["examples"]["one"]["value"]
    sent = client.post(PATH, json=example, headers=hospital["clinician"].headers)
    assert sent.status_code == 200
    schema = {**found["components"]["schemas"][f"{MODEL}.input"]}
    OAS31Validator(schema).validate(example["input"])
    answer = found["paths"][PATH]["post"]["responses"]["200"]["content"]["application/json"]
    OAS31Validator(answer["schema"]).validate(sent.json())
    many = client.post(
        PATH, json=body["examples"]["many"]["value"], headers=hospital["clinician"].headers
    )
    OAS31Validator(answer["schema"]).validate(many.json())


def test_a_problem_is_what_the_document_says(client: Client) -> None:
    schema = document(client)["components"]["schemas"]["ProblemDetails"]
    OAS31Validator(schema).validate(client.get("/nothing").json())


def test_a_release_changes_the_document(client: Client, hospital: Hospital) -> None:
    assert "1.2.3" in document(client)["paths"][PATH]["post"]["summary"]
    hospital.release(version="2.0.0")
    hospital.site.serving.models.refresh()
    assert "2.0.0" in document(client)["paths"][PATH]["post"]["summary"]


def test_every_golden_case_fits_the_schema() -> None:
    schema = schema_of(FIELDS)
    for case in Recipe().golden:
        schema.validate(case.input)


WIDE = TabularInput(
    fields=(
        *FIELDS.fields,
        NumberField(name="whole", unit="1", minimum=-2, maximum=7, whole=True),
        CategoryField(name="code", categories=(1, 2, 3)),
        CategoryField(name="free", categories=("a", "b"), unknown="allow", missing="allow"),
    )
)
GOOD = {**ROWS[0], "whole": 3, "code": 2, "free": "z"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("radius", 14.5),
        ("radius", {"value": 14.5, "unit": "um"}),
        ("radius", {"value": 0.0145, "unit": "mm"}),
        ("radius", {"value": 0.006, "unit": "mm"}),
        ("radius", {"value": 0.029, "unit": "mm"}),
        ("radius", {"value": 0.0059, "unit": "mm"}),
        ("radius", {"value": 0.0291, "unit": "mm"}),
        ("radius", {"value": 0, "unit": "mm"}),
        ("radius", {"value": 0.0145, "unit": "km"}),
        ("radius", {"value": 14.5}),
        ("radius", {"value": 14.5, "unit": "um", "note": 1}),
        ("radius", 5.99),
        ("radius", 6),
        ("radius", 29),
        ("radius", 29.01),
        ("radius", "14"),
        ("radius", True),
        ("radius", None),
        ("radius", [14]),
        ("sex", "female"),
        ("sex", "other"),
        ("sex", 1),
        ("sex", None),
        ("age", 50.0),
        ("age", 50.5),
        ("age", None),
        ("age", {"value": None, "unit": "a"}),
        ("age", {"value": None, "unit": "d"}),
        ("age", {"value": None}),
        ("radius", {"value": None, "unit": "um"}),
        ("radius", {"value": None, "unit": "mm"}),
        ("whole", -2),
        ("whole", 8),
        ("code", 2),
        ("code", 2.0),
        ("code", 9),
        ("code", "2"),
        ("code", False),
        ("free", "never seen"),
        ("free", 3),
        ("unknown", 1),
    ],
)
def test_the_schema_takes_what_the_gate_takes(name: str, value: object) -> None:
    row = {**GOOD, name: value}
    try:
        Gate(WIDE).check([row])
    except InputRefused:
        taken = False
    else:
        taken = True
    assert schema_of(WIDE).is_valid(row) == taken


@pytest.mark.parametrize("name", sorted(GOOD))
def test_what_may_be_left_out_is_the_same_for_both(name: str) -> None:
    row = {key: value for key, value in GOOD.items() if key != name}
    try:
        Gate(WIDE).check([row])
    except InputRefused:
        taken = False
    else:
        taken = True
    assert schema_of(WIDE).is_valid(row) == taken
    assert (name in {"age", "sex", "free"}) == taken


def test_every_operation_is_headed_by_what_it_does(client: Client) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    heads = {op["summary"] for path in paths.values() for op in path.values()}
    assert "List what is released here, and whether it answers" in heads
    assert all(len(head.split()) > 3 for head in heads), heads
