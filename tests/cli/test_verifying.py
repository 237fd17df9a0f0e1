from __future__ import annotations

from pathlib import Path

import pytest

from bedside.keys.signing import SigningKey
from bedside.package.golden import write_golden
from bedside.package.manifest import Manifest
from bedside.package.package import build_package, describe_entries, sign_package
from tests.cli.conftest import Cli, Laboratory, Ward

CHECKS = ["archive", "manifest", "digests", "signature", "conditions", "golden"]


def marks(shown: str) -> list[tuple[str, str]]:
    return [(line.split()[1], line[0]) for line in shown.splitlines()]


def repacked(laboratory: Laboratory, folder: Path, **changes: object) -> Path:
    """The laboratory's package, rebuilt and signed by its author with something changed."""
    package = laboratory.trained.frozen.package
    entries = dict(package.entries)
    entries |= {k: v for k, v in changes.items() if isinstance(v, bytes) and k in entries}
    update = {k: v for k, v in changes.items() if k not in entries}
    described = describe_entries(entries)
    manifest = Manifest.model_validate(
        package.manifest.model_copy(update={**update, "entries": described}).model_dump()
    )
    path = folder / "changed.bedside"
    path.write_bytes(build_package(manifest, entries, SigningKey.load(laboratory.secret)))
    return path


def test_a_good_package_passes_every_check_with_one_line_each(
    cli: Cli, laboratory: Laboratory
) -> None:
    shown = cli.done("verify", laboratory.package, "--trust", laboratory.public)
    assert marks(shown) == [(name, "✓") for name in CHECKS]
    assert "24/24 agree; largest difference" in shown


def test_without_a_trusted_key_the_signature_fails_and_nothing_is_loaded(
    cli: Cli, laboratory: Laboratory
) -> None:
    answer = cli("verify", laboratory.package)
    assert answer.code == 1
    assert marks(answer.out) == [
        *((name, "✓") for name in CHECKS[:3]),
        ("signature", "✗"),
        *((name, "–") for name in CHECKS[4:]),
    ]
    assert "No key to trust was given" in answer.err
    assert "--trust" in answer.err


def test_another_authors_key_is_not_enough(
    cli: Cli, laboratory: Laboratory, tmp_path: Path
) -> None:
    other = tmp_path / "other.pub"
    other.write_text(SigningKey.new().public.to_pem())
    assert "not among the 1 trusted key" in cli.refused(
        "verify", laboratory.package, "--trust", other
    )


def test_the_keys_that_a_site_trusts_count(cli: Cli, laboratory: Laboratory, ward: Ward) -> None:
    assert "No key to trust" in cli.refused("verify", laboratory.package, "--site", ward.site)
    cli.done("keys", "trust", laboratory.public, "--name", "Author", *ward.as_("admin"))
    assert marks(cli.done("verify", laboratory.package, "--site", ward.site))[3] == (
        "signature",
        "✓",
    )


def test_one_flipped_bit_is_found(cli: Cli, laboratory: Laboratory, tmp_path: Path) -> None:
    data = bytearray(laboratory.package.read_bytes())
    data[len(data) // 2] ^= 1
    path = tmp_path / "flipped.bedside"
    path.write_bytes(data)
    answer = cli("verify", path, "--trust", laboratory.public)
    assert answer.code == 1
    assert marks(answer.out)[0] == ("archive", "✗")
    assert [mark for _, mark in marks(answer.out)[1:]] == ["–"] * 5


def test_a_machine_that_is_not_the_declared_one_is_told(
    cli: Cli, laboratory: Laboratory, tmp_path: Path
) -> None:
    conditions = laboratory.trained.frozen.package.manifest.conditions
    path = repacked(
        laboratory, tmp_path, conditions=conditions.model_copy(update={"processor": "abacus"})
    )
    answer = cli("verify", path, "--trust", laboratory.public)
    assert marks(answer.out)[4:] == [("conditions", "✗"), ("golden", "–")]
    assert "was verified on abacus" in answer.err


def test_a_golden_case_that_disagrees_is_named(
    cli: Cli, laboratory: Laboratory, tmp_path: Path
) -> None:
    package = laboratory.trained.frozen.package
    first, *others = package.golden
    wrong = first.model_copy(update={"scores": {"benign": 0.25, "malignant": 0.75}})
    path = repacked(
        laboratory,
        tmp_path,
        **{package.manifest.golden.entry: write_golden((wrong, *others))},
    )
    answer = cli("verify", path, "--trust", laboratory.public)
    assert marks(answer.out)[5] == ("golden", "✗")
    assert f"The golden case {first.id!r}" in answer.err


def test_as_json_it_holds_the_checks_and_the_refusal(cli: Cli, laboratory: Laboratory) -> None:
    answer = cli("verify", laboratory.package, "--json")
    assert answer.code == 1
    assert answer.json["ok"] is False
    assert [check["name"] for check in answer.json["checks"]] == CHECKS
    assert [check["passed"] for check in answer.json["checks"]] == [True] * 3 + [False, None, None]
    assert answer.json["error"]["kind"] == "SignatureRefused"
    good = cli.json("verify", laboratory.package, "--trust", laboratory.public)
    assert good["ok"] is True
    assert "error" not in good


@pytest.mark.parametrize("content", ["", "not a key"])
def test_a_key_file_that_holds_no_key_is_refused(
    cli: Cli, laboratory: Laboratory, tmp_path: Path, content: str
) -> None:
    path = tmp_path / "bad.pub"
    path.write_text(content)
    assert "not a public key" in cli.refused("verify", laboratory.package, "--trust", path)


def test_an_unsigned_package_says_so(cli: Cli, laboratory: Laboratory, tmp_path: Path) -> None:
    package = laboratory.trained.frozen.package
    archive = build_package(package.manifest, package.entries, None)
    path = tmp_path / "unsigned.bedside"
    path.write_bytes(archive)
    said = cli.refused("verify", path, "--trust", laboratory.public)
    assert "is not signed" in said
    path.write_bytes(sign_package(archive, SigningKey.load(laboratory.secret)))
    cli.done("verify", path, "--trust", laboratory.public)
