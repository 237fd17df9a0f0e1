from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from bedside.errors import (
    Conflict,
    KeyUnavailable,
    LedgerBroken,
    NotFound,
    PackageRefused,
    SiteProblem,
    UsageError,
)
from bedside.keys.signing import SigningKey
from bedside.keys.site_key import SiteKey
from bedside.ledger.checkpoint import sign_checkpoint, verifier_key
from bedside.ledger.events import EventKind
from bedside.serving.values import Row
from bedside.site.backup import filling, proving, restoring
from bedside.site.backup.filling import Files, fill_database
from bedside.site.backup.making import back_up
from bedside.site.backup.manifest import Manifest
from bedside.site.backup.place import Place
from bedside.site.backup.proving import Copy
from bedside.site.backup.records import Record
from bedside.site.backup.restoring import Order, restore
from bedside.site.backup.sealed import opened as opened_file
from bedside.site.backup.target import empty_database
from bedside.site.rekeying import rekey
from bedside.site.settings import SETTINGS_FILE, read_settings
from bedside.site.site import DATABASE_VARIABLE, Site
from bedside.store.database import Database
from tests.bedside_site import MODEL, ROW, Hospital
from tests.conftest import SettableClock
from tests.site.backup.conftest import PERSON, predict

Ordering = Callable[..., Order]


@contextmanager
def opened_part(
    place: Place, hospital: Hospital
) -> Iterator[tuple[Iterator[tuple[Record, bytes]], Manifest]]:
    """The data file of the newest generation, for another process to pour."""
    manifest = place.newest()
    assert manifest is not None
    key = SiteKey.load(hospital.site.folder / "keys")
    with opened_file(place, manifest, "data", key) as records:
        yield records, manifest


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Order], Site]]:
    """Opens the restored site, as a service on the new machine would."""
    sites: list[Site] = []

    def open_site(order: Order) -> Site:
        sites.append(Site.open(order.folder))
        return sites[-1]

    yield open_site
    for site in sites:
        site.close()


def test_a_site_comes_back_on_either_database_with_the_same_answers_and_traces(
    either_hospital: Hospital,
    place: Place,
    order: Ordering,
    target_url: str,
    opened: Callable[[Order], Site],
) -> None:
    hospital = either_hospital
    site, clinician = hospital.site, hospital["clinician"].caller
    ids = [predict(hospital, PERSON), predict(hospital)]
    told = [site.serving.trace(clinician, one).document() for one in ids]
    made = back_up(site, place).manifest
    site.close()
    shutil.rmtree(site.folder / "blobs")

    wanted = order(database=target_url)
    found = restore(wanted)
    assert found.proof.models == (f"{MODEL}@1.2.3",)
    assert found.proof.index == made.size
    new = opened(wanted)
    assert new.database.dialect == ("sqlite" if target_url == "sqlite" else "postgresql")
    new.verify()
    (entry,) = new.ledger.find(kind=EventKind.RESTORE)
    assert entry.index == made.size
    body = entry.value["body"]
    assert (body["generation"], body["size"], body["root"]) == (
        made.generation,
        made.size,
        made.root,
    )
    caller = new.people.sign_in(hospital["clinician"].secret, "rest")
    for one, before in zip(ids, told, strict=True):
        after = new.serving.trace(caller, one).document()
        assert after["prediction"] == before["prediction"]
        assert after["manifest"] == before["manifest"]
    (answer,) = new.serving.predict_now(caller, MODEL, [Row(ROW, PERSON)])
    assert dict(answer.scores) == told[0]["prediction"]["personal"]["scores"]
    # the person is known again under the key that they had
    keys = {
        new.ledger.find(kind=EventKind.PREDICTION, about=one)[0].value["sealed"]["key"]
        for one in (ids[0], answer.id)
    }
    assert len(keys) == 1


def test_settings_stay_word_for_word_but_for_the_database(
    hospital: Hospital, place: Place, order: Ordering
) -> None:
    path = hospital.site.folder / SETTINGS_FILE
    path.write_text(path.read_text() + "\n# somebody's remark\n")
    back_up(hospital.site, place)
    wanted = order()
    restore(wanted)
    assert (wanted.folder / SETTINGS_FILE).read_text() == path.read_text()
    assert (wanted.folder / SETTINGS_FILE).stat().st_mode & 0o077 == 0


def test_what_a_later_checkpoint_covers_is_told_as_lost(
    hospital: Hospital, place: Place, order: Ordering
) -> None:
    back_up(hospital.site, place)
    predict(hospital)
    predict(hospital)
    later = hospital.site.ledger.checkpoint().note
    wanted = order(checkpoint=later)
    found = restore(wanted)
    assert found.proof.lost == 3  # the backup's own event, and two predictions
    with Site.open(wanted.folder) as site:
        assert site.ledger.find(kind=EventKind.RESTORE)[0].value["body"]["lost"] == 3


