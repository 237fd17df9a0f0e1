from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from bedside.errors import KeyUnavailable, SiteProblem, Unavailable
from bedside.keys.site_key import SiteKey
from bedside.ledger.events import Entry, EventKind
from bedside.people.permissions import Role
from bedside.people.person import Caller
from bedside.serving.erasing import Target
from bedside.site.backup.forgetting import (
    FORGOTTEN_FILE,
    UPGRADE_FOLDER,
    forget_keys,
    forgotten,
)
from bedside.site.backup.making import back_up
from bedside.site.backup.manifest import Manifest
from bedside.site.backup.pages import Shape, Value, decode_page
from bedside.site.backup.place import Place, locked
from bedside.site.backup.plan import BackupSettings, backup_lines
from bedside.site.backup.proving import destroy_again
from bedside.site.backup.records import Record, document_of
from bedside.site.backup.restoring import Order, restore
from bedside.site.backup.sealed import check_file, opened
from bedside.site.settings import SETTINGS_FILE, Settings
from bedside.site.site import Site
from tests.bedside_site import Hospital
from tests.site.backup.conftest import PERSON, predict

Ordering = Callable[..., Order]


def site_key(hospital: Hospital) -> SiteKey:
    return SiteKey.load(hospital.site.folder / "keys")


def set_to(hospital: Hospital, place: Place) -> Settings:
    chosen = BackupSettings(folder=str(place.folder), keys_folder=str(place.keys_folder))
    hospital.site.settings = hospital.site.settings.model_copy(update={"backup": chosen})
    return hospital.site.settings


def person_key(hospital: Hospital) -> str:
    key: str = hospital.site.subject_keys.for_subject(PERSON).id
    return key


def entry_of(site: Site, prediction: str) -> Entry:
    (entry,) = site.ledger.find(kind=EventKind.PREDICTION, about=prediction)
    return entry


def rows(hospital: Hospital, place: Place, manifest: Manifest) -> dict[str, dict[str, Value]]:
    found: dict[str, dict[str, Value]] = {}
    with opened(place, manifest, "keys", site_key(hospital)) as records:
        shape = None
        for kind, payload in records:
            if kind is Record.TABLE:
                shape = Shape.read(document_of(payload))
            elif kind is Record.PAGE and shape is not None:
                names = [name for name, _ in shape.columns]
                for row in decode_page(shape, payload):
                    told = dict(zip(names, row, strict=True))
                    found[str(told["key_id"])] = told
    return found


def test_a_destroyed_key_is_gone_from_every_generation_and_the_others_stay(
    hospital: Hospital, place: Place
) -> None:
    settings = set_to(hospital, place)
    made = [back_up(hospital.site, place).manifest for _ in range(2)]
    key = person_key(hospital)
    before = [rows(hospital, place, one) for one in made]
    wrapped = before[0][key]["wrapped"]
    assert isinstance(wrapped, bytes)
    hospital.site.subject_keys.destroy(key)
    found = forget_keys(hospital.site.folder, settings, site_key(hospital), [key])
    assert found == tuple(one.generation for one in made)
    for one, held in zip(made, before, strict=True):
        now = place.checked(one.generation, site_key(hospital))
        assert now.data == one.data
        check_file(place, now, "keys", site_key(hospital))
        after = rows(hospital, place, now)
        assert (after[key]["wrapped"], after[key]["lookup"]) == (None, None)
        assert after[key]["destroyed_at"] is not None
        assert {k: v for k, v in after.items() if k != key} == {
            k: v for k, v in held.items() if k != key
        }
    assert list(forgotten(place)) == [key]


def test_it_may_be_repeated_and_touches_nothing_then(hospital: Hospital, place: Place) -> None:
    settings = set_to(hospital, place)
    made = back_up(hospital.site, place).manifest
    key = person_key(hospital)
    hospital.site.subject_keys.destroy(key)
    forget_keys(hospital.site.folder, settings, site_key(hospital), [key])
    path = place.part_path(made.generation, "keys")
    before = path.read_bytes()
    assert forget_keys(hospital.site.folder, settings, site_key(hospital), [key]) == ()
    assert path.read_bytes() == before


