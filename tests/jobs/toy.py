"""Jobs of a toy trade on a real ledger: each job that is done is one event."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from bedside.canonical import Json, canonical_bytes, read_json
from bedside.clock import Clock, new_id, timestamp
from bedside.jobs.errand import Again, Errand, Fault, Heard, nowhere
from bedside.jobs.folder import UPLOADS, JobFiles
from bedside.jobs.frames import Frame, spell, spell_file, spell_json
from bedside.jobs.job import Held, Job, State
from bedside.jobs.jobs import Jobs, Terms
from bedside.jobs.keeping import Keeping, Times
from bedside.jobs.runner import Runner
from bedside.jobs.uploads import Upload, Uploads
from bedside.jobs.workshop import Bounds, Workshop
from bedside.keys.sealing import Sealed
from bedside.keys.subjects import SubjectKey, SubjectKeys
from bedside.ledger.events import Draft, EventKind
from bedside.ledger.ledger import Ledger
from bedside.store.duty import Duty
from bedside.store.workplace import Workplace

SECRET = b"the picture of a person"


@dataclass
class Toys:
    """Everything that jobs need, on one database.

    Attributes:
        changes: How often `record` finds that the world has changed.
        unready: What works on jobs that cannot be begun yet.
        module: What works on them.
    """

    ledger: Ledger
    keys: SubjectKeys
    folder: Path
    clock: Clock
    at: Fault = nowhere
    lease: float = 30.0
    changes: int = 0
    unready: set[str] = field(default_factory=set)
    module: str = "tests.jobs.toy_child"
    heard: list[dict[str, Json]] = field(default_factory=list)
    jobs: Jobs = field(init=False)
    files: JobFiles = field(init=False)
    uploads: Uploads = field(init=False)
    keeping: Keeping = field(init=False)

    def __post_init__(self) -> None:
        database = self.ledger.database
        self.jobs = Jobs(database, self.clock, Terms(lease=timedelta(seconds=self.lease)))
        self.files = JobFiles(self.folder / "files")
        self.uploads = Uploads(database)
        self.keeping = Keeping(self.jobs, self.uploads, self.files, Times(), self.clock)

    def runner(self, bounds: Bounds | None = None, lock: str = "jobs.lock") -> Runner:
        bounds = bounds or Bounds(2**30, priority="normal")
        workshop = Workshop(bounds, Duty(self.folder / lock), Workplace(self.folder / "work"))
        return Runner(self.jobs, self.keeping, self, workshop, self.at)

    def ready(self, job: Job) -> bool:
        return job.about not in self.unready

    def add(
        self,
        do: str = "give-back",
        person: str = "ada",
        memory: int = 1,
        claim: str | None = None,
        about: str = "toy",
        size: int = 0,
    ) -> Job:
        """Add an upload and a job for it, as a use case does."""
        key, upload, job = self.keys.for_nobody(), new_id(), new_id()
        self.at("uploading")
        with self.files.writing(f"{UPLOADS}/{upload}") as writer:
            for part in spell_file({"name": "one"}, SECRET + bytes(size)):
                writer.write(part)
        self.at("uploaded")
        now = timestamp(self.clock())
        told = sealed(key, upload, {"key": writer.key.hex()})
        sent = Upload(upload, person, key.id, writer.size, now, self.keeping.kept_until(), told)
        request = sealed(key, job, {"do": do})
        row = waiting_job(job, key.id, upload, request, now)
        row = changed(row, person=person, memory=memory, claim=claim, about=about)
        with self.ledger.database.write() as connection:
            self.uploads.add(connection, sent)
            self.jobs.add(connection, row)
        self.at("added")
        return row

    def errand(self, job: Job) -> Errand:
        key = self.keys.get(job.key_id)
        upload = self.uploads.get(job.upload)
        about = opened(key, upload.id, upload.about)
        asked = opened(key, job.id, job.request)

        def frames() -> object:
            yield spell_json(Frame.WORDS, asked)
            name = f"{UPLOADS}/{upload.id}"
            yield from self.files.reading(name, bytes.fromhex(about["key"]))
            yield spell(Frame.LAST)

        return Errand(self.module, "toy", frames())  # type: ignore[arg-type]

    def record(self, right: Held, job: Job, errand: Errand, heard: Heard) -> None:
        said, files = heard.said, heard.files
        self.heard.append(said)
        if self.changes:
            self.changes -= 1
            raise Again("The world changed.")
        key = self.keys.get(job.key_id)
        told: dict[str, Json] = {
            one.name: {"file": one.file, "key": one.key.hex()} for one in files
        }
        draft = Draft(
            kind=EventKind.PREDICTION,
            about=job.id,
            actor="ada",
            door="rest",
            body={"files": [one.sealed for one in files]},
            id=job.id,
        )
        with self.jobs.ending(right) as (connection, mine):
            self.ledger.append(connection, [draft])
            self.at("recording")
            state = State.REFUSED if "problem" in said else State.DONE
            code = str(said.get("problem", ""))
            self.jobs.end(connection, mine, state, code, sealed(key, job.id, told))

    def results(self, job: Job) -> dict[str, bytes]:
        """Return what came of a job, by name."""
        found = self.jobs.get(job.id)
        assert found.outcome is not None
        told = opened(self.keys.get(job.key_id), job.id, found.outcome)
        return {
            name: self.files.read(one["file"], bytes.fromhex(one["key"]))
            for name, one in told.items()
        }

    def events(self, job: Job) -> int:
        return len(self.ledger.find(kind=EventKind.PREDICTION, about=job.id))


def waiting_job(job: str, key_id: str, upload: str, request: bytes, now: str) -> Job:
    return Job(job, "toy", "toy", "ada", key_id, upload, now, request, memory=1)


def changed(job: Job, **changes: object) -> Job:
    return Job(**{name: changes.get(name, getattr(job, name)) for name in Job.__slots__})  # type: ignore[arg-type]


def sealed(key: SubjectKey, context: str, value: dict[str, Json]) -> bytes:
    box = key.seal(canonical_bytes(value), context.encode())
    return box.nonce + box.box


def opened(key: SubjectKey, context: str, data: bytes) -> dict[str, Json]:
    value: dict[str, Json] = read_json(key.open(Sealed(data[:12], data[12:]), context.encode()))
    return value


def until(true: object, seconds: float = 60.0) -> None:
    """Wait for something to come true."""
    assert callable(true)
    end = time.monotonic() + seconds
    pause = threading.Event()
    while not true():
        assert time.monotonic() < end, "it did not come true"
        pause.wait(0.02)