def test_a_checkpoint_of_before_is_proved(
    hospital: Hospital, place: Place, order: Ordering
) -> None:
    early = hospital.site.ledger.checkpoint().note
    predict(hospital)
    back_up(hospital.site, place)
    assert restore(order(checkpoint=early)).proof.lost == 0


def test_a_checkpoint_is_checked_with_any_key_that_the_ledger_had(
    hospital: Hospital, place: Place, order: Ordering
) -> None:
    site, admin = hospital.site, hospital["administrator"].caller
    early = site.ledger.checkpoint().note
    rekey(site.ledger, site.people, site.folder / "keys", admin, "as planned")
    back_up(site, place)
    assert restore(order(checkpoint=early)).proof.lost == 0


def test_a_checkpoint_under_a_later_key_says_nothing_against_the_backup(
    hospital: Hospital, place: Place, order: Ordering
) -> None:
    site, admin = hospital.site, hospital["administrator"].caller
    back_up(site, place)
    rekey(site.ledger, site.people, site.folder / "keys", admin, "as planned")
    predict(hospital)
    later = site.ledger.checkpoint().note
    wanted = order(checkpoint=later)
    with pytest.raises(UsageError, match="a later one, if the ledger's key was changed") as problem:
        restore(wanted)
    assert "Nothing is wrong with the backup" in problem.value.advice
    assert list(wanted.folder.iterdir()) == []
    with pytest.raises(LedgerBroken):  # of another ledger altogether
        restore(order(checkpoint=later.replace("bedside/", "others/")))


def test_another_history_under_the_same_key_is_refused_and_nothing_is_left(
    hospital: Hospital, place: Place, order: Ordering
) -> None:
    back_up(hospital.site, place)
    signer = SigningKey.load(hospital.site.folder / "keys" / "ledger.key")
    forged = sign_checkpoint(hospital.site.ledger.origin, 5, bytes(32), signer).note
    wanted = order(checkpoint=forged)
    with pytest.raises(LedgerBroken, match="another one than that of the checkpoint over 5"):
        restore(wanted)
    assert list(wanted.folder.iterdir()) == []


def test_the_newest_whole_generation_is_taken_or_the_one_that_is_named(
    hospital: Hospital, place: Place, order: Ordering, tmp_path: Path
) -> None:
    one, two = (back_up(hospital.site, place).manifest for _ in range(2))
    assert restore(order()).manifest == two
    named = order(generation=one.generation, folder=tmp_path / "other")
    assert restore(named).manifest == one
    with pytest.raises(NotFound, match="no generation"):
        restore(order(generation="20200101T000000000000Z", folder=tmp_path / "third"))


@pytest.mark.parametrize("part", ["data", "keys"])
def test_a_flipped_byte_is_noticed_and_nothing_is_left(
    part: str, hospital: Hospital, place: Place, order: Ordering, target_url: str
) -> None:
    made = back_up(hospital.site, place).manifest
    path = place.part_path(made.generation, part)  # type: ignore[arg-type]
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    wanted = order(database=target_url)
    with pytest.raises(SiteProblem, match="not what was written"):
        restore(wanted)
    assert list(wanted.folder.iterdir()) == []
    if target_url != "sqlite":
        database = Database.open(target_url)
        with database.read() as connection:
            assert connection.dialect.get_table_names(connection) == []
            assert "bedside_keys" not in connection.dialect.get_schema_names(connection)
        database.close()


def test_another_site_key_opens_nothing(
    hospital: Hospital, place: Place, order: Ordering, tmp_path: Path
) -> None:
    back_up(hospital.site, place)
    with pytest.raises(KeyUnavailable) as problem:
        restore(order(site_key_file=None))
    assert "--site-key" in problem.value.advice
    other = tmp_path / "site.key"
    other.write_text("A" * 43 + "=")
    other.chmod(0o600)
    with pytest.raises(KeyUnavailable):
        restore(order(site_key_file=other))


def test_the_site_key_may_come_from_the_environment(
    hospital: Hospital, place: Place, order: Ordering, monkeypatch: pytest.MonkeyPatch
) -> None:
    back_up(hospital.site, place)
    wanted = order(site_key_file=None)
    key = (hospital.site.folder / "keys" / "site.key").read_text()
    monkeypatch.setenv("BEDSIDE_SITE_KEY", key.strip())
    restore(wanted)
    assert not (wanted.folder / "keys" / "site.key").exists()
    with Site.open(wanted.folder) as site:
        site.verify()


