from __future__ import annotations

import json
import os
import shutil
import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from sqlalchemy import text

from bedside.canonical import canonical_bytes, read_json
from bedside.errors import Conflict, KeyUnavailable, LedgerBroken, SiteProblem, UsageError
from bedside.keys.site_key import SiteKey
from bedside.ledger.events import EventKind
from bedside.site.backup.filling import Files, fill_database
from bedside.site.backup.forgetting import forget_everywhere
from bedside.site.backup.making import back_up, back_up_if_due, place_of, prune
from bedside.site.backup.manifest import PARTS, write_manifest
from bedside.site.backup.place import Place, generation_time
from bedside.site.backup.plan import BackupSettings
from bedside.site.backup.records import Record, document_of
from bedside.site.backup.sealed import check_file, opened
from bedside.site.backup.state import backup_state
from bedside.site.backup.tables import shapes
from bedside.store.database import Database
from tests.bedside_site import Hospital
from tests.conftest import SettableClock
from tests.site.backup.conftest import PERSON, predict


def site_key(hospital: Hospital) -> SiteKey:
    return SiteKey.load(hospital.site.folder / "keys")


def set_to(place: Place) -> BackupSettings:
    return BackupSettings(folder=str(place.folder), keys_folder=str(place.keys_folder))


def test_a_generation_holds_the_record_of_its_moment(
    either_hospital: Hospital, place: Place
) -> None:
    hospital = either_hospital
    before = hospital.site.ledger.head()
    made = back_up(hospital.site, place).manifest
    assert (made.size, made.root) == (before.size, before.root.hex())
    assert place.generations() == (made.generation,)
    assert place.newest() == place.checked(made.generation, site_key(hospital)) == made
    for part in PARTS:
        check_file(place, made, part, site_key(hospital))


def test_a_generation_is_recorded_with_its_digests(hospital: Hospital, place: Place) -> None:
    made = back_up(hospital.site, place, "cli").manifest
    (entry,) = hospital.site.ledger.find(kind=EventKind.BACKUP)
    body = entry.value["body"]
    assert (body["act"], body["generation"]) == ("made", made.generation)
    assert body["data"] == {"digest": made.data.digest, "size": made.data.size}
    assert (entry.value["actor"], entry.value["door"]) == ("system", "cli")


def test_every_table_and_no_site_key_is_in_it(hospital: Hospital, place: Place) -> None:
    made = back_up(hospital.site, place).manifest
    tables, names = {}, {}
    for part in PARTS:
        with opened(place, made, part, site_key(hospital)) as records:
            found = list(records)
        tables[part] = [document_of(p)["table"] for k, p in found if k is Record.TABLE]
        names[part] = {document_of(p)["name"] for k, p in found if k is Record.FILE}
    with hospital.site.database.read() as connection:
        assert tables["data"] == [shape.table for shape in shapes(connection)]
    assert tables["keys"] == ["subject_keys"]
    assert names["data"] == {"site.toml", "keys/ledger.pub", "keys/ledger.vkey"}
    assert names["keys"] == {"keys/ledger.key"}


def test_nothing_readable_of_a_patient_or_a_key_is_in_the_files(
    hospital: Hospital, place: Place
) -> None:
    back_up(hospital.site, place)
    secret = (hospital.site.folder / "keys" / "ledger.key").read_bytes().splitlines()[1]
    for folder in (place.folder, place.keys_folder):
        for path in folder.iterdir():
            data = path.read_bytes()
            assert path.stat().st_mode & 0o077 == 0, path
            for what in (PERSON.encode(), secret, b"malignant", b"small-tumour", b"subject_keys"):
                assert what not in data, path


def test_the_keys_lie_apart(hospital: Hospital, place: Place) -> None:
    made = back_up(hospital.site, place).manifest
    assert (place.keys_folder / f"bedside-{made.generation}.keys").is_file()
    assert not (place.folder / f"bedside-{made.generation}.keys").exists()


def test_it_is_one_moment_although_the_site_serves_on(
    either_hospital: Hospital, place: Place
) -> None:
    hospital = either_hospital
    stop = threading.Event()
    answered: list[str] = []

    def serve() -> None:
        while not stop.is_set():
            answered.append(predict(hospital, f"p{len(answered)}"))

    server = threading.Thread(target=serve)
    server.start()
    try:
        made = [back_up(hospital.site, place).manifest for _ in range(3)]
    finally:
        stop.set()
        server.join()
    assert len(answered) > 3
    for one in made:  # the root over exactly so many entries, while more were recorded
        entry = hospital.site.ledger.entry(one.size - 1)
        assert entry.root.hex() == one.root
    assert made[0].size < made[1].size < made[2].size < hospital.site.ledger.head().size


