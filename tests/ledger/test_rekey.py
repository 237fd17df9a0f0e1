"""A change of the signing key: who has the first public key follows the chain to the present one."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, select, update

from bedside.canonical import Json, canonical_bytes
from bedside.errors import LedgerBroken
from bedside.keys.signing import PublicKey, SigningKey
from bedside.keys.subjects import SubjectKeys
from bedside.ledger.checkpoint import sign_checkpoint
from bedside.ledger.encoding import to_base64
from bedside.ledger.events import Draft, EventKind, commit_to
from bedside.ledger.export import log_in, verify_export
from bedside.ledger.key_chain import KeyChain, read_chain
from bedside.ledger.ledger import Ledger
from bedside.ledger.merkle import Frontier
from bedside.ledger.rekey import change_key
from bedside.ledger.tables import ledger_checkpoints, ledger_entries
from bedside.ledger.witness_rows import Pace
from bedside.ledger.witness_shelf import ShelfWitness
from bedside.ledger.witnessing import Witnessing, log_of
from bedside.store.shelf import FolderShelf
from bedside.store.wire import Wire
from tests.conftest import SettableClock
from tests.ledger.attacks import entries, exported, grow
from tests.ledger.tool import tool_says


def draft_of(kind: EventKind, body: dict[str, Json]) -> Draft:
    return Draft(kind, "ledger", "somebody", "cli", body)


def rekey(ledger: Ledger) -> SigningKey:
    new = SigningKey.new()
    change_key(ledger, new, "it was time", draft_of)
    return new


@pytest.fixture
def twice(ledger: Ledger) -> Ledger:
    """A ledger whose key was changed at entry 3 and at entry 8."""
    grow(ledger, 3)
    rekey(ledger)
    grow(ledger, 3)
    rekey(ledger)
    grow(ledger, 1)
    return ledger


def test_the_chain_leads_from_the_first_key_to_the_present(
    twice: Ledger, signer: SigningKey, tmp_path: Path
) -> None:
    assert twice.first_key == signer.public != twice.public_key
    verdict = twice.verify()
    assert (verdict.entries, verdict.head) == (11, twice.head())
    with twice.database.read() as connection:
        chain = read_chain(Wire.of(connection), twice.first_key)
    assert [index for index, _ in chain.changes] == [3, 8]
    assert chain.keys[-1] == twice.public_key
    path = exported(twice, tmp_path)
    assert verify_export(path, signer.public).entries == 11
    assert tool_says(path, signer.public) == (0, None)
    assert log_in(path, signer.public) == log_of(twice)
    for key in chain.keys[1:]:
        with pytest.raises(LedgerBroken, match="another key"):
            verify_export(path, key)
        assert tool_says(path, key) == (1, None)


def test_who_has_the_new_key_goes_on(
    twice: Ledger, subject_keys: SubjectKeys, clock: SettableClock
) -> None:
    again = Ledger(twice.database, subject_keys, twice.signer, twice.origin, clock)
    again.first_key = twice.first_key
    grow(again, 2)
    again.checkpoint()
    assert again.verify().entries == 13
    assert again.prove(0).checkpoint.size == 13


def test_who_has_the_old_key_records_and_signs_no_more(
    ledger: Ledger, subject_keys: SubjectKeys, clock: SettableClock, signer: SigningKey
) -> None:
    grow(ledger, 3)
    other_process = Ledger(ledger.database, subject_keys, signer, ledger.origin, clock)
    grow(other_process, 1)
    rekey(ledger)
    acts: list[Callable[[], object]] = [
        lambda: grow(other_process, 1),
        other_process.checkpoint,
        other_process.head,
    ]
    for act in acts:
        with pytest.raises(LedgerBroken, match="another key"):
            act()
    grow(ledger, 1)
    assert ledger.verify().entries == 7


def test_a_change_that_fails_changes_nothing(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, signer: SigningKey
) -> None:
    grow(ledger, 3)
    append = ledger.append

    def failing(connection: Any, drafts: Any) -> Any:
        if drafts[0].kind is EventKind.CONFIGURATION_CHANGED:
            raise KeyError
        return append(connection, drafts)

    monkeypatch.setattr(ledger, "append", failing)
    with pytest.raises(KeyError):
        rekey(ledger)
    monkeypatch.undo()
    assert ledger.public_key == signer.public
    grow(ledger, 1)
    assert ledger.verify().entries == 4


def test_a_key_in_force_is_told_by_the_size() -> None:
    first, second, third = (SigningKey.new().public for _ in range(3))
    chain = KeyChain(first, ((3, second), (8, third)))
    assert [chain.at(size) for size in (0, 4, 5, 9, 10, 100)] == [
        first,
        first,
        second,
        second,
        third,
        third,
    ]
    assert chain.covered == {4, 9}


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def write(path: Path, values: list[dict[str, Any]]) -> None:
    path.write_bytes(b"".join(canonical_bytes(value) + b"\n" for value in values))


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # a file is a file
class TestAnExport:
    def test_without_the_checkpoint_of_a_change_is_refused(
        self, twice: Ledger, tmp_path: Path, signer: SigningKey
    ) -> None:
        path = exported(twice, tmp_path)
        values = lines_of(path)
        place = next(
            n
            for n, value in enumerate(values)
            if value.get("checkpoint", "").startswith(f"{twice.origin}\n4\n")
        )
        write(path, values[:place] + values[place + 1 :])
        with pytest.raises(LedgerBroken, match="no checkpoint stands between") as problem:
            verify_export(path, signer.public)
        assert problem.value.index == 4
        assert tool_says(path, signer.public) == (1, 4)

    def test_whose_change_somebody_else_signed_is_refused(
        self, ledger: Ledger, tmp_path: Path, signer: SigningKey
    ) -> None:
        grow(ledger, 3)
        path, forger = exported(ledger, tmp_path), SigningKey.new()
        forged(path, ledger, forger, forger)
        with pytest.raises(LedgerBroken, match="another key"):
            verify_export(path, signer.public)
        assert tool_says(path, signer.public) == (1, None)
        forged(path, ledger, signer, forger)  # and with the stolen key it is as good as ours
        assert verify_export(path, signer.public).entries == 4
        assert tool_says(path, signer.public) == (0, None)

    @pytest.mark.parametrize("body", [{}, {"public_key": "x"}, {"public_key": 7}])
    def test_whose_change_names_no_key_is_refused(
        self, ledger: Ledger, tmp_path: Path, signer: SigningKey, body: dict[str, Json]
    ) -> None:
        grow(ledger, 2)
        ledger.record(draft_of(EventKind.LEDGER_KEY_CHANGED, body))
        path = exported(ledger, tmp_path)
        with pytest.raises(LedgerBroken, match="changes the key, and names none") as problem:
            verify_export(path, signer.public)
        assert problem.value.index == 2
        assert tool_says(path, signer.public) == (1, 2)
        with pytest.raises(LedgerBroken, match="names none"):
            ledger.verify()

    def test_that_ends_with_a_change_is_whole(
        self, ledger: Ledger, tmp_path: Path, signer: SigningKey
    ) -> None:
        grow(ledger, 2)
        key = to_base64(SigningKey.new().public.raw)
        ledger.record(draft_of(EventKind.LEDGER_KEY_CHANGED, {"public_key": key}))
        assert ledger.verify().entries == 3
        path = exported(ledger, tmp_path)
        assert verify_export(path, signer.public).entries == 3
        assert tool_says(path, signer.public) == (0, None)


def forged(path: Path, ledger: Ledger, vouching: SigningKey, forger: SigningKey) -> None:
    """Write an export in which the second entry changes the key to the forger's."""
    rows = entries(ledger)
    change = json.loads(rows[1]["event"])
    change |= {
        "id": "forged",
        "kind": "ledger-key-changed",
        "body": {"public_key": to_base64(forger.public.raw)},
    }
    events = [rows[0]["event"], canonical_bytes(change), rows[1]["event"], rows[2]["event"]]
    tree = Frontier()
    values: list[dict[str, Any]] = []
    for index, event in enumerate(events):
        tree.push(commit_to(bytes(32), event))
        entry = {
            "event": event.decode(),
            "index": index,
            "root": to_base64(tree.root()),
            "salt": to_base64(bytes(32)),
        }
        values.append({"entry": entry})
        if index in {1, 3}:
            key = vouching if index == 1 else forger
            note = sign_checkpoint(ledger.origin, index + 1, tree.root(), key).note
            values.append({"checkpoint": note})
    header = {
        "format": "bedside-ledger-export",
        "origin": ledger.origin,
        "root": to_base64(tree.root()),
        "size": 4,
        "v": 1,
    }
    write(path, [header, *values])


