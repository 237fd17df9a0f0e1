"""A bill of materials of a package, from its manifest and digest alone: CycloneDX 1.6, an ML-BOM.

The model is the subject; the entries of its archive, the data that it learned from and was
examined on, and the libraries that gave the golden answers are its components. The same manifest
gives the same bytes: the serial number comes from the digest, the time from the manifest.

Sources: CycloneDX 1.6 JSON reference (ECMA-424); RFC 9562, section 5.5 (UUID version 5); purl
specification, types `pypi` and `generic`; SPDX license list as `packaging.licenses` carries it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final, TypeAlias
from urllib.parse import quote
from uuid import NAMESPACE_URL, uuid5

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression
from packaging.utils import canonicalize_name

from bedside.canonical import Json, digest
from bedside.package.archive import MANIFEST
from bedside.package.fields import NumberField, TabularInput, Text
from bedside.package.images import ImageInput
from bedside.package.manifest import AnyOutput, DataSet, Entry, Manifest, Metric, write_manifest
from bedside.package.outputs import NumberOutput, Threshold
from bedside.package.segmentation import SegmentationOutput
from bedside.package.volumes import VolumeInput

SCHEMA: Final = "http://cyclonedx.org/schema/bom-1.6.schema.json"
PREFIX: Final = "bedside:"
"""Begins the names of properties that CycloneDX has no member for."""

MODEL: Final = "model"
"""The bom-ref of the model itself."""

MIME_TYPES: Final[Mapping[str, str]] = MappingProxyType(
    {"png": "image/png", "jpeg": "image/jpeg", "dicom": "application/dicom"}
)

VOLUME_TYPES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "nifti": "application/vnd.nifti",
        "dicom-series": "application/dicom",
        "dicom-enhanced": "application/dicom (enhanced multi-frame)",
    }
)

Component: TypeAlias = dict[str, Json]


def bom_json(manifest: Manifest) -> str:
    """Return the bill of materials of a package as CycloneDX 1.6 JSON."""
    return json.dumps(bill_of_materials(manifest), indent=2, ensure_ascii=False) + "\n"


def bill_of_materials(manifest: Manifest) -> dict[str, Json]:
    """Return the bill of materials of a package as the document that CycloneDX 1.6 describes."""
    written = write_manifest(manifest)
    package_digest = digest(written)
    files = {MANIFEST: Entry(size=len(written), digest=package_digest), **manifest.entries}
    components = [
        *(_file(name, entry) for name, entry in sorted(files.items())),
        *_data_sets(manifest),
        *_libraries(manifest),
    ]
    references = [component["bom-ref"] for component in components]
    return {
        "$schema": SCHEMA,
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid5(NAMESPACE_URL, f'bedside:package:{package_digest}')}",
        "version": 1,
        "metadata": {
            "timestamp": manifest.lineage.frozen_at,
            "lifecycles": [{"phase": "post-build"}],
            "tools": {"components": [_tool(manifest.lineage.frozen_with)]},
            "component": _model(manifest, package_digest),
        },
        "components": components,
        "dependencies": [
            {"ref": MODEL, "dependsOn": references},
            *({"ref": reference} for reference in references),
        ],
    }


def _model(manifest: Manifest, package_digest: str) -> Component:
    lineage = manifest.lineage
    found: Component = {
        "type": "machine-learning-model",
        "bom-ref": MODEL,
        "authors": [{"name": lineage.trained_by}],
        "name": manifest.name,
        "version": manifest.version,
        "description": _preferred(manifest.title),
        "licenses": _licences(manifest.licence),
    }
    if lineage.parent is not None:
        parent = _properties([("package-digest", lineage.parent)])
        ancestor = {"type": "machine-learning-model", "name": manifest.name, "properties": parent}
        found["pedigree"] = {"ancestors": [ancestor]}
    found["modelCard"] = _model_card(manifest)
    found["properties"] = _properties(
        [
            ("package-digest", package_digest),
            ("format-version", manifest.format_version),
            ("claim-level", manifest.claim_level),
            ("languages", ", ".join(manifest.languages)),
            ("trained-at", lineage.trained_at),
            ("training-code", lineage.code),
            ("seed", lineage.seed),
            ("split", lineage.split),
            ("run-record", lineage.run_record),
            ("runtime", f"onnxruntime {manifest.conditions.runtime}"),
            ("processor", manifest.conditions.processor),
        ]
    )
    return found


def _model_card(manifest: Manifest) -> dict[str, Json]:
    output, difference = manifest.postprocessing, manifest.lineage.difference
    return {
        "modelParameters": {
            "task": _task(output),
            "modelArchitecture": manifest.lineage.algorithm,
            "datasets": [{"ref": one["bom-ref"]} for one in _data_sets(manifest)],
            "inputs": [{"format": text} for text in _inputs(manifest)],
            "outputs": [{"format": text} for text in _outputs(manifest)],
        },
        "quantitativeAnalysis": {
            "performanceMetrics": [_metric(metric) for metric in manifest.evaluation.metrics]
        },
        "considerations": {
            "useCases": _in_order(manifest.intended_use),
            "technicalLimitations": _in_order(manifest.not_for),
        },
        "properties": _properties(
            [
                ("threshold", _threshold(output)),
                ("native-against-frozen:rows", difference.rows),
                ("native-against-frozen:largest-difference", difference.largest),
                ("native-against-frozen:tolerance", difference.tolerance),
                ("golden:cases", manifest.golden.cases),
                ("golden:tolerance", manifest.golden.tolerance),
                ("golden:from-real-rows", manifest.lineage.golden_from_real_rows),
                ("explanation", manifest.explanation.kind if manifest.explanation else None),
            ]
        ),
    }


def _threshold(output: AnyOutput) -> float | None:
    threshold = getattr(output, "threshold", None)
    return threshold.value if isinstance(threshold, Threshold) else None


def _task(output: AnyOutput) -> str:
    match output:
        case NumberOutput():
            return "regression"
        case SegmentationOutput():
            return "segmentation"
        case _:
            return "classification"


def _inputs(manifest: Manifest) -> list[str]:
    declared = manifest.input
    match declared:
        case TabularInput():
            return [
                f"{field.name}: number in {field.unit}, {field.minimum!r} to {field.maximum!r}"
                if isinstance(field, NumberField)
                else f"{field.name}: one of {len(field.categories)} codes"
                for field in declared.fields
            ]
        case ImageInput():
            return [MIME_TYPES[medium] for medium in declared.media]
        case VolumeInput():
            return [VOLUME_TYPES[medium] for medium in declared.media]


def _outputs(manifest: Manifest) -> list[str]:
    output = manifest.postprocessing
    if isinstance(output, NumberOutput):
        return [f"{output.name} in {output.unit}"]
    if isinstance(output, SegmentationOutput):
        return [f"label {one.value}: {one.label}" for one in output.classes]
    return [f"probability of {one.label}" for one in output.classes]


def _metric(metric: Metric) -> dict[str, Json]:
    found: dict[str, Json] = {"type": metric.name, "value": repr(metric.value)}
    if metric.subgroup is not None:
        found["slice"] = metric.subgroup
    ends = {"lowerBound": repr(metric.lower), "upperBound": repr(metric.upper)}
    return {**found, "confidenceInterval": ends}


def _data_sets(manifest: Manifest) -> list[Component]:
    """Return every data set once; the same one may have trained and examined the model."""
    roles: dict[DataSet, list[str]] = {}
    for data in manifest.lineage.data:
        roles.setdefault(data, []).append("training")
    roles.setdefault(manifest.evaluation.data, []).append("evaluation")
    return [
        _data_set(data, sorted(set(uses)), place)
        for place, (data, uses) in enumerate(roles.items(), start=1)
    ]


def _data_set(data: DataSet, uses: list[str], place: int) -> Component:
    return {
        "type": "data",
        "bom-ref": f"data-{place}",
        "name": data.name,
        "description": data.origin,
        "hashes": _hashes(data.digest),
        "licenses": _licences(data.licence),
        "data": [{"type": "dataset", "name": data.name, "description": data.origin}],
        "properties": _properties(
            [
                ("used-for", ", ".join(uses)),
                ("rows", data.rows),
                ("consent-basis", data.consent_basis),
            ]
        ),
    }


def _libraries(manifest: Manifest) -> list[Component]:
    """Return the libraries that gave the golden answers."""
    return [
        _library(name, version)
        for name, version in sorted(manifest.conditions.verified_with.items())
    ]


def _library(name: str, version: str) -> Component:
    if name == "python":
        kind, purl = "platform", f"pkg:generic/python@{quote(version, safe='.-_~')}"
    else:
        kind = "library"
        project = quote(canonicalize_name(name), safe=".-_~")
        purl = f"pkg:pypi/{project}@{quote(version, safe='.-_~')}"
    return {
        "type": kind,
        "bom-ref": f"library:{name}",
        "name": name,
        "version": version,
        "purl": purl,
    }


def _file(name: str, entry: Entry) -> Component:
    return {
        "type": "file",
        "bom-ref": f"entry:{name}",
        "name": name,
        "hashes": _hashes(entry.digest),
        "properties": _properties([("bytes", entry.size)]),
    }


def _tool(frozen_with: str) -> Component:
    name, _, version = frozen_with.rpartition(" ")
    if not name:
        return {"type": "application", "name": frozen_with}
    return {"type": "application", "name": name, "version": version}


def _licences(licence: str) -> list[dict[str, Json]]:
    """Return a licence as an SPDX identifier or expression, else under the name that it was given."""
    try:
        expression = str(canonicalize_license_expression(licence))
    except InvalidLicenseExpression:
        return [{"license": {"name": licence}}]
    if " " in expression or expression.startswith("LicenseRef-") or expression.endswith("+"):
        return [{"expression": expression}]
    return [{"license": {"id": expression}}]


def _hashes(found: str) -> list[dict[str, str]]:
    return [{"alg": "SHA-256", "content": found.removeprefix("sha256:")}]


def _properties(named: Iterable[tuple[str, Json]]) -> list[dict[str, str]]:
    """Return properties as CycloneDX writes them; those without a value are left out."""
    return [
        {"name": f"{PREFIX}{name}", "value": _spelt(value)}
        for name, value in named
        if value is not None
    ]


def _spelt(value: Json) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _in_order(text: Text) -> list[str]:
    return [words for _, words in sorted(text.items())]


def _preferred(text: Text) -> str:
    return text.get("en") or next(iter(text.values()))
