"""How a volume comes to be a durable job: permission, upload, key, row; one transaction, then an answer."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, TypeAlias

from bedside.canonical import canonical_bytes
from bedside.clock import new_id, timestamp
from bedside.errors import (
    BedsideError,
    Conflict,
    KeyUnavailable,
    LimitExceeded,
    NotFound,
    RepeatDiffers,
    Unavailable,
    UsageError,
)
from bedside.jobs.errand import Fault, nowhere
from bedside.jobs.job import Job
from bedside.jobs.jobs import claimed_on
from bedside.jobs.keeping import Keeping
from bedside.jobs.uploads import Upload
from bedside.keys.subjects import SubjectKey
from bedside.ledger.fences import FenceMoved
from bedside.people.permissions import Action
from bedside.people.person import Caller
from bedside.serving.admission import memory_declared
from bedside.serving.analysis_trade import KIND, Rooms, Stores
from bedside.serving.analysis_words import Asked, Order, Sent
from bedside.serving.outcomes import TRIES
from bedside.serving.reading import reference
from bedside.serving.receiving import Receiving
from bedside.serving.released import Loaded

PURPOSE: Final = b"bedside/v1/jobs"
"""Of the key under which the claims of jobs are digests."""

Source: TypeAlias = Receiving | str
"""An upload on its way, or the id of one that was kept."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What uploads may take.

    Attributes:
        bytes: Of one upload, all its files together.
        files: Of one upload.
        memory: Bytes that all jobs of this machine together may take.
    """

    bytes: int
    files: int
    memory: int


class Submitting:
    """Makes jobs of volumes; safe to use from many threads."""

    def __init__(
        self,
        rooms: Rooms,
        stores: Stores,
        limits: Limits,
        keeping: Keeping,
        secret: bytes,
        at: Fault = nowhere,
    ) -> None:
        """Wire it.

        Args:
            rooms: Of the site.
            stores: Where jobs and files are.
            limits: What uploads and jobs may take.
            keeping: How long uploads are kept.
            secret: 32 bytes; claims are digests under them.
            at: Where a test lets the process end.
        """
        self._rooms = rooms
        self._stores = stores
        self._limits = limits
        self._keeping = keeping
        self._secret = secret
        self._at = at

    def permitted(self, caller: Caller) -> None:
        """Check that the caller may ask for analyses.

        Raises:
            PermissionRefused: they may not; recorded.
        """
        self._rooms.people.current(caller, Action.PREDICT)

    def receiving(self, caller: Caller, *, keeps: bool = True) -> Receiving:
        """Return an upload that begins; its first file is refused where there is no room for it.

        Args:
            caller: Who sends it.
            keeps: Whether it will be kept; a repeat is only compared with what came before.

        Raises:
            Unavailable: the disk refuses.
        """
        self._at("uploading")
        uploads, person = self._stores.uploads, caller.person.id
        room = partial(uploads.refuse_without_room, person) if keeps else None
        return Receiving(self._stores.files, self._limits.bytes, self._limits.files, room)

    def keep(self, caller: Caller, received: Receiving, subject: str | None) -> Upload:
        """Keep an upload, for analyses that will name it; durable on return.

        Raises:
            PermissionRefused: the caller may not ask for analyses; recorded.
            UsageError: no file came, or the subject cannot be.
            Unavailable: there is no room for it, or the record failed.
        """
        caller = self._rooms.people.current(caller, Action.PREDICT)
        sent = received.whole(subject)
        until = self._keeping.kept_until()
        for _ in range(TRIES):
            key = self._rooms.subject_keys.many([subject])[0]
            upload = replace(self._upload(caller, received, sent, key), kept_until=until)
            try:
                with self._stores.jobs.database.write() as connection:
                    _refuse_moved(caller, partial(self._rooms.ledger.fence, connection))
                    self._stores.uploads.add(connection, upload)
            except FenceMoved:
                caller = self._rooms.people.renewed(caller, Action.PREDICT)
            else:
                received.keep()
                return upload
        raise _kept_changing()

    def drop(self, caller: Caller, upload_id: str) -> None:
        """Remove an upload that the caller kept, before its time.

        Raises:
            PermissionRefused: the caller may not ask for analyses; recorded.
            NotFound: they have no such upload.
            Conflict: an analysis that is not finished needs it.
            Unavailable: the disk refuses.
        """
        caller = self._rooms.people.current(caller, Action.PREDICT, reference(upload_id))
        self._keeping.drop(self._own(caller, upload_id).id)

    def known(self, caller: Caller, model: str, once: str) -> bool:
        """Return whether the caller began an analysis under this key; it need not be done again."""
        return self._stores.jobs.claimed(self._claim(caller, model, once)) is not None

    def repeated(
        self, caller: Caller, model: str, order: Order, source: Source, once: str
    ) -> Job | None:
        """Return the job that was begun under a key, once the same is asked; None where none was.

        What was asked for is told again although the upload's time is over or another version answers.

        Raises:
            PermissionRefused: the caller may not ask for analyses; recorded.
            UsageError: no file came, or the subject cannot be.
            Conflict: the subject was erased.
            NotFound: there is no such upload.
            RepeatDiffers: `once` was used for something else.
        """
        caller = self._rooms.people.current(caller, Action.PREDICT, model)
        found = self._stores.jobs.claimed(self._claim(caller, model, once))
        if found is None:
            return None
        before = self._asked(found)
        if source == found.upload:
            files, subject = before.files, order.subject or before.order.subject
        else:
            sent = self._sent(caller, source, order)
            files, subject = sent.told(), sent.subject
        asked = Asked(replace(order, subject=subject), files, caller.door, caller.credential)
        _refuse_another(before, asked)
        return found

    def submit(
        self, caller: Caller, loaded: Loaded, order: Order, source: Source, once: str | None = None
    ) -> tuple[Job, bool]:
        """Return the job of an analysis, durable, and whether it was there before.

        Args:
            caller: Who asks, through which door.
            loaded: What answers for the model.
            order: What is asked.
            source: The volume.
            once: A key of the client's, under which the same request is done once.

        Raises:
            PermissionRefused: the caller may not ask for analyses; recorded.
            UsageError: the model analyses no volumes, no file came, or the subject cannot be.
            LimitExceeded: this machine has not the memory that the package may take.
            Conflict: another version answers than was asked for, or the subject was erased.
            NotFound: there is no such upload.
            RepeatDiffers: `once` was used for something else.
            Unavailable: as many jobs wait as may, there is no room, or the record failed.
        """
        model = loaded.release.model
        if once is not None and (found := self.repeated(caller, model, order, source, once)):
            return found, True
        caller = self._rooms.people.current(caller, Action.PREDICT, model)
        self.memory_of(loaded)
        if order.version not in (None, loaded.release.version):
            raise Conflict(
                f"{model} answers with version {loaded.release.version}, not "
                f"{str(order.version)[:60]!r}.",
                advice="Ask for the one that answers, or for no version in particular.",
            )
        claim = None if once is None else self._claim(caller, model, once)
        received = source if isinstance(source, Receiving) else None
        sent = received.whole(order.subject) if received else None
        self._at("uploaded")
        for _ in range(TRIES):
            upload, sent, key = self._given(caller, source, order, sent)
            order = replace(order, subject=sent.subject)
            memory = self.memory_of(loaded, sent)
            asked = Asked(order, sent.told(), caller.door, caller.credential)
            job = self._job(caller, model, (upload, key, memory, claim), asked)
            try:
                found = self._added(caller, job, upload if received else None)
            except FenceMoved:
                caller = self._rooms.people.renewed(caller, Action.PREDICT, model)
                continue
            if found is not None:  # by somebody who sent the same at the same time
                _refuse_another(self._asked(found), asked)
                return found, True
            if received:
                received.keep()
            self._at("added")
            return job, False
        raise _kept_changing()

    def memory_of(self, loaded: Loaded, sent: Sent | None = None) -> int:
        """Return the bytes that an analysis by this package may take.

        Args:
            loaded: The package.
            sent: What came; None before that, for the smallest volume of the domain.

        Raises:
            UsageError: it analyses no volumes.
            LimitExceeded: this machine has not so much for jobs.
        """
        memory = memory_declared(loaded, sent)
        if memory > self._limits.memory:
            raise LimitExceeded(
                f"An analysis by {loaded.release.ref} may take {memory} bytes of memory; jobs may "
                f"take {self._limits.memory} here.",
                advice="Send a volume of fewer voxels; or use a machine with more memory, or allow "
                "more: memory_bytes in [jobs].",
            )
        return memory

    def _given(
        self, caller: Caller, source: Source, order: Order, sent: Sent | None
    ) -> tuple[Upload, Sent, SubjectKey]:
        """Return the upload, what it is, and the key under which it is sealed."""
        if isinstance(source, Receiving):
            assert sent is not None  # noqa: S101 - `submit` made it whole
            key = self._rooms.subject_keys.many([order.subject])[0]
            return self._upload(caller, source, sent, key), sent, key
        upload = self._own(caller, source)
        key = self._key(upload.key_id)
        sent = Sent.open(key, upload.id, upload.about)
        if order.subject not in (None, sent.subject):
            raise UsageError(
                "The upload is about another subject than the request.",
                advice="Leave the subject out, or send the file again with this subject.",
            )
        return upload, sent, key

    def _own(self, caller: Caller, upload_id: str) -> Upload:
        upload = self._stores.uploads.get(upload_id)
        if upload.person != caller.person.id:
            raise NotFound(f"You have no upload {upload_id}.", advice="Send the file yourself.")
        return upload

    def _sent(self, caller: Caller, source: Source, order: Order) -> Sent:
        if isinstance(source, Receiving):
            return source.whole(order.subject)
        return self._given(caller, source, order, None)[1]

    def _upload(self, caller: Caller, received: Receiving, sent: Sent, key: SubjectKey) -> Upload:
        now = timestamp(self._rooms.clock())
        return Upload(
            id=received.id,
            person=caller.person.id,
            key_id=key.id,
            size=received.size,
            created_at=now,
            kept_until=now,  # as long as a job needs it
            about=sent.seal(key, received.id),
        )

    def _job(
        self,
        caller: Caller,
        model: str,
        terms: tuple[Upload, SubjectKey, int, str | None],
        asked: Asked,
    ) -> Job:
        (upload, key, memory, claim), job_id = terms, new_id()
        return Job(
            id=job_id,
            kind=KIND,
            about=model,
            person=caller.person.id,
            key_id=key.id,
            upload=upload.id,
            claim=claim,
            memory=memory,
            created_at=timestamp(self._rooms.clock()),
            request=asked.seal(key, job_id),
        )

    def _added(self, caller: Caller, job: Job, upload: Upload | None) -> Job | None:
        """Add a job, and its upload where that is new; or return the job of the same claim.

        Raises:
            FenceMoved: people or keys changed, or somebody was erased, since the caller was read.
            NotFound: the upload was removed meanwhile.
            Unavailable: as many jobs wait as may, or there is no room.
        """
        with self._stores.jobs.database.write() as connection:
            _refuse_moved(caller, partial(self._rooms.ledger.fence, connection))
            found = None if job.claim is None else claimed_on(connection, job.claim)
            if found is None:
                if upload is not None:
                    self._stores.uploads.add(connection, upload)
                else:
                    self._stores.uploads.on(connection, job.upload)  # it may be removed by now
                self._stores.jobs.add(connection, job)
            return found

    def _key(self, key_id: str) -> SubjectKey:
        try:
            return self._rooms.subject_keys.get(key_id)
        except KeyUnavailable as gone:
            raise Conflict(
                "What was sent is about somebody who was erased.",
                advice="It cannot be read any more; send it again if it may be.",
            ) from gone

    def _claim(self, caller: Caller, model: str, once: str) -> str:
        parts = canonical_bytes([caller.person.id, KIND, model, once])
        return hmac.digest(self._secret, parts, "sha256").hex()

    def _asked(self, job: Job) -> Asked:
        return Asked.open(self._key(job.key_id), job.id, job.request)


def _refuse_another(before: Asked, asked: Asked) -> None:
    if not before.same(asked):
        raise RepeatDiffers(
            "This Idempotency-Key was used for another analysis.",
            advice="Use a new key for every new request; nothing was begun now.",
        )


def _refuse_moved(caller: Caller, found: Callable[[str], int]) -> None:
    """Check, inside the transaction, that nothing changed since the caller was read.

    Raises:
        FenceMoved: people or keys did, or somebody was erased.
    """
    for fence in caller.fences:
        if (value := found(fence.name)) != fence.value:
            raise FenceMoved(fence, value)


def _kept_changing() -> BedsideError:
    return Unavailable(
        f"People or keys of this site changed {TRIES} times while this was recorded.",
        advice="Send the request again.",
    )
