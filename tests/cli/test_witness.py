from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from bedside.ledger.note import ED25519, NoteKey
from tests.cli.conftest import Cli, Ward
from tests.ledger.witnesses import ORIGIN, Growing


@pytest.fixture
def elsewhere(ward: Ward, tmp_path: Path) -> Path:
    """A folder that is the ward's witness."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    with (ward.site / "site.toml").open("a") as settings:
        settings.write(f'\n[[witness.at]]\nname = "archive"\naddress = "{folder}"\n')
    return folder


def test_without_a_witness_the_page_to_read_is_named(cli: Cli, ward: Ward) -> None:
    assert "prove-it-elsewhere.md" in cli.done("ledger", "witness", "status", "--site", ward.site)
    assert cli.json("ledger", "witness", "send", "--site", ward.site) == {"witnesses": []}


def test_a_witness_is_sent_to_and_shown(
    cli: Cli, ward: Ward, elsewhere: Path, tmp_path: Path
) -> None:
    site = ("--site", ward.site)
    assert "archive: waiting" in cli.done("ledger", "witness", "status", *site)
    assert "saw nothing yet" in cli.refused("ledger", "witness", "show", "archive", *site)
    [state] = cli.json("ledger", "witness", "send", *site)["witnesses"]
    assert (state["standing"], state["behind"]) == ("agrees", 0)
    assert "archive: agrees; saw" in cli.done("ledger", "witness", "status", *site)
    out = tmp_path / "seen.txt"
    cli.done("ledger", "witness", "show", "archive", "-o", out, *site)
    [kept] = elsewhere.rglob("*.note")
    assert out.read_text() == kept.read_text()
    assert cli.done("ledger", "witness", "show", "archive", *site) == kept.read_text()
    assert "No witness is called 'x'" in cli.refused("ledger", "witness", "send", "x", *site)


def test_a_record_is_verified_against_its_witness(cli: Cli, ward: Ward, elsewhere: Path) -> None:
    site = ("--site", ward.site)
    cli.done("ledger", "witness", "send", *site)
    for witness in ("archive", "all", elsewhere):
        told = cli.json("ledger", "verify", "--witness", witness, *site)
        assert list(told["seen"].values()) == [told["size"]]
    shown = cli.done("ledger", "verify", "--witness", "archive", *site)
    assert "the witness archive saw the same, up to" in shown


def test_an_export_is_verified_against_a_witness_and_an_earlier_export(
    cli: Cli, ward: Ward, elsewhere: Path, tmp_path: Path
) -> None:
    auditor = ward.as_("auditor")
    public = ("--public-key", ward.site / "keys" / "ledger.pub")
    earlier, later = tmp_path / "earlier.jsonl", tmp_path / "later.jsonl"
    cli.done("ledger", "export", "-o", earlier, *auditor)
    cli.done("ledger", "witness", "send", "--site", ward.site)
    cli.done("ledger", "export", "-o", later, *auditor)
    words = ("--witness", elsewhere, "--earlier", earlier)
    told = cli.json("ledger", "verify", later, *public, *words)
    assert len(told["seen"]) == 2
    said = cli.refused("ledger", "verify", earlier, *public, "--earlier", later)
    assert "it is missing; the export later.jsonl saw" in said
    answer = cli("ledger", "verify", earlier, *public, "--witness", tmp_path)
    assert answer.code == 2


def test_a_site_put_back_is_refused_until_somebody_answers_for_it(
    cli: Cli, ward: Ward, elsewhere: Path, tmp_path: Path
) -> None:
    site = ("--site", ward.site)
    shutil.copytree(ward.site, tmp_path / "kept")
    cli.done("ledger", "witness", "send", *site)
    cli.done("people", "add", "another", "--role", "clinician", *ward.as_("admin"))
    cli.done("ledger", "witness", "send", *site)
    shutil.rmtree(ward.site)
    shutil.copytree(tmp_path / "kept", ward.site)
    answer = cli("ledger", "list", "--json", *ward.as_("auditor"))
    assert (answer.code, answer.json["error"]["kind"]) == (1, "LedgerBroken")
    assert "the witness archive saw" in answer.err
    index = answer.json["error"]["index"]
    assert index is not None
    assert "archive: refused" in cli.done("ledger", "witness", "status", *site)
    told = cli("ledger", "witness", "send", "--json", *site)
    assert told.code == 1
    assert told.json["witnesses"][0]["standing"] == "refused"
    for person, reason in (("operator", "broken"), ("admin", " ")):
        words = ("--reason", reason, *ward.as_(person))
        assert cli("ledger", "witness", "accept", "archive", *words).code in (1, 2)
    words = ("--reason", "the disk broke", *ward.as_("admin"))
    cli.done("ledger", "witness", "accept", "archive", *words)
    [entry] = cli.json("ledger", "list", "--kind", "restore", *ward.as_("auditor"))
    assert entry["body"]["reason"] == "the disk broke"
    said = cli.refused("ledger", "verify", "--witness", "archive", *site)
    assert "the witness archive" in said
    cli.done("ledger", "verify", *site)


def test_other_records_are_witnessed(cli: Cli, ward: Ward) -> None:
    vkey = NoteKey(ORIGIN, ED25519, Growing().signer.public).vkey
    site = ("--site", ward.site)
    assert "witnesses nobody" in cli.done("ledger", "witness", "list", *site)
    assert "may not keys-manage" in cli.refused(
        "ledger", "witness", "add", vkey, *ward.as_("operator")
    )
    shown = cli.done("ledger", "witness", "add", vkey, *ward.as_("admin"))
    mine = (ward.site / "keys" / "witness.vkey").read_text().strip()
    assert f'vkey = "{mine}"' in shown
    told = cli.json("ledger", "witness", "list", *site)
    assert told["vkey"] == mine
    assert [log["origin"] for log in told["logs"]] == [ORIGIN]
    assert ORIGIN in cli.done("ledger", "witness", "list", *site)
    assert cli.json("ledger", "witness", "refused", ORIGIN, *site) == []
    cli.done("ledger", "witness", "remove", ORIGIN, *ward.as_("admin"))
    assert cli.json("ledger", "witness", "list", *site)["logs"] == []
    answer = cli("ledger", "witness", "add", "nonsense", *ward.as_("admin"))
    assert answer.code == 2
