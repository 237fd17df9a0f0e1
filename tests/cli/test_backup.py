from __future__ import annotations

import time
from pathlib import Path

import pytest

from bedside.site.backup.duty import RETRY_SECONDS
from bedside.site.site import Site
from tests.cli.conftest import Cli, Ward


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    return tmp_path / "elsewhere"


def test_a_site_goes_there_and_back(cli: Cli, ward: Ward, elsewhere: Path, tmp_path: Path) -> None:
    made = cli.json("backup", "--site", ward.site, "--folder", elsewhere)
    assert made["data_bytes"] > made["keys_bytes"] > 0
    assert set(made["seconds"]) == {"verified", "written", "read back", "keys"}
    (told,) = cli.json("backup", "list", "--folder", elsewhere)
    assert (told["generation"], told["whole"]) == (made["generation"], True)
    drilled = cli.json("backup", "drill", "--site", ward.site, "--folder", elsewhere)
    assert (drilled["entries"], drilled["behind"]) == (made["size"], 1)
    new = tmp_path / "new"
    words = (elsewhere, "--site", new, "--site-key", ward.site / "keys" / "site.key")
    restored = cli.json("restore", *words)
    assert (restored["entries"], restored["lost"]) == (made["size"], None)
    with Site.open(new) as site:
        site.verify()


def test_people_are_told_in_words(cli: Cli, ward: Ward, elsewhere: Path, tmp_path: Path) -> None:
    shown = cli.done("backup", "--site", ward.site, "--folder", elsewhere)
    assert "encrypted" in shown
    assert "yes" in cli.done("backup", "list", "--folder", elsewhere)
    shown = cli.done("backup", "drill", "--site", ward.site, "--folder", elsewhere)
    assert "restored, proved and gone" in shown
    key = ward.site / "keys" / "site.key"
    words = (elsewhere, "--site", tmp_path / "new", "--site-key", key)
    checkpoint = tmp_path / "latest"
    checkpoint.write_text(cli.done("ledger", "checkpoint", "--site", ward.site))
    shown = cli.done("restore", *words, "--checkpoint", checkpoint)
    assert "2 entries were recorded after the backup, and are lost" in shown
    assert "is the machine before it really off" in shown


def test_the_settings_say_where(cli: Cli, ward: Ward, elsewhere: Path) -> None:
    assert "nowhere to back up to" in cli("backup", "--site", ward.site).err
    path = ward.site / "site.toml"
    path.write_text(path.read_text() + f'\n[backup]\nfolder = "{elsewhere}"\n')
    assert "none was made yet" in cli("doctor", "--site", ward.site).out
    cli.done("backup", "--site", ward.site)
    assert len(cli.json("backup", "list", "--site", ward.site)) == 1
    assert "the newest is 0.0 hours old" in cli("doctor", "--site", ward.site).out
    (event,) = cli.json("ledger", "list", "--kind", "configuration-changed", *ward.as_("auditor"))
    assert event["body"]["settings"]["backup"]["folder"] == str(elsewhere)


def test_it_goes_on_every_so_often(
    cli: Cli, ward: Ward, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []

    def sleep(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(time, "sleep", sleep)
    answer = cli("backup", "--site", ward.site, "--folder", elsewhere, "--every", "6")
    assert answer.code != 0
    assert waited == [6 * 3600, 6 * 3600]
    assert len(cli.json("backup", "list", "--folder", elsewhere)) == 2


def test_it_goes_on_though_one_of_them_could_not_be_made(
    cli: Cli, ward: Ward, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []

    def sleep(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) == 2:
            raise KeyboardInterrupt
        elsewhere.unlink()  # the disk is back

    elsewhere.write_text("no folder")
    monkeypatch.setattr(time, "sleep", sleep)
    answer = cli("backup", "--site", ward.site, "--folder", elsewhere, "--every", "6")
    assert "cannot be used" in answer.err
    assert waited == [RETRY_SECONDS, 6 * 3600]
    assert len(cli.json("backup", "list", "--folder", elsewhere)) == 1
    assert "nowhere to back up to" in cli("backup", "--site", ward.site, "--every", "6").err


def test_wrong_words_are_refused(cli: Cli, ward: Ward, elsewhere: Path, tmp_path: Path) -> None:
    cli.done("backup", "--site", ward.site, "--folder", elsewhere)
    new = ("--site", tmp_path / "new")
    assert "no generation x" in cli.refused("restore", elsewhere, *new, "--generation", "x")
    assert "no file" in cli.refused("restore", elsewhere, *new, "--checkpoint", tmp_path / "no")
    assert "--site-key" in cli.refused("restore", elsewhere, *new)
    assert not any((tmp_path / "new").iterdir())
    assert "no whole generation" in cli.refused("restore", tmp_path / "empty", *new)
    answer = cli("backup", "--site", ward.site, "--keys-folder", elsewhere)
    assert "--keys-folder was given without --folder" in answer.err


def test_a_generation_that_is_not_whole_is_shown_as_such(
    cli: Cli, ward: Ward, elsewhere: Path
) -> None:
    made = cli.json("backup", "--site", ward.site, "--folder", elsewhere)["generation"]
    (elsewhere / f"bedside-{made}.keys").unlink()
    assert "NO" in cli.done("backup", "list", "--folder", elsewhere)
    (elsewhere / f"bedside-{made}.json").write_text("{}")
    (told,) = cli.json("backup", "list", "--folder", elsewhere)
    assert told["whole"] is False
    assert "not a backup's manifest" in told["reason"]


def test_an_upgrade_of_a_site_that_is_up_to_date_needs_no_backup(cli: Cli, ward: Ward) -> None:
    told = cli.json("init", "--upgrade", "--site", ward.site)
    assert (told["upgraded"], told["backup"]) == (True, None)
