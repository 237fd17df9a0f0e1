from __future__ import annotations

import json

import pytest

from bedside.api.app import create_app
from bedside.api.example import middle_row
from bedside.package.fields import CategoryField, NumberField, TabularInput
from bedside.runtime.gate import Gate
from tests.api.client import client_of
from tests.bedside_site import MODEL, Hospital
from tests.package.building import FIELDS, ROWS, Recipe


def test_a_real_row_is_never_an_example(hospital: Hospital) -> None:
    lineage = Recipe().manifest().lineage.model_copy(update={"golden_from_real_rows": True})
    hospital.release(version="2.0.0", lineage=lineage)
    headers = hospital["clinician"].headers
    with client_of(create_app(hospital.site)) as client:
        example = client.get(f"/v1/models/{MODEL}/example", headers=headers).json()
        document = client.get("/openapi.json").json()
        sent = client.post(f"/v1/models/{MODEL}/predict", json=example, headers=headers)
    assert example == {"input": {"radius": 17.5, "sex": "female", "age": 60}}
    assert sent.status_code == 200
    schema = document["components"]["schemas"][f"{MODEL}.input"]
    assert schema["examples"] == [example["input"]]
    assert json.dumps(ROWS[0]) not in json.dumps(document)


@pytest.mark.parametrize(
    "field",
    [
        NumberField(name="x", unit="1", minimum=-1.7e308, maximum=1.7e308),
        NumberField(name="x", unit="1", minimum=0.5, maximum=1.5, whole=True),
        NumberField(name="x", unit="1", minimum=-3, maximum=-2, whole=True),
        NumberField(name="x", unit="1", minimum=0.1, maximum=0.1000001),
        NumberField(name="x", unit="1", minimum=5e-324, maximum=1e-323),
        CategoryField(name="x", categories=(3, 1)),
    ],
)
def test_the_gate_takes_what_is_made_of_the_declared_domain(
    field: NumberField | CategoryField,
) -> None:
    declared = TabularInput(fields=(*FIELDS.fields, field))
    row = middle_row(declared)
    Gate(declared).check([json.loads(json.dumps(row))])
