"""docs/spec/ledger.md says enough: its example verifies, and a verifier written from it agrees."""

from __future__ import annotations

import base64
import io
import re
from pathlib import Path

import pytest

from bedside.keys.signing import PublicKey
from bedside.ledger import tables
from bedside.ledger.checkpoint import key_id, verifier_key
from bedside.ledger.events import EventKind
from bedside.ledger.export import verify_export, write_export
from bedside.ledger.ledger import Ledger
from bedside.ledger.merkle import verify_inclusion
from tests.ledger import second_verifier
from tests.ledger.drafts import prediction

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


def test_the_second_verifier_accepts_the_example(example: Path, public: PublicKey) -> None:
    assert second_verifier.verify(example.read_bytes(), public.raw) == 3


def test_the_second_verifier_accepts_a_live_ledger(ledger: Ledger) -> None:
    for number in range(20):
        ledger.record(prediction(number=number))
        if number % 7 == 3:
            ledger.checkpoint()
    stream = io.BytesIO()
    write_export(ledger, stream)
    assert second_verifier.verify(stream.getvalue(), ledger.public_key.raw) == 20


def test_the_second_verifier_refuses_every_flipped_byte(example: Path, public: PublicKey) -> None:
    data = example.read_bytes()
    for position in range(len(data)):
        altered = bytearray(data)
        altered[position] ^= 0x02
        with pytest.raises(Exception):  # noqa: B017, PT011 - whatever a plain verifier raises
            second_verifier.verify(bytes(altered), public.raw)


def test_every_kind_and_every_column_stands_on_the_page() -> None:
    for kind in EventKind:
        assert f"`{kind.value}`" in PAGE, kind
    for table in (
        tables.ledger_entries,
        tables.ledger_nodes,
        tables.ledger_head,
        tables.ledger_checkpoints,
        tables.ledger_fences,
    ):
        assert f"`{table.name}`" in PAGE, table.name
        for column in table.columns:
            assert f"`{column.name}`" in PAGE, column
