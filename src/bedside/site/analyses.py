"""The analyses of a site, wired: its jobs, their files, and which process of a machine does them."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Final

from sqlalchemy import Connection

from bedside.jobs.errand import Fault, nowhere
from bedside.jobs.folder import JobFiles
from bedside.jobs.job import Job
from bedside.jobs.jobs import Jobs
from bedside.jobs.uploads import Uploads
from bedside.jobs.workshop import Workshop
from bedside.keys.site_key import SiteKey
from bedside.serving.analysing import Analysing
from bedside.serving.analysis_trade import Rooms, Stores
from bedside.serving.proving import Proofs
from bedside.serving.submitting import PURPOSE, Limits
from bedside.site.files import JOB_FILES_FOLDER, PROOFS_FOLDER, WORK_FOLDER
from bedside.site.job_settings import JobSettings
from bedside.store.duty import Duty
from bedside.store.workplace import Workplace

LOCK: Final = "jobs.lock"


def work_of(folder: Path, settings: JobSettings) -> tuple[Workshop, Proofs]:
    """Return what does the work of the site in `folder`, and what it proves; nothing is started."""
    place = Workplace(folder / WORK_FOLDER)
    workshop = Workshop(settings.bounds, Duty(folder / LOCK), place)
    return workshop, Proofs(workshop, folder / PROOFS_FOLDER, settings.engines)


def analyses_of(
    where: tuple[Path, Workshop],
    settings: JobSettings,
    rooms: Rooms,
    site_key: SiteKey,
    at: Fault = nowhere,
) -> Analysing:
    """Return the analyses of a site; nothing is started.

    Args:
        where: The site's folder, and what does its work.
        settings: Of jobs.
        rooms: Of the site.
        site_key: From which the key of claims comes.
        at: Told each point at which the process may end; a test lets it end there.
    """
    (folder, workshop), database = where, rooms.ledger.database
    stores = Stores(
        jobs=Jobs(database, rooms.clock, settings.terms, partial(_failed, rooms)),
        uploads=Uploads(database, settings.room),
        files=JobFiles(folder / JOB_FILES_FOLDER, settings.free_bytes),
        engines=settings.engines,
    )
    largest = min(settings.upload_bytes, settings.room.of_one)
    limits = Limits(largest, settings.upload_files, workshop.bounds.memory)
    work = (workshop, settings.times)
    return Analysing(rooms, stores, limits, work, site_key.derive(PURPOSE), at)


def _failed(rooms: Rooms, connection: Connection, job: Job) -> None:
    """Record that nothing came of a job, in the transaction that ends it."""
    from bedside.serving.analysis_record import ended_draft  # noqa: PLC0415 - brings what a job needs

    rooms.ledger.append(connection, [ended_draft(job, rooms.subject_keys)])
