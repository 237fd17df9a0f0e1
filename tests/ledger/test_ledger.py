from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import Column, select, update

from bedside.canonical import Json, canonical_bytes
from bedside.errors import (
    Conflict,
    KeyUnavailable,
    LedgerBroken,
    LimitExceeded,
    NotFound,
    Unavailable,
    UsageError,
)
from bedside.keys.signing import PublicKey, SigningKey
from bedside.keys.subjects import SubjectKeys
from bedside.ledger import appending, merkle
from bedside.ledger.checkpoint import read_checkpoint, sign_checkpoint
from bedside.ledger.events import Draft, Entry, EventKind, Fence
from bedside.ledger.fences import FenceMoved
from bedside.ledger.head import check_head
from bedside.ledger.ledger import Ledger
from bedside.ledger.rows import HeadRow
from bedside.ledger.tables import ledger_checkpoints, ledger_entries, ledger_head
from bedside.store.database import Database
from tests.conftest import SettableClock
from tests.ledger.drafts import EPOCH, prediction


def fill(ledger: Ledger, count: int) -> None:
    ledger.record(*[prediction(number=number) for number in range(count)])


def test_entries_are_numbered_from_zero_without_a_gap(ledger: Ledger) -> None:
    made = ledger.record(prediction(), prediction()) + ledger.record(prediction())
    assert [entry.index for entry in made] == [0, 1, 2]
    assert tuple(ledger.entries()) == made
    assert ledger.verify().entries == 3


def test_an_entry_is_found_by_place_and_by_event(ledger: Ledger) -> None:
    fill(ledger, 3)
    draft = prediction()
    (made,) = ledger.record(draft)
    assert ledger.entry(3) == made
    assert ledger.entry_of(draft.id) == made
    assert made.value["body"] == {"number": 0, "score": 0.25}


def test_what_is_not_there_is_not_found(ledger: Ledger) -> None:
    with pytest.raises(NotFound, match="no entry 0"):
        ledger.entry(0)
    with pytest.raises(NotFound, match="No event 'x'"):
        ledger.entry_of("x")


def test_nothing_stands_when_the_callers_transaction_fails(
    ledger: Ledger, database: Database
) -> None:
    def half_way() -> None:
        with database.write() as connection:
            ledger.append(connection, [prediction()])
            raise KeyError

    with pytest.raises(KeyError):
        half_way()
    assert ledger.head().size == 0
    assert ledger.record(prediction())[0].index == 0
    assert ledger.verify().entries == 1


def test_time_never_goes_backwards(ledger: Ledger, clock: SettableClock) -> None:
    (first,) = ledger.record(prediction())
    clock.advance(-600)
    (second,) = ledger.record(prediction())
    clock.advance(4200)
    (third,) = ledger.record(prediction())
    assert first.at == second.at == "2026-11-21T08:00:00.000000Z"
    assert third.at == "2026-11-21T09:00:00.000000Z"
    assert ledger.verify().entries == 3


def test_a_clock_that_jumps_does_not_freeze_the_time(ledger: Ledger, clock: SettableClock) -> None:
    clock.advance(3600)
    ledger.record(prediction())
    clock.advance(-601)
    with pytest.raises(
        Unavailable, match=r"recorded at 2026-11-21T09:00.*clock says.*Set the clock"
    ):
        ledger.record(prediction())
    assert ledger.head().size == 1
    clock.advance(1)
    ledger.record(prediction())
    assert ledger.verify().entries == 2


def test_find_goes_by_kind_and_subject_matter(ledger: Ledger) -> None:
    about = ["a", "b", "a", "b", "a"]
    ledger.record(*[prediction(name, number=n) for n, name in enumerate(about)])
    ledger.record(Draft(EventKind.DECISION, "a", "p", "rest"))
    assert [e.index for e in ledger.find(about="a")] == [0, 2, 4, 5]
    assert [e.index for e in ledger.find(about="a", kind=EventKind.PREDICTION)] == [0, 2, 4]
    assert [e.index for e in ledger.find(kind=EventKind.DECISION)] == [5]
    assert [e.index for e in ledger.find(newest_first=True, limit=2)] == [5, 4]
    assert ledger.find(about="nothing") == ()
    with pytest.raises(UsageError, match="limit 0"):
        ledger.find(limit=0)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # PostgreSQL asks statistics
