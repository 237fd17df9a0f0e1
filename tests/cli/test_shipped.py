from __future__ import annotations

import json
from pathlib import Path

import pytest

from bedside.imaging.phantoms import drawn_head, head_file
from bedside.package.shipped.catalogue import SHIPPED, Shipped, shipped
from tests.cli.conftest import Cli, Ward

NAME = "brain-extraction"


@pytest.fixture(scope="module")
def ours() -> Shipped:
    found = shipped(NAME)
    assert found is not None
    return found


@pytest.fixture
def head(tmp_path: Path) -> Path:
    path = tmp_path / "head.nii"
    path.write_bytes(head_file(drawn_head((34, 42, 36), (5.0, 5.0, 5.0))))
    return path


def test_it_is_inspected_and_has_a_card_under_its_name(cli: Cli, ours: Shipped) -> None:
    assert cli.json("inspect", NAME)["signed_by"] == ours.fingerprint
    assert cli.json("inspect", ours.ref)["ref"] == ours.ref
    for language, words in (("en", "lies within the dura"), ("ja", "硬膜の内側")):
        assert words in cli.done("card", NAME, "--language", language)


def test_it_is_verified_under_its_name_by_the_key_in_the_source(cli: Cli, ours: Shipped) -> None:
    told = cli.json("verify", NAME)
    assert told["ok"]
    (signature,) = (one for one in told["checks"] if one["name"] == "signature")
    assert ours.fingerprint in signature["found"]


def test_a_site_takes_it_once_somebody_has_trusted_its_signer(
    cli: Cli, ward: Ward, ours: Shipped
) -> None:
    refused = cli.refused("registry", "add", NAME, *ward.as_("developer"))
    assert "not among the" in refused
    assert "No key to trust" in cli.refused("verify", NAME, "--site", ward.site)
    trust = ("keys", "trust", NAME, "--name", "Bedside", *ward.as_("admin"))
    assert cli.done(*trust) == f"Trusted: Bedside, {ours.fingerprint}.\n"
    added = cli.json("registry", "add", NAME, *ward.as_("developer"))
    assert (added["model"], added["version"]) == (ours.name, ours.version)
    entries = cli.json("ledger", "list", *ward.as_("auditor"))
    assert "key-trusted" in json.dumps(entries)


def test_a_file_of_the_same_name_is_not_mistaken_for_it(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / NAME).touch()
    answer = cli("inspect", NAME)
    assert answer.code == 2
    assert "is a file here, and a package that comes with Bedside" in answer.err


def test_a_changed_file_is_refused_by_every_command(
    cli: Cli, ours: Shipped, head: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = bytearray(ours.path.read_bytes())
    data[len(data) // 2] ^= 1
    changed = Shipped(ours.name, ours.version, ours.fingerprint, folder=tmp_path)
    changed.path.write_bytes(data)
    key = ours.path.with_suffix(".pub")
    changed.path.with_suffix(".pub").write_bytes(key.read_bytes())
    others = tuple(one for one in SHIPPED if one.name != NAME)
    monkeypatch.setattr("bedside.package.shipped.catalogue.SHIPPED", (changed, *others))
    cli.refused("analyse", head, "-o", tmp_path / "out")
    cli.refused("inspect", NAME)
    cli.refused("verify", NAME)
    assert not (tmp_path / "out").exists()
