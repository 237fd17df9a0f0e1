from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from tests.cli.conftest import Cli, Ward


@pytest.fixture
def exported(cli: Cli, ward: Ward, tmp_path: Path) -> tuple[Path, Path]:
    export, public = tmp_path / "ledger.jsonl", tmp_path / "ledger.pub"
    words = ("-o", export, "--public-key-out", public, *ward.as_("auditor"))
    shown = cli.done("ledger", "export", *words)
    assert f"bedside ledger verify {export} --public-key {public}" in shown
    return export, public


def test_a_whole_ledger_verifies(cli: Cli, ward: Ward) -> None:
    shown = cli.done("ledger", "verify", "--site", ward.site)
    assert "entries, none changed, none missing" in shown
    assert "people, keys, versions, approvals and releases are as it tells" in shown
    told = cli.json("ledger", "verify", "--site", ward.site)
    assert told["ok"] is True
    assert told["entries"] == told["size"] > len("people")


def test_a_changed_entry_is_named(cli: Cli, ward: Ward) -> None:
    with sqlite3.connect(ward.site / "bedside.db") as database:
        database.execute("UPDATE ledger_entries SET about = 'nobody' WHERE position = 2")
    database.close()
    answer = cli("ledger", "verify", "--site", ward.site, "--json")
    assert answer.code == 1
    assert answer.json["error"]["kind"] == "LedgerBroken"
    assert answer.json["error"]["index"] == 2
    assert "broken at entry 2" in answer.err


def test_a_row_that_the_ledger_does_not_tell_of_is_named(cli: Cli, ward: Ward) -> None:
    with sqlite3.connect(ward.site / "bedside.db") as database:
        database.execute("UPDATE people SET roles = 'administrator' WHERE name = 'clinician'")
    database.close()
    answer = cli("ledger", "verify", "--site", ward.site, "--json")
    assert answer.code == 1
    assert answer.json["error"]["kind"] == "LedgerBroken"
    assert "roles is 'administrator', the ledger tells 'clinician'" in answer.err


def test_an_export_says_with_which_key_it_was_made(
    cli: Cli, ward: Ward, exported: tuple[Path, Path]
) -> None:
    del exported
    [entry] = cli.json("ledger", "list", "--kind", "export", *ward.as_("auditor"))
    [key] = cli.json("people", "list", "auditor", *ward.as_("admin"))["keys"]
    assert entry["credential"] == key["id"]


def test_an_export_verifies_with_the_public_key_alone(
    cli: Cli, exported: tuple[Path, Path]
) -> None:
    export, public = exported
    told = cli.json("ledger", "verify", export, "--public-key", public)
    assert told["ok"] is True
    assert told["size"] == told["entries"] > 0


def test_a_changed_export_is_refused(cli: Cli, exported: tuple[Path, Path]) -> None:
    export, public = exported
    text = export.read_text()
    assert text.count("clinician") >= 1
    export.write_text(text.replace("clinician", "physician", 1))
    said = cli.refused("ledger", "verify", export, "--public-key", public)
    assert "broken at entry" in said


def test_an_export_without_a_key_proves_nothing(cli: Cli, exported: tuple[Path, Path]) -> None:
    answer = cli("ledger", "verify", exported[0])
    assert answer.code == 2
    assert "--public-key" in answer.err


def test_a_missing_export_is_named(cli: Cli, exported: tuple[Path, Path]) -> None:
    answer = cli("ledger", "verify", "nothing.jsonl", "--public-key", exported[1])
    assert answer.code == 2
    assert "nothing.jsonl" in answer.err


def test_no_export_is_overwritten(cli: Cli, ward: Ward, exported: tuple[Path, Path]) -> None:
    said = cli.refused("ledger", "export", "-o", exported[0], *ward.as_("auditor"))
    assert "is there already" in said


def test_only_an_auditor_may_export_or_list(cli: Cli, ward: Ward, tmp_path: Path) -> None:
    words = ("ledger", "export", "-o", tmp_path / "x", *ward.as_("clinician"))
    assert "may not ledger-export" in cli.refused(*words)
    assert not (tmp_path / "x").exists()
    assert "may not ledger-read" in cli.refused("ledger", "list", *ward.as_("clinician"))


def test_an_export_is_itself_recorded(cli: Cli, ward: Ward, exported: tuple[Path, Path]) -> None:
    del exported
    [entry] = cli.json("ledger", "list", "--kind", "export", *ward.as_("auditor"))
    assert entry["door"] == "cli"


def test_the_newest_entries_come_first_with_names(cli: Cli, ward: Ward) -> None:
    entries = cli.json("ledger", "list", "--limit", "3", *ward.as_("auditor"))
    indices = [entry["index"] for entry in entries]
    assert indices == sorted(indices, reverse=True)
    assert len(indices) == 3
    assert "Admin" in cli.done("ledger", "list", "--limit", "3", *ward.as_("auditor"))


def test_an_unknown_kind_is_wrong_usage(cli: Cli, ward: Ward) -> None:
    answer = cli("ledger", "list", "--kind", "gossip", *ward.as_("auditor"))
    assert answer.code == 2
    assert "'gossip' is no kind of event" in answer.err
    assert "approval" in answer.err


def test_a_checkpoint_is_the_signed_text(cli: Cli, ward: Ward) -> None:
    told = cli.json("ledger", "checkpoint", "--site", ward.site)
    shown = cli.done("ledger", "checkpoint", "--site", ward.site)
    assert told["vkey"] == (ward.site / "keys" / "ledger.vkey").read_text().strip()
    assert shown == told["note"]
    assert told["note"].startswith(f"{told['origin']}\n{told['size']}\n")


def test_the_key_is_changed_and_the_chain_followed(cli: Cli, ward: Ward, tmp_path: Path) -> None:
    first = (ward.site / "keys" / "ledger.pub").read_text()
    answer = cli("ledger", "rekey", "--reason", " ", *ward.as_("admin"))
    assert answer.code == 2
    assert "may not keys-manage" in cli.refused(
        "ledger", "rekey", "--reason", "x", *ward.as_("operator")
    )
    told = cli.json("ledger", "rekey", "--reason", "it was time", *ward.as_("admin"))
    assert told["public_key"] != told["first_key"]
    assert told["vkey"] == (ward.site / "keys" / "ledger.vkey").read_text().strip()
    cli.done("ledger", "verify", "--site", ward.site)
    export, public = tmp_path / "x.jsonl", tmp_path / "x.pub"
    cli.done("ledger", "export", "-o", export, "--public-key-out", public, *ward.as_("auditor"))
    assert public.read_text() == first
    assert cli.json("ledger", "verify", export, "--public-key", public)["ok"] is True