@pytest.mark.parametrize("column", [ledger_entries.c.about, ledger_entries.c.kind])
def test_find_uses_an_index(ledger: Ledger, database: Database, column: Column[str]) -> None:
    query = select(ledger_entries).where(column == "x").order_by(ledger_entries.c.position)
    with database.read() as connection:
        words = str(query.compile(connection, compile_kwargs={"literal_binds": True}))
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {words}").all()
    assert len(plan) == 1
    assert f"USING INDEX ix_ledger_entries_{column.name}_position" in plan[0][3]


def test_a_draft_that_cannot_be_an_event_records_nothing(ledger: Ledger) -> None:
    with pytest.raises(UsageError):
        ledger.record(prediction(), Draft(EventKind.APPROVAL, "", "p", "rest"))
    with pytest.raises(LimitExceeded):
        ledger.record(Draft(EventKind.APPROVAL, "m", "p", "rest", {"x": "x" * 2_000_000}))
    assert ledger.head().size == 0


def test_an_event_is_recorded_once(ledger: Ledger) -> None:
    draft = prediction()
    ledger.record(draft)
    with pytest.raises(Conflict, match="recorded already"):
        ledger.record(prediction(), draft)
    assert ledger.head().size == 1
    ledger.record(prediction())
    assert ledger.verify().entries == 2


def test_recording_nothing_changes_nothing(ledger: Ledger) -> None:
    assert ledger.record() == ()
    assert ledger.head().size == 0


class TestFences:
    def test_a_fence_starts_at_zero_and_counts(self, ledger: Ledger, database: Database) -> None:
        with database.write() as connection:
            assert ledger.fence(connection, EPOCH) == 0
            assert [ledger.advance_fence(connection, EPOCH) for _ in range(3)] == [1, 2, 3]
            assert ledger.fence(connection, EPOCH) == 3
            assert ledger.fence(connection, "other") == 0

    def test_a_draft_at_its_fence_is_recorded(self, ledger: Ledger, database: Database) -> None:
        ledger.record(prediction(fence=0))
        with database.write() as connection:
            ledger.advance_fence(connection, EPOCH)
        ledger.record(prediction(fence=1))
        assert ledger.head().size == 2

    def test_a_moved_fence_refuses_all_drafts_of_the_call(
        self, ledger: Ledger, database: Database
    ) -> None:
        with database.write() as connection:
            ledger.advance_fence(connection, EPOCH)
        with pytest.raises(FenceMoved, match=f"{EPOCH} moved from 0 to 1") as problem:
            ledger.record(prediction(), prediction(fence=0))
        assert (problem.value.fence, problem.value.expected, problem.value.found) == (EPOCH, 0, 1)
        assert ledger.head().size == 0


class TestThePersonalPart:
    def test_is_opened_with_the_persons_key(
        self, ledger: Ledger, subject_keys: SubjectKeys
    ) -> None:
        key = subject_keys.for_subject("patient-1")
        (entry,) = ledger.record(prediction(sealed={"age": 52, "note": "乳腺"}, key=key))
        assert b"age" not in entry.event
        assert ledger.opened(ledger.entry(0)) == {"age": 52, "note": "乳腺"}

    def test_is_gone_with_the_key_and_the_proofs_stand(
        self, ledger: Ledger, subject_keys: SubjectKeys
    ) -> None:
        key = subject_keys.for_subject("patient-1")
        ledger.record(prediction(sealed={"age": 52}, key=key))
        signed = ledger.checkpoint()
        subject_keys.destroy(key.id)
        with pytest.raises(KeyUnavailable, match="was destroyed"):
            ledger.opened(ledger.entry(0))
        assert ledger.verify().checkpoints == 1
        assert ledger.checkpoint() == signed

    def test_does_not_open_in_another_event(
        self, ledger: Ledger, subject_keys: SubjectKeys
    ) -> None:
        key = subject_keys.for_subject("patient-1")
        one, other = ledger.record(
            prediction(sealed={"age": 52}, key=key), prediction(sealed={"age": 7}, key=key)
        )
        swapped = one.value | {"sealed": other.value["sealed"]}
        with pytest.raises(KeyUnavailable, match="another place"):
            ledger.opened(_with_event(one, swapped))

    def test_is_none_where_there_is_none(self, ledger: Ledger) -> None:
        (entry,) = ledger.record(prediction())
        assert ledger.opened(entry) is None


