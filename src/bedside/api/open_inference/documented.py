"""What the protocol's routes take and answer, for the OpenAPI document alone."""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field

from bedside.api.documented import Closed, ProblemDetails
from bedside.api.idempotency import PARAMETER
from bedside.api.open_inference.framing import MAX_AXES, MAX_ID, MAX_NAME
from bedside.api.open_inference.tensors import DATATYPES
from bedside.api.schema import reference_to
from bedside.canonical import Json

TAG: Final = "open inference protocol"
BINARY: Final = "application/octet-stream"

Parameters = dict[str, Any]


class InferError(Closed):
    """What went wrong, in the protocol's form, and beside it as our other routes tell it."""

    error: str = Field(description="What was found, and the next step")
    problem: ProblemDetails


class ServerMetadata(Closed):
    """What this server is."""

    name: str
    version: str
    extensions: list[str]


class Live(Closed):
    """That the server answers."""

    live: bool


class Ready(Closed):
    """That every released model answers."""

    ready: bool


class ModelReady(Closed):
    """That a model answers."""

    name: str
    ready: bool


class MetadataTensor(Closed):
    """One input or output; -1 is an axis of any length, the first one that of the rows."""

    name: str
    datatype: str = Field(json_schema_extra={"enum": list(DATATYPES)})
    shape: list[int]
    parameters: Parameters = Field(description="Unit, range, categories, how a gap is said")


class ModelMetadata(Closed):
    """The inputs and outputs of the version that answers."""

    name: str
    versions: list[str]
    platform: str
    inputs: list[MetadataTensor]
    outputs: list[MetadataTensor]
    parameters: Parameters


class InferInput(Closed):
    """One input tensor: its values in `data`, or as binary behind the JSON (`binary_data_size`)."""

    name: Annotated[str, Field(min_length=1, max_length=MAX_NAME)]
    shape: Annotated[list[Annotated[int, Field(ge=1)]], Field(min_length=1, max_length=MAX_AXES)]
    datatype: str = Field(json_schema_extra={"enum": list(DATATYPES)})
    parameters: Parameters = Field(
        default_factory=dict,
        description="`unit` of a field's numbers; `content_type` `base64` of files in JSON",
    )
    data: list[Any] = Field(
        default_factory=list, description="Row-major, flat or as lists in lists"
    )


class OutputParameters(Closed):
    """How an output shall come."""

    binary_data: bool = Field(False, description="As binary behind the JSON")


class RequestedOutput(Closed):
    """One output that is asked for; the model's metadata names them."""

    name: str
    parameters: OutputParameters = OutputParameters()


class InferParameters(Closed):
    """What is said of the whole request."""

    subject: str | None = Field(None, description="Pseudonym of the person whom all rows are about")
    subjects: Annotated[list[str | None], Field(min_length=1)] = Field(
        [None], description="Or those of each row; null for a row about nobody"
    )
    binary_data_output: bool = Field(False, description="All outputs as binary behind the JSON")
    priority: int = Field(0, description="Taken, and changes nothing")
    timeout: int = Field(0, description="The same")
    content_type: str = Field("", description="The same")


class InferBody(Closed):
    """Input tensors, whose first axis is the number of rows; what they are, the metadata tells."""

    id: Annotated[str, Field(max_length=MAX_ID)] = ""
    parameters: InferParameters = InferParameters()
    inputs: Annotated[list[InferInput], Field(min_length=1)]
    outputs: list[RequestedOutput] = Field(
        default_factory=list, description="Empty or left out: all"
    )


class ResponseOutput(Closed):
    """One output tensor."""

    name: str
    datatype: str
    shape: list[int]
    parameters: Parameters = Field(default_factory=dict)
    data: list[Any] | None = None


class InferAnswer(BaseModel):
    """Recorded, then answered; `parameters` name the version, its package and the ledger's place."""

    model_config = ConfigDict(extra="forbid", protected_namespaces=())

    model_name: str
    model_version: str
    id: str | None = None
    parameters: Parameters
    outputs: list[ResponseOutput]


def infer_paths() -> dict[str, Json]:
    """Return the path items of the two addresses of `infer`, which FastAPI does not validate.

    Source: OpenAPI 3.1.0, section 4.8.9.
    """
    named = [_parameter("name", "path", "A released model", {"type": "string"}, required=True)]
    version = _parameter("version", "path", "Must be the one that answers", {"type": "string"})
    return {
        "/v2/models/{name}/infer": {"post": _operation("infer", named)},
        "/v2/models/{name}/versions/{version}/infer": {
            "post": _operation("infer_version", [*named, version | {"required": True}])
        },
    }


def _operation(operation_id: str, parameters: list[Json]) -> dict[str, Json]:
    about = "How many bytes of the body are JSON, where binary tensors follow"
    number = {"type": "integer", "minimum": 1, "maximum": 10**18 - 1}
    length = _parameter("Inference-Header-Content-Length", "header", about, number)
    binary: Json = {"schema": {"type": "string", "format": "binary"}}
    return {
        "operationId": operation_id,
        "tags": [TAG],
        "summary": "Answer the rows or pictures that the input tensors say",
        "description": "Recorded before it is answered. The inputs and outputs of a model stand in "
        "its metadata. With binary tensors the body is JSON and behind it their bytes.",
        "parameters": [*parameters, length, {**PARAMETER}],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": reference_to(InferBody)}, BINARY: binary},
        },
        "responses": {
            "200": {
                "description": "Recorded, then answered",
                "content": {
                    "application/json": {"schema": reference_to(InferAnswer)},
                    BINARY: binary,
                },
            },
            "default": {
                "description": "What went wrong",
                "content": {"application/json": {"schema": reference_to(InferError)}},
            },
        },
    }


def _parameter(
    name: str, place: str, about: str, schema: dict[str, Json], *, required: bool = False
) -> dict[str, Json]:
    return {
        "name": name, "in": place, "description": about, "schema": schema, "required": required
    }  # fmt: skip
