"""The full story of one prediction, as a frozen value that can be checked elsewhere.

Or of what was asked for and not answered: an input that was refused, an analysis that was cancelled
or failed. Then nothing was decided, and where no version computed there is no manifest either.

What is told of each event is its clear part, word for word; the event's bytes, their salt and an
inclusion proof against one signed checkpoint come along. `verify_trace` needs only the trace and
the ledger's public key.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bedside.canonical import Json, canonical_bytes, digest, read_json
from bedside.errors import LedgerBroken, UsageError
from bedside.keys.signing import PublicKey
from bedside.ledger import merkle
from bedside.ledger.checkpoint import Checkpoint, read_checkpoint
from bedside.ledger.encoding import from_base64, to_base64
from bedside.ledger.events import Entry, EventKind, commit_to
from bedside.package.fields import Language
from bedside.package.manifest import Manifest, read_manifest
from bedside.serving.telling import told_in_words

FORMAT: Final = "bedside-trace-1"

FACTS: Final = ("id", "kind", "about", "at", "actor", "door", "body")
"""The members of an event that stand in the clear, and so are told."""

ASKED: Final = (EventKind.PREDICTION, EventKind.REFUSAL, EventKind.ANALYSIS_ENDED)
"""What a trace is of: what was answered, what was refused, what ended without an answer."""


@dataclass(frozen=True, slots=True)
class Told:
    """One recorded event as it is told.

    Attributes:
        index: Its place in the ledger.
        event: The clear members of the event, by name (see `FACTS`).
        name: The present name of the person who acted, or an empty string where nobody did.
        personal: The personal part, opened; None where there is none, or where it was erased.
        erased: Why the personal part cannot be read, such as a key that was destroyed; else empty.
        erasure: When, why and by which two people it was erased; None where nobody did.
    """

    index: int
    event: dict[str, Json]
    name: str
    personal: Json | None = None
    erased: str = ""
    erasure: Json | None = None


@dataclass(frozen=True, slots=True)
class Proved:
    """What proves one event: its bytes, its salt, and its path to the checkpoint's root."""

    index: int
    event: bytes
    salt: bytes
    path: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Trace:
    """The story of one prediction.

    Attributes:
        prediction: What came in and went out, who asked, when, through which door; or why nothing
            went out.
        decisions: What was decided about it, oldest first; the last one stands.
        lifecycle: Who registered, verified, approved and released the version, oldest first.
        manifest: What the package says of itself: lineage, evaluation, conditions; None where no
            version is known to have computed.
        proofs: One for each event told, in the ledger's order.
        checkpoint: The signed tree head that all proofs end in.
        key: Fingerprint of the key that signed it. Check with a copy of the key from elsewhere.
        erasures: The steps by which its personal part was erased, oldest first; mostly none.
    """

    prediction: Told
    decisions: tuple[Told, ...]
    lifecycle: tuple[Told, ...]
    manifest: Manifest | None
    proofs: tuple[Proved, ...]
    checkpoint: Checkpoint
    key: str
    erasures: tuple[Told, ...] = ()

    def document(self) -> dict[str, Json]:
        """Return the trace as JSON."""
        erasures = [_told(one) for one in self.erasures]
        told: dict[str, Json] = {"erasures": erasures} if erasures else {}
        if self.manifest is not None:
            told["manifest"] = self.manifest.model_dump(mode="json")
        return told | {
            "format": FORMAT,
            "prediction": _told(self.prediction),
            "decisions": [_told(one) for one in self.decisions],
            "lifecycle": [_told(one) for one in self.lifecycle],
            "proofs": [_proof(one) for one in self.proofs],
            "checkpoint": {
                "origin": self.checkpoint.origin,
                "note": self.checkpoint.note,
                "key": self.key,
            },
        }

    def text(self, language: Language = "en") -> str:
        """Return the trace in words, for a person; the proofs are in the JSON."""
        return told_in_words(self.document(), language)


@dataclass(frozen=True, slots=True)
class TraceVerdict:
    """What the check of a trace proved.

    Attributes:
        entries: Number of events whose place and bytes were proved.
        size: Number of entries under the checkpoint.
        package: Digest of the manifest, as the prediction's event names it; empty where it names none.
    """

    entries: int
    size: int
    package: str


def tell(
    entry: Entry, name: str, personal: Json | None, erased: str, erasure: Json | None = None
) -> Told:
    """Return an entry as it is told."""
    value = entry.value
    facts = {fact: value[fact] for fact in FACTS}
    return Told(entry.index, facts, name, personal, erased, erasure)


