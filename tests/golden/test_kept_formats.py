"""Files of every released format stay readable for good; nobody makes these anew.

They were written once, with keys that were thrown away, and are never changed: so a reader and a
writer of today cannot drift together away from what lies in hospitals.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bedside.canonical import canonical_bytes, digest
from bedside.errors import ConditionsNotMet
from bedside.keys.signing import PublicKey
from bedside.ledger.export import verify_export
from bedside.package.manifest import write_manifest
from bedside.package.package import Package, check_signature, open_package
from bedside.package.volumes import VolumeInput
from bedside.runtime.analysis_files import measurements_of
from bedside.runtime.runner import load
from bedside.runtime.session import this_processor
from bedside.runtime.volume_rows import read_row

HERE = Path(__file__).parent
FORMATS = [path.stem.removeprefix("expected-") for path in sorted(HERE.glob("expected-*.json"))]


def expected(version: str, kind: str = "expected") -> dict[str, Any]:
    found: dict[str, Any] = json.loads((HERE / f"{kind}-{version}.json").read_text())
    return found


def test_the_first_format_is_kept() -> None:
    assert "1" in FORMATS


@pytest.mark.parametrize("version", FORMATS)
def test_a_kept_package_is_read_and_trusted(version: str) -> None:
    package = open_package(HERE / f"package-{version}.bedside")
    check_signature(package, [PublicKey.load(HERE / f"package-{version}.pub")])
    assert package.digest == expected(version)["package"]


@pytest.mark.parametrize("version", FORMATS)
def test_a_kept_package_gives_the_answers_that_it_gave(version: str) -> None:
    package = open_package(HERE / f"package-{version}.bedside")
    if package.manifest.conditions.processor != this_processor():
        with pytest.raises(ConditionsNotMet):
            load(package)
        return
    kept = expected(version)["answers"]
    answers = load(package).predict([one["input"] for one in kept])
    assert len(answers) == 4
    for answer, one in zip(answers, kept, strict=True):
        assert answer.label == one["label"]
        assert answer.scores == pytest.approx(one["scores"], abs=package.manifest.golden.tolerance)


def kept_volume() -> Package:
    return open_package(HERE / "volume-1.bedside")


def test_a_kept_volume_package_is_read_and_trusted() -> None:
    package = kept_volume()
    check_signature(package, [PublicKey.load(HERE / "volume-1.pub")])
    assert package.digest == expected("1", "volume")["package"]
    assert digest(write_manifest(package.manifest)) == package.digest  # spelt as it was


def test_a_kept_volume_package_gives_the_answer_that_it_gave() -> None:
    package = kept_volume()
    if package.manifest.conditions.processor != this_processor():
        with pytest.raises(ConditionsNotMet):
            load(package)
        return
    runner, declared = load(package), package.manifest.input
    assert isinstance(declared, VolumeInput)
    analysis = runner.analyse(*read_row(package.golden[0].input, declared))
    found = json.loads(canonical_bytes(measurements_of(analysis, package.manifest)))
    kept = expected("1", "volume")["answer"]
    assert sorted(found) == sorted(kept)
    for name in ("model", "volume", "flags", "refined", "threshold", "probability"):
        assert found[name] == kept[name], name
    assert found["out_of_domain"] == pytest.approx(kept["out_of_domain"], abs=1e-3)
    for now, before in zip(found["classes"], kept["classes"], strict=True):
        assert (now["value"], now["label"]) == (before["value"], before["label"])
        for one, other in zip(now["measurements"], before["measurements"], strict=True):
            assert one["value"] == pytest.approx(other["value"], rel=0.005, abs=0.5)
            assert {**one, "value": 0} == {**other, "value": 0}


@pytest.mark.parametrize("version", FORMATS)
def test_a_kept_ledger_is_verified(version: str) -> None:
    public = PublicKey.load(HERE / f"ledger-{version}.pub")
    verdict = verify_export(HERE / f"ledger-{version}.jsonl", public)
    kept = expected(version)["ledger"]
    assert verdict.entries == kept["entries"]
    assert verdict.head.root.hex() == kept["root"]
