"""JSON Schema of a picture as it is sent, in each of its forms, and of what is told about it.

Source: OpenAPI 3.1.0, sections 4.8.14.2 (files) and 4.8.15 (encoding of forms).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from bedside.canonical import Json
from bedside.package.images import CODE_STRING, ImageInput, Medium
from bedside.serving.flags import FLAGS
from bedside.serving.values import MAX_SUBJECT

MEDIA_TYPES: Final[Mapping[Medium, str]] = MappingProxyType(
    {"png": "image/png", "jpeg": "image/jpeg", "dicom": "application/dicom"}
)

MAX_CODE: Final = 16
"""Characters of a DICOM code string (DICOM PS3.5, section 6.2)."""

_WORDS: Final = MappingProxyType(
    {
        "modality": "DICOM modality. モダリティ。",
        "body_part": "DICOM Body Part Examined. 撮影部位。",
        "view": "DICOM View Position. 撮影方向。",
    }
)
_HEADER: Final = "Only where the file does not say it; a DICOM header goes before."


def picture_row(declared: ImageInput) -> dict[str, Json]:
    """Return the members of the schema of one raw row with a picture."""
    image = {
        "type": "string",
        "contentEncoding": "base64",
        "description": f"The file ({', '.join(declared.media)}) in base64. {_domain(declared)}",
    }
    return {
        "properties": {"image": image, **_stated(declared, null=True)},
        "required": ["image"],
        "additionalProperties": False,
    }


def picture_contents(declared: ImageInput, *, explains: bool) -> dict[str, Json]:
    """Return the other forms of a request body: a form, or a file alone, by media type."""
    types = [MEDIA_TYPES[medium] for medium in declared.media]
    subject = {
        "type": "string",
        "minLength": 1,
        "maxLength": MAX_SUBJECT,
        "pattern": r"\S",
        "description": "A pseudonym of the person. 省略可。患者の仮名。",
    }
    parts: dict[str, Json] = {
        "image": {"description": f"The file. {_domain(declared)}"},
        **_stated(declared, null=False),
        "subject": subject,
    }
    if explains:
        parts["explain"] = {"enum": ["true", "false"]}
    form: dict[str, Json] = {
        "schema": {
            "type": "object",
            "properties": parts,
            "required": ["image"],
            "additionalProperties": False,
        },
        "encoding": {"image": {"contentType": ", ".join(types)}},
    }
    alone = {kind: {"schema": {"contentMediaType": kind}} for kind in types}
    return {"multipart/form-data": form, **alone}


def picture_parameters(declared: ImageInput, *, explains: bool) -> list[Json]:
    """Return what may stand in the address beside a file that is sent alone."""
    schemas = _stated(declared, null=False)
    if explains:
        schemas["explain"] = {"enum": ["true", "false"]}
    return [
        {
            "name": name,
            "in": "query",
            "required": False,
            "description": "Only with a file alone: image/png, image/jpeg, application/dicom.",
            "schema": schema,
        }
        for name, schema in schemas.items()
    ]


def picture_told() -> dict[str, Json]:
    """Return the properties that an answer about a picture, or an explained one, has besides."""
    words = {
        "type": "object",
        "properties": {"en": {"type": "string"}, "ja": {"type": "string"}},
        "required": ["en", "ja"],
    }
    flag = {
        "type": "object",
        "properties": {
            "code": {"type": "string", "examples": sorted(FLAGS)},
            "words": words,
            "detail": {"type": "string"},
        },
        "required": ["code", "words", "detail"],
    }
    return {
        "told": {"description": "The answer in one sentence", **words},
        "flags": {
            "type": "array",
            "description": "What a reader of the answer must know; show it beside the result",
            "items": flag,
        },
    }


def _stated(declared: ImageInput, *, null: bool) -> dict[str, Json]:
    domain = {
        "modality": declared.modalities,
        "body_part": declared.body_parts,
        "view": declared.views,
    }
    found: dict[str, Json] = {}
    for name, allowed in domain.items():
        schema: dict[str, Json] = {"type": ["string", "null"] if null else "string"}
        if allowed:
            schema["enum"] = [*allowed, None] if null else list(allowed)
        else:
            schema |= {"pattern": f"^{CODE_STRING.pattern}$", "maxLength": MAX_CODE}
        found[name] = schema | {"description": f"{_WORDS[name]} {_HEADER}"}
    return found


def _domain(declared: ImageInput) -> str:
    rows, columns = declared.rows, declared.columns
    return (
        f"{declared.pixels.capitalize()}, {rows.minimum} to {rows.maximum} rows, "
        f"{columns.minimum} to {columns.maximum} columns."
    )