def _with_event(entry: Entry, value: Json) -> Entry:
    return replace(entry, event=canonical_bytes(value))


class TestCheckpoints:
    def test_one_is_signed_when_the_ledger_has_grown(self, ledger: Ledger) -> None:
        assert ledger.latest_checkpoint() is None
        assert ledger.checkpoint().size == 0
        fill(ledger, 3)
        signed = ledger.checkpoint()
        assert (signed.size, signed.root) == (3, ledger.head().root)
        assert ledger.checkpoint() == signed == ledger.latest_checkpoint()
        assert read_checkpoint(signed.note, "bedside/test", ledger.public_key) == signed
        assert ledger.verify().checkpoints == 2

    def test_a_tree_that_does_not_continue_the_signed_one_is_not_signed(
        self, ledger: Ledger, database: Database, signer: SigningKey
    ) -> None:
        fill(ledger, 5)
        ledger.checkpoint()
        other = sign_checkpoint("bedside/test", 4, ledger.entry(0).root, signer)
        with database.write() as connection:
            table = ledger_checkpoints
            connection.execute(update(table).values(size=other.size, note=other.note))
        with pytest.raises(LedgerBroken, match="does not continue"):
            ledger.checkpoint()

    def test_a_head_that_is_not_signed_is_not_signed_now(
        self, ledger: Ledger, database: Database
    ) -> None:
        fill(ledger, 5)
        with database.write() as connection:
            connection.execute(update(ledger_head).values(root=bytes(32)))
        with pytest.raises(LedgerBroken, match="not the one of 5 entries that was signed"):
            ledger.checkpoint()

    def test_a_ledger_that_became_shorter_is_not_signed(
        self, ledger: Ledger, database: Database
    ) -> None:
        fill(ledger, 5)
        ledger.checkpoint()
        with database.write() as connection:
            connection.exec_driver_sql("DELETE FROM ledger_entries")
            connection.exec_driver_sql("DELETE FROM ledger_head")
        with pytest.raises(LedgerBroken, match="signed over 5 entries, and 0 are left"):
            ledger.checkpoint()

    def test_a_checkpoint_of_another_key_is_not_believed(
        self, ledger: Ledger, database: Database, subject_keys: SubjectKeys, clock: SettableClock
    ) -> None:
        fill(ledger, 1)
        ledger.checkpoint()
        other = Ledger(database, subject_keys, SigningKey.new(), "bedside/test", clock)
        with pytest.raises(LedgerBroken, match="signed with another key"):
            other.latest_checkpoint()

    def test_a_ledger_needs_a_name_that_notes_can_carry(
        self, database: Database, subject_keys: SubjectKeys, clock: SettableClock
    ) -> None:
        with pytest.raises(UsageError, match="cannot be a ledger's name"):
            Ledger(database, subject_keys, SigningKey.new(), "two words", clock)


