"""What a released model takes and gives, in the protocol's words.

Beside name, datatype and shape each tensor has `parameters` that say what the protocol has no member
for: units, ranges, how a missing value is said. Clients that do not know them leave them alone.
Source: Open Inference Protocol v2, "Model Metadata".
"""

from __future__ import annotations

from typing import Final

from bedside.api.open_inference.pixels import CONTENT_TYPE, IMAGE, PIXELS, STATED, takes_pixels
from bedside.api.open_inference.rows import NUMBERS, number_names
from bedside.canonical import Json
from bedside.package.fields import CategoryField, InputField, TabularInput
from bedside.package.images import ImageInput
from bedside.package.manifest import Manifest
from bedside.package.outputs import Output

PLATFORM: Final = "bedside_onnx"
"""The runtime and the format, as other servers write them (`onnxruntime_onnx`)."""

NAN: Final = "NaN in FP64 or FP32, null in JSON"
EMPTY: Final = "the empty text"


def model_metadata(manifest: Manifest) -> dict[str, Json]:
    """Return the metadata of the version that answers."""
    declared = manifest.row_input
    inputs = _fields(declared) if isinstance(declared, TabularInput) else _picture(declared)
    return {
        "name": manifest.name,
        "versions": [manifest.version],
        "platform": PLATFORM,
        "inputs": inputs,
        "outputs": _outputs(manifest.row_output),
        "parameters": {
            "claim_level": manifest.claim_level,
            "intended_use": manifest.intended_use.get("en", ""),
            "not_for": manifest.not_for.get("en", ""),
        },
    }


def _fields(declared: TabularInput) -> list[Json]:
    inputs = [_field(one) for one in declared.fields]
    if names := number_names(declared):
        about: dict[str, Json] = {
            "instead_of": "the inputs of all number fields, whose order its columns have",
            "needs": "the version in the address",
        }
        inputs.append(_tensor(NUMBERS, "FP64", [-1, len(names)], about))
    return inputs


def _field(declared: InputField) -> dict[str, Json]:
    may_miss = declared.missing == "allow"
    if isinstance(declared, CategoryField):
        text = isinstance(declared.categories[0], str)
        about: dict[str, Json] = {
            "categories": list(declared.categories),
            "missing": (EMPTY if text else NAN) if may_miss else "refused",
        }
        whole = "FP64" if may_miss else "INT64"
        return _tensor(declared.name, "BYTES" if text else whole, [-1], about)
    about = {
        "unit": declared.unit,
        "minimum": declared.minimum,
        "maximum": declared.maximum,
        "missing": NAN if may_miss else "refused",
    }
    if declared.conversions:
        about["other_units"] = [one.unit for one in declared.conversions]
    kind = "INT64" if declared.whole and not may_miss else "FP64"
    return _tensor(declared.name, kind, [-1], about)


def _picture(declared: ImageInput) -> list[Json]:
    media = ", ".join(declared.media)
    file = {"content": f"a file: {media}", CONTENT_TYPE: "base64, where it is text in JSON"}
    inputs = [_tensor(IMAGE, "BYTES", [-1], file)]
    if takes_pixels(declared):
        colour = declared.pixels == "colour"
        about: dict[str, Json] = {
            "instead_of": IMAGE,
            "content": "the picture's own values: black 0, white 255 (UINT8)"
            + ("" if colour else " or 65535 (UINT16)"),
            "rows": f"{declared.rows.minimum} to {declared.rows.maximum}",
            "columns": f"{declared.columns.minimum} to {declared.columns.maximum}",
        }
        inputs.append(_tensor(PIXELS, "UINT8", [-1, -1, -1, *([3] if colour else [])], about))
    allowed = (declared.modalities, declared.body_parts, declared.views)
    for name, codes in zip(STATED, allowed, strict=True):
        about = {"categories": list(codes), "missing": EMPTY, "unstated": declared.unstated}
        inputs.append(_tensor(name, "BYTES", [-1], about))
    return inputs


def _outputs(output: Output) -> list[Json]:
    told: list[Json] = []
    if output.kind == "number":
        told.append(_tensor("value", "FP64", [-1], {"name": output.name, "unit": output.unit}))
    else:
        labels = output.classes
        told += [
            _tensor("label", "BYTES", [-1], {"content": "what is shown"}),
            _tensor("scores", "FP64", [-1, len(labels)], {"content": "calibrated probabilities"}),
            _tensor("labels", "BYTES", [len(labels)], {"content": "the columns of scores"}),
        ]
    if output.kind == "binary":
        about = {"content": f"from which probability of {output.positive!r} on it is shown"}
        told.append(_tensor("threshold", "FP64", [-1], about))
    return [
        *told,
        _tensor("prediction_id", "BYTES", [-1], {"content": "for its decision and its trace"}),
        _tensor("ledger_index", "INT64", [-1], {"content": "its place in the record"}),
        _tensor("flags", "BYTES", [-1], {"content": "what the reader must know, comma-separated"}),
    ]


def _tensor(name: str, datatype: str, shape: list[int], about: dict[str, Json]) -> dict[str, Json]:
    return {"name": name, "datatype": datatype, "shape": shape, "parameters": about}
