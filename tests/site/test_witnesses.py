"""Sites that witness each other: settings, opening, doctor, and what is recorded of it."""

from __future__ import annotations

import logging
import shutil
import sqlite3
from pathlib import Path

import pytest

from bedside.errors import (
    Conflict,
    LedgerBroken,
    NotFound,
    PermissionRefused,
    SiteProblem,
    UsageError,
)
from bedside.ledger.cosignature import cosigned_at
from bedside.ledger.events import EventKind
from bedside.ledger.note import (
    COSIGNATURE,
    ED25519,
    NoteKey,
    SignedNote,
    read_note,
    read_signatures,
    read_vkey,
)
from bedside.ledger.witness_host import WitnessHost, refusals, witnessed
from bedside.ledger.witness_request import request_body
from bedside.site.doctor import Finding, examine
from bedside.site.settings import read_settings, write_settings
from bedside.site.site import Site
from bedside.site.witness_settings import WitnessAt, WitnessSettings
from bedside.site.witnesses import accept_loss
from tests import bedside_site
from tests.api.running import running
from tests.bedside_site import Hospital
from tests.ledger.witnesses import ORIGIN, Growing

VKEY = NoteKey("example.com/log", ED25519, Growing().signer.public).vkey


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    return folder


def witnessed_by(folder: Path, *places: WitnessAt, seconds: int = 1) -> None:
    """Write witnesses into the settings of a closed site."""
    path = folder / "site.toml"
    settings = read_settings(path)
    found = WitnessSettings(seconds=seconds, at=places)
    path.write_text(write_settings(settings.model_copy(update={"witness": found})))


@pytest.fixture
def ward(tmp_path: Path, elsewhere: Path) -> Hospital:
    """A closed site whose witness is a folder."""
    built = bedside_site.build(tmp_path / "ward")
    built.site.close()
    witnessed_by(built.site.folder, WitnessAt(name="archive", address=str(elsewhere)))
    return built


def witness_finding(folder: Path) -> Finding:
    return next(one for one in examine(folder) if one.name == "witness archive")


class TestSettings:
    def test_go_there_and_back(self, ward: Hospital, elsewhere: Path) -> None:
        settings = read_settings(ward.site.folder / "site.toml")
        [place] = settings.witness.at
        assert (place.name, place.address, settings.witness.seconds) == (
            "archive",
            str(elsewhere),
            1,
        )
        assert read_settings(ward.site.folder / "site.toml") == settings

    @pytest.mark.parametrize(
        ("lines", "words"),
        [
            ('name = "a"\naddress = "relative"', "absolute"),
            ('name = "A B"\naddress = "/x"', "name"),
            ('name = "a"\naddress = "https://example.com/w"', "needs its vkey"),
            ('name = "a"\naddress = "/x"\nvkey = "x"', "needs its vkey"),
            ('name = "a"\naddress = "https://u:p@example.com"\nvkey = "x"', "no password"),
            (f'name = "a"\naddress = "https://example.com"\nvkey = "{VKEY}"', "a log's key"),
            ('name = "a"\naddress = "/x"\nregion = "eu"', "only a bucket"),
            ('name = "a"\naddress = "/x"\n[[witness.at]]\nname = "a"\naddress = "/y"', "same name"),
            ('name = "a"', "address"),
        ],
    )
    def test_that_cannot_be_used_are_named(self, ward: Hospital, lines: str, words: str) -> None:
        path = ward.site.folder / "site.toml"
        text = path.read_text().split("[witness]")[0]
        path.write_text(f"{text}\n[witness]\n[[witness.at]]\n{lines}\n")
        with pytest.raises(SiteProblem, match=words):
            read_settings(path)

    def test_are_recorded_when_they_change(self, ward: Hospital) -> None:
        with Site.open(ward.site.folder) as site:
            [entry] = site.ledger.find(kind=EventKind.CONFIGURATION_CHANGED)
        assert entry.value["body"]["settings"]["witness"]["at"][0]["name"] == "archive"
        assert "witness" not in entry.value["body"]["before"]


