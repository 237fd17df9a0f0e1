"""What jobs work on: sealed files that were sent, kept for a time and while a job needs them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Exists, Row, case, delete, exists, func, insert, select

from bedside.clock import is_id
from bedside.errors import Conflict, NotFound, Unavailable
from bedside.jobs.job import UNFINISHED
from bedside.jobs.tables import job_uploads, jobs
from bedside.store.database import Database


@dataclass(frozen=True, slots=True)
class Upload:
    """One upload as its row tells it.

    Attributes:
        id: A UUID, version 7; its file has the same name.
        person: Id of who sent it.
        key_id: Of the subject key under which it is sealed.
        size: Bytes of the sealed file.
        created_at: RFC 3339, UTC.
        kept_until: The same; longer for an unfinished job.
        about: Sealed: what it is, and the key of its file.
    """

    id: str
    person: str
    key_id: str
    size: int
    created_at: str
    kept_until: str
    about: bytes


@dataclass(frozen=True, slots=True)
class Room:
    """How many bytes of uploads are kept at a time, as they lie sealed on the disk.

    Attributes:
        all: Of everybody.
        of_one: Of one person.
    """

    all: int = 64 * 2**30
    of_one: int = 32 * 2**30


class Uploads:
    """The uploads of one site; safe to use from many threads and processes."""

    def __init__(self, database: Database, room: Room | None = None) -> None:
        self.room = room or Room()
        self._database = database

    def add(self, connection: Connection, upload: Upload) -> None:
        """Add an upload in the caller's `database.write()`.

        Raises:
            Unavailable: there is no room for it; of many that come at once, for some.
        """
        self._refuse_without_room(connection, upload.person, upload.size)
        values = {name: getattr(upload, name) for name in Upload.__slots__}
        connection.execute(insert(job_uploads).values(values))

    def refuse_without_room(self, person: str) -> None:
        """Do nothing when there is room for one more byte of a person, before anything of it comes.

        Raises:
            Unavailable: there is none.
        """
        with self._database.read() as connection:
            self._refuse_without_room(connection, person, 1)

    def get(self, upload_id: str) -> Upload:
        """Return an upload.

        Raises:
            NotFound: there is none, or it was removed.
        """
        with self._database.read() as connection:
            return self.on(connection, upload_id)

    def on(self, connection: Connection, upload_id: str) -> Upload:
        """Return an upload on a connection; see `get`."""
        row = None
        if is_id(upload_id):  # other texts may be none that a database takes
            query = select(job_uploads).where(job_uploads.c.id == upload_id)
            row = connection.execute(query).one_or_none()
        if row is None:
            raise NotFound(
                f"There is no upload {upload_id[:60]!r}.",
                advice="Send the file again; uploads are removed after a time.",
            )
        return _read(row)

    def remove(self, connection: Connection, upload_id: str) -> None:
        """Remove the row of an upload before its time, in the caller's `database.write()`.

        Raises:
            NotFound: there is none, or it was removed.
            Conflict: a job that is not finished needs it.
        """
        self.on(connection, upload_id)
        chosen = job_uploads.c.id == upload_id
        if not connection.execute(delete(job_uploads).where(chosen, ~_needed())).rowcount:
            raise Conflict(
                f"The upload {upload_id} is needed still: what works on it is not finished.",
                advice="Wait for it, or cancel it.",
            )

    def over(self, connection: Connection, now: str) -> Sequence[str]:
        """Return the ids of the uploads whose time is over and that no unfinished job needs."""
        query = select(job_uploads.c.id).where(job_uploads.c.kept_until < now, ~_needed())
        return list(connection.execute(query).scalars())

    def _refuse_without_room(self, connection: Connection, person: str, size: int) -> None:
        own = case((job_uploads.c.person == person, job_uploads.c.size), else_=0)
        query = select(func.sum(job_uploads.c.size), func.sum(own))
        of_all, of_one = (int(kept or 0) for kept in connection.execute(query).one())
        if of_one + size > self.room.of_one:
            raise Unavailable(
                f"{of_one} bytes of your uploads are kept; one person may keep {self.room.of_one}.",
                advice="Send it again when some of your analyses are done, or remove uploads that "
                "you keep (DELETE /v1/blobs/ID).",
            )
        if of_all + size > self.room.all:
            raise Unavailable(
                f"{of_all} bytes of uploads are kept; this site keeps {self.room.all}.",
                advice="Send it again when analyses are done; a site may keep more ([jobs]).",
            )


def _needed() -> Exists:
    """Return the condition that an unfinished job needs an upload."""
    return exists().where(jobs.c.upload == job_uploads.c.id, jobs.c.state.in_(UNFINISHED))


def _read(row: Row[Any]) -> Upload:
    told = row._mapping
    values = {name: told[name] for name in Upload.__slots__}
    return Upload(**values | {"about": bytes(told["about"])})
