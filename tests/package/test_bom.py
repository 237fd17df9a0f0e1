from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cyclonedx.schema
import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL
from packaging.licenses import _spdx

from bedside.canonical import digest
from bedside.package.bom import MODEL, bill_of_materials, bom_json
from bedside.package.manifest import Manifest, write_manifest
from bedside.package.package import open_package
from tests.package.building import Recipe, conditions
from tests.package.card.hostile import hostile_and_harmless
from tests.package.card.manifests import KINDS

GOLDEN = Path(__file__).parents[1] / "golden" / "package-1.bedside"


def told(manifest: Manifest) -> Any:
    return json.loads(bom_json(manifest))


def components(manifest: Manifest, kind: str) -> list[Any]:
    return [one for one in told(manifest)["components"] if one["type"] == kind]


def properties(component: Any) -> dict[str, str]:
    return {one["name"]: one["value"] for one in component["properties"]}


def assert_valid(text: str) -> None:
    problem = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    assert problem is None, problem


@pytest.mark.parametrize("kind", KINDS)
class TestEveryKind:
    def test_is_valid_by_the_official_schema(self, kind: str) -> None:
        assert_valid(bom_json(KINDS[kind]))

    def test_is_valid_whatever_the_texts_are(self, kind: str) -> None:
        assert_valid(bom_json(hostile_and_harmless(kind)[0]))

    def test_is_the_same_for_the_same_manifest(self, kind: str) -> None:
        again = Manifest.model_validate_json(KINDS[kind].model_dump_json())
        assert bom_json(again) == bom_json(KINDS[kind])

    def test_names_every_reference_once_and_refers_to_nothing_else(self, kind: str) -> None:
        found = told(KINDS[kind])
        model = found["metadata"]["component"]
        names = [model["bom-ref"], *(one["bom-ref"] for one in found["components"])]
        assert len(set(names)) == len(names)
        assert {one["ref"] for one in found["dependencies"]} == set(names)
        assert set(found["dependencies"][0]["dependsOn"]) == set(names) - {MODEL}
        used = {one["ref"] for one in model["modelCard"]["modelParameters"]["datasets"]}
        assert used == {name for name in names if name.startswith("data-")}


def test_a_fault_is_found_by_the_schema() -> None:
    found = told(KINDS["tabular"])
    found["metadata"]["component"]["modelCard"]["modelParameters"]["tasks"] = "x"
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(found)) is not None


def test_a_released_package_has_a_valid_bill() -> None:
    package = open_package(GOLDEN)
    assert_valid(bom_json(package.manifest))
    model = bill_of_materials(package.manifest)["metadata"]["component"]
    assert properties(model)["bedside:package-digest"] == package.digest


def test_serial_number_and_time_come_from_the_package() -> None:
    one, other = KINDS["tabular"], KINDS["film"]
    assert told(one)["metadata"]["timestamp"] == one.lineage.frozen_at
    assert told(one)["serialNumber"] != told(other)["serialNumber"]


def test_every_file_of_the_archive_stands_there_with_its_digest() -> None:
    manifest = KINDS["tabular"]
    files = {one["name"]: one["hashes"][0]["content"] for one in components(manifest, "file")}
    wanted = {name: entry.digest for name, entry in manifest.entries.items()}
    wanted["manifest.json"] = digest(write_manifest(manifest))
    assert {name: f"sha256:{found}" for name, found in files.items()} == wanted


def test_data_stand_there_with_licence_consent_and_digest() -> None:
    manifest = KINDS["operations"]
    trained, examined = components(manifest, "data")
    assert trained["licenses"] == [{"license": {"id": "CC0-1.0"}}]
    assert properties(trained)["bedside:consent-basis"] == "no person is described"
    assert properties(trained)["bedside:used-for"] == "training"
    assert properties(examined)["bedside:used-for"] == "evaluation"
    assert examined["hashes"] == [{"alg": "SHA-256", "content": "1" * 64}]


def test_data_that_trained_and_examined_stand_there_once() -> None:
    [only] = components(KINDS["tabular"], "data")
    assert properties(only)["bedside:used-for"] == "evaluation, training"


def test_libraries_have_a_purl_that_others_read() -> None:
    verified = {"torch": "2.13.0+cpu", "Scikit_Learn": "1.6", "python": "3.11.7"}
    manifest = Recipe(changes={"conditions": conditions(verified_with=verified)}).manifest()
    found = {
        one["name"]: PackageURL.from_string(one["purl"])
        for kind in ("library", "platform")
        for one in components(manifest, kind)
    }
    assert found["torch"] == PackageURL("pypi", None, "torch", "2.13.0+cpu")
    assert found["Scikit_Learn"].name == "scikit-learn"
    assert found["python"].type == "generic"


@pytest.mark.parametrize(
    ("licence", "written"),
    [
        ("Apache-2.0", {"license": {"id": "Apache-2.0"}}),
        ("apache-2.0", {"license": {"id": "Apache-2.0"}}),
        ("MIT OR Apache-2.0", {"expression": "MIT OR Apache-2.0"}),
        ("GPL-2.0+", {"expression": "GPL-2.0+"}),
        ("LicenseRef-hospital", {"expression": "LicenseRef-hospital"}),
        ("CC BY 4.0 (as the page says)", {"license": {"name": "CC BY 4.0 (as the page says)"}}),
        ("院内限定", {"license": {"name": "院内限定"}}),
    ],
)
def test_a_licence_is_spdx_where_it_can_be_and_named_where_not(
    licence: str, written: dict[str, Any]
) -> None:
    manifest = Recipe(changes={"licence": licence}).manifest()
    assert told(manifest)["metadata"]["component"]["licenses"] == [written]
    assert_valid(bom_json(manifest))


def test_every_licence_that_is_written_as_spdx_is_one_for_the_schema() -> None:
    folder = Path(cyclonedx.schema.__file__).parent / "_res"
    known = set(json.loads((folder / "spdx.SNAPSHOT.schema.json").read_text())["enum"])
    assert {licence["id"] for licence in _spdx.LICENSES.values()} <= known


def test_figures_have_intervals_and_groups() -> None:
    card = told(KINDS["operations"])["metadata"]["component"]["modelCard"]
    whole, women = card["quantitativeAnalysis"]["performanceMetrics"]
    assert whole["type"] == "AUROC"
    assert "slice" not in whole
    assert women["slice"] == "women"
    assert float(women["confidenceInterval"]["lowerBound"]) < float(women["value"])


def test_inputs_outputs_and_task_are_those_of_the_kind_of_model() -> None:
    def parameters(kind: str) -> Any:
        return told(KINDS[kind])["metadata"]["component"]["modelCard"]["modelParameters"]

    assert parameters("film")["inputs"] == [{"format": "application/dicom"}]
    assert parameters("number")["task"] == "regression"
    assert parameters("number")["outputs"] == [{"format": "eGFR in mL/min"}]
    assert parameters("tabular")["inputs"][0]["format"] == "radius: number in um, 6.0 to 29.0"


def test_what_it_replaces_is_its_ancestor() -> None:
    lineage = KINDS["tabular"].lineage.model_copy(update={"parent": "sha256:" + "2" * 64})
    manifest = KINDS["tabular"].model_copy(update={"lineage": lineage})
    [ancestor] = told(manifest)["metadata"]["component"]["pedigree"]["ancestors"]
    assert properties(ancestor)["bedside:package-digest"] == "sha256:" + "2" * 64
    assert_valid(bom_json(manifest))
