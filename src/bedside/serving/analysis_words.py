"""What is kept of an analysis under its subject's key: what was sent, asked, and what came of it.

In the clear stand only states, times and ids. The rest are these values, as JSON, each sealed to the
id of the row that holds it.
"""

from __future__ import annotations

import base64
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Final, Literal, Self

from bedside.canonical import Json, canonical_bytes, digest, read_json
from bedside.errors import KeyUnavailable
from bedside.jobs.errand import KeptFile
from bedside.keys.sealing import NONCE_BYTES, Sealed
from bedside.ledger.events import SEALED_STEP

if TYPE_CHECKING:  # it brings SQLAlchemy, which an analysis without a site never needs
    from bedside.keys.subjects import SubjectKey

MOST_LISTED: Final = 64
"""Files of one upload that are told one by one; of more, a digest of the list is."""


@dataclass(frozen=True, slots=True)
class SentFile:
    """One file of an upload: its digest, and its bytes."""

    digest: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Sent:
    """What an upload is.

    Attributes:
        key: 32 bytes that open its file.
        files: In the order in which they came.
        subject: Whom it is about; None where nobody was named.
        voxels: That the headers of the files promise together; None where they do not tell.
    """

    key: bytes
    files: tuple[SentFile, ...]
    subject: str | None
    voxels: int | None = None

    @property
    def size(self) -> int:
        """Return the plain bytes of all files."""
        return sum(one.bytes for one in self.files)

    def seal(self, key: SubjectKey, upload: str) -> bytes:
        """Return it sealed for the row of `upload`."""
        told: dict[str, Json] = {
            "key": _text(self.key),
            "files": [[one.digest, one.bytes] for one in self.files],
            "subject": self.subject,
            "voxels": self.voxels,
        }
        return sealed(key, upload, told)

    @classmethod
    def open(cls, key: SubjectKey, upload: str, data: bytes) -> Self:
        """Return what was sealed.

        Raises:
            KeyUnavailable: another key, another row, or altered bytes.
        """
        told = opened(key, upload, data)
        files = tuple(SentFile(*one) for one in told["files"])
        return cls(base64.b64decode(told["key"]), files, told["subject"], told.get("voxels"))

    def told(self) -> Json:
        """Return what names the files in the ledger, which does not hold them."""
        listed: list[Json] = [{"digest": one.digest, "bytes": one.bytes} for one in self.files]
        if len(listed) <= MOST_LISTED:
            return listed
        return {
            "files": len(listed),
            "bytes": self.size,
            "digest": digest(canonical_bytes(listed)),
        }


@dataclass(frozen=True, slots=True)
class Order:
    """What was asked.

    Attributes:
        subject: Whom it is about; None where nobody was named.
        modality: As the sender says; a DICOM header goes before it.
        body_part: The same.
        series: Which series, where there are several; the end of its UID.
        rule: How one is chosen where none is named.
        version: The only version that may answer; None for whichever is released.
        language: Of the words in the picture; None for English.
        convention: On which side of the picture the patient's right is; None for the left.
    """

    subject: str | None = None
    modality: str | None = None
    body_part: str | None = None
    series: str | None = None
    rule: Literal["only", "only-volumetric", "largest"] = "only"
    version: str | None = None
    language: Literal["en", "ja"] | None = None
    convention: Literal["radiological", "neurological"] | None = None

    def stated(self) -> dict[str, Json]:
        """Return what the sender says of the volume."""
        return {"modality": self.modality, "body_part": self.body_part}

    def choice(self) -> dict[str, Json]:
        """Return which series is meant."""
        return {"series": self.series, "rule": self.rule}

    def style(self) -> dict[str, Json]:
        """Return what is said of the picture, where anything is."""
        said = {"language": self.language, "convention": self.convention}
        return {name: value for name, value in said.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Asked:
    """An order, and by whom: a door and an API key, of which the id alone is kept.

    Attributes:
        order: What was asked.
        files: What names the files.
        door: Through which it came.
        credential: Id of the API key.
    """

    order: Order
    files: Json
    door: str
    credential: str

    def seal(self, key: SubjectKey, job: str) -> bytes:
        """Return it sealed for the row of `job`."""
        return sealed(key, job, asdict(self))

    @classmethod
    def open(cls, key: SubjectKey, job: str, data: bytes) -> Self:
        """Return what was sealed.

        Raises:
            KeyUnavailable: another key, another row, or altered bytes.
        """
        told = opened(key, job, data)
        return cls(**told | {"order": Order(**told["order"])})

    def same(self, other: Asked) -> bool:
        """Return whether both ask the same of the same files."""
        return (self.order, self.files) == (other.order, other.files)

    def input(self) -> dict[str, Json]:
        """Return the input as the ledger tells it: what names the files, and what was said of them."""
        told = asdict(self.order)
        said = {name: told[name] for name in told if name not in ("subject", "version")}
        return {name: value for name, value in said.items() if value is not None} | {
            "volume": self.files
        }


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an analysis.

    Attributes:
        files: Its files, and what opens them.
        answer: What was recorded of it.
        version: Which version of the model answered; empty where none did.
        package: Digest of that package's manifest.
        index: Where it stands in the ledger; None where it does not.
        at: When it was recorded, or an empty string.
        message: Why nothing came of it, in words; or an empty string.
        advice: The next step.
        refusals: Every reason of the gate.
    """

    files: tuple[KeptFile, ...] = ()
    answer: dict[str, Json] = field(default_factory=dict)
    version: str = ""
    package: str = ""
    index: int | None = None
    at: str = ""
    message: str = ""
    advice: str = ""
    refusals: tuple[dict[str, Json], ...] = ()

    def seal(self, key: SubjectKey, job: str) -> bytes:
        """Return it sealed for the row of `job`."""
        told = asdict(self)
        told["files"] = [one | {"key": _text(one["key"])} for one in told["files"]]
        return sealed(key, _outcome(job), told)

    @classmethod
    def open(cls, key: SubjectKey, job: str, data: bytes) -> Self:
        """Return what was sealed.

        Raises:
            KeyUnavailable: another key, another row, or altered bytes.
        """
        told = opened(key, _outcome(job), data)
        files = tuple(
            KeptFile(**one | {"key": base64.b64decode(one["key"])}) for one in told["files"]
        )
        return cls(**told | {"files": files, "refusals": tuple(told["refusals"])})


def sealed(key: SubjectKey, context: str, value: dict[str, Json]) -> bytes:
    """Return JSON sealed under a subject key, as one run of bytes: nonce, then box."""
    plain = canonical_bytes(value)
    padded = plain + b" " * (-len(plain) % SEALED_STEP)  # its length tells the step alone
    box = key.seal(padded, context.encode())
    return box.nonce + box.box


def opened(key: SubjectKey, context: str, data: bytes) -> dict[str, Json]:
    """Return JSON that was sealed.

    Raises:
        KeyUnavailable: another key, another context, or altered bytes.
    """
    plain = key.open(Sealed(data[:NONCE_BYTES], data[NONCE_BYTES:]), context.encode())
    value = read_json(plain)
    if not isinstance(value, dict):
        raise KeyUnavailable(f"What is sealed for {context} is no object.")
    return value


def _outcome(job: str) -> str:
    return f"{job}/outcome"


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
