from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from bedside.errors import Conflict, LedgerBroken, NotFound, SiteProblem
from bedside.keys.site_key import SiteKey
from bedside.ledger.events import EventKind
from bedside.site.backup import drill as drilling
from bedside.site.backup.drill import drill
from bedside.site.backup.making import back_up
from bedside.site.backup.manifest import Manifest
from bedside.site.backup.place import Place, locked
from bedside.site.backup.restoring import Order, Restored, restore
from bedside.site.backup.scratch import FOLDER
from bedside.site.rekeying import rekey
from bedside.site.site import Site
from tests.bedside_site import MODEL, Hospital
from tests.site.backup.conftest import predict


def test_a_drill_proves_the_newest_generation_and_leaves_only_its_event(
    either_hospital: Hospital, place: Place
) -> None:
    site = either_hospital.site
    made = back_up(site, place).manifest
    predict(either_hospital)
    before = {path for path in site.folder.rglob("*") if path.is_file()}
    found = drill(site, place)
    assert found.restored.manifest == made
    assert found.restored.proof.models == (f"{MODEL}@1.2.3",)
    assert found.behind == 2  # the backup's event, and a prediction
    after = {path for path in site.folder.rglob("*") if path.is_file()}
    assert {path.name for path in after - before} <= {".drill.lock"}
    entries = site.ledger.find(kind=EventKind.BACKUP)
    assert [entry.value["body"]["act"] for entry in entries] == ["made", "drilled"]
    assert site.ledger.find(kind=EventKind.RESTORE) == ()
    site.verify()


def test_a_damaged_generation_fails_the_drill(hospital: Hospital, place: Place) -> None:
    made = back_up(hospital.site, place).manifest
    path = place.part_path(made.generation, "data")
    data = bytearray(path.read_bytes())
    data[-40] ^= 1
    path.write_bytes(data)
    with pytest.raises(SiteProblem):
        drill(hospital.site, place)
    assert not (hospital.site.folder / FOLDER).exists()


def test_what_a_killed_drill_left_is_removed(hospital: Hospital, place: Place) -> None:
    back_up(hospital.site, place)
    left = hospital.site.folder / FOLDER / "site" / "keys" / "subjects.db"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"keys")
    (left.parents[1] / "site.toml").write_text("a whole site")
    drill(hospital.site, place)
    assert not left.exists()


def test_two_drills_do_not_meet(hospital: Hospital, place: Place, tmp_path: Path) -> None:
    with (
        locked(hospital.site.folder / f"{FOLDER}.lock", wait=False),
        pytest.raises(Conflict, match="Another drill"),
    ):
        drill(hospital.site, place)
    with pytest.raises(NotFound, match="no whole generation"):
        drill(hospital.site, Place.at(tmp_path / "empty"))


def test_a_copy_has_no_site_key_and_signs_no_entry_of_its_own(
    hospital: Hospital, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = back_up(hospital.site, place).manifest
    key = (hospital.site.folder / "keys" / "site.key").read_bytes()
    found: list[Path] = []

    @contextmanager
    def killed(folder: Path) -> Iterator[Path]:
        yield folder / FOLDER
        found.extend(path for path in (folder / FOLDER).rglob("*") if path.is_file())

    monkeypatch.setattr(drilling, "scratch", killed)
    told = drill(hospital.site, place)
    assert told.restored.proof.index is None
    assert {path.name for path in found} > {"bedside.db", "subjects.db", "site.toml"}
    for path in found:
        assert key.strip() not in path.read_bytes(), path
    left = hospital.site.folder / FOLDER / "site"
    copy = Site(left, hospital.site.settings, hospital.site.clock, hold=False,
                url=f"sqlite:///{left}/bedside.db", site_key=hospital_key(hospital))  # fmt: skip
    with copy:
        assert copy.ledger.head().size == made.size


def test_opening_the_site_removes_what_a_killed_drill_left(hospital: Hospital) -> None:
    folder = hospital.site.folder
    left = folder / FOLDER / "site" / "keys" / "subjects.db"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"keys")
    hospital.site.close()
    with locked(folder / f"{FOLDER}.lock", wait=False):  # one that is under way is left alone
        Site.open(folder).close()
        assert left.exists()
    Site.open(folder).close()
    assert not (folder / FOLDER).exists()


def test_a_generation_of_before_a_change_of_the_ledgers_key_is_as_good_as_one_after(
    hospital: Hospital, place: Place
) -> None:
    site, admin = hospital.site, hospital["administrator"].caller
    made = [back_up(site, place).manifest]
    rekey(site.ledger, site.people, site.folder / "keys", admin, "as planned")
    made.append(back_up(site, place).manifest)
    for one in made:
        assert drill(site, place, one.generation).restored.manifest == one


def test_a_copy_that_is_not_how_the_living_ledger_began_fails_the_drill(
    hospital: Hospital, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    back_up(hospital.site, place)

    def other(order: Order, *rest: object) -> Restored:
        found = restore(order, *rest)  # type: ignore[arg-type]
        forked: Manifest = replace(found.manifest, root="00" * 32)
        return replace(found, manifest=forked)

    monkeypatch.setattr(drilling, "restore", other)
    with pytest.raises(LedgerBroken, match="is not how the living one"):
        drill(hospital.site, place)


def hospital_key(hospital: Hospital) -> SiteKey:
    return SiteKey.load(hospital.site.folder / "keys")
