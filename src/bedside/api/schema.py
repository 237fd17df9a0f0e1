"""JSON Schema of what a released model takes and answers, generated from its manifest.

The gate decides what is taken; this says the same in the words of JSON Schema 2020-12 (the
dialect of OpenAPI 3.1), so that a client can be generated and a form can be filled in.
"""

from __future__ import annotations

import math
from typing import Final

from pydantic import BaseModel

from bedside.api.documented import FieldsExplanation, PictureExplanation
from bedside.api.picture_schema import picture_row, picture_told
from bedside.canonical import Json
from bedside.package.fields import (
    CategoryField,
    InputField,
    NumberField,
    TabularInput,
    Text,
    UnitConversion,
)
from bedside.package.manifest import Manifest
from bedside.package.outputs import BinaryOutput, NumberOutput, Output
from bedside.serving.values import MAX_SUBJECT

_STEPS: Final = 16
"""Neighbouring numbers within which a conversion there and back comes out."""

REFERENCE: Final = "#/components/schemas/{model}"
"""Where a schema stands in an OpenAPI document (OpenAPI 3.1.0, section 4.8.7)."""


def input_schema(manifest: Manifest, example: Json | None) -> dict[str, Json]:
    """Return the schema of one raw row.

    Args:
        manifest: Of the released package.
        example: A row that the model takes, such as a golden case's.
    """
    declared = manifest.row_input
    row = _row_of(declared) if declared.kind == "tabular" else picture_row(declared)
    schema = {"type": "object", "description": spoken(manifest.title), **row}
    return schema if example is None else schema | {"examples": [example]}


def _row_of(declared: TabularInput) -> dict[str, Json]:
    return {
        "properties": {field.name: field_schema(field) for field in declared.fields},
        "required": [field.name for field in declared.fields if field.missing == "refuse"],
        "additionalProperties": False,
    }


def field_schema(field: InputField) -> dict[str, Json]:
    """Return the schema of one field's value; `null` is a missing value where the field allows it."""
    choices = _number_choices(field) if field.kind == "number" else [_category(field)]
    if field.kind == "number" and field.missing == "allow":
        choices.append(_with_unit({"type": "null"}, {"enum": _units(field)}))
    if field.missing == "allow":
        choices.append({"type": "null"})
    schema: dict[str, Json] = choices[0] if len(choices) == 1 else {"anyOf": choices}
    words = _described(field)
    return schema | {"description": words} if words else schema


def request_schema(row_input: Json, rows: int, *, explains: bool = False) -> dict[str, Json]:
    """Return the schema of a whole request: one row, or at most `rows` of them.

    Args:
        row_input: The schema of one raw row, or a reference to it.
        rows: Most rows in one request.
        explains: Whether the model declares how its answers are explained.
    """
    asked: dict[str, Json] = {}
    if explains:
        about = "Whether each answer comes with its explanation. 説明を付けるかどうか。"
        asked = {"explain": {"type": "boolean", "default": False, "description": about}}
    row: dict[str, Json] = {
        "input": row_input,
        "subject": {
            "type": ["string", "null"],
            "minLength": 1,
            "maxLength": MAX_SUBJECT,
            "pattern": r"\S",
            "description": "A pseudonym of the person. 省略可。患者の仮名。",
        },
    }
    one: dict[str, Json] = {
        "title": "One input",
        "type": "object",
        "properties": row | asked,
        "required": ["input"],
        "additionalProperties": False,
    }
    item = one | {"properties": row}
    inputs = {"type": "array", "minItems": 1, "maxItems": rows, "items": item}
    many: dict[str, Json] = {
        "title": "Many inputs",
        "type": "object",
        "properties": {"inputs": inputs, **asked},
        "required": ["inputs"],
        "additionalProperties": False,
    }
    return {"oneOf": [one, many]}


def answer_schema(manifest: Manifest) -> dict[str, Json]:
    """Return the schema of an answer to a request with one row."""
    return _with_more(_object(_common() | _row_answer(manifest.row_output)), manifest)


def answers_schema(manifest: Manifest) -> dict[str, Json]:
    """Return the schema of an answer to a request with many rows."""
    row = _with_more(_object(_row_answer(manifest.row_output)), manifest)
    return _object(_common() | {"predictions": {"type": "array", "items": row}})


def reference_to(model: type[BaseModel]) -> dict[str, Json]:
    """Return a reference to `model` among the document's components."""
    return {"$ref": REFERENCE.format(model=model.__name__)}