def test_a_broken_record_is_not_put_in_the_place_of_a_good_one(
    hospital: Hospital, place: Place
) -> None:
    good = back_up(hospital.site, place).manifest.generation
    with hospital.site.database.write() as connection:
        connection.execute(text("UPDATE ledger_entries SET about = 'nobody' WHERE position = 3"))
    with pytest.raises(LedgerBroken):
        back_up(hospital.site, place)
    assert place.generations() == (good,)


def test_a_damaged_package_stops_it_and_nothing_is_left(hospital: Hospital, place: Place) -> None:
    (blob,) = [path for path in (hospital.site.folder / "blobs").rglob("*") if path.is_file()]
    blob.write_bytes(b"x" + blob.read_bytes()[1:])
    with pytest.raises(SiteProblem, match="damaged"):
        back_up(hospital.site, place)
    left = [p.name for f in (place.folder, place.keys_folder) for p in f.iterdir()]
    assert all(name.endswith(".lock") for name in left), left


def test_what_an_interrupted_backup_left_goes_with_the_next_one(
    hospital: Hospital, place: Place
) -> None:
    made = back_up(hospital.site, place).manifest.generation
    killed = back_up(hospital.site, place).manifest.generation
    place.manifest_path(killed).unlink()  # killed just before it was written
    left = [
        place.folder / f".incoming-bedside-{killed}.json",
        place.folder / ".incoming-bedside-20200101T000000000000Z.data",
        place.keys_folder / f".incoming-bedside-{killed}.keys",
        *(place.part_path(killed, part) for part in PARTS),
    ]
    for path in (*left[:2], place.folder / "notes.txt"):
        path.write_bytes(b"half")
    shutil.copy(left[4], left[2])
    back_up(hospital.site, place)
    assert [path.exists() for path in left] == [False] * 5
    assert (place.folder / "notes.txt").exists()
    assert made in place.generations()


def test_two_at_once_are_told_apart(hospital: Hospital, place: Place) -> None:
    place.prepare()
    with place.busy() as alone:
        assert alone
        with pytest.raises(Conflict, match="Another process makes a backup"):
            back_up(hospital.site, place)
        assert back_up_if_due(hospital.site, place) is None


def test_it_is_made_when_due_and_not_before(hospital: Hospital, place: Place) -> None:
    assert back_up_if_due(hospital.site, place) is not None
    assert back_up_if_due(hospital.site, place) is None
    made = place.newest()
    assert made is not None
    now = generation_time(made.generation)
    hospital.site.clock = lambda: now + timedelta(hours=25)
    assert back_up_if_due(hospital.site, place) is not None
    assert len(place.generations()) == 2


def test_old_generations_are_pruned_and_the_last_good_one_never(
    hospital: Hospital, place: Place
) -> None:
    made = [back_up(hospital.site, place).manifest for _ in range(4)]
    assert made[0].generation not in place.generations()  # the settings keep three
    one = BackupSettings(keep_last=1, keep_daily=0, keep_weekly=0, keep_monthly=0)
    newest = place.part_path(made[-1].generation, "data")
    newest.write_bytes(newest.read_bytes()[:-1])  # the newest is not good
    settings = hospital.site.settings.model_copy(update={"backup": one})
    assert prune(place, settings, hospital.site.clock()) == (made[1].generation,)
    assert place.newest() == made[2]
    assert set(place.generations()) == {made[2].generation, made[3].generation}
    place.manifest_path(made[3].generation).write_bytes(b"not even a manifest")
    assert prune(place, settings, hospital.site.clock()) == ()
    left = {path.name.split(".")[0] for path in place.keys_folder.iterdir()}
    assert f"bedside-{made[0].generation}" not in left


def test_a_generation_of_a_clock_that_was_years_ahead_puts_nothing_off_and_displaces_nothing(
    hospital: Hospital, place: Place, clock: SettableClock
) -> None:
    site, now = hospital.site, hospital.site.clock()
    few = BackupSettings(
        folder=str(place.folder), keep_last=1, keep_daily=0, keep_weekly=0, keep_monthly=0
    )
    site.settings = site.settings.model_copy(update={"backup": few})
    place = Place.at(place.folder)
    site.clock = clock
    clock.now = now.replace(year=now.year + 5)
    ahead = back_up(site, place).manifest
    clock.now = now
    state = backup_state(site.folder, site.settings, now)
    assert state is not None
    assert (state.generation, state.due) == ("", True)
    made = back_up_if_due(site, place)
    assert made is not None
    assert place.newest(now) == made.manifest
    assert set(place.generations()) == {made.manifest.generation, ahead.generation}
    late = backup_state(site.folder, site.settings, now + timedelta(days=30))
    assert late is not None
    assert (late.generation, late.due, late.late) == (made.manifest.generation, True, True)


