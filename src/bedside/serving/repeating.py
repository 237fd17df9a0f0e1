"""A request that is sent again under the same key: it gets the answer that it got, and no second record.

Whoever sends a request and hears nothing cannot know whether it was recorded. With a key of their
own they send it again: the first one takes a claim in the transaction that records its answer, so
that no other is recorded under that key, in whichever process and whatever happened in between. A
repeat is told what stands in the ledger, opened with the subject's key. The claim's name is a keyed
digest of person, use case, model and key, so that it tells nothing.

A refused input takes no claim: nothing was answered, and it may be corrected and sent again.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from bedside.canonical import Json, canonical_bytes, read_json
from bedside.errors import Conflict, KeyUnavailable, RepeatDiffers, UsageError
from bedside.imaging.picture import Facts
from bedside.keys.sealing import Sealed
from bedside.keys.subjects import SubjectKey, SubjectKeys
from bedside.ledger.claims import Claim, ClaimTaken
from bedside.ledger.encoding import from_base64
from bedside.ledger.events import Entry, EventKind
from bedside.ledger.ledger import Ledger
from bedside.package.manifest import Manifest
from bedside.people.people import People
from bedside.people.permissions import Action
from bedside.people.person import Caller
from bedside.runtime.flags import Flag
from bedside.serving.attempt import ANY, Terms
from bedside.serving.pictured import kept_row
from bedside.serving.reading import reference
from bedside.serving.serving import Serving
from bedside.serving.values import (
    Decision,
    DecisionRecord,
    Prediction,
    Row,
    Verdict,
    tidy_reason,
)

PURPOSE: Final = b"bedside/v1/claims"
"""Of the key under which the names of claims are digests."""


@dataclass(frozen=True, slots=True)
class Once:
    """What is to be done once: by which use case, under which key.

    Attributes:
        route: Which way in; the same key by another route is another key.
        key: The client's, as it was sent.
    """

    route: str
    key: str


@dataclass(frozen=True, slots=True)
class Predicted:
    """Predictions, and whether they were told before."""

    predictions: tuple[Prediction, ...]
    repeated: bool


class Repeating:
    """Predicts and decides once for each key; safe to use from many threads."""

    def __init__(
        self,
        serving: Serving,
        ledger: Ledger,
        people: People,
        subject_keys: SubjectKeys,
        manifest: Callable[[str, str], Manifest],
        secret: bytes,
    ) -> None:
        """Wire it.

        Args:
            serving: Does what was not done before.
            ledger: Where claims and answers stand.
            people: Say who may do what.
            subject_keys: Open the personal part of an answer that is told again.
            manifest: From `name@version` and the package's digest to its manifest.
            secret: 32 bytes; names of claims are digests under them.
        """
        self._serving = serving
        self._ledger = ledger
        self._people = people
        self._subject_keys = subject_keys
        self._manifest = manifest
        self._secret = secret

    async def predict(
        self,
        caller: Caller,
        model: str,
        rows: Sequence[Row],
        once: Once,
        *,
        size: int = 0,
        terms: Terms = ANY,
    ) -> Predicted:
        """Return what `Serving.predict` returns, or the answer that was recorded under the key.

        Raises:
            RepeatDiffers: the key was used for something else.
            Conflict: the subject of the recorded answer was erased.
            PermissionRefused: the caller may not predict; recorded.
            BedsideError: whatever `Serving.predict` raises.
        """
        claim = self._claim(caller, once, model)
        act = (Action.PREDICT, model)
        caller, recorded = await asyncio.to_thread(self._recorded, caller, act, claim)
        if not recorded:
            try:
                predictions = await self._serving.predict(
                    caller, model, rows, size=size, terms=replace(terms, claim=claim)
                )
            except ClaimTaken:  # by somebody who sent the same at the same time
                _, recorded = await asyncio.to_thread(self._recorded, caller, act, claim)
            else:
                return Predicted(predictions, repeated=False)
        told = await asyncio.to_thread(self._predictions, recorded, rows, terms)
        return Predicted(told, repeated=True)

    def decide(
        self, caller: Caller, prediction_id: str, decision: Decision, once: Once
    ) -> tuple[DecisionRecord, bool]:
        """Return what `Serving.decide` returns, or what was recorded; and whether it was before.

        Raises:
            RepeatDiffers: the key was used for something else.
            Conflict: the prediction's subject was erased.
            PermissionRefused: the caller may not decide; recorded.
            BedsideError: whatever `Serving.decide` raises.
        """
        claim = self._claim(caller, once, prediction_id)
        act = (Action.DECIDE, reference(prediction_id))
        caller, recorded = self._recorded(caller, act, claim)
        if not recorded:
            try:
                return self._serving.decide(caller, prediction_id, decision, claim), False
            except ClaimTaken:
                _, recorded = self._recorded(caller, act, claim)
        return self._decision(recorded, decision), True

    def _claim(self, caller: Caller, once: Once, about: str) -> Claim:
        parts = canonical_bytes([caller.person.id, once.route, about, once.key])
        return Claim(hmac.digest(self._secret, parts, "sha256").hex())

    def _recorded(
        self, caller: Caller, act: tuple[Action, str], claim: Claim
    ) -> tuple[Caller, tuple[Entry, ...]]:
        """Return who asks as they are now, and what stands under the claim: telling it needs no record."""
        recorded = self._ledger.claimed(claim)
        return self._people.current(caller, *act), recorded

    def _predictions(
        self, recorded: Sequence[Entry], rows: Sequence[Row], terms: Terms
    ) -> tuple[Prediction, ...]:
        """Return the recorded answers, once `rows` are what they answer."""
        body = _first(recorded, EventKind.PREDICTION).value["body"]
        if len(recorded) != len(rows):
            raise _differs(f"{len(recorded)} row(s)")
        if terms.version not in (None, body["version"]):
            raise _differs(f"version {body['version']}")
        manifest = self._manifest_of(body)
        return tuple(
            self._prediction(entry, row, manifest)
            for entry, row in zip(recorded, rows, strict=True)
        )

    def _manifest_of(self, body: Mapping[str, Json]) -> Manifest:
        loaded = self._serving.models.current(body["model"])
        if loaded is not None and loaded.release.digest == body["package"]:
            return loaded.manifest
        return self._manifest(f"{body['model']}@{body['version']}", body["package"])

    def _prediction(self, entry: Entry, row: Row, manifest: Manifest) -> Prediction:
        event = entry.value
        body = event["body"]
        key, sealed = self._opened(event)
        picture = sealed.get("picture")
        if (sealed["subject"], body["input"]) != (
            row.subject,
            _digest(key, row, pictured=picture is not None),
        ):
            raise _differs("other rows, or rows of other subjects")
        return Prediction(
            id=entry.about,
            manifest=manifest,
            package=body["package"],
            epoch=body["epoch"],
            label=body["label"],
            scores=sealed["scores"],
            threshold=body["threshold"],
            index=entry.index,
            at=entry.at,
            flags=tuple(Flag(one["code"], one["detail"]) for one in sealed.get("flags", ())),
            picture=None if picture is None else Facts(**picture),
        )

    def _decision(self, recorded: Sequence[Entry], decision: Decision) -> DecisionRecord:
        entry = _first(recorded, EventKind.DECISION)
        event = entry.value
        body = event["body"]
        _, sealed = self._opened(event)
        stands = body["label"] if decision.verdict is Verdict.AGREE else decision.label
        if (body["verdict"], body["label"], sealed["reason"]) != (
            decision.verdict.value,
            stands,
            tidy_reason(decision),
        ):
            raise _differs("another decision")
        return DecisionRecord(entry.id, entry.index, entry.at, decision.verdict, body["label"])

    def _opened(self, event: Mapping[str, Json]) -> tuple[SubjectKey, dict[str, Json]]:
        """Return the subject's key and the personal part of an event.

        Raises:
            Conflict: the subject was erased.
        """
        sealed = event["sealed"]
        try:
            key = self._subject_keys.get(sealed["key"])
        except KeyUnavailable as problem:
            raise Conflict(
                "What was recorded under this Idempotency-Key is about somebody who was erased.",
                advice="It cannot be told again. Nothing was recorded now.",
            ) from problem
        box = Sealed(from_base64(sealed["nonce"]), from_base64(sealed["box"]))
        personal: dict[str, Json] = read_json(key.open(box, event["id"].encode()))
        return key, personal


def _first(recorded: Sequence[Entry], kind: EventKind) -> Entry:
    if not recorded or recorded[0].kind != kind:
        raise Conflict(
            "What was recorded under this Idempotency-Key cannot be found.",
            advice="Send the request under a new key.",
        )
    return recorded[0]


def _digest(key: SubjectKey, row: Row, *, pictured: bool) -> str:
    """Return the keyed digest of a row as `recording` makes it; empty where it could not answer."""
    try:
        return key.digest(canonical_bytes(kept_row(row.input) if pictured else row.input))
    except (UsageError, ValueError, TypeError, LookupError, AttributeError):
        return ""  # no such row was ever recorded


def _differs(recorded: str) -> RepeatDiffers:
    return RepeatDiffers(
        f"This Idempotency-Key was used for another request: recorded is {recorded}.",
        advice="Use a new key for every new request; nothing was recorded now.",
    )
