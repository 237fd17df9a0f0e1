"""A site of the first released schema is brought up to date, and is still the same site."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import inspect, text

from bedside.errors import InputRefused, SiteProblem
from bedside.ledger.events import EventKind
from bedside.runtime.session import this_processor
from bedside.serving.values import Row
from bedside.site.backup.forgetting import UPGRADE_FOLDER
from bedside.site.backup.place import Place
from bedside.site.backup.restoring import Order, restore
from bedside.site.backup.upgrading import upgrade_site
from bedside.site.schema import differences, known_revisions, revision
from bedside.site.site import DATABASE_VARIABLE, Site
from bedside.store.database import Database
from tests import postgres
from tests.golden.old_site import EXPECTED, FIRST, lay_out

MODEL = "small-tumour"


@pytest.fixture
def old(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The kept site's folder, on either kind of database."""
    lay_out(tmp_path / "site", database_url)
    if not database_url.startswith("sqlite"):
        monkeypatch.setenv(DATABASE_VARIABLE, database_url)
    return tmp_path / "site"


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def upgraded(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """The kept site on either kind of database, brought up to date and opened."""
    folder = tmp_path_factory.mktemp("upgraded") / "site"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BEDSIDE_ALLOW_TMPFS", "1")
        url = "sqlite"
        if request.param == "postgresql":
            server: postgres.Server = request.getfixturevalue("postgres_server")
            url = server.new_database()
            patch.setenv(DATABASE_VARIABLE, url)
        lay_out(folder, url)
        upgrade_site(folder, backup=False)
        site = Site.open(folder)
    yield site
    site.close()
    if request.param == "postgresql":
        server.drop(url)


def url_of(folder: Path) -> str:
    return os.environ.get(DATABASE_VARIABLE) or f"sqlite:///{folder}/bedside.db"


def state_of(folder: Path) -> tuple[str | None, set[str], int]:
    """Revision, tables, and entries of the ledger."""
    database = Database.open(url_of(folder))
    with database.read() as connection:
        names = set(inspect(connection).get_table_names())
        count = connection.execute(text("SELECT count(*) FROM ledger_entries")).scalar_one()
        found = revision(connection), names, int(count)
    database.close()
    return found


def test_it_is_not_opened_as_it_is_and_the_way_on_is_told(old: Path) -> None:
    with pytest.raises(SiteProblem) as problem:
        Site.open(old)
    assert f"schema is {FIRST}" in problem.value.message
    assert "Back up the site, then run `bedside init --upgrade`" in problem.value.advice


def test_everything_of_it_verifies_afterwards(upgraded: Site) -> None:
    verdict = upgraded.verify()
    assert verdict.entries == upgraded.ledger.head().size
    with upgraded.database.read() as connection:
        assert differences(connection) == []
        assert revision(connection) == known_revisions()[0]
    notes = [entry.note for entry in [upgraded.ledger.latest_checkpoint()] if entry]
    assert len(notes) == 1
    kinds = {entry.kind for entry in upgraded.ledger.entries()}
    assert {"release", "approval", "decision", "refusal", "prediction"} <= kinds


def test_its_old_checkpoint_is_how_its_ledger_began(upgraded: Site) -> None:
    size, root = EXPECTED["checkpoint"].splitlines()[1:3]
    entry = upgraded.ledger.entry(int(size) - 1)
    assert entry.root.hex() == base64.b64decode(root).hex()


def test_its_traces_open_and_tell_the_same(upgraded: Site) -> None:
    auditor = upgraded.people.sign_in(EXPECTED["secrets"]["auditor"], "rest")
    for prediction, before in EXPECTED["traces"].items():
        after = upgraded.serving.trace(auditor, prediction).document()
        for part in ("decisions", "lifecycle", "manifest"):
            assert after[part] == before[part], part
        told, known = after["prediction"], before["prediction"]
        assert told["event"] == known["event"]
        for part in ("input", "raw", "scores"):
            assert told["personal"][part] == known["personal"][part], part
        (entry,) = upgraded.ledger.find(kind=EventKind.PREDICTION, about=prediction)
        personal = upgraded.ledger.opened(entry)
        assert personal is not None
        assert personal["subject"] == known["personal"]["subject"]


def test_it_answers_as_it_did(upgraded: Site) -> None:
    clinician = upgraded.people.sign_in(EXPECTED["secrets"]["clinician"], "rest")
    if this_processor() != "x86_64":
        pytest.skip("the kept package was proved on x86_64 and answers nowhere else")
    for row, before in zip(EXPECTED["inputs"], EXPECTED["predictions"], strict=True):
        (answer,) = upgraded.serving.predict_now(clinician, MODEL, [Row(row, EXPECTED["person"])])
        assert answer.label == before["label"]
        assert dict(answer.scores) == pytest.approx(before["scores"])
    with pytest.raises(InputRefused):
        upgraded.serving.predict_now(clinician, MODEL, [Row(EXPECTED["refused"])])
    upgraded.verify()


def test_a_person_is_known_again_under_the_key_that_they_had(upgraded: Site) -> None:
    known = upgraded.ledger.find(kind=EventKind.PREDICTION, about=EXPECTED["predictions"][1]["id"])
    key = upgraded.subject_keys.for_subject(EXPECTED["person"]).id
    assert known[0].value["sealed"]["key"] == key


def test_it_is_backed_up_before_and_that_backup_is_a_whole_site(
    old: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = upgrade_site(old)
    assert made is not None
    assert made.schema == FIRST
    assert upgrade_site(old) is None  # it is up to date
    monkeypatch.delenv(DATABASE_VARIABLE, raising=False)
    place = Place.at(old / UPGRADE_FOLDER)
    key = old / "keys" / "site.key"
    order = Order(place, tmp_path / "new", site_key_file=key, database="sqlite", record_only=True)
    restore(order)
    with Site.open(tmp_path / "new") as site:
        site.verify()
        (entry,) = site.ledger.find(kind=EventKind.RESTORE)
        assert (entry.index, entry.value["body"]["schema"]) == (made.size, FIRST)


def test_an_upgrade_that_is_killed_leaves_the_old_schema_whole(old: Path) -> None:
    before = state_of(old)
    program = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from bedside.site import schema\n"
        "from bedside.site.site import Site\n"
        "real = schema.upgrade_to\n"
        "def killed(connection, wanted):\n"
        "    real(connection, wanted)\n"
        "    os._exit(9)\n"
        "schema.upgrade_to = killed\n"
        "Site.upgrade(Path(sys.argv[1]))\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(old)], check=False)
    assert done.returncode == 9
    assert state_of(old) == before
    upgrade_site(old, backup=False)
    with Site.open(old) as site:
        site.verify()


def test_an_upgrade_that_fails_in_the_middle_leaves_the_old_schema_whole(old: Path) -> None:
    database = Database.open(url_of(old))
    with database.write() as connection:
        connection.execute(text("CREATE TABLE witnessed_logs (x TEXT)"))  # 0004 wants this name
    database.close()
    before = state_of(old)
    with pytest.raises(Exception, match="witnessed_logs"):
        upgrade_site(old, backup=False)
    assert state_of(old) == before
    assert "ledger_claims" not in before[1]  # 0002 had been through


def test_a_site_that_a_newer_bedside_made_is_refused_by_name(old: Path) -> None:
    database = Database.open(url_of(old))
    with database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0999'"))
    database.close()
    for act in (Site.open, upgrade_site):
        with pytest.raises(SiteProblem, match="0999") as problem:
            act(old)
        assert problem.value.advice == "Install the newer Bedside that made it."
    assert state_of(old)[0] == "0999"
