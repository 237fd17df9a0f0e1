"""How a worker does an analysis: what its child is given, and how the answer is recorded.

The answer is recorded, and its job ended, in one transaction, which finds the job still held and
the fences of release and people unmoved. So there is one result or none, it is by the version that
answers then, for somebody who may still ask, and of nobody who was erased.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from bedside.canonical import Json
from bedside.clock import Clock, read_timestamp
from bedside.errors import (
    BedsideError,
    Conflict,
    KeyUnavailable,
    NotFound,
    PackageRefused,
    PermissionRefused,
    SiteProblem,
    Unavailable,
)
from bedside.jobs.errand import Again, Errand, Fault, Heard, Over, nowhere
from bedside.jobs.folder import UPLOADS, JobFiles
from bedside.jobs.frames import Frame, spell, spell_file, spell_json
from bedside.jobs.job import Held, Job, State, held
from bedside.jobs.jobs import Jobs
from bedside.jobs.uploads import Uploads
from bedside.keys.subjects import SubjectKey, SubjectKeys
from bedside.ledger.events import Draft
from bedside.ledger.fences import FenceMoved
from bedside.ledger.ledger import Ledger
from bedside.people.currency import PEOPLE_FENCE
from bedside.people.people import People
from bedside.people.permissions import Action
from bedside.people.person import Caller
from bedside.registry.registry import Registry
from bedside.runtime.engines.engine import ONNX_ONLY, Engines
from bedside.serving.admission import memory_declared, voxels_admitted
from bedside.serving.analysis_errand import CHILD, PACKAGE, engines_told
from bedside.serving.analysis_words import Asked, Outcome, Sent
from bedside.serving.attempt import Terms
from bedside.serving.outcomes import TRIES
from bedside.serving.proving import NotProvedYet
from bedside.serving.released import Loaded, ReleasedModels
from bedside.store.blobs import Blobs
from bedside.store.failures import DatabaseUnavailable

KIND: Final = "analysis"


@dataclass(frozen=True, slots=True)
class Rooms:
    """What an analysis needs of a site.

    Attributes:
        ledger: The record.
        people: Who may ask.
        registry: Versions and releases.
        subject_keys: The keys of personal parts.
        blobs: The packages' archives.
        models: What answers here.
        clock: Tells the time.
    """

    ledger: Ledger
    people: People
    registry: Registry
    subject_keys: SubjectKeys
    blobs: Blobs
    models: ReleasedModels
    clock: Clock


@dataclass(frozen=True, slots=True)
class Stores:
    """Where jobs, uploads and files are, and where networks find weights that no package holds."""

    jobs: Jobs
    uploads: Uploads
    files: JobFiles
    engines: Engines = ONNX_ONLY


@dataclass(frozen=True, slots=True)
class _Begun:
    """What was found when an attempt began."""

    loaded: Loaded
    asked: Asked
    key: SubjectKey


class AnalysisTrade:
    """Does analyses; see `jobs.errand.Trade`."""

    def __init__(self, rooms: Rooms, stores: Stores, at: Fault = nowhere) -> None:
        self._rooms = rooms
        self._stores = stores
        self._at = at

    def ready(self, job: Job) -> bool:
        """Return whether it can be begun now; see `Trade.ready`.

        A version whose golden cases are being replayed is worth waiting for, and so is one of which a
        replay came to no end: it is tried again, and readiness tells why. Why a refused one does not
        answer is found again, and told, by whoever begins the job.
        """
        return self._rooms.models.awaited(job.about) is None

    def errand(self, job: Job) -> Errand:
        """Return what a child is to do.

        Raises:
            Over: the person was erased, or no version answers that may.
            Again: the version that answers is not ready yet, or takes more memory than was declared.
            Unavailable: the database does not answer.
        """
        key = self._key(job)
        asked = Asked.open(key, job.id, job.request)
        try:
            upload = self._stores.uploads.get(job.upload)
        except NotFound as gone:
            raise self._over(job, key, "upload-gone", gone) from gone
        sent = Sent.open(key, upload.id, upload.about)
        loaded = self._loaded(job, key, asked)
        begun = _Begun(loaded, asked, key)
        memory = memory_declared(loaded, sent)
        if memory > job.memory:
            self._stores.jobs.declare(held(job), memory)
            raise Again("The version that answers now takes more memory than was declared.")
        files = self._files(job, key, sent)
        frames = self._frames(asked, loaded, sent, files)
        return Errand(CHILD, loaded.release.digest, frames, begun)

    def record(self, right: Held, job: Job, errand: Errand, heard: Heard) -> None:
        """Record what came of it, and end the job, in one transaction; see `Trade.record`."""
        begun = errand.context
        assert isinstance(begun, _Begun)  # noqa: S101 - `errand` made it
        for _ in range(TRIES):
            caller = self._caller(job, begun)
            key = self._key(job)  # behind the fence: the person may be erased meanwhile
            try:
                self._recorded(right, (job, begun, heard), caller, key)
            except FenceMoved as moved:
                if moved.fence != PEOPLE_FENCE:
                    raise Again("Another version was released meanwhile.") from moved
            else:
                return
        raise Again("People or keys of this site kept changing.")

    def _recorded(
        self, right: Held, work: tuple[Job, _Begun, Heard], caller: Caller, key: SubjectKey
    ) -> None:
        job, begun, heard = work
        draft, outcome = self._drafted(job, begun, heard, (caller, key))
        state, code = _ending(heard)
        with self._stores.jobs.ending(right) as (connection, mine):
            if draft is not None:
                (entry,) = self._rooms.ledger.append(connection, [draft])
                outcome.update(index=entry.index, at=entry.at)
            self._at("recording")
            kept = Outcome(**outcome).seal(key, job.id)
            self._stores.jobs.end(connection, mine, state, code, kept)

    def _drafted(
        self, job: Job, begun: _Begun, heard: Heard, by: tuple[Caller, SubjectKey]
    ) -> tuple[Draft | None, dict[str, Json]]:
        """Return the event of what came of it, and what is kept in the job's row."""
        from bedside.serving.analysis_record import (  # noqa: PLC0415 - a service may never need it
            Analysed,
            analysis_draft,
            analysis_refusal,
        )

        said, release, (caller, key) = heard.said, begun.loaded.release, by
        waited = self._rooms.clock() - read_timestamp(job.created_at)
        microseconds = int(waited.total_seconds() * 1_000_000)
        analysed = Analysed(
            job.id, begun.asked, caller, release, begun.loaded.manifest, microseconds
        )
        outcome: dict[str, Json] = {"version": release.version, "package": release.digest}
        if "answer" in said:
            outcome |= {"answer": said["answer"], "files": heard.files}
            return analysis_draft(analysed, heard, key), outcome
        outcome |= {"message": str(said["message"]), "advice": str(said["advice"])}
        if "refusals" not in said:
            return None, outcome
        outcome |= {"refusals": tuple(said["refusals"])}
        return analysis_refusal(analysed, heard, key), outcome

    def _caller(self, job: Job, begun: _Begun) -> Caller:
        """Return who asked, as they are now.

        Raises:
            Over: they may not ask any more; recorded.
        """
        people, asked = self._rooms.people, begun.asked
        caller = Caller(people.get(job.person), asked.door, asked.credential)
        try:
            return people.renewed(caller, Action.PREDICT, job.about)
        except PermissionRefused as refused:
            raise self._over(job, begun.key, "not-permitted", refused) from refused

    def _loaded(self, job: Job, key: SubjectKey, asked: Asked) -> Loaded:
        try:
            loaded = self._rooms.models.fetch(job.about, wait=False)
            Terms(asked.order.version).check(loaded)
        except DatabaseUnavailable:
            raise
        except NotProvedYet as waiting:
            raise Again("A version was released that is being proved.") from waiting
        except (NotFound, Unavailable, PackageRefused, Conflict) as problem:
            if isinstance(problem, Unavailable) and self._released(job.about):
                raise Again("The version that is released cannot answer yet.") from problem
            code = "another-version" if isinstance(problem, Conflict) else "no-model"
            raise self._over(job, key, code, problem) from problem
        return loaded

    def _released(self, model: str) -> bool:
        """Return whether there is a version that answers, or may later."""
        models = self._rooms.models
        return models.current(model) is not None or models.awaited(model) is not None

    def _key(self, job: Job) -> SubjectKey:
        try:
            return self._rooms.subject_keys.get(job.key_id)
        except KeyUnavailable as gone:
            raise Over(State.FAILED, "erased") from gone

    def _over(self, job: Job, key: SubjectKey, code: str, problem: BedsideError) -> Over:
        outcome = Outcome(message=problem.message, advice=problem.advice)
        return Over(State.FAILED, code, outcome.seal(key, job.id))

    def _files(self, job: Job, key: SubjectKey, sent: Sent) -> Iterator[bytes]:
        try:
            yield from self._stores.files.reading(f"{UPLOADS}/{job.upload}", sent.key)
        except NotFound as gone:
            raise self._over(job, key, "upload-gone", gone) from gone
        except SiteProblem as damaged:
            raise self._over(job, key, "upload-damaged", damaged) from damaged

    def _frames(
        self, asked: Asked, loaded: Loaded, sent: Sent, files: Iterator[bytes]
    ) -> Iterator[bytes]:
        archive = self._rooms.registry.version(loaded.release.ref).archive
        told: dict[str, Json] = {
            "stated": asked.order.stated(),
            "choice": asked.order.choice(),
            "style": asked.order.style(),
            "memory": memory_declared(loaded, sent),
            "voxels": voxels_admitted(loaded.manifest, sent),
            **engines_told(self._stores.engines),
        }
        yield spell_json(Frame.WORDS, told)
        yield from spell_file({"name": PACKAGE}, self._rooms.blobs.get(archive))
        yield from files
        yield spell(Frame.LAST)


def _ending(heard: Heard) -> tuple[State, str]:
    """Return how a job ends of which a child said this, and why, in a word."""
    said = heard.said
    if "answer" in said:
        return State.DONE, ""
    if "refusals" in said:
        return State.REFUSED, "input-refused"
    return State.FAILED, "memory" if said["problem"] == "memory" else "cannot-be-analysed"
