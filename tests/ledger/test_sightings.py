"""What others saw finds what no signature can: a ledger cut off, put back, forked, or signed anew."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bedside.errors import LedgerBroken, UsageError
from bedside.keys.signing import SigningKey
from bedside.ledger.cosignature import cosign
from bedside.ledger.export import origin_of, seen_in, verify_export
from bedside.ledger.ledger import Ledger
from bedside.ledger.note import COSIGNATURE, NoteKey, read_note
from bedside.ledger.sightings import Sighting, Sightings, compare, hold, seen, sightings_in
from bedside.ledger.witness import Log
from bedside.ledger.witness_places import in_order, sightings_at
from tests.ledger.attacks import entries, exported, grow, rewritten, written

WITNESS = SigningKey.new()
KEY = NoteKey("example.com/w", COSIGNATURE, WITNESS.public)


@pytest.fixture
def nine(ledger: Ledger) -> tuple[Ledger, list[str]]:
    """A ledger of nine entries, and the checkpoints that a witness saw at 3, 5 and 9."""
    notes = []
    for count in (3, 2, 4):
        grow(ledger, count)
        notes.append(ledger.checkpoint().note)
    return ledger, notes


def log_of(ledger: Ledger) -> Log:
    return Log(ledger.origin, ledger.public_key)


def look(ledger: Ledger, notes: list[str], by: str = "the witness w") -> list[Sighting]:
    return sightings_in("".join(notes), log_of(ledger), by)


def test_a_ledger_is_as_it_was_seen(nine: tuple[Ledger, list[str]], tmp_path: Path) -> None:
    ledger, notes = nine
    found = look(ledger, notes)
    assert [one.size for one in found] == [3, 5, 9]
    assert hold(ledger, found) == compare(ledger, found) == 3
    grow(ledger, 5)
    assert hold(ledger, found) == compare(ledger, found) == 3
    path = exported(ledger, tmp_path)
    assert verify_export(path, ledger.public_key, found).entries == 14
    assert origin_of(path) == ledger.origin


def test_a_ledger_that_was_cut_off_and_signed_is_found(
    nine: tuple[Ledger, list[str]], tmp_path: Path, signer: SigningKey
) -> None:
    ledger, notes = nine
    found, whole = look(ledger, notes), entries(ledger)
    for left in (8, 5, 4, 2):
        written(ledger, whole[:left], signer)
        assert ledger.verify().entries == left  # by itself it is whole
        path = exported(ledger, tmp_path, f"{left}.jsonl")
        assert verify_export(path, ledger.public_key).entries == left
        for judge in judges(ledger, path, found):
            with pytest.raises(LedgerBroken, match=f"entry {left}: it is missing") as problem:
                judge()
            assert problem.value.index == left


def test_a_ledger_that_was_written_anew_and_signed_is_found(
    nine: tuple[Ledger, list[str]], tmp_path: Path, signer: SigningKey
) -> None:
    ledger, notes = nine
    found, whole = look(ledger, notes), entries(ledger)
    for changed, agreed, until in ((0, 0, 2), (3, 3, 4), (4, 3, 4), (8, 5, 8)):
        written(ledger, whole, signer)
        rewritten(ledger, changed, signer)
        assert ledger.verify().entries == 9
        path = exported(ledger, tmp_path, f"{changed}.jsonl")
        for judge in judges(ledger, path, found):
            words = f"from entry {agreed} to entry {until}"
            with pytest.raises(LedgerBroken, match=words) as problem:
                judge()
            assert problem.value.index == agreed


def judges(ledger: Ledger, path: Path, found: list[Sighting]) -> list[Callable[[], object]]:
    return [
        lambda: hold(ledger, found),
        lambda: compare(ledger, found),
        lambda: verify_export(path, ledger.public_key, found),
    ]


def test_an_earlier_export_names_the_very_entry(
    nine: tuple[Ledger, list[str]], tmp_path: Path, signer: SigningKey
) -> None:
    ledger, whole = nine[0], entries(nine[0])
    earlier = exported(ledger, tmp_path, "earlier.jsonl")
    assert compare(ledger, seen_in(earlier)) == 9
    for changed in range(9):
        written(ledger, whole, signer)
        rewritten(ledger, changed, signer)
        later = exported(ledger, tmp_path, "later.jsonl")
        for judge in (
            lambda: compare(ledger, seen_in(earlier)),
            lambda later=later: verify_export(later, ledger.public_key, seen_in(earlier)),
        ):
            words = f"at entry {changed}: it is not the one"
            with pytest.raises(LedgerBroken, match=words) as problem:
                judge()
            assert problem.value.index == changed


def test_several_saw_it_and_the_narrowest_names_the_place(
    nine: tuple[Ledger, list[str]], signer: SigningKey
) -> None:
    ledger, notes = nine
    often, seldom = look(ledger, notes, "the one"), look(ledger, notes[-1:], "the other")
    rewritten(ledger, 6, signer)
    merged = list(in_order([iter(often), iter(seldom)]))
    assert [one.size for one in merged] == [3, 5, 9, 9]
    with pytest.raises(LedgerBroken, match="from entry 5 to entry 8"):
        compare(ledger, merged)


def test_of_nothing_nothing_was_seen(ledger: Ledger) -> None:
    empty = [Sighting(0, bytes(32), "somebody")]
    assert hold(ledger, empty) == 1
    assert compare(ledger, empty) == 0
    assert Sightings(empty).coming == -1


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # no database is asked
class TestAFileOfCheckpoints:
    def test_may_be_demanded_to_be_cosigned(self, nine: tuple[Ledger, list[str]]) -> None:
        ledger, notes = nine
        lines = [note + str(cosign(read_note(note).text, KEY.name, WITNESS, 7)) for note in notes]
        assert len(sightings_in("".join(lines), log_of(ledger), "w", KEY)) == 3
        with pytest.raises(LedgerBroken, match="did not cosign"):
            sightings_in("".join([*lines[:2], notes[2]]), log_of(ledger), "w", KEY)

    def test_must_be_of_this_ledger(self, nine: tuple[Ledger, list[str]]) -> None:
        ledger, notes = nine
        for log in (
            Log("bedside/other", ledger.public_key),
            Log(ledger.origin, SigningKey.new().public),
        ):
            with pytest.raises(LedgerBroken, match="not signed by"):
                sightings_in(notes[0], log, "w")

    @pytest.mark.parametrize("text", ["", "nothing\n", "{}\n"])
    def test_holds_nothing_else(self, nine: tuple[Ledger, list[str]], text: str) -> None:
        ledger, notes = nine
        with pytest.raises(UsageError, match="holds no checkpoints"):
            sightings_in(text, log_of(ledger), "w")
        with pytest.raises(UsageError, match="holds no checkpoints"):
            sightings_in(notes[0] + (text or "\n"), log_of(ledger), "w")

    def test_is_found_by_its_path(self, nine: tuple[Ledger, list[str]], tmp_path: Path) -> None:
        ledger, notes = nine
        (tmp_path / "seen.txt").write_text("".join(notes), encoding="utf-8")
        found = sightings_at(str(tmp_path / "seen.txt"), log_of(ledger))
        assert [one.size for one in found] == [3, 5, 9]
        with pytest.raises(UsageError, match="cannot be read as checkpoints"):
            sightings_at(str(tmp_path / "missing"), log_of(ledger))

    def test_a_folder_where_nothing_was_seen_is_no_witness(
        self, nine: tuple[Ledger, list[str]], tmp_path: Path
    ) -> None:
        with pytest.raises(UsageError, match="saw nothing of this ledger"):
            list(sightings_at(str(tmp_path), log_of(nine[0])))

    def test_a_witness_that_signs_needs_its_key(self, nine: tuple[Ledger, list[str]]) -> None:
        with pytest.raises(UsageError, match="no key was given"):
            sightings_at("https://example.com/v1/witness", log_of(nine[0]))


def test_checkpoints_are_sightings(nine: tuple[Ledger, list[str]]) -> None:
    [one] = seen([nine[0].checkpoint()], "me")
    assert (one.size, one.by) == (9, "me")