def test_the_restored_site_says_that_the_person_was_erased(
    hospital: Hospital, place: Place, order: Ordering
) -> None:
    settings = set_to(hospital, place)
    theirs = predict(hospital, PERSON)
    others = predict(hospital, "somebody-else")
    back_up(hospital.site, place)
    key = person_key(hospital)
    hospital.site.subject_keys.destroy(key)
    forget_keys(hospital.site.folder, settings, site_key(hospital), [key])
    wanted = order()
    restore(wanted)
    with Site.open(wanted.folder) as site:
        site.verify()
        caller = site.people.sign_in(hospital["clinician"].secret, "rest")
        with pytest.raises(KeyUnavailable, match="was destroyed at"):
            site.ledger.opened(entry_of(site, theirs))
        assert site.ledger.opened(entry_of(site, others)) is not None
        assert site.serving.trace(caller, theirs).prediction.erased


def test_a_keys_file_that_comes_back_from_elsewhere_brings_no_erased_key_back(
    hospital: Hospital, place: Place, order: Ordering
) -> None:
    settings = set_to(hospital, place)
    theirs = predict(hospital, PERSON)
    made = back_up(hospital.site, place).manifest
    names = (place.part_path(made.generation, "keys"), place.manifest_path(made.generation))
    copies = [path.read_bytes() for path in names]
    key = person_key(hospital)
    hospital.site.subject_keys.destroy(key)
    forget_keys(hospital.site.folder, settings, site_key(hospital), [key])
    for path, copy in zip(names, copies, strict=True):
        path.write_bytes(copy)
    wanted = order()
    restore(wanted)
    with Site.open(wanted.folder) as site, pytest.raises(KeyUnavailable, match="was destroyed"):
        site.ledger.opened(entry_of(site, theirs))


def test_the_next_backup_takes_out_what_nobody_took_out(hospital: Hospital, place: Place) -> None:
    set_to(hospital, place)
    one = back_up(hospital.site, place).manifest
    key = person_key(hospital)
    hospital.site.subject_keys.destroy(key)
    made = back_up(hospital.site, place)
    assert made.mended == (one.generation,)
    assert rows(hospital, place, place.read(one.generation))[key]["wrapped"] is None
    assert rows(hospital, place, made.manifest)[key]["wrapped"] is None


def test_an_interrupted_call_is_finished_by_the_next(hospital: Hospital, place: Place) -> None:
    settings = set_to(hospital, place)
    made = back_up(hospital.site, place).manifest
    manifest = place.manifest_path(made.generation).read_bytes()
    key = person_key(hospital)
    hospital.site.subject_keys.destroy(key)
    forget_keys(hospital.site.folder, settings, site_key(hospital), [key])
    # killed after the keys file was put in its place, before its manifest was
    place.manifest_path(made.generation).write_bytes(manifest)
    (place.folder / FORGOTTEN_FILE).unlink()
    assert place.newest() is None or place.newest() == made
    forget_keys(hospital.site.folder, settings, site_key(hospital), [key])
    now = place.checked(made.generation, site_key(hospital))
    check_file(place, now, "keys", site_key(hospital))


def test_what_a_killed_backup_left_of_keys_is_removed(hospital: Hospital, place: Place) -> None:
    settings = set_to(hospital, place)
    back_up(hospital.site, place)
    killed = back_up(hospital.site, place).manifest.generation
    place.manifest_path(killed).unlink()  # killed just before it was written
    left = place.part_path(killed, "keys")
    forget_keys(hospital.site.folder, settings, site_key(hospital), ["x"])
    assert not left.exists()


def test_a_generation_that_cannot_be_rewritten_is_named(hospital: Hospital, place: Place) -> None:
    settings = set_to(hospital, place)
    made = back_up(hospital.site, place).manifest
    place.part_path(made.generation, "keys").unlink()
    with pytest.raises(Unavailable, match=made.generation):
        forget_keys(hospital.site.folder, settings, site_key(hospital), ["x"])
    assert forgotten(place) == {}


def test_a_disk_that_is_not_mounted_is_not_taken_for_one_without_backups(
    hospital: Hospital, place: Place, tmp_path: Path
) -> None:
    settings = set_to(hospital, place)
    assert forget_keys(hospital.site.folder, settings, site_key(hospital), ["x"]) == ()
    back_up(hospital.site, place)
    place.folder.rename(tmp_path / "unmounted")
    place.folder.mkdir()
    with pytest.raises(Unavailable, match="nothing of them is there now"):
        forget_keys(hospital.site.folder, settings, site_key(hospital), ["x"])


