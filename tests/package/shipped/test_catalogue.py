from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from bedside.errors import BedsideError, PackageDamaged, PackageRefused, SignatureRefused
from bedside.keys.signing import SigningKey
from bedside.package.package import build_package, sign_package
from bedside.package.shipped.catalogue import HERE, SHIPPED, Shipped, shipped

NAMED = pytest.mark.parametrize("one", SHIPPED, ids=lambda one: str(one.ref))


@pytest.fixture
def copied(tmp_path: Path) -> Shipped:
    """The first shipped package in a folder where it can be changed."""
    one = SHIPPED[0]
    for path in (one.path, one.path.with_suffix(".pub")):
        shutil.copy(path, tmp_path)
    return replace(one, folder=tmp_path)


def test_brain_extraction_is_among_them_by_name_and_by_version() -> None:
    found = shipped("brain-extraction")
    assert found is not None
    assert shipped(found.ref) is found
    assert shipped("brain-extraction@0.0.1") is None


@NAMED
def test_is_signed_by_the_key_that_the_source_names(one: Shipped) -> None:
    package = one.package()
    assert package.manifest.ref == one.ref
    assert package.signature is not None
    assert package.signature.key == one.fingerprint


@NAMED
def test_is_small_speaks_both_languages_and_claims_no_more_than_research(one: Shipped) -> None:
    manifest = one.package().manifest
    assert one.path.stat().st_size <= 8 * 2**20
    assert manifest.languages == ("en", "ja")
    assert manifest.claim_level == "research"


@NAMED
def test_names_no_place_on_the_machine_where_it_was_made(one: Shipped) -> None:
    written = json.dumps(one.package().manifest.model_dump(mode="json"))
    assert not re.findall(r'"(?:file:|~|\.{0,2}/)[^"]*"', written)


def test_nothing_else_lies_beside_the_catalogue() -> None:
    known = {path.name for one in SHIPPED for path in (one.path, one.path.with_suffix(".pub"))}
    assert {path.name for path in HERE.iterdir() if path.suffix in {".bedside", ".pub"}} == known


@pytest.mark.parametrize("share", [0.001, 0.3, 0.7, 0.9999])
def test_a_changed_byte_is_refused(copied: Shipped, share: float) -> None:
    data = bytearray(copied.path.read_bytes())
    data[int(share * len(data))] ^= 1
    copied.path.write_bytes(data)
    with pytest.raises(PackageRefused):
        copied.package()


def test_another_package_under_its_name_is_refused_whoever_signed_it(copied: Shipped) -> None:
    stranger = SigningKey.new()
    copied.path.write_bytes(sign_package(copied.path.read_bytes(), stranger))
    with pytest.raises(SignatureRefused, match="not among"):
        copied.package()
    copied.path.with_suffix(".pub").write_text(stranger.public.to_pem())
    with pytest.raises(PackageDamaged, match="install Bedside again"):
        copied.package()


def test_one_that_nobody_signed_is_refused(copied: Shipped) -> None:
    package = copied.package()
    copied.path.write_bytes(build_package(package.manifest, package.entries, None))
    with pytest.raises(SignatureRefused, match="not signed"):
        copied.package()


def test_one_without_its_key_is_refused(copied: Shipped) -> None:
    copied.path.with_suffix(".pub").unlink()
    with pytest.raises(BedsideError):
        copied.package()
