"""A site: one folder (and its database), all rooms wired together, opened once per process."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from datetime import timedelta
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from bedside.clock import Clock, new_id, system_clock, timestamp
from bedside.errors import Conflict, LedgerBroken, SiteProblem, Unavailable
from bedside.keys.signing import SigningKey
from bedside.keys.site_key import SiteKey
from bedside.keys.subjects import SubjectKeys
from bedside.ledger import merkle
from bedside.ledger.audit import Verdict
from bedside.ledger.claims import Claims
from bedside.ledger.events import Draft, EventKind
from bedside.ledger.group import GroupCommit
from bedside.ledger.ledger import Ledger
from bedside.people.api_key import IssuedKey
from bedside.people.people import People
from bedside.people.person import clean_name
from bedside.registry.registry import Registry
from bedside.serving.analysing import Analysing
from bedside.serving.analysis_trade import Rooms
from bedside.serving.erasing import Elsewhere, Erasing
from bedside.serving.released import ReleasedModels
from bedside.serving.repeating import PURPOSE as CLAIMS_PURPOSE
from bedside.serving.repeating import Repeating
from bedside.serving.serving import Serving
from bedside.serving.story import Story
from bedside.site.analyses import analyses_of, work_of
from bedside.site.audit import check_rows
from bedside.site.backup.duty import BackupDuty
from bedside.site.backup.forgetting import forget_keys
from bedside.site.backup.scratch import sweep_scratch
from bedside.site.configuration import record_change, recorded_settings
from bedside.site.files import (
    BLOBS_FOLDER,
    make_folders,
    new_ledger_key,
    write_file,
)
from bedside.site.key_settings import KeySettings
from bedside.site.rekeying import first_key, ledger_signer
from bedside.site.schema import check_schema, upgrade
from bedside.site.settings import (
    SETTINGS_FILE,
    DatabaseSettings,
    Settings,
    read_settings,
    write_settings,
)
from bedside.site.unlocking import KEYS_FOLDER, make_key, unlock, with_fingerprint
from bedside.site.witnesses import Witnessed, witnessing_of
from bedside.store.blobs import FolderBlobs
from bedside.store.database import Database

DATABASE_VARIABLE: Final = "BEDSIDE_DATABASE_URL"
DATABASE_FILE: Final = "bedside.db"
SUBJECT_KEYS_FILE: Final = "subjects.db"


class Site:
    """One opened site. Use it as a context manager, or close it.

    Attributes:
        folder: Where it is.
        settings: What is set in `site.toml`.
        clock: Tells the time to every room.
        database: Everything but blobs and subject keys.
        blobs: The packages' archives.
        subject_keys: The keys of personal parts, in a database of their own.
        ledger: The record.
        group: Records for many callers at once.
        people: Who may come in.
        workshop: What long work takes of this machine.
        proofs: Volume packages that proved themselves here.
        registry: Versions and releases.
        serving: Predict, decide, trace.
        analysing: Long analyses as durable jobs.
        erasing: Erase and hold, by two people.
        witnessing: Who sees this ledger grow.
        witnessed: The ledgers that this site sees grow.
        backups: Makes generations while the service runs.
    """

    def __init__(
        self,
        folder: Path,
        settings: Settings,
        clock: Clock,
        *,
        hold: bool = True,
        url: str | None = None,
        site_key: SiteKey | None = None,
    ) -> None:
        """Wire the rooms of the site in `folder`; `open` and `create` are the ways to get one.

        A restore gives the database's address itself, whatever environment and settings say; a
        drill gives the site key, so that its copy holds none.
        """
        self.folder = folder
        self.settings = settings
        self.clock = clock
        with ExitStack() as opened:
            url = url or database_url(folder, settings, os.environ)
            self.database = Database.open(url)
            opened.callback(self.database.close)
            check_schema(self.database)
            keys = folder / KEYS_FOLDER
            site_key = site_key or unlock(folder, settings)
            self.subject_keys = SubjectKeys.open(keys_url(folder, url), site_key, clock)
            opened.callback(self.subject_keys.close)
            signer = ledger_signer(keys, settings.origin, self.database)
            claims = Claims(timedelta(hours=settings.limits.repeat_hours))
            self.ledger = Ledger(
                self.database, self.subject_keys, signer, settings.origin, clock, claims
            )
            self.ledger.first_key = first_key(keys, signer)
            check_tail(self.ledger)
            self.witnessing = witnessing_of(self.ledger, settings.witness, clock)
            if hold:
                self.witnessing.hold()
            check_rows(self.database)
            self._wire(site_key)
            self.group.start()
            opened.callback(self.group.close)
            self._closing = opened.pop_all()
        self._closed = False

    def _wire(self, site_key: SiteKey) -> None:
        """Make the rooms that stand on database, keys and ledger."""
        settings, clock = self.settings, self.clock
        self.blobs = FolderBlobs(self.folder / BLOBS_FOLDER)
        self.people = People(self.database, self.ledger, clock)
        self.witnessed = Witnessed(self.ledger, self.people, self.folder / KEYS_FOLDER, clock)
        self.workshop, self.proofs = work_of(self.folder, settings.jobs)
        self.registry = Registry(
            self.database, self.ledger, self.people, self.blobs, clock, self.proofs
        )
        self.group = GroupCommit(self.ledger)
        story = Story(self.ledger, self.people, self.registry, self.subject_keys, self.blobs)
        models = ReleasedModels(self.registry, self.ledger, self.proofs)
        self.serving = Serving(
            self.ledger, self.group, self.people, self.subject_keys, story, models
        )
        self.repeating = Repeating(
            self.serving,
            self.ledger,
            self.people,
            self.subject_keys,
            story.manifest,
            site_key.derive(CLAIMS_PURPOSE),
        )
        self.analysing = self._analyses(site_key)
        self.erasing = Erasing(
            self.ledger,
            self.people,
            self.subject_keys,
            clock,
            settings.privacy.erasure_days,
            Elsewhere(
                self.analysing.keeping.forget,
                partial(forget_keys, self.folder, settings, site_key),
            ),
        )
        self.backups = BackupDuty(self.folder, settings, clock)

    def _analyses(self, site_key: SiteKey) -> Analysing:
        rooms = Rooms(
            ledger=self.ledger,
            people=self.people,
            registry=self.registry,
            subject_keys=self.subject_keys,
            blobs=self.blobs,
            models=self.serving.models,
            clock=self.clock,
        )
        return analyses_of((self.folder, self.workshop), self.settings.jobs, rooms, site_key)

    @classmethod
    def create(
        cls,
        folder: Path,
        name: str,
        admin: str,
        clock: Clock = system_clock,
        keys: KeySettings | None = None,
    ) -> tuple[Self, IssuedKey]:
        """Make a new site, and return it opened, with the first administrator's key.

        Args:
            folder: A folder that is empty or does not exist.
            name: What people call the site.
            admin: Name of the first administrator.
            clock: Tells the time.
            keys: Where the site key is to be; None: a file in the folder.

        Raises:
            Conflict: a site is there already, or the database holds one.
            SiteProblem: the folder is in use for something else, or cannot be used.
            UsageError: a name that cannot be used.
            KeyUnavailable: the site key cannot be kept where `keys` says.
            Unavailable: a key service does not answer now.
        """
        folder = folder.absolute()
        clean_name(admin)
        settings = Settings(
            id=new_id(),
            name=clean_name(name, "name of the site"),
            created=timestamp(clock()),
            database=DatabaseSettings(),
            keys=keys or KeySettings(),
        )
        make_folders(folder)
        url = database_url(folder, settings, os.environ)
        database = Database.open(url)
        try:
            _refuse_other_site(database)
            settings = with_fingerprint(settings, make_key(folder, settings))
            signer = new_ledger_key(folder / KEYS_FOLDER, settings.origin)
            upgrade(database)
        finally:
            database.close()
        # written last: a folder with settings is a whole site
        write_file(folder / SETTINGS_FILE, write_settings(settings), 0o600)
        site = cls(folder, settings, clock)
        try:
            site.ledger.record(_site_opened(settings, signer))
            _, key = site.people.found(admin)
            site.ledger.checkpoint()
        except BaseException:
            site.close()
            raise
        return site, key

    @classmethod
    def open(cls, folder: Path, clock: Clock = system_clock, *, hold: bool = True) -> Self:
        """Open the site in `folder`.

        Args:
            folder: Where it is.
            clock: Tells the time.
            hold: Whether to hold the ledger against what its witnesses saw; a witness that does
                not answer is passed over.

        Raises:
            SiteProblem: no site, settings or a schema that cannot be used, or a disk that is not
                kept.
            KeyUnavailable: a key is missing, or others may read it.
            LedgerBroken: the end of the ledger is not signed, does not fit the latest checkpoint
                or a witness, or is gone; or people, keys,
                versions or releases are not as the ledger tells.
            Unavailable: the database does not answer.
        """
        folder = folder.absolute()
        site = cls(folder, read_settings(folder / SETTINGS_FILE), clock, hold=hold)
        if site.ledger.head().size == 0:
            site.close()
            raise LedgerBroken(
                "The ledger is empty, and every site's begins with an event.",
                index=0,
                advice="Restore the database from its latest backup.",
            )
        with suppress(Unavailable):  # an erasure is not done before it worked
            sweep_scratch(folder)
        try:
            record_change(site.ledger, site.settings)
            site.erasing.take_up()
        except BaseException:
            site.close()
            raise
        return site

    @classmethod
    def upgrade(cls, folder: Path) -> None:
        """Bring the schema of the site in `folder` up to date; no process may have it open.

        Raises:
            SiteProblem: no site there.
        """
        folder = folder.absolute()
        settings = read_settings(folder / SETTINGS_FILE)
        database = Database.open(database_url(folder, settings, os.environ))
        try:
            upgrade(database)
        finally:
            database.close()

    def verify(self) -> Verdict:
        """Verify the whole ledger, then that the database holds what it tells; return the proof.

        Raises:
            LedgerBroken: something is not as it must be; the message says what.
        """
        verdict = self.ledger.verify()
        check_rows(self.database)
        return verdict

    def close(self) -> None:
        """Stop watching, record what was accepted, sign a checkpoint, close; twice is the same."""
        if self._closed:
            return
        self._closed = True
        with self._closing:
            self.serving.models.stop()
            self.analysing.runner.stop()
            self.people.sum_up_refused_sign_ins()
            self.group.close()
            self.ledger.checkpoint()
            self.witnessing.finish()

    def __enter__(self) -> Self:
        """Return the site."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the site."""
        self.close()