def test_the_generation_made_just_now_stays_though_the_clock_was_put_back_a_little(
    hospital: Hospital, place: Place, clock: SettableClock
) -> None:
    site, now = hospital.site, hospital.site.clock()
    few = BackupSettings(keep_last=1, keep_daily=0, keep_weekly=0, keep_monthly=0)
    site.settings = site.settings.model_copy(update={"backup": few})
    site.clock = clock
    clock.now = now + timedelta(minutes=5)
    before = back_up(site, place).manifest.generation
    clock.now = now
    state = backup_state(
        site.folder, site.settings.model_copy(update={"backup": set_to(place)}), now
    )
    assert state is not None
    assert (state.due, state.age_seconds) == (False, 0)
    made = back_up(site, place).manifest.generation
    assert place.generations() == (made, before)


def test_an_altered_manifest_is_noticed(hospital: Hospital, place: Place) -> None:
    made = back_up(hospital.site, place).manifest
    path = place.manifest_path(made.generation)
    told = read_json(path.read_bytes())
    path.write_bytes(canonical_bytes(told | {"made": "2020-01-01T00:00:00.000000Z"}) + b"\n")
    assert place.read(made.generation).made.startswith("2020")
    with pytest.raises(SiteProblem, match="was altered"):
        place.checked(made.generation, site_key(hospital))
    with pytest.raises(KeyUnavailable, match="another site key"):
        place.checked(made.generation, SiteKey(os.urandom(32)))
    path.write_bytes(b"{}")
    with pytest.raises(SiteProblem, match="not a backup's manifest"):
        place.read(made.generation)
    path.write_bytes(canonical_bytes(told | {"v": 2}))
    with pytest.raises(SiteProblem, match="of version 2"):
        place.read(made.generation)


def test_the_manifest_is_small_canonical_and_holds_nothing_of_a_patient(
    hospital: Hospital, place: Place
) -> None:
    made = back_up(hospital.site, place).manifest
    data = place.manifest_path(made.generation).read_bytes()
    assert data == write_manifest(made, site_key(hospital))
    assert len(data) < 4096
    assert set(json.loads(data)) == {
        "data", "dialect", "format", "generation", "keys", "ledger", "mac", "made", "origin",
        "schema", "site_key", "software", "unlock", "v",
    }  # fmt: skip


def test_files_of_two_generations_cannot_be_mixed_up(hospital: Hospital, place: Place) -> None:
    one, two = (back_up(hospital.site, place).manifest for _ in range(2))
    for part in PARTS:
        shutil.copy(place.part_path(one.generation, part), place.part_path(two.generation, part))
        with pytest.raises(SiteProblem, match="another file than its name says"):
            check_file(place, two, part, site_key(hospital))


def test_data_and_keys_cannot_be_mixed_up(hospital: Hospital, place: Place) -> None:
    made = back_up(hospital.site, place).manifest
    shutil.copy(place.part_path(made.generation, "data"), place.part_path(made.generation, "keys"))
    with pytest.raises(SiteProblem, match="another file than its name says"):
        check_file(place, made, "keys", site_key(hospital))


def test_without_a_folder_it_says_where_to_write_one() -> None:
    with pytest.raises(UsageError, match="nowhere to back up to"):
        place_of(BackupSettings())
    with pytest.raises(ValidationError, match="folder"):
        BackupSettings(folder="backups")
    assert place_of(BackupSettings(folder="/b", keys_folder="/k")) == Place(Path("/b"), Path("/k"))


def test_a_clock_that_stands_still_gives_the_name(
    hospital: Hospital, place: Place, clock: SettableClock
) -> None:
    clock.now = hospital.site.clock() + timedelta(seconds=5)
    hospital.site.clock = clock
    made = back_up(hospital.site, place).manifest
    assert generation_time(made.generation) == clock.now
    assert back_up(hospital.site, place).manifest.generation > made.generation


def test_a_keys_file_of_before_an_erasure_is_not_the_one_of_the_manifest(
    hospital: Hospital, place: Place
) -> None:
    made = back_up(hospital.site, place).manifest
    path = place.part_path(made.generation, "keys")
    before = path.read_bytes()
    key = hospital.site.subject_keys.for_subject(PERSON).id
    forget_everywhere(place, site_key(hospital), {key: made.made})
    path.write_bytes(before)
    now = place.checked(made.generation, site_key(hospital))
    with pytest.raises(SiteProblem, match="its manifest tells of"):
        check_file(place, now, "keys", site_key(hospital))


@pytest.mark.parametrize("told", ["note", "root", "schema"])
def test_rows_of_another_head_than_the_manifests_do_not_stay(
    told: str, hospital: Hospital, place: Place, tmp_path: Path
) -> None:
    made = back_up(hospital.site, place).manifest
    changes: dict[str, Any] = {told: "0004" if told == "schema" else "another"}
    other = replace(made, **changes)
    database = Database.open(f"sqlite:///{tmp_path}/other.db")
    with opened(place, made, "data", site_key(hospital)) as records:
        files = Files(tmp_path, hospital.site.blobs)
        with pytest.raises(SiteProblem):
            fill_database(records, database, files, other)
    with database.read() as connection:
        assert connection.dialect.get_table_names(connection) == []
    database.close()
