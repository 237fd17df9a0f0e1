from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import Cli, Ward


def test_a_new_site_shows_its_administrators_key_once(cli: Cli, tmp_path: Path) -> None:
    site = tmp_path / "new"
    told = cli.json("init", "--site", site, "--name", "Ward 3", "--admin", "Admin")
    assert told["name"] == "Ward 3"
    key = {"BEDSIDE_API_KEY": told["key"]["secret"]}
    assert cli("people", "list", "--site", site, env=key).code == 0
    for path in site.rglob("*"):
        assert not path.is_file() or told["key"]["secret"].encode() not in path.read_bytes()


def test_the_text_says_what_comes_next(cli: Cli, tmp_path: Path) -> None:
    shown = cli.done("init", "--site", tmp_path / "new", "--name", "Ward 3", "--admin", "Admin")
    assert "Made the site Ward 3" in shown
    assert "bds_" in shown
    assert "Next: bedside people add" in shown


def test_a_site_needs_a_name_and_an_administrator(cli: Cli, tmp_path: Path) -> None:
    answer = cli("init", "--site", tmp_path / "new", "--name", "Ward 3")
    assert answer.code == 2
    assert "needs a name and a first administrator" in answer.err
    assert not (tmp_path / "new").exists()


def test_a_site_is_never_made_over_another(cli: Cli, ward: Ward) -> None:
    said = cli.refused("init", "--site", ward.site, "--name", "Ward 3", "--admin", "Admin")
    assert "There is a site in" in said


def test_a_folder_in_other_use_is_left_alone(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    said = cli.refused("init", "--site", tmp_path, "--name", "Ward 3", "--admin", "Admin")
    assert "is not an empty folder" in said


def test_an_existing_site_is_brought_up_to_date(cli: Cli, ward: Ward) -> None:
    assert "is up to date" in cli.done("init", "--upgrade", "--site", ward.site)
    assert cli.json("init", "--upgrade", "--site", ward.site)["upgraded"] is True


def test_where_there_is_no_site_the_next_step_is_told(cli: Cli, tmp_path: Path) -> None:
    said = cli.refused("ledger", "verify", "--site", tmp_path / "nowhere")
    assert "There is no site in" in said
    assert "bedside init" in said


def test_serve_hands_the_site_to_the_service(cli: Cli, ward: Ward) -> None:
    shown = cli.done("serve", "--site", ward.site, "--port", "8123")
    assert "http://127.0.0.1:8123/docs" in shown
    assert cli.served.asked == [(ward.site, "127.0.0.1", 8123, 1)]
    told = cli.json("serve", "--site", ward.site, "--host", "::1")
    assert told["address"] == "http://[::1]:8000"


def test_serve_takes_the_words_of_api_replicas(cli: Cli, ward: Ward) -> None:
    told = cli.json("serve", "--no-ui", "--workers", "4", "--site", ward.site)
    assert (told["workers"], told["ui"]) == (4, False)
    assert cli.served.asked == [(ward.site, "127.0.0.1", 8000, 4)]
    assert cli("serve", "--workers", "0", "--site", ward.site).code == 2
    shown = " ".join(cli.done("serve", "--help").replace("│", "").split())
    assert "There is no web app yet" in shown


def test_a_port_that_cannot_be_is_wrong_usage(cli: Cli, ward: Ward) -> None:
    assert cli("serve", "--site", ward.site, "--port", "70000").code == 2
    assert cli.served.asked == []