def test_a_database_without_the_checkpoint_of_a_change_is_refused(twice: Ledger) -> None:
    with twice.database.write() as connection:
        size = ledger_checkpoints.c.size
        number = connection.execute(
            select(ledger_checkpoints.c.number).where(size == 9)
        ).scalar_one()
        connection.execute(delete(ledger_checkpoints).where(size == 9))
        later = ledger_checkpoints.c.number > number
        connection.execute(
            update(ledger_checkpoints).where(later).values(number=ledger_checkpoints.c.number - 1)
        )
    with pytest.raises(LedgerBroken):
        twice.verify()


def test_a_change_that_is_hidden_is_found(twice: Ledger) -> None:
    with twice.database.write() as connection:
        changed = ledger_entries.c.kind == "ledger-key-changed"
        connection.execute(update(ledger_entries).where(changed).values(kind="decision"))
    with pytest.raises(LedgerBroken) as problem:
        twice.verify()
    assert problem.value.index == 3


def test_a_witness_follows_the_chain(
    ledger: Ledger, tmp_path: Path, clock: SettableClock, signer: SigningKey
) -> None:
    witness = ShelfWitness("archive", str(tmp_path), FolderShelf(tmp_path))
    witnessing = Witnessing(ledger, [witness], Pace(), clock)
    grow(ledger, 3)
    witnessing.send()
    rekey(ledger)
    witnessing.hold()
    assert witnessing.send()[0].standing == "agrees"
    assert [one.size for one in witnessing.sightings("archive")] == [3, 5]
    path = exported(ledger, tmp_path)
    seen = tmp_path / "seen.txt"
    seen.write_text("".join(one.note for one in witness.history(log_of(ledger))))
    assert tool_says(path, signer.public, witness=seen) == (0, None)
    assert isinstance(ledger.first_key, PublicKey)
