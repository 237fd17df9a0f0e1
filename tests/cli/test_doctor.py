from __future__ import annotations

import sqlite3
from pathlib import Path

from tests.cli.conftest import Cli, Ward


def test_a_healthy_site_passes(cli: Cli, released: Ward) -> None:
    shown = cli.done("doctor", "--site", released.site)
    assert "✓ site " in shown
    assert "✓ ledger " in shown
    assert "✓ breast-cancer  breast-cancer@1.0.0 loads, golden cases agree" in shown
    told = cli.json("doctor", "--site", released.site)
    assert told["ok"] is True
    assert {check["passed"] for check in told["checks"]} == {True}


def test_a_new_site_says_what_is_not_there_yet(cli: Cli, ward: Ward) -> None:
    shown = cli.done("doctor", "--site", ward.site)
    assert "– keys        no author's key is trusted" in shown
    assert "– models      no version is released" in shown


def test_a_damaged_archive_fails_its_model_only(cli: Cli, released: Ward) -> None:
    [archive] = [path for path in (released.site / "blobs").rglob("*") if path.is_file()]
    archive.chmod(0o600)
    archive.write_bytes(archive.read_bytes()[:-1])
    answer = cli("doctor", "--site", released.site)
    assert answer.code == 1
    assert "✗ breast-cancer" in answer.out
    assert "✓ ledger" in answer.out
    assert "1 of 6 checks failed: breast-cancer" in answer.err


def test_a_broken_ledger_fails(cli: Cli, ward: Ward) -> None:
    with sqlite3.connect(ward.site / "bedside.db") as database:
        database.execute("UPDATE ledger_entries SET about = 'nobody' WHERE position = 2")
    database.close()
    answer = cli("doctor", "--site", ward.site, "--json")
    assert answer.code == 1
    [failed] = [check for check in answer.json["checks"] if check["passed"] is False]
    assert failed["name"] == "ledger"
    assert "entry 2" in failed["found"]


def test_a_folder_without_a_site_fails(cli: Cli, tmp_path: Path) -> None:
    answer = cli("doctor", "--site", tmp_path)
    assert answer.code == 1
    assert answer.out.startswith("✗ site")
    assert "bedside init" in answer.err
