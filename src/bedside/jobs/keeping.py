"""How long uploads, jobs and their files are kept, and how they are removed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy import Connection, delete, insert, select

from bedside.clock import Clock, timestamp
from bedside.jobs.folder import JobFiles
from bedside.jobs.job import UNFINISHED
from bedside.jobs.jobs import Jobs
from bedside.jobs.tables import job_uploads, jobs
from bedside.jobs.uploads import Uploads

AT_ONCE: Final = 500
"""Ids in one statement."""

UNTOLD: Final = timedelta(hours=6)
"""How old a file is that no row tells of before it is removed: whoever wrote it is gone."""


@dataclass(frozen=True, slots=True)
class Times:
    """How long is kept what is not needed any more.

    Attributes:
        upload: After it came; an unfinished job keeps its upload longer.
        result: After the job ended.
    """

    upload: timedelta = timedelta(hours=24)
    result: timedelta = timedelta(days=30)


class Keeping:
    """Removes what is over; safe to use from many threads and processes.

    Attributes:
        files: The folder of the files.
    """

    def __init__(
        self, jobs_table: Jobs, uploads: Uploads, files: JobFiles, times: Times, clock: Clock
    ) -> None:
        self.files = files
        self._jobs = jobs_table
        self._uploads = uploads
        self._times = times
        self._clock = clock

    def kept_until(self) -> str:
        """Return until when an upload that comes now is kept."""
        return timestamp(self._clock() + self._times.upload)

    def tidy(self) -> None:
        """Remove uploads and results whose time is over, then files that no row tells of.

        Raises:
            Unavailable: the disk or the database refuses.
        """
        now = self._clock()
        self._drop_over(timestamp(now), timestamp(now - self._times.result))
        with self._jobs.database.read() as connection:
            known = set(connection.execute(select(jobs.c.id)).scalars())
            known |= set(connection.execute(select(job_uploads.c.id)).scalars())
        for path in self.files.strangers(known, (now - UNTOLD).timestamp()):
            self.files.remove(path)

    def drop(self, upload: str) -> None:
        """Remove an upload before its time.

        Raises:
            NotFound: there is none, or it was removed.
            Conflict: a job that is not finished needs it.
            Unavailable: the disk or the database refuses.
        """
        with self._jobs.database.write() as connection:
            self._uploads.remove(connection, upload)
        self.files.remove_upload(upload)

    def forget(self, keys: Sequence[str], again: bool) -> int:
        """Remove every job, upload and file sealed under one of `keys`; return how many rows.

        Args:
            keys: Ids of keys, which are destroyed already: nothing new comes under them.
            again: Whether an earlier attempt may have removed them, and not what they left.

        Raises:
            Unavailable: files, rows, or bytes of rows may still be on the disk: repeat it.
        """
        database = self._jobs.database
        with database.read() as connection:
            gone = gone_jobs, gone_uploads = self._of_keys(connection, keys)
        self._remove_files(gone_jobs, gone_uploads)  # while rows tell of them: it may be repeated
        if gone_jobs or gone_uploads:
            with database.write() as connection:
                if database.dialect == "sqlite":
                    _rewrite_without(connection, gone)
                else:
                    _without(connection, gone)
        self._remove_files(gone_jobs, ())  # of a worker that did not know yet
        if gone_jobs or gone_uploads or again:
            database.forget_overwritten(jobs.c.claim)
            database.forget_overwritten(job_uploads.c.about)
        return len(gone_jobs) + len(gone_uploads)

    def _remove_files(self, gone_jobs: Sequence[str], gone_uploads: Sequence[str]) -> None:
        for job in gone_jobs:
            self.files.remove_results(job)
        for upload in gone_uploads:
            self.files.remove_upload(upload)

    def _of_keys(self, connection: Connection, keys: Sequence[str]) -> tuple[list[str], list[str]]:
        found: tuple[list[str], list[str]] = ([], [])
        for start in range(0, len(keys), AT_ONCE):
            some = keys[start : start + AT_ONCE]
            for place, table in zip(found, (jobs, job_uploads), strict=True):
                query = select(table.c.id).where(table.c.key_id.in_(some))
                place.extend(connection.execute(query).scalars())
        return found

    def _drop_over(self, now: str, ended_before: str) -> None:
        with self._jobs.database.read() as connection:
            uploads = self._uploads.over(connection, now)
            query = select(jobs.c.id).where(
                jobs.c.ended_at < ended_before, jobs.c.state.not_in(UNFINISHED)
            )
            old = list(connection.execute(query).scalars())
        for upload in uploads:
            # a job may have come for it meanwhile: the row goes first, under the pen
            with self._jobs.database.write() as connection:
                if upload not in self._uploads.over(connection, now):
                    continue
                connection.execute(delete(job_uploads).where(job_uploads.c.id == upload))
            self.files.remove_upload(upload)
        for job in old:
            with self._jobs.database.write() as connection:
                connection.execute(delete(jobs).where(jobs.c.id == job))
            self.files.remove_results(job)


def _without(connection: Connection, gone: Sequence[Sequence[str]]) -> None:
    for table, ids in zip((jobs, job_uploads), gone, strict=True):
        for start in range(0, len(ids), AT_ONCE):
            some = ids[start : start + AT_ONCE]
            connection.execute(delete(table).where(table.c.id.in_(some)))


def _rewrite_without(connection: Connection, gone: Sequence[Sequence[str]]) -> None:
    # as for claims (ledger/forgetting.py): every page is given back and overwritten with zeros
    connection.exec_driver_sql("PRAGMA secure_delete=ON")
    _without(connection, gone)
    for table in (jobs, job_uploads):
        kept = connection.execute(select(table)).mappings().all()
        connection.execute(delete(table))
        if kept:
            connection.execute(insert(table), [dict(row) for row in kept])
    connection.exec_driver_sql("PRAGMA secure_delete=OFF")
