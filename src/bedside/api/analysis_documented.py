"""What the routes of analyses take and answer, for the OpenAPI document alone."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import ConfigDict, Field

from bedside.api.analysis_requests import MAX_SAID, WORDS
from bedside.api.documented import Closed, Recorded
from bedside.api.idempotency import PARAMETER
from bedside.api.schema import reference_to
from bedside.canonical import Json
from bedside.imaging.choice import Rule
from bedside.jobs.job import State
from bedside.serving.values import MAX_SUBJECT

TAG: Final = "analyse"

ERASED: Final = "Its subject was erased; nothing personal of it is left"

Said = Annotated[str, Field(min_length=1, max_length=MAX_SAID)]
Subject = Annotated[str, Field(min_length=1, max_length=MAX_SUBJECT, pattern=r"\S")]
Base64 = Annotated[str, Field(json_schema_extra={"contentEncoding": "base64"})]


class VolumeBody(Closed):
    """A volume, or the id of an upload that holds it, and what is said of it."""

    model_config = ConfigDict(
        json_schema_extra={"oneOf": [{"required": ["volume"]}, {"required": ["blob"]}]}
    )

    volume: Base64 | Annotated[list[Base64], Field(min_length=1)] = Field(
        default="", description="A NIfTI file, a zip, an enhanced DICOM file, or all of a series"
    )
    blob: str = Field(default="", description="Id of an upload, from /v1/blobs")
    modality: Said | None = Field(None, description="DICOM modality; a header goes before it")
    body_part: Said | None = Field(None, description="DICOM Body Part Examined; the same")
    series: Said | None = Field(None, description="The end of a Series Instance UID")
    rule: Rule = Field("only", description="How a series is chosen where none is named")


class AnalysisBody(Closed):
    """What is to be analysed, and whom it is about."""

    input: VolumeBody
    subject: Subject | None = Field(None, description="A pseudonym of the person. 患者の仮名。")
    version: Said | None = Field(None, description="The only version that may answer")
    language: Literal["en", "ja"] | None = Field(None, description="Of the picture's words")
    convention: Literal["radiological", "neurological"] | None = Field(
        None,
        description="Where the patient's right is in the picture: on the left, or on the right",
    )


class ProgressTold(Closed):
    """How far a running analysis is."""

    stage: str
    done: int
    total: int


class FileTold(Closed):
    """A file that came of an analysis."""

    name: str
    media_type: str
    bytes: int
    digest: str = Field(description="SHA-256 of its bytes")
    href: str


class FlagTold(Closed):
    """What a reader of the answer must know."""

    code: str
    words: dict[str, str]
    detail: str


class AnalysisResult(Closed):
    """What came of an analysis that is done."""

    values: dict[str, float] = Field(description="Millilitres by label, or the number by its name")
    flags: list[FlagTold]
    out_of_domain: float | None = Field(description="0 as the domain, 1 unlike it; null: not known")
    predicted_overlap: float | None = Field(description="Dice to be expected; null: not predicted")
    seconds: dict[str, float] = Field(description="By stage")
    files: list[FileTold]


class Why(Closed):
    """Why nothing came of an analysis."""

    code: str
    message: str
    advice: str
    refusals: list[dict[str, Any]]


class AnalysisAnswer(Closed):
    """An analysis as it stands; its id is the prediction's, for decision and trace."""

    id: str
    model: str
    state: State
    cancelling: bool = Field(description="Somebody cancelled it, and it has not ended yet")
    progress: ProgressTold | None
    created_at: str = Field(description="RFC 3339, UTC")
    ended_at: str | None
    version: str | None = Field(description="Which version answered")
    package: str | None = Field(description="SHA-256 of its manifest")
    recorded: Recorded | None = Field(description="Where its record stands in the ledger")
    result: AnalysisResult | None
    why: Why | None


class BlobAnswer(Closed):
    """An upload that is kept, for analyses to name."""

    blob: str
    bytes: int = Field(description="As it is kept, sealed")
    kept_until: str = Field(description="RFC 3339, UTC; an unfinished analysis keeps it longer")


def asked() -> dict[str, Json]:
    """Return what the route of new analyses says of its request."""
    said: dict[str, Json] = {"type": "string", "minLength": 1, "maxLength": MAX_SAID}
    parts = dict.fromkeys(("modality", "body_part", "series", "version"), said)
    parts |= {name: {"enum": list(known)} for name, known in WORDS.items()}
    return {
        "parameters": [{**PARAMETER}],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": reference_to(AnalysisBody)},
                "multipart/form-data": _form(parts),
            },
        },
    }


def conflict(words: str) -> dict[int | str, dict[str, Any]]:
    """Return the responses of a route without a body that may say 409; `stated` adds its form."""
    return {409: {"description": words}}


def uploaded() -> dict[str, Json]:
    """Return what the route of new uploads says of its request."""
    return {"requestBody": {"required": True, "content": {"multipart/form-data": _form({})}}}


def _form(parts: dict[str, Json]) -> dict[str, Json]:
    # without a type: in a form one file and a list of one are the same bytes
    volume = {
        "description": "A NIfTI file, a zip, an enhanced DICOM file, or each file of a series: the "
        "part may stand as often as there are files",
    }
    subject = {"type": "string", "minLength": 1, "maxLength": MAX_SUBJECT, "pattern": r"\S"}
    return {
        "schema": {
            "type": "object",
            "properties": {"volume": volume, "subject": subject, **parts},
            "required": ["volume"],
            "additionalProperties": False,
        },
        "encoding": {"volume": {"contentType": "application/octet-stream"}},
    }