def test_a_folder_that_is_not_empty_is_refused_and_left_alone(
    hospital: Hospital, place: Place, order: Ordering
) -> None:
    back_up(hospital.site, place)
    with pytest.raises(Conflict, match="a site in"):
        restore(order(folder=hospital.site.folder))
    wanted = order()
    wanted.folder.mkdir()
    (wanted.folder / "thesis.txt").write_text("mine")
    with pytest.raises(SiteProblem, match="not empty"):
        restore(wanted)
    assert [path.name for path in wanted.folder.iterdir()] == ["thesis.txt"]


def test_a_database_that_is_not_empty_is_refused_and_left_alone(
    hospital: Hospital, place: Place, order: Ordering, target_url: str
) -> None:
    back_up(hospital.site, place)
    url = f"sqlite:///{hospital.site.folder}/bedside.db" if target_url == "sqlite" else target_url
    database = Database.open(url)
    with database.write() as connection:
        connection.execute(text("CREATE TABLE somebody_elses (x TEXT)"))
    wanted = order(database=url)
    with pytest.raises(Conflict, match="is not empty"):
        restore(wanted)
    assert list(wanted.folder.iterdir()) == []
    with database.read() as connection:
        assert "somebody_elses" in connection.dialect.get_table_names(connection)
    database.close()
    hospital.site.verify()


def test_a_site_that_another_process_put_there_meanwhile_is_left_alone(
    hospital: Hospital, place: Place, order: Ordering, target_url: str, tmp_path: Path
) -> None:
    back_up(hospital.site, place)
    url = f"sqlite:///{tmp_path}/shared.db" if target_url == "sqlite" else target_url
    wanted = order(database=url)

    def fill_late() -> None:
        with empty_database(url) as target:  # it was empty when it was looked at
            restore(wanted)  # another one, which is faster
            with opened_part(place, hospital) as (records, manifest):
                files = Files(tmp_path, hospital.site.blobs)
                fill_database(records, target.database, files, manifest)

    with pytest.raises(Conflict, match="is not empty"):
        fill_late()
    with Site.open(wanted.folder) as site:
        site.verify()


def test_a_failure_before_anything_was_filled_drops_nothing(
    hospital: Hospital, place: Place, order: Ordering, target_url: str, tmp_path: Path
) -> None:
    back_up(hospital.site, place)
    url = f"sqlite:///{tmp_path}/shared.db" if target_url == "sqlite" else target_url
    wanted = order(database=url)

    def fail_late() -> None:
        with empty_database(url):
            restore(wanted)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail_late()
    with Site.open(wanted.folder) as site:
        site.verify()


def test_where_the_database_goes_must_be_said_when_it_was_not_a_file(
    either_hospital: Hospital, place: Place, order: Ordering, monkeypatch: pytest.MonkeyPatch
) -> None:
    back_up(either_hospital.site, place)
    wanted = order(database=None)
    if either_hospital.site.database.dialect == "sqlite":
        restore(wanted)
        return
    with pytest.raises(UsageError, match="no database was named"):
        restore(wanted)
    monkeypatch.setenv(DATABASE_VARIABLE, "sqlite:////nowhere/x.db")
    with pytest.raises(UsageError, match="too"):
        restore(Order(place, wanted.folder, database="sqlite"))


def test_the_address_of_a_named_database_stands_in_the_new_settings(
    hospital: Hospital, place: Place, order: Ordering, tmp_path: Path
) -> None:
    back_up(hospital.site, place)
    elsewhere = f"sqlite:///{tmp_path}/elsewhere.db"
    wanted = order(database=elsewhere)
    restore(wanted)
    assert read_settings(wanted.folder / SETTINGS_FILE).database.url == elsewhere
    with Site.open(wanted.folder) as site:
        site.verify()
    assert not (wanted.folder / "bedside.db").exists()


def test_a_package_that_does_not_prove_itself_here_stops_it_unless_the_record_alone_is_wanted(
    hospital: Hospital, place: Place, order: Ordering, monkeypatch: pytest.MonkeyPatch
) -> None:
    back_up(hospital.site, place)
    monkeypatch.setattr("bedside.runtime.session.platform.machine", lambda: "another", raising=True)
    wanted = order()
    with pytest.raises(PackageRefused) as problem:
        restore(wanted)
    assert f"{MODEL}@1.2.3 is released and does not prove itself" in problem.value.message
    assert "--record-only" in problem.value.advice
    found = restore(order(record_only=True))
    assert list(found.proof.unproven) == [f"{MODEL}@1.2.3"]


