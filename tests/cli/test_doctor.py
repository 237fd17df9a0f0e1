from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import Cli, Ward


def test_a_healthy_site_passes(cli: Cli, released: Ward) -> None:
    shown = cli.done("doctor", "--site", released.site)
    assert all(line.startswith("✓ ") for line in shown.splitlines())
    assert "breast-cancer@1.0.0 loads; 24 golden cases hold" in shown
    told = cli.json("doctor", "--site", released.site)
    assert told["ok"] is True
    assert all(finding["ok"] for finding in told["findings"])


def test_a_damaged_archive_fails_its_model_only(cli: Cli, released: Ward) -> None:
    [archive] = [path for path in (released.site / "blobs").rglob("*") if path.is_file()]
    archive.chmod(0o600)
    archive.write_bytes(archive.read_bytes()[:-1])
    answer = cli("doctor", "--site", released.site)
    assert answer.code == 1
    assert [line for line in answer.out.splitlines() if line.startswith("✗")] == [
        line for line in answer.out.splitlines() if "model breast-cancer" in line
    ]
    assert "are not as they should be: model breast-cancer." in answer.err


def test_a_folder_without_a_site_fails_with_the_next_step(cli: Cli, tmp_path: Path) -> None:
    answer = cli("doctor", "--site", tmp_path, "--json")
    assert answer.code == 1
    assert answer.json["ok"] is False
    assert answer.json["error"]["kind"] == "SiteProblem"
    assert "bedside init" in answer.err


def test_a_key_that_others_can_read_is_found(cli: Cli, ward: Ward) -> None:
    (ward.site / "keys" / "ledger.key").chmod(0o644)
    answer = cli("doctor", "--site", ward.site)
    assert answer.code == 1
    assert "✗ key ledger.key" in answer.out
    assert "chmod 600" in answer.err