class TestProofs:
    SIZE = 700  # two full tiles of 256, and more

    def test_are_those_of_the_definition_across_tiles(self, ledger: Ledger) -> None:
        fill(ledger, self.SIZE)
        leaves = [entry.leaf for entry in ledger.entries()]
        for size in (1, 2, 255, 256, 257, 511, 512, 513, 700):
            root = merkle.root(leaves[:size])
            assert ledger.entry(size - 1).root == root
            for index in {0, size // 2, size - 1}:
                path = ledger.inclusion(index, size)
                assert merkle.verify_inclusion(leaves[index], index, size, path, root)
            path = ledger.consistency(size, self.SIZE)
            now = ledger.head().root
            assert merkle.verify_consistency(size, self.SIZE, path, root, now)
        assert ledger.verify().entries == self.SIZE

    def test_end_in_a_signed_head(self, ledger: Ledger) -> None:
        fill(ledger, 10)
        first = ledger.checkpoint()
        assert ledger.prove(3).checkpoint == first
        fill(ledger, 1)
        proof = ledger.prove(10)
        leaf, signed = ledger.entry(10).leaf, proof.checkpoint
        assert signed.size == 11
        assert merkle.verify_inclusion(leaf, 10, signed.size, proof.path, signed.root)

    def test_reach_no_further_than_the_ledger(self, ledger: Ledger) -> None:
        fill(ledger, 2)
        with pytest.raises(UsageError, match="has 2 entries, fewer than 3"):
            ledger.inclusion(0, 3)
        with pytest.raises(UsageError, match="has 2 entries, fewer than 3"):
            ledger.consistency(1, 3)
        with pytest.raises(UsageError, match="is not among"):
            ledger.prove(2)


class TestTheRememberedHead:
    """What this process signed is not checked again; what anybody else wrote is."""

    @pytest.fixture
    def checked(self, monkeypatch: pytest.MonkeyPatch) -> list[int]:
        """The size of every head whose signature was checked."""
        seen: list[int] = []

        def spy(head: HeadRow, origin: str, public: PublicKey) -> HeadRow:
            seen.append(head.size)
            return check_head(head, origin, public)

        monkeypatch.setattr(appending, "check_head", spy)
        return seen

    def test_is_not_checked_again(self, ledger: Ledger, checked: list[int]) -> None:
        for _ in range(3):
            ledger.record(prediction())
        assert checked == []

    def test_is_checked_when_another_process_wrote_it(
        self,
        ledger: Ledger,
        database: Database,
        subject_keys: SubjectKeys,
        signer: SigningKey,
        clock: SettableClock,
        checked: list[int],
    ) -> None:
        other = Ledger(database, subject_keys, signer, "bedside/test", clock)
        ledger.record(prediction())
        other.record(prediction())
        ledger.record(prediction())
        ledger.record(prediction())
        assert checked == [1, 2]  # by the other one, and by the first after the other one
        assert ledger.verify().entries == 4

    def test_is_checked_when_it_was_rolled_back(
        self, ledger: Ledger, database: Database, checked: list[int]
    ) -> None:
        ledger.record(prediction())

        def half_way() -> None:
            with database.write() as connection:
                ledger.append(connection, [prediction(), prediction()])
                raise ValueError("changed my mind")

        with pytest.raises(ValueError, match="changed my mind"):
            half_way()
        assert ledger.record(prediction())[0].index == 1
        assert checked == [1]
        assert ledger.verify().entries == 2

    @pytest.mark.parametrize("column", ["size", "root", "frontier", "at", "checkpoints", "note"])
    def test_is_not_believed_when_one_byte_of_it_is_another(
        self, ledger: Ledger, database: Database, checked: list[int], column: str
    ) -> None:
        ledger.record(prediction(), prediction())
        with database.write() as connection:
            row = connection.execute(select(ledger_head)).mappings().one()
            was = row[column]
            now = was + 1 if isinstance(was, int) else was[:-1] + was[:1]
            connection.execute(update(ledger_head).values({column: now}))
        if column == "at":  # in no signature; the next head says it right again
            ledger.record(prediction())
            ledger.verify()
        elif column == "checkpoints":
            ledger.record(prediction())
            with pytest.raises(LedgerBroken, match="stored checkpoints is wrong"):
                ledger.verify()
        else:
            with pytest.raises(LedgerBroken):
                ledger.record(prediction())
        assert len(checked) == 1


@pytest.mark.parametrize("count", [1, 4, 5, 70])
def test_every_fence_of_a_draft_is_held(ledger: Ledger, database: Database, count: int) -> None:
    fences = tuple(Fence(f"fence-{number}", 0) for number in range(count))
    drafts = [replace(prediction(), further=fences) for _ in range(3)]
    ledger.record(drafts[0])  # before the first entry
    ledger.record(drafts[1])
    with database.write() as connection:
        ledger.advance_fence(connection, f"fence-{count - 1}")
    with pytest.raises(FenceMoved) as problem:
        ledger.record(drafts[2])
    found = problem.value
    assert (found.fence, found.expected, found.found) == (f"fence-{count - 1}", 0, 1)
