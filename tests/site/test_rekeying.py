"""The ledger's signing key in a site's folder, and its change, interrupted or not."""

from __future__ import annotations

from pathlib import Path

import pytest

from bedside.errors import PermissionRefused
from bedside.keys.signing import PublicKey, SigningKey
from bedside.ledger.events import EventKind
from bedside.ledger.note import ED25519, read_vkey
from bedside.site import rekeying
from bedside.site.rekeying import COMING, rekey
from bedside.site.site import Site
from tests.bedside_site import Hospital


def change(site: Site, hospital: Hospital, role: str = "administrator") -> PublicKey:
    keys = site.folder / "keys"
    return rekey(site.ledger, site.people, keys, hospital[role].caller, "it was time")


@pytest.fixture
def keys(hospital: Hospital) -> Path:
    hospital.site.close()
    return hospital.site.folder / "keys"


def test_the_site_goes_on_with_the_new_key(hospital: Hospital, keys: Path) -> None:
    first = PublicKey.load(keys / "ledger.pub")
    with Site.open(hospital.site.folder) as site:
        new = change(site, hospital)
        site.people.issue_key(
            hospital["administrator"].caller, hospital["clinician"].caller.person.id, "another"
        )
        site.verify()
    with Site.open(hospital.site.folder) as site:
        assert (site.ledger.first_key, site.ledger.public_key) == (first, new)
        site.verify()
        [entry] = site.ledger.find(kind=EventKind.LEDGER_KEY_CHANGED)
        assert entry.value["body"]["reason"] == "it was time"
        again = change(site, hospital)
        site.verify()
    assert PublicKey.load(keys / "ledger.pub") == first
    assert PublicKey.load(keys / "ledger-2.pub") == new
    assert PublicKey.load(keys / "ledger-3.pub") == again
    assert read_vkey((keys / "ledger.vkey").read_text(), ED25519).public == again
    assert SigningKey.load(keys / "ledger.key").public == again
    assert not (keys / COMING).exists()


def test_only_an_administrator_changes_it(hospital: Hospital, keys: Path) -> None:
    with Site.open(hospital.site.folder) as site, pytest.raises(PermissionRefused):
        change(site, hospital, "operator")
    assert not (keys / COMING).exists()


def test_a_change_that_was_interrupted_after_it_was_recorded_is_ended(
    hospital: Hospital, keys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def power_cut(*words: object) -> None:
        del words
        raise KeyboardInterrupt

    monkeypatch.setattr(rekeying, "_settle", power_cut)
    with Site.open(hospital.site.folder) as site, pytest.raises(KeyboardInterrupt):
        change(site, hospital)
    monkeypatch.undo()
    coming = SigningKey.load(keys / COMING)
    assert SigningKey.load(keys / "ledger.key").public != coming.public
    with Site.open(hospital.site.folder) as site:
        assert site.ledger.public_key == coming.public
        site.verify()
    assert not (keys / COMING).exists()
    assert SigningKey.load(keys / "ledger.key").public == coming.public


def test_a_change_that_was_interrupted_before_is_none(hospital: Hospital, keys: Path) -> None:
    SigningKey.new().save(keys / COMING)
    present = SigningKey.load(keys / "ledger.key").public
    with Site.open(hospital.site.folder) as site:
        assert site.ledger.public_key == present
        site.verify()
        change(site, hospital)
    assert not (keys / COMING).exists()