def verify_trace(document: Json, public_key: PublicKey, origin: str | None = None) -> TraceVerdict:
    """Check a trace against the ledger's public key; no site is needed.

    Proved is: every event told stands in the ledger exactly as told, under a signed checkpoint,
    and the manifest is the one that the prediction names. Not proved is what was opened with a
    subject's key (`personal`), nor the present names of people.

    Args:
        document: What `Trace.document` returned, parsed.
        public_key: The ledger's, from a source that is trusted.
        origin: The ledger's name, where it is known.

    Raises:
        LedgerBroken: something in it is not proved; the message says what.
        UsageError: this is not a trace of a known format.
    """
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise UsageError(f"This is not a trace in the format {FORMAT!r}.")
    try:
        checkpoint = read_checkpoint(
            document["checkpoint"]["note"], origin or document["checkpoint"]["origin"], public_key
        )
        told = [document["prediction"], *document["decisions"], *document["lifecycle"]]
        told += document.get("erasures", [])
        proofs = {proof["index"]: proof for proof in document["proofs"]}
        for one in told:
            _verify_told(one, proofs[one["index"]], checkpoint)
        _verify_story(document)
        named = _verify_manifest(document)
    except (KeyError, TypeError, ValueError) as problem:
        raise LedgerBroken(f"The trace lacks {problem}.") from problem
    return TraceVerdict(len(told), checkpoint.size, named)


def _verify_told(told: dict[str, Json], proof: dict[str, Json], checkpoint: Checkpoint) -> None:
    index = told["index"]
    event, salt = from_base64(proof["event"]), from_base64(proof["salt"])
    path = [from_base64(step) for step in proof["path"]]
    leaf = commit_to(salt, event)
    if not merkle.verify_inclusion(leaf, index, checkpoint.size, path, checkpoint.root):
        raise LedgerBroken(
            f"The proof of entry {index} does not lead to the checkpoint.", index=index
        )
    value = read_json(event)
    if {fact: value[fact] for fact in FACTS} != told["event"]:
        raise LedgerBroken(f"Entry {index} is told otherwise than it was recorded.", index=index)


def _verify_manifest(document: dict[str, Json]) -> str:
    """Check that the manifest is the one that the event names; return its digest, or nothing."""
    event = document["prediction"]["event"]
    if event["kind"] == EventKind.ANALYSIS_ENDED and "package" not in event["body"]:
        if "manifest" in document:
            raise LedgerBroken("The trace has a manifest, and its event names none.")
        return ""
    named: str = event["body"]["package"]
    data = canonical_bytes(document["manifest"])
    if (found := digest(data)) != named:
        raise LedgerBroken(f"The manifest has the digest {found}; the prediction names {named}.")
    read_manifest(data)
    return named


def _verify_story(document: dict[str, Json]) -> None:
    """Check that the events are of this prediction and of its version, and not of another."""
    prediction = document["prediction"]["event"]
    body = prediction["body"]
    if prediction["kind"] not in ASKED:
        raise LedgerBroken(f"The trace is about a {prediction['kind']!r}, not a prediction.")
    for one in document["decisions"]:
        event = one["event"]
        kinds = (prediction["kind"], event["kind"])
        if (
            kinds != (EventKind.PREDICTION, EventKind.DECISION)
            or event["about"] != prediction["about"]
        ):
            raise LedgerBroken(f"Entry {one['index']} is no decision about this prediction.")
    proofs = {proof["index"]: proof for proof in document["proofs"]}
    sealed = read_json(from_base64(proofs[document["prediction"]["index"]]["event"]))["sealed"]
    for one in document.get("erasures", []):
        event = one["event"]
        if event["kind"] != EventKind.ERASURE or sealed["key"] not in event["body"]["keys"]:
            raise LedgerBroken(f"Entry {one['index']} is no erasure of this prediction.")
    for one in document["lifecycle"]:
        event, ref = one["event"], f"{body['model']}@{body['version']}"
        if event["about"] != ref or event["body"].get("digest") != body["package"]:
            raise LedgerBroken(f"Entry {one['index']} is not about {ref} with this package.")


def _told(told: Told) -> dict[str, Json]:
    value: dict[str, Json] = {"index": told.index, "event": told.event, "name": told.name}
    if told.erased:
        value |= {"personal": "erased", "why": told.erased}
        return value if told.erasure is None else value | {"erasure": told.erasure}
    return value if told.personal is None else value | {"personal": told.personal}


def _proof(proved: Proved) -> dict[str, Json]:
    return {
        "index": proved.index,
        "event": to_base64(proved.event),
        "salt": to_base64(proved.salt),
        "path": [to_base64(step) for step in proved.path],
    }