def spoken(text: Text) -> str:
    """Return all languages of `text`, English first, one a paragraph."""
    ordered = sorted(text, key=lambda language: language != "en")
    return "\n\n".join(text[language] for language in ordered)


def _number_choices(field: NumberField) -> list[dict[str, Json]]:
    value: dict[str, Json] = {
        "type": "integer" if field.whole else "number",
        "minimum": field.minimum,
        "maximum": field.maximum,
    }
    with_unit = _with_unit(value, {"const": field.unit})
    choices = [value, with_unit]
    choices += [
        _with_unit(_converted(field, one), {"const": one.unit}) for one in field.conversions
    ]
    return choices


def _converted(field: NumberField, other: UnitConversion) -> dict[str, Json]:
    """Return the schema of a value in another unit: its bounds, such that what they take is taken."""
    ends = [(end - other.offset) / other.factor for end in (field.minimum, field.maximum)]
    middle = sum(ends) / 2
    for place, end in enumerate(ends):
        for _ in range(_STEPS):
            if field.minimum <= end * other.factor + other.offset <= field.maximum:
                break
            end = math.nextafter(end, middle)  # noqa: PLW2901 - rounded outwards
        ends[place] = end
    return {"type": "number", "minimum": min(ends), "maximum": max(ends)}


def _units(field: NumberField) -> list[str]:
    return [field.unit, *(conversion.unit for conversion in field.conversions)]


def _with_unit(value: dict[str, Json], unit: dict[str, Json]) -> dict[str, Json]:
    return {
        "type": "object",
        "properties": {"value": value, "unit": {"type": "string"} | unit},
        "required": ["value", "unit"],
        "additionalProperties": False,
    }


def _category(field: CategoryField) -> dict[str, Json]:
    kind = "integer" if isinstance(field.categories[0], int) else "string"
    if field.unknown == "allow":
        return {"type": kind, "examples": list(field.categories)}
    return {"type": kind, "enum": list(field.categories)}


def _described(field: InputField) -> str:
    words = [spoken(field.description)] if field.description else []
    if field.kind == "number":
        words.append(f"{field.minimum:g} to {field.maximum:g} {field.unit}")
        words += [
            f"in {c.unit}: × {c.factor:g} + {c.offset:g} gives {field.unit}"
            for c in field.conversions
        ]
    return "\n\n".join(words)


def _with_more(row: dict[str, Json], manifest: Manifest) -> dict[str, Json]:
    """Return the schema of a row's answer with what pictures and explanations add to it."""
    pictures = manifest.input.kind == "image"
    if not pictures and manifest.explanation is None:
        return row
    more: dict[str, Json] = picture_told()
    if manifest.explanation is not None:
        told = PictureExplanation if pictures else FieldsExplanation
        more["explanation"] = reference_to(told)
    always = ["told", "flags"] if pictures else []
    return row | {
        "properties": row["properties"] | more,
        "required": row["required"] + always,
    }


def _common() -> dict[str, Json]:
    text = {"type": "object", "additionalProperties": {"type": "string"}}
    return {
        "model": {"type": "string"},
        "version": {"type": "string"},
        "package": {"type": "string", "description": "SHA-256 of the manifest that answered"},
        "use": _object({"claim_level": {"type": "string"}, "intended_use": text, "not_for": text}),
        "threshold": {
            "type": ["object", "null"],
            "properties": {"value": {"type": "number"}, "meaning": text},
        },
    }


def _row_answer(output: Output) -> dict[str, Json]:
    recorded = _object({"index": {"type": "integer"}, "at": {"type": "string"}})
    names = (
        [output.name] if isinstance(output, NumberOutput) else [one.label for one in output.classes]
    )
    bounds = {} if isinstance(output, NumberOutput) else {"minimum": 0, "maximum": 1}
    scores = _object({name: {"type": "number", **bounds} for name in names})
    label: dict[str, Json] = (
        {"type": "null"} if isinstance(output, NumberOutput) else {"enum": names}
    )
    if isinstance(output, BinaryOutput):
        label |= {"description": f"{output.positive!r} at or above {output.threshold.value:g}"}
    return {
        "id": {"type": "string", "format": "uuid", "description": "Of the recorded prediction"},
        "label": label,
        "shown": {
            "type": "object",
            "description": "The label in words, by language",
            "additionalProperties": {"type": "string"},
        },
        "scores": scores,
        "recorded": recorded,
    }


def _object(properties: dict[str, Json]) -> dict[str, Json]:
    return {"type": "object", "properties": properties, "required": list(properties)}
