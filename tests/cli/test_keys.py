from __future__ import annotations

import stat
from pathlib import Path

from bedside.keys.signing import PublicKey, SigningKey
from tests.cli.conftest import Cli, Laboratory, Ward


def test_a_new_key_is_for_its_owner_and_its_public_half_for_all(cli: Cli, tmp_path: Path) -> None:
    out = tmp_path / "author.pem"
    told = cli.json("keys", "new", out)
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    public = PublicKey.load(tmp_path / "author.pub")
    assert SigningKey.load(out).public == public
    assert told["fingerprint"] == public.fingerprint


def test_no_key_is_overwritten(cli: Cli, tmp_path: Path) -> None:
    out = tmp_path / "author.pem"
    assert "mode 0600" in cli.done("keys", "new", out)
    before = out.read_bytes()
    assert "author.pem is there already" in cli.refused("keys", "new", out)
    out.unlink()
    assert "author.pub is there already" in cli.refused("keys", "new", out)
    out.write_bytes(before)


def test_a_trusted_key_is_listed_until_it_is_revoked(
    cli: Cli, laboratory: Laboratory, ward: Ward
) -> None:
    nothing = cli.done("keys", "list", "--site", ward.site)
    assert "The site trusts no key" in nothing
    fingerprint = PublicKey.load(laboratory.public).fingerprint
    trust = ("keys", "trust", laboratory.public, "--name", "Author", *ward.as_("admin"))
    assert cli.done(*trust) == f"Trusted: Author, {fingerprint}.\n"
    [listed] = cli.json("keys", "list", "--site", ward.site)
    assert (listed["name"], listed["fingerprint"]) == ("Author", fingerprint)
    assert "trusted already" in cli.refused(*trust)
    assert fingerprint in cli.done("keys", "list", "--site", ward.site)
    cli.done("keys", "revoke", fingerprint, *ward.as_("admin"))
    assert cli.json("keys", "list", "--site", ward.site) == []


def test_only_an_administrator_decides_whom_to_trust(
    cli: Cli, laboratory: Laboratory, ward: Ward
) -> None:
    words = ("keys", "trust", laboratory.public, "--name", "Me", *ward.as_("developer"))
    assert "may not keys-manage" in cli.refused(*words)


def test_a_key_that_nobody_trusted_cannot_be_revoked(cli: Cli, ward: Ward) -> None:
    unknown = "ed25519:" + "0" * 64
    assert unknown[:20] in cli.refused("keys", "revoke", unknown, *ward.as_("admin"))