class TestASiteWithAWitness:
    def test_lets_it_see_each_end_of_service(self, ward: Hospital, elsewhere: Path) -> None:
        for _ in range(2):
            with Site.open(ward.site.folder) as site:
                site.witnessing.start()
                site.people.issue_key(ward["administrator"].caller, _id(ward), "another")
        with Site.open(ward.site.folder) as site:
            [state] = site.witnessing.states()
            assert (state.standing, state.behind) == ("agrees", 0)
            sizes = [one.size for one in site.witnessing.sightings("archive")]
        assert len(sizes) >= 2
        assert len(list(elsewhere.iterdir())) == 1

    def test_says_at_opening_that_it_was_put_back(
        self, ward: Hospital, caplog: pytest.LogCaptureFixture
    ) -> None:
        folder = ward.site.folder
        with Site.open(folder):
            pass
        shutil.copytree(folder, folder.with_name("kept"))
        with Site.open(folder) as site:
            site.people.issue_key(ward["administrator"].caller, _id(ward), "another")
            site.witnessing.send()
            size = site.ledger.head().size
        shutil.rmtree(folder)
        shutil.copytree(folder.with_name("kept"), folder)
        with pytest.raises(LedgerBroken, match=f"archive saw {size} entries") as problem:
            Site.open(folder)
        assert problem.value.index == size - 1
        assert [one.levelno for one in caplog.records if one.name == "bedside.witness"] == [
            logging.ERROR
        ]
        finding = next(one for one in examine(folder) if one.name == "site")
        assert not finding.ok
        assert "is missing" in finding.detail
        self._goes_on_once_somebody_answers_for_it(ward, size)

    def _goes_on_once_somebody_answers_for_it(self, ward: Hospital, size: int) -> None:
        caller = ward["administrator"].caller
        with Site.open(ward.site.folder, hold=False) as site:
            accept_loss(site.ledger, site.witnessing, caller, "archive", "the disk broke")
        with Site.open(ward.site.folder) as site:
            [entry] = site.ledger.find(kind=EventKind.RESTORE)
            body = entry.value["body"]
            assert (body["size"], body["reason"]) == (size, "the disk broke")
            assert read_note(body["saw"]).signatures
            site.verify()
        finding = witness_finding(ward.site.folder)
        assert not finding.ok
        assert "refused" in finding.detail

    def test_goes_on_when_it_is_away(self, ward: Hospital, elsewhere: Path) -> None:
        elsewhere.rmdir()
        with Site.open(ward.site.folder) as site:
            site.witnessing.start()
            site.people.issue_key(ward["administrator"].caller, _id(ward), "another")
        with Site.open(ward.site.folder) as site:
            [state] = site.witnessing.states()
            assert state.standing == "away"
        finding = witness_finding(ward.site.folder)
        assert not finding.ok
        assert "cannot be used" in finding.detail
        elsewhere.mkdir()
        with Site.open(ward.site.folder) as site:
            assert site.witnessing.send("archive")[0].standing == "agrees"
        assert witness_finding(ward.site.folder).ok

    def test_a_row_about_a_witness_is_no_part_of_the_record(self, ward: Hospital) -> None:
        with Site.open(ward.site.folder) as site:
            site.witnessing.send()
        with sqlite3.connect(ward.site.folder / "bedside.db") as database:
            database.execute("UPDATE witnesses SET size = 3, note = 'x'")
        database.close()
        with Site.open(ward.site.folder) as site:
            site.verify()
            assert site.witnessing.send()[0].standing == "agrees"


def _id(ward: Hospital) -> str:
    return ward["clinician"].caller.person.id


def host_of(site: Site) -> WitnessHost:
    found = site.witnessed.host()
    assert found is not None
    return found


