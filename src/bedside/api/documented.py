"""What the fixed routes take and answer, for the OpenAPI document alone.

The answers themselves are built in `answers`; a test holds real ones against these. All are closed:
a member that is not here is a fault of one of the two.
"""

from __future__ import annotations

from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from bedside.package.explanation import Explanation
from bedside.package.fields import TabularInput, Text
from bedside.package.images import ImageInput
from bedside.package.manifest import AnyOutput, Evaluation
from bedside.package.volumes import VolumeInput
from bedside.registry.lifecycle import MAX_WORDS, Act, State
from bedside.serving.values import Verdict


class ProblemDetails(BaseModel):
    """What went wrong, and the next step (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    advice: str
    refusals: list[dict[str, Any]] = Field(default_factory=list)


class Closed(BaseModel):
    """A body or an answer without further members."""

    model_config = ConfigDict(extra="forbid")


_CORRECTED: Final[JsonDict] = {
    "properties": {"verdict": {"const": Verdict.CORRECTED}},
    "required": ["verdict"],
}
_AGREED: Final[JsonDict] = {
    "properties": {"verdict": {"const": Verdict.AGREE}},
    "required": ["verdict"],
}


class DecisionBody(Closed):
    """What the physician decided about a prediction."""

    model_config = ConfigDict(
        json_schema_extra={
            "allOf": [
                {
                    "if": _CORRECTED,
                    "then": {"properties": {"label": {"type": "string"}}, "required": ["label"]},
                    "else": {"properties": {"label": {"type": "null"}}},
                },
                {
                    "if": _AGREED,
                    "else": {
                        "properties": {"reason": {"type": "string", "pattern": r"\S"}},
                        "required": ["reason"],
                    },
                },
            ],
            "examples": [{"verdict": "agree"}],
        }
    )

    verdict: Verdict
    label: str | None = Field(None, description="Only with `corrected`: the label that is right.")
    reason: str | None = Field(
        "", max_length=MAX_WORDS, description="Needed unless the verdict is `agree`."
    )


class Recorded(Closed):
    """Where something stands in the ledger."""

    index: int
    at: str = Field(description="RFC 3339, UTC")


class DecisionAnswer(Closed):
    """The decision as recorded."""

    prediction: str
    verdict: Verdict
    label: str | None = Field(description="The label that stands now")
    recorded: Recorded


class Contribution(Closed):
    """What one field added to the answer, against the declared reference row."""

    field: str
    contribution: float = Field(description="On the scale of the explanation")
    error: float = Field(description="Standard error; 0 where the contribution is exact")


class FieldsExplanation(Closed):
    """Why an answer about a row of fields is what it is; contributions sum to `total` − `base`."""

    kind: Literal["fields"]
    of: str = Field(description="The label or quantity that is explained")
    scale: str
    base: float = Field(description="The answer to the reference row")
    total: float = Field(description="The answer to this row")
    passes: int = Field(description="Rows that the network computed for it")
    contributions: list[Contribution] = Field(description="The largest first")


class PictureExplanation(Closed):
    """Which parts of a picture the answer rests on, as a picture over it."""

    kind: Literal["picture"]
    of: str = Field(description="The label that is explained")
    scale: str
    base: float = Field(description="The answer to the whole picture")
    passes: int = Field(description="Pictures that the network computed for it")
    media_type: Literal["image/png"]
    data: str = Field(description="The picture in base64")
    grid: list[list[float]] | None = Field(
        None, description="Fall of the answer by place, where the grid is coarse"
    )


class ReleaseTold(Closed):
    """The version that answers for a model in one epoch."""

    model: str
    version: str
    digest: str = Field(description="SHA-256 of the manifest")
    epoch: int
    since: str
    by: str = Field(description="Id of a person")
    reason: str
    event_id: str


class EpochTold(Closed):
    """One epoch of a model; `version` and `digest` are null where nothing answered."""

    model: str
    epoch: int
    act: Act
    version: str | None
    digest: str | None
    since: str
    by: str
    reason: str
    event_id: str


class ApprovalTold(Closed):
    """One person's approval of a version, and what it means."""

    person_id: str
    person_name: str
    meaning: str
    at: str
    event_id: str


