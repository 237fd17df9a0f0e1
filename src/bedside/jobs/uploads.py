"""What jobs work on: sealed files that were sent, kept for a time and while a job needs them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, exists, func, insert, select

from bedside.errors import NotFound
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


class Uploads:
    """The uploads of one site; safe to use from many threads and processes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, connection: Connection, upload: Upload) -> None:
        """Add an upload in the caller's `database.write()`."""
        values = {name: getattr(upload, name) for name in Upload.__slots__}
        connection.execute(insert(job_uploads).values(values))

    def get(self, upload_id: str) -> Upload:
        """Return an upload.

        Raises:
            NotFound: there is none, or it was removed.
        """
        query = select(job_uploads).where(job_uploads.c.id == upload_id)
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        if row is None:
            raise NotFound(
                f"There is no upload {upload_id[:60]!r}.",
                advice="Send the file again; uploads are removed after a time.",
            )
        return _read(row)

    def kept_bytes(self) -> int:
        """Return how many bytes are kept of everybody."""
        query = select(func.coalesce(func.sum(job_uploads.c.size), 0))
        with self._database.read() as connection:
            return int(connection.execute(query).scalar_one())

    def over(self, connection: Connection, now: str) -> Sequence[str]:
        """Return the ids of the uploads whose time is over and that no unfinished job needs."""
        needed = exists().where(jobs.c.upload == job_uploads.c.id, jobs.c.state.in_(UNFINISHED))
        query = select(job_uploads.c.id).where(job_uploads.c.kept_until < now, ~needed)
        return list(connection.execute(query).scalars())


def _read(row: Row[Any]) -> Upload:
    told = row._mapping
    values = {name: told[name] for name in Upload.__slots__}
    return Upload(**values | {"about": bytes(told["about"])})
