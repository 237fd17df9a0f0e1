"""Every stored field of a small ledger is changed, one at a time; every change is found."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Connection, Executable, Table, Update, delete, insert, select, text, update

from bedside.canonical import canonical_bytes
from bedside.errors import LedgerBroken
from bedside.keys.signing import SigningKey
from bedside.keys.subjects import SubjectKeys
from bedside.ledger import merkle
from bedside.ledger.checkpoint import sign_checkpoint
from bedside.ledger.events import commit_to
from bedside.ledger.form import SALT_BYTES
from bedside.ledger.ledger import Ledger
from bedside.ledger.merkle import Frontier
from bedside.ledger.tables import (
    ledger_checkpoints,
    ledger_entries,
    ledger_head,
    ledger_nodes,
)
from bedside.store.database import Database
from tests.conftest import SettableClock
from tests.ledger.drafts import prediction

SIZE = 6
RECORD = (ledger_entries, ledger_nodes, ledger_head, ledger_checkpoints)


@pytest.fixture
def small(ledger: Ledger, subject_keys: SubjectKeys, clock: SettableClock) -> Ledger:
    """A ledger of six entries at six times, signed at 4 and at 6."""
    for number in range(SIZE):
        key = subject_keys.for_nobody()
        ledger.record(prediction(f"m@{number}", number=number, sealed={"n": number}, key=key))
        clock.advance(1)
        if number in {3, 5}:
            ledger.checkpoint()
    assert ledger.verify().checkpoints == 2
    return ledger


def altered(value: Any) -> Any:
    """Return another value of the same type and, where it can be, of the same length."""
    match value:
        case int():
            return value + 1
        case bytes():
            return value[:-1] + bytes([value[-1] ^ 1])
        case str():
            return value[:-1] + ("x" if value[-1] != "x" else "y")
    raise AssertionError(f"no other value for {value!r}")


def key_of(table: Table, row: dict[str, Any]) -> Any:
    match = [column == row[column.name] for column in table.primary_key.columns]
    return match[0] if len(match) == 1 else match[0] & match[1]


def rows_of(database: Database, table: Table) -> list[dict[str, Any]]:
    with database.read() as connection:
        query = select(table).order_by(*table.primary_key.columns)
        return [dict(row._mapping) for row in connection.execute(query)]


def broken_by(ledger: Ledger, change: Callable[[Connection], object]) -> LedgerBroken:
    """Return how verification fails after `change`, which is then undone."""
    kept = {table: rows_of(ledger.database, table) for table in RECORD}
    with ledger.database.write() as connection:
        change(connection)
    with pytest.raises(LedgerBroken) as problem:
        ledger.verify()
    with ledger.database.write() as connection:
        for table, rows in kept.items():
            connection.execute(delete(table))
            if rows:
                connection.execute(insert(table), rows)
    ledger.verify()
    return problem.value


def doing(statement: Executable) -> Callable[[Connection], object]:
    return lambda connection: connection.execute(statement)


def set_field(table: Table, row: dict[str, Any], name: str, value: Any) -> Update:
    return update(table).where(key_of(table, row)).values({name: value})


def test_every_field_of_every_entry(small: Ledger) -> None:
    changes = 0
    for row in rows_of(small.database, ledger_entries):
        for name in ledger_entries.columns.keys():  # noqa: SIM118 - names, not columns
            value = altered(row[name]) if name != "position" else SIZE + 10
            change = set_field(ledger_entries, row, name, value)
            problem = broken_by(small, doing(change))
            assert problem.index == row["position"], f"{name} of {row['position']}: {problem}"
            changes += 1
    assert changes == SIZE * 9


def test_every_byte_of_an_entry(small: Ledger) -> None:
    row = rows_of(small.database, ledger_entries)[2]
    for name in ("event", "salt", "leaf", "root"):
        for position in range(len(row[name])):
            value = bytearray(row[name])
            value[position] ^= 0x01
            change = set_field(ledger_entries, row, name, bytes(value))
            with small.database.write() as connection:
                connection.execute(change)
            with pytest.raises(LedgerBroken) as problem:
                small.verify()
            assert problem.value.index == 2, f"{name}[{position}]: {problem.value}"
    with small.database.write() as connection:
        connection.execute(update(ledger_entries).where(key_of(ledger_entries, row)).values(row))
    small.verify()


def test_every_field_of_the_head(small: Ledger) -> None:
    (row,) = rows_of(small.database, ledger_head)
    for name in ledger_head.columns.keys():  # noqa: SIM118 - names, not columns
        change = set_field(ledger_head, row, name, altered(row[name]))
        broken_by(small, doing(change))


def test_every_field_of_every_checkpoint(small: Ledger) -> None:
    for row in rows_of(small.database, ledger_checkpoints):
        for name in ledger_checkpoints.columns.keys():  # noqa: SIM118 - names, not columns
            value = altered(row[name]) if name == "note" else row[name] + 10
            change = set_field(ledger_checkpoints, row, name, value)
            broken_by(small, doing(change))


def test_every_field_of_every_inner_node(ledger: Ledger) -> None:
    ledger.record(*[prediction(number=number) for number in range(520)])
    rows = rows_of(ledger.database, ledger_nodes)
    assert [(row["level"], row["position"]) for row in rows] == [(8, 0), (8, 1)]
    for row in rows:
        for name in ledger_nodes.columns.keys():  # noqa: SIM118 - names, not columns
            value = altered(row[name]) if name == "hash" else row[name] + 10
            change = set_field(ledger_nodes, row, name, value)
            problem = broken_by(ledger, doing(change))
            assert problem.index == row["position"] << 8, f"{name}: {problem}"
    extra = {"level": 16, "position": 0, "hash": bytes(32)}
    problem = broken_by(ledger, doing(insert(ledger_nodes).values(extra)))
    assert "3 rows of nodes where there must be 2" in str(problem)


@pytest.mark.parametrize("index", range(SIZE))
def test_an_entry_is_deleted(small: Ledger, index: int) -> None:
    gone = delete(ledger_entries).where(ledger_entries.c.position == index)
    problem = broken_by(small, doing(gone))
    assert problem.index == index
    assert f"entry {index}: it is missing" in str(problem)


@pytest.mark.parametrize("place", [-1, -(2**62) - 7, -(2**63)])
def test_an_entry_or_a_checkpoint_hides_before_the_beginning(small: Ledger, place: int) -> None:
    row = rows_of(small.database, ledger_entries)[0] | {"position": place, "id": "another"}
    problem = broken_by(small, doing(insert(ledger_entries).values(row)))
    assert problem.index == 0
    assert "7 rows of entries where there must be 6" in str(problem)
    note = rows_of(small.database, ledger_checkpoints)[0] | {"number": place, "size": place}
    problem = broken_by(small, doing(insert(ledger_checkpoints).values(note)))
    assert "3 rows of checkpoints where there must be 2" in str(problem)


@pytest.mark.parametrize(
    "database_url", ["sqlite"], indirect=True
)  # whose file anybody can rebuild
def test_an_entry_hides_in_no_place_at_all(small: Ledger) -> None:
    hidden = rows_of(small.database, ledger_entries)[0] | {"id": "another", "about": "hidden"}
    with small.database.write() as connection:
        connection.execute(text("CREATE TABLE other AS SELECT * FROM ledger_entries"))
        connection.execute(text("DROP TABLE ledger_entries"))
        connection.execute(text("ALTER TABLE other RENAME TO ledger_entries"))
    assert small.verify().entries == SIZE  # what stands there is the same
    with small.database.write() as connection:
        connection.execute(insert(ledger_entries).values(hidden | {"position": None}))
    assert small.find(about="hidden")  # it would be told
    with pytest.raises(LedgerBroken, match="7 rows of entries where there must be 6") as problem:
        small.verify()
    assert problem.value.index == 0


@pytest.mark.parametrize("table", [ledger_head, ledger_checkpoints], ids=lambda t: t.name)
def test_a_row_is_deleted(small: Ledger, table: Table) -> None:
    for row in rows_of(small.database, table):
        gone = delete(table).where(key_of(table, row))
        broken_by(small, doing(gone))


def test_an_entry_is_inserted_at_the_end(small: Ledger) -> None:
    row = rows_of(small.database, ledger_entries)[-1] | {"position": SIZE, "id": "another"}
    assert broken_by(small, doing(insert(ledger_entries).values(row))).index == SIZE


def test_an_entry_is_inserted_in_between(small: Ledger) -> None:
    rows = rows_of(small.database, ledger_entries)

    def push_in(connection: Connection) -> None:
        connection.execute(delete(ledger_entries).where(ledger_entries.c.position >= 2))
        extra = rows[2] | {"id": "another"}
        later = [row | {"position": row["position"] + 1} for row in rows[2:]]
        connection.execute(insert(ledger_entries), [extra, *later])

    assert broken_by(small, push_in).index == 2


@pytest.mark.parametrize("whole", [True, False], ids=["with their roots", "without their roots"])
def test_two_entries_change_places(small: Ledger, whole: bool) -> None:
    rows = rows_of(small.database, ledger_entries)

    def swap(connection: Connection) -> None:
        one, other = rows[1], rows[4]
        stay = {"position"} if whole else {"position", "root"}
        connection.execute(delete(ledger_entries).where(ledger_entries.c.position.in_([1, 4])))
        swapped = [
            {name: (place if name in stay else content)[name] for name in one}
            for place, content in ((one, other), (other, one))
        ]
        connection.execute(insert(ledger_entries), swapped)

    assert broken_by(small, swap).index == 1


def test_a_second_head(small: Ledger) -> None:
    (row,) = rows_of(small.database, ledger_head)
    extra = row | {"id": 2}
    assert "2 heads" in str(broken_by(small, doing(insert(ledger_head).values(extra))))


def rebuild(connection: Connection, rows: list[dict[str, Any]], checkpoints: int) -> None:
    """Write entries, and a head that fits them: what somebody with all rights would do."""
    tree = Frontier()
    connection.execute(delete(ledger_entries))
    note = connection.execute(select(ledger_head.c.note)).scalar_one()  # no key, no better one
    connection.execute(delete(ledger_head))
    for row in rows:
        leaf = commit_to(row["salt"], row["event"])
        tree.push(leaf)
        new = row | {"position": tree.size - 1, "leaf": leaf, "root": tree.root()}
        connection.execute(insert(ledger_entries), new)
    head = {
        "id": 1,
        "size": tree.size,
        "root": tree.root(),
        "frontier": b"".join(tree.hashes),
        "at": rows[-1]["at"],
        "checkpoints": checkpoints,
        "note": note,
    }
    connection.execute(insert(ledger_head), head)


@pytest.mark.parametrize("left", range(1, SIZE))
def test_the_tail_is_cut_off_and_the_head_made_to_fit(small: Ledger, left: int) -> None:
    rows = rows_of(small.database, ledger_entries)[:left]
    problem = broken_by(small, lambda c: rebuild(c, rows, 2))
    assert problem.index == left
    assert f"a checkpoint was signed over {4 if left < 4 else 6} entries" in str(problem)


def test_history_is_rewritten_with_everything_made_to_fit(small: Ledger) -> None:
    rows = forged(small, 4)
    problem = broken_by(small, lambda c: rebuild(c, rows, 2))
    assert problem.index == 4
    assert "from here to entry 5 something is not what was signed" in str(problem)


def forged(small: Ledger, index: int) -> list[dict[str, Any]]:
    """Return the rows with another event at `index`."""
    rows = rows_of(small.database, ledger_entries)
    value = small.entry(index).value | {"body": {"score": 0.75, "number": index}}
    rows[index] = rows[index] | {"event": canonical_bytes(value), "salt": bytes(SALT_BYTES)}
    return rows


@pytest.mark.parametrize("index", range(SIZE))
def test_history_is_rewritten_and_every_checkpoint_removed(small: Ledger, index: int) -> None:
    def forge(connection: Connection) -> None:
        rebuild(connection, forged(small, index), 0)
        connection.execute(delete(ledger_checkpoints))

    problem = broken_by(small, forge)
    assert "from here to the end something is not what was signed" in str(problem)
    assert problem.index == 0  # without checkpoints only the whole is known to be wrong


def test_the_tail_after_the_last_checkpoint_is_rewritten(small: Ledger) -> None:
    small.record(prediction(number=6), prediction(number=7))
    rows = forged(small, 7)
    problem = broken_by(small, lambda c: rebuild(c, rows, 2))
    assert problem.index == SIZE
    problem = broken_by(small, lambda c: rebuild(c, rows[:7], 2))  # and the last one cut off
    assert problem.index == 7
    assert "the head was signed over 8 entries" in str(problem)


def test_nobody_extends_or_signs_or_believes_a_forged_head(small: Ledger) -> None:
    small.record(prediction(number=6))
    kept = {table: rows_of(small.database, table) for table in RECORD}
    with small.database.write() as connection:
        rebuild(connection, forged(small, 6), 0)
        connection.execute(delete(ledger_checkpoints))
    acts: list[Callable[[], object]] = [
        lambda: small.record(prediction()),
        small.checkpoint,
        small.head,
        small.verify,
    ]
    for act in acts:
        with pytest.raises(LedgerBroken):
            act()
    assert len(rows_of(small.database, ledger_entries)) == 7
    with small.database.write() as connection:
        for table, rows in kept.items():
            connection.execute(delete(table))
            connection.execute(insert(table), rows) if rows else None
    assert small.record(prediction())[0].index == 7
    assert small.verify().signed == 8


def test_a_frontier_that_is_not_that_of_the_head_is_not_extended(small: Ledger) -> None:
    (row,) = rows_of(small.database, ledger_head)
    with small.database.write() as connection:
        connection.execute(set_field(ledger_head, row, "frontier", altered(row["frontier"])))
    with pytest.raises(LedgerBroken, match="another root than their head"):
        small.record(prediction())


def test_a_signed_head_of_an_earlier_moment_does_not_fit_the_present(small: Ledger) -> None:
    (earlier,) = rows_of(small.database, ledger_head)
    small.record(prediction())
    (row,) = rows_of(small.database, ledger_head)
    change = set_field(ledger_head, row, "note", earlier["note"])
    assert "was signed over 6 entries only" in str(broken_by(small, doing(change)))


def test_history_is_rewritten_and_signed_with_another_key(small: Ledger) -> None:
    rows, forger = rows_of(small.database, ledger_entries), SigningKey.new()

    def forge(connection: Connection) -> None:
        rebuild(connection, rows[1:], 1)
        leaves = [commit_to(row["salt"], row["event"]) for row in rows[1:]]
        note = sign_checkpoint(small.origin, 5, merkle.root(leaves), forger).note
        connection.execute(delete(ledger_checkpoints))
        connection.execute(insert(ledger_checkpoints), {"number": 0, "size": 5, "note": note})

    assert "signed with another key" in str(broken_by(small, forge))


def test_a_checkpoint_of_another_ledger_is_slipped_in(small: Ledger, signer: SigningKey) -> None:
    row = rows_of(small.database, ledger_checkpoints)[0]
    root = hashlib.sha256(b"other").digest()
    for note in (
        sign_checkpoint("bedside/other", 4, root, signer).note,
        sign_checkpoint(small.origin, 4, root, signer).note,
    ):
        change = set_field(ledger_checkpoints, row, "note", note)
        broken_by(small, doing(change))


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # PostgreSQL keeps its types
@pytest.mark.parametrize("name", ["event", "salt", "leaf", "root"])
def test_a_value_of_another_type_is_a_finding_and_not_a_crash(small: Ledger, name: str) -> None:
    column = ledger_entries.c[name]
    place = ledger_entries.c.position == 3
    with small.database.write() as connection:
        connection.execute(update(ledger_entries).where(place).values({column: text("'text'")}))
    with pytest.raises(LedgerBroken, match=f"entry 3: its stored {name} is not bytes"):
        small.verify()


def test_the_fence_is_no_part_of_the_record(small: Ledger) -> None:
    with small.database.write() as connection:
        small.advance_fence(connection, "release:x")
    assert small.verify().entries == SIZE
