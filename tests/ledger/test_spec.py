"""docs/spec/ledger.md says enough: its example verifies, and a verifier written from it agrees."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import pytest

from bedside.keys.signing import PublicKey
from bedside.ledger import tables
from bedside.ledger.checkpoint import key_id, verifier_key
from bedside.ledger.events import EventKind
from bedside.ledger.export import verify_export
from bedside.ledger.merkle import verify_inclusion
from bedside.store.schema import metadata

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "spec" / "ledger.md").read_text()
BLOCKS = re.findall(r"```[a-z]*\n(.*?)```", PAGE, flags=re.DOTALL)


@pytest.fixture
def public() -> PublicKey:
    return PublicKey.from_pem(BLOCKS[0])


@pytest.fixture
def example(tmp_path: Path) -> Path:
    (tmp_path / "example.jsonl").write_text(BLOCKS[2])
    return tmp_path / "example.jsonl"


def test_the_example_verifies(example: Path, public: PublicKey) -> None:
    verdict = verify_export(example, public)
    assert (verdict.entries, verdict.checkpoints) == (3, 2)


def test_the_examples_numbers_are_right(example: Path, public: PublicKey) -> None:
    assert f"`{public.fingerprint}`" in PAGE
    assert f"`{key_id('bedside/example', public).hex()}`" in PAGE
    assert f"`{verifier_key('bedside/example', public)}`" in PAGE
    leaves = [bytes.fromhex(line.split()[1]) for line in BLOCKS[1].splitlines()]
    found = re.search(r"is the path `([0-9a-f]{64})`, `([0-9a-f]{64})`", PAGE)
    assert found is not None
    path = [bytes.fromhex(text) for text in found.groups()]
    root = base64.b64decode(re.search(r'"root":"([^"]+)"', BLOCKS[2])[1])  # type: ignore[index]
    assert verify_inclusion(leaves[1], 1, 3, path, root)


def test_every_kind_and_every_column_stands_on_the_page() -> None:
    for kind in EventKind:
        assert f"`{kind.value}`" in PAGE, kind
    for name, table in metadata.tables.items():
        if name in vars(tables):
            assert f"`{name}`" in PAGE, name
            for column in table.columns:
                assert f"`{column.name}`" in PAGE, column