def database_url(folder: Path, settings: Settings, environment: Mapping[str, str]) -> str:
    """Return the address of the database: the environment's, else the setting, else a file."""
    named = environment.get(DATABASE_VARIABLE) or settings.database.url
    return named or f"sqlite:///{folder / DATABASE_FILE}"


def check_tail(ledger: Ledger) -> None:
    """Check cheaply that the ledger's end is signed and continues the latest checkpoint.

    `verify` checks all of it.

    Raises:
        LedgerBroken: entries are gone, or other ones are there.
    """
    latest, head = ledger.latest_checkpoint(), ledger.head()
    if latest is None or latest.size == 0:
        return
    advice = "Restore the database from its latest backup; `bedside ledger verify` tells more."
    if latest.size > head.size:
        raise LedgerBroken(
            f"The ledger has {head.size} entries; a checkpoint was signed over {latest.size}.",
            index=head.size,
            advice=advice,
        )
    path = ledger.consistency(latest.size, head.size)
    if not merkle.verify_consistency(latest.size, head.size, path, latest.root, head.root):
        raise LedgerBroken(
            f"The ledger of {head.size} entries does not continue its checkpoint over "
            f"{latest.size}.",
            advice=advice,
        )


def keys_url(folder: Path, url: str) -> str:
    """Return where the subject keys are: a file of their own, or a schema of their own."""
    if url.startswith("sqlite"):
        return f"sqlite:///{folder / KEYS_FOLDER / SUBJECT_KEYS_FILE}"
    return url


def _refuse_other_site(database: Database) -> None:
    try:
        check_schema(database)
    except SiteProblem:
        with database.read() as connection:
            empty = not connection.dialect.get_table_names(connection)
    else:
        empty = False
    if not empty:
        raise Conflict(
            f"The database {database.name} holds a site already, or something else.",
            advice="Name an empty database, or open the site that it holds.",
        )


def _site_opened(settings: Settings, signer: SigningKey) -> Draft:
    return Draft(
        kind=EventKind.SITE_OPENED,
        about=settings.id,
        actor="system",
        door="system",
        body={
            "name": settings.name,
            "origin": settings.origin,
            "ledger_key": signer.public.fingerprint,
            "settings": recorded_settings(settings),
        },
    )
