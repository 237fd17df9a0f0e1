"""The use cases at the bedside: predict, decide, trace. Every door calls these and nothing else.

permission → released Runner → gate → preprocess → ONNX → postprocess (→ explanation, if asked)
  → drafts (sealed under each subject's key, fenced by the release epoch)
  → group commit → only then the answer
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Final

from bedside.clock import new_id
from bedside.errors import (
    Conflict,
    InputRefused,
    KeyUnavailable,
    Unavailable,
    UsageError,
)
from bedside.keys.subjects import SubjectKey, SubjectKeys
from bedside.ledger.claims import Claim
from bedside.ledger.events import Draft, Entry
from bedside.ledger.fences import FenceMoved
from bedside.ledger.group import GroupCommit, Recorded
from bedside.ledger.ledger import Ledger
from bedside.people.currency import PEOPLE_FENCE
from bedside.people.people import People
from bedside.people.permissions import Action, allowed
from bedside.people.person import Caller
from bedside.serving.attempt import ANY, Asking, Attempt, Terms
from bedside.serving.batches import plain_answers, spelled_attempt
from bedside.serving.computing import computed
from bedside.serving.outcomes import TRIES, awaited, confirmed, kept_changing, look_for, outcome
from bedside.serving.reading import reference, trace_read_draft
from bedside.serving.recording import Asked, decision_draft, prediction_draft, refusal_drafts
from bedside.serving.released import Loaded, ReleasedModels
from bedside.serving.story import Story
from bedside.serving.together import Together
from bedside.serving.trace import Trace
from bedside.serving.values import (
    Decision,
    DecisionRecord,
    Prediction,
    Readiness,
    Row,
    check_decision,
    final_label,
)

INLINE_BYTES: Final = 64 * 1024
"""Requests up to this size are computed on the event loop: their text costs it under 10 ms."""

PICTURES_AT_ONCE: Final = 2
"""Requests with pictures that are computed at once, in threads of their own; the next ones wait. Each
may take some hundred MiB. Rows of fields and explanations have other threads."""

EXPLANATIONS_AT_ONCE: Final = 2
"""Requests for explanations that are computed at once, in threads of their own: an answer alone, of
a picture or a row of fields, never waits behind one. Explanations wait behind explanations."""


class Serving:
    """The use cases of one site."""

    def __init__(
        self,
        ledger: Ledger,
        group: GroupCommit,
        people: People,
        subject_keys: SubjectKeys,
        story: Story,
        models: ReleasedModels,
    ) -> None:
        self._ledger = ledger
        self._group = group
        self._people = people
        self._subject_keys = subject_keys
        self._story = story
        self._pictures = ThreadPoolExecutor(PICTURES_AT_ONCE, "bedside-pictures")
        self._explanations = ThreadPoolExecutor(EXPLANATIONS_AT_ONCE, "bedside-explanations")
        self._together: tuple[asyncio.AbstractEventLoop, Together] | None = None
        self.models = models

    def together(self) -> Together:
        """Return what serves plain predictions of the running event loop as groups."""
        loop = asyncio.get_running_loop()
        if self._together is None or self._together[0] is not loop:
            self._together = (loop, Together(self._group, self._subject_keys))
        return self._together[1]

    async def answering(self, caller: Caller, model: str) -> Loaded:
        """Return what answers for `model` now, so that a door knows what to read from its client.

        Raises:
            PermissionRefused: the caller may not predict; recorded.
            NotFound: the site knows no such model.
            Unavailable: nothing is released, or the package cannot be read now.
            PackageRefused: the released package does not prove itself here.
        """
        if not allowed(caller.person.roles, Action.PREDICT) or self._people.ended(caller):
            await asyncio.to_thread(self._people.require, caller, Action.PREDICT, model)
        loaded = self.models.current(model)
        return loaded if loaded is not None else await asyncio.to_thread(self.models.fetch, model)

    async def predict(
        self,
        caller: Caller,
        model: str,
        rows: Sequence[Row],
        *,
        size: int = 0,
        explain: bool = False,
        terms: Terms = ANY,
    ) -> tuple[Prediction, ...]:
        """Return one recorded prediction for each row, or none at all.

        Args:
            caller: Who asks, through which door.
            model: Name of a released model.
            rows: What to predict for.
            size: Bytes in which the rows came; large ones are computed off the event loop.
            explain: Whether each answer comes with its explanation.
            terms: Which version alone may answer, and what the record claims.

        Raises:
            PermissionRefused: the caller may not predict; recorded.
            NotFound: the site knows no such model.
            Conflict: another version answers than the terms name, or the claim is taken
                (`ClaimTaken`).
            Unavailable: nothing is released, or releases kept changing, or the record failed.
            PackageRefused: the released package does not prove itself here.
            InputRefused: the gate refused a row; recorded, with the reasons.
            LimitExceeded: more pictures than are read at once.
            UsageError: no row, a number that JSON cannot say exactly, or an explanation that the
                model does not declare.

        If cancelled before all is computed, what is under way ends at the next picture or batch,
        and nothing is recorded.
        """
        begun = time.perf_counter_ns()
        inline = size <= INLINE_BYTES
        for _ in range(TRIES):
            loaded = await self.answering(caller, model)
            terms.check(loaded)
            request = Asking(caller, loaded, rows, begun, explain, terms)
            try:
                return await self._answered(request, inline=inline and request.small)
            except FenceMoved as moved:
                caller = await asyncio.to_thread(self._anew, moved, caller, model)
        raise kept_changing(model)

    def predict_now(
        self, caller: Caller, model: str, rows: Sequence[Row], *, explain: bool = False
    ) -> tuple[Prediction, ...]:
        """Return the same as `predict`, for a caller without an event loop; same steps and errors.

        Raises:
            Unavailable: also when the record is not confirmed within `RECORD_SECONDS`.
        """
        begun = time.perf_counter_ns()
        self._people.require(caller, Action.PREDICT, model)
        for _ in range(TRIES):
            loaded = self.models.current(model) or self.models.fetch(model)
            attempt, recorded = self._submitted(Asking(caller, loaded, rows, begun, explain))
            try:
                return outcome(attempt, awaited(recorded, look_for(attempt)))
            except FenceMoved as moved:
                caller = self._anew(moved, caller, model)
        raise kept_changing(model)

    def decide(
        self,
        caller: Caller,
        prediction_id: str,
        decision: Decision,
        claim: Claim | None = None,
    ) -> DecisionRecord:
        """Record what was decided about a prediction; a later decision supersedes an earlier one.

        Args:
            caller: Who decides, through which door.
            prediction_id: About which prediction.
            decision: What they decided.
            claim: Taken by the record, which is refused where it is taken.

        Raises:
            ClaimTaken: the claim is taken.
            PermissionRefused: the caller may not decide; recorded.
            NotFound: no such prediction is recorded.
            UsageError: the decision does not fit what was shown.
            Conflict: the prediction's subject was erased.
            Unavailable: the record failed, or is not confirmed within `RECORD_SECONDS`.
        """
        self._people.require(caller, Action.DECIDE, reference(prediction_id))
        prediction = self._story.prediction(prediction_id)
        shown = self._story.shown(prediction)
        fitting = check_decision(decision, shown)
        stands = final_label(fitting, shown)
        look = f"Read the trace of {prediction_id} before you decide again: it tells each decision."

        def drafted(present: Caller) -> Draft:
            key = self._key_of(prediction)  # behind the fence: the person may be erased meanwhile
            return decision_draft(present, prediction_id, fitting, stands, key)

        entry, _ = self._recorded((caller, Action.DECIDE, prediction_id), drafted, look, claim)
        return DecisionRecord(entry.id, entry.index, entry.at, fitting.verdict, stands)

    def trace(self, caller: Caller, prediction_id: str) -> Trace:
        """Return the full story of a prediction, with proofs, once it is on record who read it.

        So it is of what was refused, and of an analysis that was cancelled or failed.

        Raises:
            PermissionRefused: the caller may not read traces; recorded.
            NotFound: nothing is recorded of it.
            PackageDamaged: the archive of its package is not the one that the ledger names.
            Unavailable: the record failed, or is not confirmed within `RECORD_SECONDS`.
        """
        self._people.require(caller, Action.TRACE_READ, reference(prediction_id))
        prediction = self._story.asked(prediction_id)

        def shown(present: Caller) -> bool:
            return allowed(present.person.roles, Action.SUBJECT_READ)

        def drafted(present: Caller) -> Draft:
            return trace_read_draft(present, prediction_id, subject=shown(present))

        look = "Nothing was told. Ask for the trace again."
        _, present = self._recorded((caller, Action.TRACE_READ, prediction_id), drafted, look)
        return self._story.trace(prediction, subject=shown(present))

    def readiness(self) -> tuple[Readiness, ...]:
        """Return for every released model whether this process answers with it, by name."""
        return tuple(
            Readiness(found.release.model, found.release.version, found.release.epoch, True)
            if isinstance(found, Loaded)
            else Readiness(
                found.release.model,
                found.release.version,
                found.release.epoch,
                False,
                found.error.message,
                found.error.advice,
            )
            for found in self.models.standing()
        )

    def _key_of(self, prediction: Entry) -> SubjectKey:
        """Return the key under which a prediction was sealed.

        Raises:
            Conflict: its subject was erased.
        """
        try:
            return self._subject_keys.get(prediction.value["sealed"]["key"])
        except KeyUnavailable as problem:
            raise Conflict(
                f"The subject of the prediction {prediction.about} was erased.",
                advice="Nothing personal can be recorded about it any more.",
            ) from problem

    def _recorded(
        self,
        act: tuple[Caller, Action, str],
        drafted: Callable[[Caller], Draft],
        look: str,
        claim: Claim | None = None,
    ) -> tuple[Entry, Caller]:
        """Record what somebody does to a prediction, and return it with who they are at that moment.

        Raises:
            PermissionRefused: they may not any more; recorded.
            Unavailable: the record failed, or people kept changing.
        """
        caller, action, prediction_id = act
        for _ in range(TRIES):
            try:
                (entry,) = awaited(self._group.submit([drafted(caller)], claim), look)
            except FenceMoved:
                caller = self._people.renewed(caller, action, reference(prediction_id))
            else:
                return entry, caller
        raise Unavailable(
            f"People or keys of this site changed {TRIES} times while this was recorded.",
            advice="Send the request again.",
        )

    def _anew(self, moved: FenceMoved, caller: Caller, model: str) -> Caller:
        """Look anew at what moved, people or a release, and return the caller as they are now."""
        if moved.fence == PEOPLE_FENCE:
            return self._people.renewed(caller, Action.PREDICT, model)
        self.models.fetch(model)
        return caller

    async def _answered(self, request: Asking, *, inline: bool) -> tuple[Prediction, ...]:
        """Return what is recorded for a request; computed on the event loop where that is quick.

        Raises:
            FenceMoved: people or the release changed meanwhile.
        """
        loaded, rows = request.loaded, request.rows
        alone = len(rows) == 1 and request.terms.claim is None
        if inline and alone and loaded.spelling is not None:
            told = await self.together().ask(request.caller, loaded, rows[0])
            if isinstance(told, Prediction):
                return (told,)
            if told is not None:
                raise told
        keys = self._subject_keys.at_hand(len(rows)) if inline and request.quick else None
        if keys:
            request = replace(request, keys=keys)
            attempt = self._attempt(request)
            recorded = self._handed_over(request, attempt)
        elif request.explain:
            attempt, recorded = await self._in_thread(self._explanations, request)
        elif loaded.pictures:
            attempt, recorded = await self._in_thread(self._pictures, request)
        else:
            attempt, recorded = await asyncio.to_thread(self._submitted, request)
        return outcome(attempt, await confirmed(recorded, look_for(attempt)))

    async def _in_thread(
        self, threads: ThreadPoolExecutor, request: Asking
    ) -> tuple[Attempt, Recorded]:
        """Compute in one of `threads`; if cancelled, end what was begun, and forget what was not."""
        submitted = threads.submit(self._submitted, request)
        outcome = asyncio.wrap_future(submitted)
        try:
            return await asyncio.shield(outcome)
        except asyncio.CancelledError:
            request.given_up.set()
            if not submitted.cancel():
                await asyncio.wait((outcome,))
                if not outcome.cancelled():
                    outcome.exception()  # looked at, so that nobody logs it
            raise

    def _submitted(self, request: Asking) -> tuple[Attempt, Recorded]:
        """Compute, draft, seal and hand over to the group commit; never on an event loop."""
        request.going_on()
        attempt = self._attempt(request)
        request.going_on()
        # it may have taken long: the key may have ended by itself
        self._people.require(request.caller, Action.PREDICT, request.loaded.release.model)
        return attempt, self._handed_over(request, attempt)

    def _handed_over(self, request: Asking, attempt: Attempt) -> Recorded:
        claim = request.terms.claim if attempt.refused is None else None
        return self._group.submit(attempt.drafts, claim)

    def _attempt(self, request: Asking) -> Attempt:
        """Compute and draft; nothing is recorded and nobody is answered yet."""
        loaded, rows = request.loaded, request.rows
        if not rows:
            raise UsageError("There is no row to predict for.", advice="Send at least one input.")
        plain = answers = plain_answers(request)
        refused: InputRefused | None = None
        try:
            answers = plain or computed(
                loaded,
                [row.input for row in rows],
                explain=request.explain,
                going_on=request.going_on,
            )
        except InputRefused as refusal:
            refused = refusal
        microseconds = (time.perf_counter_ns() - request.begun) // 1000
        # the caller's fences are from before a person's key is looked up: should they be erased
        # meanwhile, nothing is recorded
        asked = Asked(request.caller, loaded.release, len(rows), microseconds, loaded.pictures)
        if refused is not None:
            return Attempt(loaded, (), (), self._refusals(asked, request, refused), refused)
        keys = request.keys or self._subject_keys.many([row.subject for row in rows])
        if plain and loaded.spelling is not None:
            return spelled_attempt(request, loaded.spelling, asked, answers, keys)
        ids = tuple(new_id() for _ in rows)
        places = enumerate(rows)
        drafts = tuple(
            prediction_draft(asked, *parts)
            for parts in zip(ids, places, answers, keys, strict=True)
        )
        return Attempt(loaded, ids, answers, drafts)

    def _refusals(self, asked: Asked, request: Asking, refused: InputRefused) -> tuple[Draft, ...]:
        rows, places = request.rows, sorted({refusal.row for refusal in refused.refusals})
        keys: Sequence[SubjectKey] = request.keys[: len(places)]
        if not keys:
            keys = self._subject_keys.many([rows[place].subject for place in places])
        return refusal_drafts(asked, rows, refused, dict(zip(places, keys, strict=True)))
