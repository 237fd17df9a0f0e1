"""What goes into and comes out of the use cases: frozen values, the same for every door."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from bedside.canonical import Json
from bedside.errors import UsageError
from bedside.imaging.picture import Facts
from bedside.package.manifest import Manifest
from bedside.registry.lifecycle import words
from bedside.runtime.explained import Explained
from bedside.runtime.flags import Flag

MAX_SUBJECT: Final = 200
"""Characters of a subject's pseudonym: longer than any identifier of a patient or a study."""


class Verdict(StrEnum):
    """What a physician decided about the label that was shown."""

    AGREE = "agree"
    DISAGREE = "disagree"
    CORRECTED = "corrected"


@dataclass(frozen=True, slots=True)
class Row:
    """One input to predict for.

    Attributes:
        input: Values by field name, or a picture and what is stated of it, as the client sent them.
        subject: A pseudonym of the person it is about, or None. It finds the key under which the
            personal part of the record is sealed, so that the person can be erased later.
    """

    input: Json
    subject: str | None = None

    def __post_init__(self) -> None:
        """Refuse a subject that is blank, too long, or unprintable."""
        if self.subject is None:
            return
        if not self.subject.strip() or len(self.subject) > MAX_SUBJECT:
            raise UsageError(
                f"A subject of {len(self.subject)} characters cannot be used.",
                advice=f"Send a pseudonym of 1 to {MAX_SUBJECT} characters, or leave it out.",
            )
        if not self.subject.isprintable():
            raise UsageError("The subject holds an invisible character.", advice="Leave it out.")


@dataclass(frozen=True, slots=True)
class Prediction:
    """One recorded answer.

    Attributes:
        id: UUID by which it is decided about and traced.
        manifest: Of the package that answered.
        package: Digest of that manifest.
        epoch: The release epoch under which it was computed and recorded.
        label: The label shown, or None where the model gives a quantity.
        scores: Calibrated probability by label, or the quantity by its name.
        threshold: At or above it the positive label is shown; None without one.
        index: Position in the ledger.
        at: RFC 3339 time of the record, UTC.
        flags: What a reader of the answer must know.
        picture: What the file and the sender said of the picture; None for a row of fields.
        explanation: Why, where that was asked.
    """

    id: str
    manifest: Manifest
    package: str
    epoch: int
    label: str | None
    scores: Mapping[str, float]
    threshold: float | None
    index: int
    at: str
    flags: tuple[Flag, ...] = ()
    picture: Facts | None = None
    explanation: Explained | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided: `label` only when corrected, `reason` unless the verdict is agreement."""

    verdict: Verdict
    label: str | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class DecisionRecord:
    """A decision as recorded: its event, where it is in the ledger, and the label that stands."""

    event_id: str
    index: int
    at: str
    verdict: Verdict
    label: str | None


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether a released model answers here, and why not.

    Attributes:
        model: Name of the model.
        version: The released version.
        epoch: Its release epoch.
        ready: Whether this process has loaded it and its golden cases passed.
        reason: Why not, or an empty string.
        advice: The next step, or an empty string.
    """

    model: str
    version: str
    epoch: int
    ready: bool
    reason: str = ""
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Shown:
    """What the clinician saw: the label (None for a quantity), and the labels there were."""

    label: str | None
    labels: tuple[str, ...] = field(default=())


def tidy_reason(decision: Decision) -> str:
    """Return the reason as it is recorded.

    Raises:
        UsageError: there is none, and one is needed.
    """
    reason = decision.reason.strip()
    needed = reason or decision.verdict is not Verdict.AGREE
    return words(reason, "reason") if needed else reason


def check_decision(decision: Decision, shown: Shown) -> Decision:
    """Return `decision` with its reason tidied, once it fits what was shown.

    Raises:
        UsageError: corrected without another of the model's labels, a label without a correction,
            or no reason where one is needed.
    """
    reason = tidy_reason(decision)
    if decision.verdict is not Verdict.CORRECTED:
        if decision.label is not None:
            raise UsageError(
                f"The label {decision.label!r} was sent with the verdict {decision.verdict.value!r}.",
                advice="Send a label only with the verdict 'corrected'.",
            )
        return Decision(decision.verdict, None, reason)
    others = [label for label in shown.labels if label != shown.label]
    if decision.label not in others:
        raise UsageError(
            f"{decision.label!r} cannot replace the label {shown.label!r}.",
            advice=f"Choose from: {', '.join(others)}."
            if others
            else "This model gives a quantity: agree or disagree, with a reason.",
        )
    return Decision(decision.verdict, decision.label, reason)


def final_label(decision: Decision, shown: Shown) -> str | None:
    """Return the label that stands after `decision`: None where a disagreement names no other."""
    if decision.verdict is Verdict.AGREE:
        return shown.label
    return decision.label
