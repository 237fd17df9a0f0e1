"""The OpenAPI document: the fixed routes as FastAPI tells them, and one path for each model.

Regenerated when a release changes, which the epochs of the loaded models tell.
"""

from __future__ import annotations

import json
import threading

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from bedside import __version__
from bedside.api.analysis_documented import AnalysisBody
from bedside.api.documented import (
    DecisionBody,
    FieldsExplanation,
    PictureExplanation,
    ProblemDetails,
)
from bedside.api.example import short_example_of
from bedside.api.idempotency import PARAMETER
from bedside.api.open_inference.documented import InferAnswer, InferBody, infer_paths
from bedside.api.picture_schema import picture_contents, picture_parameters
from bedside.api.problems import MEDIA_TYPE
from bedside.api.schema import (
    REFERENCE,
    answer_schema,
    answers_schema,
    input_schema,
    reference_to,
    request_schema,
    spoken,
)
from bedside.api.stated import state_problems
from bedside.canonical import Json
from bedside.package.images import ImageInput
from bedside.package.volumes import VolumeInput
from bedside.runtime.at_once import PICTURES_AT_ONCE
from bedside.serving.released import Loaded
from bedside.site.site import Site

ABOUT = (
    "Every answer is recorded in the site's ledger before it is sent, and can be traced. "
    "すべての回答は、送信前に台帳へ記録され、後から追跡できます。\n\n"
    "Errors are problem details (RFC 9457)."
)


class Document:
    """The document of one application, kept until a release changes."""

    def __init__(self, app: FastAPI, site: Site) -> None:
        self._app = app
        self._site = site
        self._epochs: tuple[tuple[str, int], ...] | None = None
        self._text = b""
        self._making = threading.Lock()

    def text(self) -> bytes:
        """Return the document for what is released now, as JSON: one text for all who ask."""
        models = self._site.serving.models
        with self._making:  # else a crowd would make it once for each of them
            epochs = models.epochs()
            if epochs != self._epochs:
                loaded = [one for one in models.standing() if isinstance(one, Loaded)]
                value = document(self._app, loaded, self._site.settings.limits.rows)
                self._text = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
                self._epochs = epochs
            return self._text


def document(app: FastAPI, loaded: list[Loaded], rows: int) -> dict[str, Json]:
    """Return the OpenAPI 3.1 document of `app` with a typed path for each loaded model."""
    value: dict[str, Json] = get_openapi(
        title="Bedside",
        version=__version__,
        openapi_version="3.1.0",
        description=ABOUT,
        routes=app.routes,
    )
    for operations in value["paths"].values():
        for operation in operations.values():
            _head_with_description(operation)
    names = [one.release.model for one in loaded]
    loaded = [one for one in loaded if not isinstance(one.manifest.input, VolumeInput)]
    answering = [one for one in loaded if one.manifest.input.kind != "volume"]  # row by row
    predicting = {
        f"/v1/models/{one.release.model}/predict": predict_path(one, rows) for one in answering
    }
    value["paths"] = predicting | value["paths"] | infer_paths()
    components = value["components"]
    components["schemas"] |= {
        _input_name(one): input_schema(one.manifest, short_example_of(one)) for one in answering
    }
    for model in (
        AnalysisBody,
        DecisionBody,
        FieldsExplanation,
        PictureExplanation,
        InferBody,
        InferAnswer,
    ):
        components["schemas"] |= component_of(model)
    state_problems(value)
    _name_models(value["paths"], names)
    components["securitySchemes"] = {"api_key": {"type": "http", "scheme": "bearer"}}
    value["security"] = [{"api_key": []}]
    return value


def _name_models(paths: dict[str, Json], models: list[str]) -> None:
    """Say, wherever a model's name stands in an address, which ones are released here."""
    names = {model: {"value": model} for model in models}
    for operations in paths.values():
        for operation in operations.values():
            for parameter in operation.get("parameters", ()):
                if names and (parameter["in"], parameter["name"]) == ("path", "name"):
                    parameter["examples"] = names


def _head_with_description(operation: dict[str, Json]) -> None:
    """Use the first line of what a route says of itself, and not its function's name, as its head."""
    first, _, rest = operation["description"].partition("\n\n")
    operation["summary"] = first.replace("\n", " ").removesuffix(".")
    operation["description"] = rest


def component_of(model: type[BaseModel]) -> dict[str, Json]:
    """Return the schemas of `model` and of all that it is made of, by name, for the components.

    FastAPI does this for models that it validates; a body that is read by hand it does not know.
    """
    schema: dict[str, Json] = model.model_json_schema(ref_template=REFERENCE)
    parts: dict[str, Json] = schema.pop("$defs", {})
    return {model.__name__: schema} | parts


def predict_path(loaded: Loaded, rows: int) -> dict[str, Json]:
    """Return the path item of one released model.

    Source: OpenAPI 3.1.0, section 4.8.9.
    """
    manifest = loaded.manifest
    answers = {"oneOf": [answer_schema(manifest), answers_schema(manifest)]}
    return {
        "post": {
            "operationId": "predict_" + manifest.name.replace("-", "_"),
            "tags": ["predict"],
            "summary": f"{manifest.ref}: {spoken(manifest.title).splitlines()[0]}",
            "description": _about(loaded),
            **_asked(loaded, rows),
            "responses": {
                "200": {
                    "description": "Recorded, then answered",
                    "content": {"application/json": {"schema": answers}},
                },
                "default": {
                    "description": "A problem",
                    "content": {MEDIA_TYPE: {"schema": reference_to(ProblemDetails)}},
                },
            },
        }
    }


def _asked(loaded: Loaded, rows: int) -> dict[str, Json]:
    """Return the members of a path that say what it takes."""
    declared, explains = loaded.manifest.input, loaded.manifest.explanation is not None
    most = min(rows, PICTURES_AT_ONCE) if loaded.pictures else rows
    row = {"$ref": REFERENCE.format(model=_input_name(loaded))}
    sent: dict[str, Json] = {"schema": request_schema(row, most, explains=explains)}
    if (example := short_example_of(loaded)) is not None:
        sent["examples"] = {
            "one": {"value": {"input": example}},
            "many": {"value": {"inputs": [{"input": example}]}},
        }
    content: dict[str, Json] = {"application/json": sent}
    asked: dict[str, Json] = {
        "parameters": [{**PARAMETER}],
        "requestBody": {"required": True, "content": content},
    }
    if isinstance(declared, ImageInput):
        content |= picture_contents(declared, explains=explains)
        asked["parameters"] += picture_parameters(declared, explains=explains)
    return asked


def _input_name(loaded: Loaded) -> str:
    return f"{loaded.release.model}.input"


def _about(loaded: Loaded) -> str:
    manifest = loaded.manifest
    return "\n\n".join(
        [
            f"**For** {spoken(manifest.intended_use)}",
            f"**Not for** {spoken(manifest.not_for)}",
            f"Claim level: {manifest.claim_level}. Released {loaded.release.since}, "
            f"epoch {loaded.release.epoch}.",
        ]
    )
