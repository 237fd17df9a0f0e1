from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from bedside.people.rotation import Terms
from bedside.site import doctor
from bedside.site.doctor import Finding, examine
from bedside.site.site import Site
from tests.bedside_site import MODEL, Hospital


def findings(folder: Path) -> dict[str, Finding]:
    return {finding.name: finding for finding in examine(folder)}


def test_a_healthy_site_has_nothing_to_advise(hospital: Hospital) -> None:
    hospital.site.close()
    found = findings(hospital.site.folder)
    assert {name: one.detail for name, one in found.items() if not one.ok} == {}
    assert {"python", "folder", "key site.key", "disk", "schema", "ledger"} < set(found)
    assert "5 golden cases hold" in found[f"model {MODEL}"].detail


def test_where_there_is_no_site_that_is_said(tmp_path: Path) -> None:
    assert not findings(tmp_path)["site"].ok


def test_loose_rights_are_found(hospital: Hospital) -> None:
    hospital.site.close()
    folder = hospital.site.folder
    folder.chmod(0o755)
    (folder / "keys" / "ledger.key").chmod(0o644)
    found = findings(folder)
    assert (found["folder"].ok, found["folder"].advice) == (False, f"chmod 700 {folder}")
    assert not found["key ledger.key"].ok
    assert not found["site"].ok


def test_a_model_that_does_not_load_is_named(hospital: Hospital) -> None:
    hospital.site.registry.revoke_key(
        hospital["administrator"].caller, hospital.key.public.fingerprint
    )
    hospital.site.close()
    found = findings(hospital.site.folder)[f"model {MODEL}"]
    assert not found.ok
    assert "does not load here" in found.detail


def test_a_full_disk_is_found(hospital: Hospital, monkeypatch: pytest.MonkeyPatch) -> None:
    hospital.site.close()
    monkeypatch.setattr(doctor, "LEAST_FREE_BYTES", 2**60)
    assert not findings(hospital.site.folder)["disk"].ok


def test_a_key_that_ends_soon_is_named_until_it_has_a_successor(hospital: Hospital) -> None:
    people, admin = hospital.site.people, hospital["administrator"].caller
    owner = hospital["clinician"].caller.person
    ends = hospital.site.clock() + timedelta(days=3)
    key = people.issue_key(admin, owner.id, "ward 3", ends)
    hospital.site.close()
    found = findings(hospital.site.folder)["API keys"]
    assert found.ok, "nothing is wrong yet"
    assert f"{key.id} of {owner.name}" in found.detail
    assert found.advice == f"bedside people rotate-key {key.id}"
    with Site.open(hospital.site.folder) as site:
        terms = Terms(timedelta(days=1), ends + timedelta(days=365))
        site.people.rotate_key(admin, key.id, terms)
    assert "none ends" in findings(hospital.site.folder)["API keys"].detail
