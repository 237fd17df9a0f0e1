from __future__ import annotations

from pathlib import Path

import pytest

from bedside.errors import Conflict, NotFound, SiteProblem
from bedside.ledger.events import EventKind
from bedside.site.backup.drill import FOLDER, drill
from bedside.site.backup.making import back_up
from bedside.site.backup.place import Place, locked
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
