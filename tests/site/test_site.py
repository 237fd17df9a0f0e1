from __future__ import annotations

import shutil
import stat
from pathlib import Path

import pytest
from sqlalchemy import text

from bedside.errors import (
    Conflict,
    KeyUnavailable,
    LedgerBroken,
    SignInRefused,
    SiteProblem,
    UsageError,
)
from bedside.ledger.events import EventKind
from bedside.people.permissions import Role
from bedside.serving.attempt import Asking
from bedside.serving.values import Row
from bedside.site.configuration import recorded_settings
from bedside.site.site import DATABASE_VARIABLE, Site
from bedside.store.database import Database
from tests import bedside_site, postgres
from tests.bedside_site import MODEL, ROW, Hospital


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "site"


def create(folder: Path) -> str:
    """Make a site and close it; return the administrator's secret."""
    site, key = Site.create(folder, "Ward 7", "Ada Admin")
    site.close()
    return key.secret


def test_a_new_site_has_one_administrator_and_says_when_it_began(folder: Path) -> None:
    secret = create(folder)
    with Site.open(folder) as site:
        caller = site.people.sign_in(secret, "cli")
        assert caller.person.roles == {Role.ADMINISTRATOR}
        first = site.ledger.entry(0)
        assert first.kind == EventKind.SITE_OPENED
        assert first.value["body"] == {
            "name": "Ward 7",
            "origin": f"bedside/{site.settings.id}",
            "ledger_key": site.ledger.public_key.fingerprint,
            "settings": recorded_settings(site.settings),
        }
        site.ledger.verify()


def test_nobody_else_may_read_the_site(folder: Path) -> None:
    create(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for name in ("site.key", "ledger.key"):
        assert stat.S_IMODE((folder / "keys" / name).stat().st_mode) == 0o600


def test_a_site_is_made_once(folder: Path) -> None:
    create(folder)
    with pytest.raises(Conflict, match="already"):
        create(folder)


def test_a_folder_in_use_for_something_else_is_left_alone(folder: Path) -> None:
    folder.mkdir()
    (folder / "thesis.txt").write_text("all of it")
    with pytest.raises(SiteProblem, match="not an empty folder"):
        create(folder)
    assert [path.name for path in folder.iterdir()] == ["thesis.txt"]


def test_a_name_that_cannot_be_used_makes_nothing(folder: Path) -> None:
    for name, admin in (("", "Ada"), ("Ward 7", " ")):
        with pytest.raises(UsageError):
            Site.create(folder, name, admin)
    assert not folder.exists()


def test_no_site_no_opening(folder: Path) -> None:
    with pytest.raises(SiteProblem, match="There is no site") as problem:
        Site.open(folder)
    assert "bedside init" in problem.value.advice


def test_a_closed_site_has_a_checkpoint_over_everything(folder: Path) -> None:
    secret = create(folder)
    with Site.open(folder) as site:
        with pytest.raises(SignInRefused):
            site.people.sign_in("bds_" + "A" * 43, "cli")
        site.people.add(site.people.sign_in(secret, "cli"), "Dev", {Role.DEVELOPER})
        site.close()
        site.close()
    with Site.open(folder) as site:
        latest = site.ledger.latest_checkpoint()
        assert latest is not None
        assert latest.size == site.ledger.head().size


def test_what_was_accepted_is_recorded_when_the_site_is_closed(folder: Path) -> None:
    hospital = bedside_site.build(folder)
    hospital.release()
    serving = hospital.site.serving
    caller, loaded = hospital["clinician"].caller, serving.models.fetch(MODEL)
    attempt = serving._attempt(Asking(caller, loaded, [Row(ROW)], 0, explain=False))
    future = hospital.site.group.submit(attempt.drafts)
    hospital.site.close()
    assert future.result(0)[0].about == attempt.ids[0]


def test_a_key_that_others_may_read_stops_the_opening(folder: Path) -> None:
    create(folder)
    (folder / "keys" / "site.key").chmod(0o640)
    with pytest.raises(KeyUnavailable, match=r"site\.key"):
        Site.open(folder)


def test_a_ledger_that_lost_its_end_is_not_opened(folder: Path) -> None:
    create(folder)
    kept = folder.parent / "old.db"
    shutil.copy(folder / "bedside.db", kept)
    with Site.open(folder) as site, pytest.raises(SignInRefused):
        site.people.sign_in(None, "cli")
    with Site.open(folder) as site:
        database = site.database
        with database.write() as connection:
            notes = connection.execute(text("SELECT * FROM ledger_checkpoints")).all()
    old = Database.open(f"sqlite:///{kept}")
    with old.write() as connection:
        for note in notes[1:]:
            connection.execute(
                text("INSERT INTO ledger_checkpoints VALUES (:number, :size, :note)"),
                note._asdict(),
            )
    old.close()
    for name in ("bedside.db", "bedside.db-wal", "bedside.db-shm"):
        (folder / name).unlink(missing_ok=True)
    shutil.move(kept, folder / "bedside.db")
    with pytest.raises(LedgerBroken, match="has 3 entries; a checkpoint was signed over 4"):
        Site.open(folder)


def test_a_site_whose_schema_is_older_says_what_to_do(folder: Path) -> None:
    create(folder)
    database = Database.open(f"sqlite:///{folder}/bedside.db")
    with database.write() as connection:
        connection.execute(text("DELETE FROM alembic_version"))
    database.close()
    with pytest.raises(SiteProblem, match="holds no site"):
        Site.open(folder)


def test_an_upgrade_of_a_site_that_is_up_to_date_does_nothing(folder: Path) -> None:
    create(folder)
    Site.upgrade(folder)
    with Site.open(folder) as site:
        assert site.ledger.head().size == 3


def test_a_whole_site_lives_on_postgresql(
    folder: Path, postgres_server: postgres.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(DATABASE_VARIABLE, postgres_server.new_database())
    hospital = bedside_site.build(folder)
    hospital.release()
    (one,) = hospital.site.serving.predict_now(
        hospital["clinician"].caller, MODEL, [Row(ROW, "patient-7")]
    )
    hospital.site.close()
    assert not (folder / "bedside.db").exists()
    with Site.open(folder) as site:
        assert site.ledger.entry(one.index).about == one.id
        assert site.serving.trace(hospital["auditor"].caller, one.id).text()
        site.ledger.verify()
    with pytest.raises(Conflict, match="holds a site already"):
        Site.create(folder.parent / "second", "Ward 8", "Eve")


def test_two_processes_share_one_site(hospital: Hospital) -> None:
    with Site.open(hospital.site.folder) as other:
        for site in (hospital.site, other, hospital.site, other):
            site.serving.predict_now(hospital["clinician"].caller, MODEL, [Row(ROW)])
        assert len(other.ledger.find(kind=EventKind.PREDICTION)) == 4
        other.ledger.verify()