def test_a_restore_that_was_killed_leaves_no_site_and_the_next_one_begins_anew(
    hospital: Hospital, place: Place, order: Ordering
) -> None:
    back_up(hospital.site, place)
    wanted = order()
    program = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from bedside.site.backup import proving, restoring\n"
        "from bedside.site.backup.place import Place\n"
        "restoring.prove = lambda *a, **k: os._exit(9)\n"
        "folder, keys, new, key = map(Path, sys.argv[1:])\n"
        "restoring.restore(restoring.Order(Place.at(folder, keys), new, site_key_file=key,"
        " database='sqlite'))\n"
    )
    words = [place.folder, place.keys_folder, wanted.folder, wanted.site_key_file]
    done = subprocess.run(
        [sys.executable, "-c", program, *map(str, words)],
        env={k: v for k, v in os.environ.items() if k != DATABASE_VARIABLE},
        check=False,
    )
    assert done.returncode == 9
    assert (wanted.folder / "bedside.db").exists()  # it was far
    with pytest.raises(SiteProblem, match="There is no site"):
        Site.open(wanted.folder)
    restore(wanted)
    with Site.open(wanted.folder) as site:
        site.verify()
    assert not (wanted.folder / ".restoring").exists()


def test_a_clock_far_behind_refuses_rather_than_records(
    hospital: Hospital, place: Place, order: Ordering, clock: SettableClock
) -> None:
    made = back_up(hospital.site, place).manifest.generation
    clock.now = hospital.site.clock().replace(year=2020)
    with pytest.raises(NotFound) as problem:
        restore(order(), clock)
    assert "Look at this machine's clock" in problem.value.advice
    with pytest.raises(Exception, match="this clock says 2020"):
        restore(order(generation=made), clock)


def test_rows_that_somebody_changed_in_the_copy_would_be_found(
    hospital: Hospital, place: Place, order: Ordering, monkeypatch: pytest.MonkeyPatch
) -> None:
    back_up(hospital.site, place)
    real = filling.fill_database

    def tampered(records: object, database: Database, *rest: object) -> None:
        real(records, database, *rest)  # type: ignore[arg-type]
        with database.write() as connection:
            connection.execute(text("UPDATE people SET roles = 'administrator'"))

    monkeypatch.setattr(restoring, "fill_database", tampered)
    with pytest.raises(LedgerBroken, match="roles is 'administrator'"):
        restore(order())


def test_a_ledger_that_verifies_and_is_another_than_the_manifest_tells_of_is_refused(
    hospital: Hospital, place: Place, order: Ordering, monkeypatch: pytest.MonkeyPatch
) -> None:
    back_up(hospital.site, place)
    real = proving.prove

    def told_of_another(copy: Copy, manifest: Manifest, *rest: object, **more: object) -> object:
        other = replace(manifest, root="00" * 32)
        return real(copy, other, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(restoring, "prove", told_of_another)
    with pytest.raises(LedgerBroken, match="the manifest tells of"):
        restore(order())


def test_a_copy_that_is_being_proved_tells_no_witness_anything(
    hospital: Hospital, place: Place, order: Ordering, tmp_path: Path
) -> None:
    seen = tmp_path / "witness"
    seen.mkdir()
    path = hospital.site.folder / SETTINGS_FILE
    witness = f'[witness]\nseconds = 1\n[[witness.at]]\nname = "north"\naddress = "{seen}"\n'
    path.write_text(path.read_text() + "\n" + witness)
    back_up(hospital.site, place)
    wanted = order()
    restore(wanted)
    assert list(seen.rglob("*")) == []
    assert "north" in (wanted.folder / SETTINGS_FILE).read_text()


def test_a_witness_that_was_restored_signs_no_more_under_the_key_that_it_had(
    hospital: Hospital, place: Place, order: Ordering
) -> None:
    log = SigningKey.new()
    site, admin = hospital.site, hospital["administrator"].caller
    site.witnessed.add(admin, verifier_key("other/log", log.public))
    before = site.witnessed.host()
    assert before is not None
    made = back_up(site, place).manifest
    wanted = order()
    found = restore(wanted)
    keys = wanted.folder / "keys"
    assert found.set_aside == (
        f"witness-until-{made.generation}.key",
        f"witness-until-{made.generation}.vkey",
    )
    assert all((keys / name).is_file() for name in found.set_aside)
    with Site.open(wanted.folder) as new:
        assert new.witnessed.host() is None
        admin = new.people.sign_in(hospital["administrator"].secret, "cli")
        new.witnessed.remove(admin, "other/log")
        new.witnessed.add(admin, verifier_key("other/log", log.public))
        after = new.witnessed.host()
        assert after is not None
        assert after.key.vkey != before.key.vkey
        back_up(new, place)  # what was set aside is kept on