class TestASiteAsAWitness:
    def test_only_an_administrator_says_whom_it_witnesses(self, ward: Hospital) -> None:
        with Site.open(ward.site.folder) as site:
            with pytest.raises(PermissionRefused):
                site.witnessed.add(ward["operator"].caller, VKEY)
            assert site.witnessed.host() is None
            site.witnessed.add(ward["administrator"].caller, VKEY)
            with pytest.raises(Conflict):
                site.witnessed.add(ward["administrator"].caller, VKEY)
            with pytest.raises(PermissionRefused):
                site.witnessed.remove(ward["operator"].caller, "example.com/log")
            site.witnessed.remove(ward["administrator"].caller, "example.com/log")
            with pytest.raises(NotFound):
                site.witnessed.remove(ward["administrator"].caller, "example.com/log")
            found = site.ledger.find(about="example.com/log")
            site.verify()
        acts = [entry.value["body"]["act"] for entry in found]
        assert acts == ["witness", "witness-no-longer"]
        assert {entry.kind for entry in found} == {"configuration-changed"}

    def test_restored_it_begins_again_under_another_key(self, ward: Hospital) -> None:
        """A restored database forgot what was cosigned since: the old key may sign no more."""
        administrator, keys = ward["administrator"].caller, ward.site.folder / "keys"
        other = Growing().grow(5)
        vkey = NoteKey(ORIGIN, ED25519, other.signer.public).vkey
        with Site.open(ward.site.folder) as site:
            site.witnessed.add(administrator, vkey)
            before = host_of(site)
            said = before.add_checkpoint(request_body(other.offer()))
        (keys / "witness.key").unlink()  # as a restore leaves it
        old = (keys / "witness.vkey").read_text()
        with Site.open(ward.site.folder) as site:
            assert site.witnessed.host() is None
            assert not (keys / "witness.key").exists()
            site.witnessed.add(administrator, vkey)
            host = host_of(site)
            assert (keys / "witness.vkey").read_text() == f"{host.key.vkey}\n" != old
            assert (keys / f"witness-{before.key.id.hex()}.vkey").read_text() == old
            with pytest.raises(Conflict, match="witnessed already"):
                site.witnessed.add(administrator, vkey)
            last = site.ledger.find(about=ORIGIN)[-1].value["body"]
            assert (last["act"], last["witness"]) == ("witness", host.key.vkey)
            note = SignedNote(read_note(other.checkpoint().note).text, read_signatures(said.body))
            assert cosigned_at(note, read_vkey(old, COSIGNATURE))  # it stays checkable
            again = host.add_checkpoint(request_body(other.offer(5)))  # at once, under the new key
            assert cosigned_at(SignedNote(note.text, read_signatures(again.body)), host.key)
            forged = other.fork(2).grow(3, "forged")
            assert host.add_checkpoint(request_body(forged.offer(5))).status == 409

    def test_a_line_that_is_no_key_makes_none(self, ward: Hospital) -> None:
        with Site.open(ward.site.folder) as site:
            with pytest.raises(UsageError):
                site.witnessed.add(ward["administrator"].caller, "nonsense")
            assert site.witnessed.host() is None

    def test_its_key_is_its_owners_alone(self, ward: Hospital) -> None:
        with Site.open(ward.site.folder) as site:
            site.witnessed.add(ward["administrator"].caller, VKEY)
        path = ward.site.folder / "keys" / "witness.key"
        assert path.stat().st_mode & 0o077 == 0
        assert any(one.name == "key witness.key" and one.ok for one in examine(ward.site.folder))


@pytest.mark.enable_socket
@pytest.mark.loopback
def test_two_sites_witness_each_other(tmp_path: Path) -> None:
    north, south = (bedside_site.build(tmp_path / name) for name in ("north", "south"))
    key = north.site.witnessed.add(north["administrator"].caller, south.site.ledger.vkey)
    host = north.site.witnessed.host()
    assert host is not None
    for one in (north, south):
        one.site.close()
    with running(north.site.folder) as server:
        place = WitnessAt(name="north", address=f"{server.url}/v1/witness", vkey=host.key.vkey)
        witnessed_by(south.site.folder, place)
        with Site.open(south.site.folder) as site:
            [state] = site.witnessing.send()
            assert (state.standing, state.behind) == ("agrees", 0)
            assert len(read_note(state.note).signatures) == 2
            [seen] = site.witnessing.sightings("north")
            assert seen.size == state.size
        shutil.copytree(south.site.folder, tmp_path / "kept")
        with Site.open(south.site.folder) as site:
            site.people.issue_key(south["administrator"].caller, _id(south), "another")
            assert site.witnessing.send()[0].standing == "agrees"
        with pytest.raises(LedgerBroken, match="the witness north saw"):
            Site.open(tmp_path / "kept")
        with Site.open(tmp_path / "kept", hold=False) as site:
            for _ in range(3):
                site.people.issue_key(south["administrator"].caller, _id(south), "forked")
            assert site.witnessing.send()[0].standing == "refused"
        assert server.stop() == 0
    with Site.open(north.site.folder) as site:
        [log] = witnessed(site.database)
        assert (log.origin, log.refusals) == (key.name, 1)
        [refused] = refusals(site.database, key.name)
        assert "does not continue" in refused.why