class VersionTold(Closed):
    """A version that the site knows."""

    model: str
    version: str
    digest: str
    archive: str = Field(description="SHA-256 of the archive")
    state: State
    registered_by: str
    registered_at: str
    approvals: list[ApprovalTold]


class ManifestSummary(Closed):
    """What a client should know of a model before using it, from its manifest."""

    name: str
    version: str
    title: Text
    licence: str
    intended_use: Text
    not_for: Text
    claim_level: str
    languages: list[str]
    input: TabularInput | ImageInput | VolumeInput
    postprocessing: AnyOutput
    explanation: Explanation | None = Field(None, description="How an answer is explained")
    evaluation: Evaluation


class Listed(Closed):
    """A released model, and whether it answers here."""

    release: ReleaseTold
    ready: bool
    reason: str = Field(description="Why it does not answer; else empty")
    advice: str
    title: Text | None = Field(description="Null where the package does not load")


class ModelsAnswer(Closed):
    """What is released here."""

    models: list[Listed]


class ModelAnswer(Closed):
    """What a model is, which version answers, and its history."""

    name: str
    release: ReleaseTold | None = Field(description="Null where nothing is released")
    ready: bool
    reason: str = Field(description="Why it does not answer; else empty")
    advice: str
    manifest: ManifestSummary | None = Field(description="Null where nothing loaded answers")
    versions: list[VersionTold]
    history: list[EpochTold]


class ExampleAnswer(Closed):
    """A body for the model's predict path."""

    input: dict[str, Any]


class BillOfMaterials(BaseModel):
    """A bill of materials (CycloneDX 1.6, ECMA-424); its own schema says all of it."""

    bomFormat: Literal["CycloneDX"]  # noqa: N815 - the standard's spelling
    specVersion: Literal["1.6"]  # noqa: N815 - the same


class ReadinessAnswer(Closed):
    """Whether a released model answers here, and if not, why."""

    model: str
    version: str = Field(description="Empty where nothing is released")
    epoch: int
    ready: bool
    reason: str
    advice: str


class StatusAnswer(Closed):
    """Where the service stands: `alive`, `ready`, or in words why no request should come.

    `witness` is there when a witness of the ledger does not agree: `waiting`, `away`, `refused`.
    """

    status: str
    witness: str | None = None


class EventTold(Closed):
    """The clear members of an event; `body` depends on the kind."""

    id: str
    kind: str
    about: str
    at: str
    actor: str
    door: str
    body: dict[str, Any]


class PersonTold(Closed):
    """A person of the site, by id and present name."""

    id: str
    name: str


class ErasureTold(Closed):
    """When, why and by which two people a personal part was erased."""

    id: str
    at: str
    reason: str
    case: str
    requested_by: PersonTold
    confirmed_by: PersonTold


class EntryTold(Closed):
    """One entry of the ledger as it is told; `personal` is "erased" where its key was destroyed."""

    index: int
    event: EventTold
    name: str
    personal: dict[str, Any] | Literal["erased"] | None = None
    why: str = Field("", description="Why the personal part cannot be read")
    erasure: ErasureTold | None = Field(None, description="When and by which two people")


class ProofTold(Closed):
    """What proves one entry, in base64: the event's bytes, its salt, its path to the root."""

    index: int
    event: str
    salt: str
    path: list[str]


class CheckpointTold(Closed):
    """The signed tree head that all proofs end in (C2SP tlog-checkpoint)."""

    origin: str
    note: str
    key: str


class TraceAnswer(Closed):
    """The story of one prediction, with proofs; or of an analysis that ended without an answer.

    `prediction.event.kind` tells which: `prediction`, `refusal` (its body has the reasons) or
    `analysis-ended` (its body has the state and the code). Nothing was decided about the latter two.
    """

    format: Literal["bedside-trace-1"]
    prediction: EntryTold
    decisions: list[EntryTold]
    lifecycle: list[EntryTold]
    manifest: dict[str, Any] | None = Field(
        None, description="All of the package's manifest; absent where no version computed"
    )
    proofs: list[ProofTold]
    checkpoint: CheckpointTold
    erasures: list[EntryTold] = Field(
        default_factory=list, description="The steps of the erasure, where there was one"
    )
