"""Files of every released format stay readable for good; nobody makes these anew.

They were written once, with keys that were thrown away, and are never changed: so a reader and a
writer of today cannot drift together away from what lies in hospitals.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bedside.errors import ConditionsNotMet
from bedside.keys.signing import PublicKey
from bedside.ledger.export import verify_export
from bedside.package.package import check_signature, open_package
from bedside.runtime.runner import load
from bedside.runtime.session import this_processor

HERE = Path(__file__).parent
FORMATS = [path.stem.removeprefix("expected-") for path in sorted(HERE.glob("expected-*.json"))]


def expected(version: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((HERE / f"expected-{version}.json").read_text())
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


@pytest.mark.parametrize("version", FORMATS)
def test_a_kept_ledger_is_verified(version: str) -> None:
    public = PublicKey.load(HERE / f"ledger-{version}.pub")
    verdict = verify_export(HERE / f"ledger-{version}.jsonl", public)
    kept = expected(version)["ledger"]
    assert verdict.entries == kept["entries"]
    assert verdict.head.root.hex() == kept["root"]