def test_what_a_killed_drill_left_is_destroyed_and_a_living_one_is_waited_for(
    hospital: Hospital, place: Place
) -> None:
    settings = set_to(hospital, place)
    left = hospital.site.folder / ".drill" / "site" / "keys" / "subjects.db"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"keys")
    with (
        locked(hospital.site.folder / ".drill.lock", wait=False),
        pytest.raises(Unavailable, match="the copy of a drill"),
    ):
        forget_keys(hospital.site.folder, settings, site_key(hospital), ["x"])
    assert left.exists()
    forget_keys(hospital.site.folder, settings, site_key(hospital), ["x"])
    assert not (hospital.site.folder / ".drill").exists()


def test_the_backup_before_an_upgrade_is_not_forgotten(hospital: Hospital) -> None:
    place = Place.at(hospital.site.folder / UPGRADE_FOLDER)
    made = back_up(hospital.site, place).manifest
    key = person_key(hospital)
    hospital.site.subject_keys.destroy(key)
    found = forget_keys(hospital.site.folder, hospital.site.settings, site_key(hospital), [key])
    assert found == (made.generation,)


def test_without_any_backup_there_is_nothing_to_do(hospital: Hospital) -> None:
    site = hospital.site
    assert forget_keys(site.folder, site.settings, site_key(hospital), ["x"]) == ()


def test_a_damaged_list_is_told(place: Place) -> None:
    place.prepare()
    (place.folder / FORGOTTEN_FILE).write_text("[]")
    with pytest.raises(SiteProblem, match="is damaged"):
        forgotten(place)


@pytest.fixture
def custodians(hospital: Hospital) -> tuple[Caller, Caller]:
    """Two people who together may erase."""
    site, admin = hospital.site, hospital["administrator"].caller
    people = [site.people.add(admin, name, {Role.CUSTODIAN}) for name in ("One", "Two")]
    keys = [site.people.issue_key(admin, person.id, "test") for person in people]
    one, two = (site.people.sign_in(key.secret, "cli") for key in keys)
    return one, two


def erase(site: Site, custodians: tuple[Caller, Caller]) -> None:
    one, two = custodians
    asked = site.erasing.request(one, Target(subject=PERSON), "asked")
    site.erasing.confirm(two, asked.id, Target(subject=PERSON))


def test_an_erasure_by_two_people_reaches_the_backups_of_before(
    hospital: Hospital, place: Place, order: Ordering, custodians: tuple[Caller, Caller]
) -> None:
    theirs = predict(hospital, PERSON)
    settings = set_to(hospital, place)
    path = hospital.site.folder / SETTINGS_FILE
    path.write_text(path.read_text() + "\n".join([*backup_lines(settings.backup), ""]))
    hospital.site.close()
    with Site.open(hospital.site.folder) as site:
        back_up(site, place)
        erase(site, custodians)
    wanted = order()
    restore(wanted)
    with Site.open(wanted.folder) as site:
        with pytest.raises(KeyUnavailable, match="was destroyed"):
            site.ledger.opened(entry_of(site, theirs))
        site.verify()


def test_a_key_that_is_alive_against_the_ledger_is_destroyed_again(
    hospital: Hospital, custodians: tuple[Caller, Caller]
) -> None:
    site, key = hospital.site, person_key(hospital)
    path = site.folder / "keys" / "subjects.db"
    with sqlite3.connect(path) as database:
        names = "key_id, lookup, wrapped, created_at"
        found = f"SELECT {names} FROM subject_keys WHERE key_id = ?"  # noqa: S608 - our names
        (row,) = database.execute(found, [key])
    erase(site, custodians)
    assert destroy_again(site) == 0
    with sqlite3.connect(path) as database:
        database.execute(
            "UPDATE subject_keys SET lookup = ?, wrapped = ?, destroyed_at = NULL WHERE key_id = ?",
            [row[1], row[2], key],
        )
    database.close()
    assert destroy_again(site) == 1
    with pytest.raises(KeyUnavailable, match="was destroyed"):
        site.subject_keys.get(key)
