"""A database that is not what a witness saw is found, whatever else was written to fit."""

from __future__ import annotations

import logging
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from bedside.clock import timestamp
from bedside.errors import Conflict, LedgerBroken
from bedside.ledger.events import commit_to
from bedside.ledger.ledger import Ledger
from bedside.ledger.tables import (
    ledger_entries,
)
from bedside.ledger.witness import WitnessSpoiled
from bedside.ledger.witness_rows import LONGEST_PAUSE, Pace
from bedside.ledger.witness_shelf import MAX_STRAYS, ShelfWitness, folder_of
from bedside.ledger.witnessing import Witnessing
from bedside.store.database import Database
from bedside.store.shelf import FolderShelf
from tests.conftest import SettableClock
from tests.ledger.witnessed import (
    Friend,
    answer_for,
    earlier_note,
    entries_of,
    forge,
    grow,
    kept,
    put_back,
    rows_of,
    tick,
)


@pytest.fixture
def friend() -> Friend:
    return Friend()


@pytest.fixture
def witnessing(ledger: Ledger, friend: Friend, clock: SettableClock) -> Witnessing:
    return Witnessing(ledger, [friend], Pace(60, 10), clock)


class TestADatabaseThatIsNotWhatWasSeen:
    @pytest.fixture
    def earlier(
        self, ledger: Ledger, witnessing: Witnessing, database: Database
    ) -> dict[Any, list[dict[str, Any]]]:
        """The record at four entries; then it grew to seven, and the witness saw each."""
        grow(ledger, 4)
        witnessing.send()
        found = kept(database)
        grow(ledger, 3)
        witnessing.send()
        return found

    def test_put_back_is_found_at_opening(
        self,
        ledger: Ledger,
        witnessing: Witnessing,
        database: Database,
        earlier: dict[Any, list[dict[str, Any]]],
    ) -> None:
        witnessing.hold()
        put_back(database, earlier)
        assert ledger.verify().entries == 4  # by itself it is whole
        with pytest.raises(LedgerBroken, match="witness friend saw 7 entries, and 4 are") as found:
            witnessing.hold()
        assert found.value.index == 4
        assert witnessing.states()[0].standing == "refused"

    def test_put_back_and_grown_again_is_found(
        self,
        ledger: Ledger,
        witnessing: Witnessing,
        database: Database,
        earlier: dict[Any, list[dict[str, Any]]],
    ) -> None:
        put_back(database, earlier)
        grow(ledger, 6)
        with pytest.raises(LedgerBroken, match="from entry 4 to entry 6") as found:
            witnessing.hold()
        assert found.value.index == 4

    def test_is_refused_and_said_loudly(
        self,
        ledger: Ledger,
        witnessing: Witnessing,
        database: Database,
        earlier: dict[Any, list[dict[str, Any]]],
        friend: Friend,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        put_back(database, earlier)
        assert "saw 7 entries of this ledger, and 4 are left" in witnessing.send()[0].words
        grow(ledger, 6)
        state = witnessing.send()[0]
        assert state.standing == "refused"
        assert "does not continue the one of 7 entries" in state.words
        assert [record.levelno for record in caplog.records] == [logging.ERROR] * 2
        assert [one.size for one in friend.seen] == [4, 7]
        grow(ledger)  # the service goes on
        assert ledger.verify().entries == 11

    def test_a_loss_that_somebody_answers_for_is_let_pass(
        self,
        ledger: Ledger,
        witnessing: Witnessing,
        database: Database,
        earlier: dict[Any, list[dict[str, Any]]],
        friend: Friend,
    ) -> None:
        with pytest.raises(Conflict, match="is as the witness friend saw it"):
            witnessing.missing("friend")
        put_back(database, earlier)
        saw, problem = witnessing.missing("friend")
        assert (saw.size, problem.index) == (7, 4)
        with database.write() as connection:
            witnessing.accept(connection, "friend", saw.size)
        with pytest.raises(LedgerBroken):
            witnessing.hold()  # who writes to the row alone excuses nothing
        for other in (replace(saw, note=earlier_note(friend)), saw):
            answer_for(ledger, "stranger" if other is saw else "friend", other)
            with pytest.raises(LedgerBroken):
                witnessing.hold()
        answer_for(ledger, "friend", saw)
        witnessing.hold()
        grow(ledger, 5)
        witnessing.hold()
        assert witnessing.send()[0].standing == "refused"  # the witness itself accepts nothing
        friend.seen.clear()
        assert witnessing.send()[0].standing == "agrees"
        assert rows_of(database)[0]["accepted"] == 0
        put_back(database, earlier)
        with pytest.raises(LedgerBroken):
            witnessing.hold()  # the next loss is another one

    def test_an_excuse_that_nobody_signed_is_none(
        self,
        ledger: Ledger,
        witnessing: Witnessing,
        database: Database,
        earlier: dict[Any, list[dict[str, Any]]],
        friend: Friend,
    ) -> None:
        put_back(database, earlier)
        answer_for(ledger, "nobody", friend.seen[-1])
        forge(database, accepted=7)
        forged = entries_of(database, "restore")[0]
        event = forged["event"].replace(b"nobody", b"friend")
        altered = {"event": event, "leaf": commit_to(forged["salt"], event)}
        with database.write() as connection:
            mine = ledger_entries.c.position == forged["position"]
            connection.execute(update(ledger_entries).where(mine).values(**altered))
        with pytest.raises(LedgerBroken):
            witnessing.hold()

    def test_a_row_that_says_to_wait_or_that_all_was_seen_is_not_believed(
        self,
        ledger: Ledger,
        witnessing: Witnessing,
        database: Database,
        earlier: dict[Any, list[dict[str, Any]]],
        clock: SettableClock,
    ) -> None:
        put_back(database, earlier)
        far = dict.fromkeys(("next_at", "sending_until"), "9999-01-01T00:00:00.000000Z")
        for forged in (far, {"next_at": timestamp(clock() + LONGEST_PAUSE)}):
            forge(database, size=4, refused="", **forged)
            with pytest.raises(LedgerBroken, match="saw 7 entries"):
                witnessing.hold()
        plain = {"refused": "", "seen_at": "", "next_at": "", "sending_until": ""}
        for size, forged in ((3, far), (3, {"seen_at": far["next_at"]}), (10**6, {})):
            forge(database, size=size, **(plain | forged))
            assert "saw 7 entries" in tick(witnessing).words


class TestAVandalAtAFolder:
    @pytest.fixture
    def place(self, ledger: Ledger, tmp_path: Path) -> Path:
        return tmp_path / folder_of(ledger.origin)

    @pytest.fixture
    def archive(self, ledger: Ledger, tmp_path: Path, clock: SettableClock) -> Witnessing:
        witness = ShelfWitness("archive", str(tmp_path), FolderShelf(tmp_path))
        return Witnessing(ledger, [witness], Pace(), clock)

    def test_convicts_nobody_and_can_be_in_the_way(
        self, ledger: Ledger, archive: Witnessing, place: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        grow(ledger, 3)
        archive.send()
        (place / f"after-{3:020d}.note").write_text("vandal")
        for _ in range(2):
            archive.hold()
        assert archive.states()[0].standing == "agrees"
        messages = [one.getMessage() for one in caplog.records]
        assert messages == ["witness has files that are no checkpoints"]
        grow(ledger)
        state = archive.send()[0]
        assert (state.standing, "lies where the next one belongs" in state.words) == ("away", True)

    def test_hides_no_loss(
        self, ledger: Ledger, archive: Witnessing, place: Path, database: Database
    ) -> None:
        grow(ledger, 4)
        archive.send()
        before = kept(database)
        grow(ledger, 3)
        archive.send()
        (place / f"after-{'9' * 20}.note").write_text("vandal")
        (place / f"after-{'8' * 20}.note").mkdir()
        os.mkfifo(place / f"after-{'7' * 20}.note")
        (place / f"after-{'6' * 20}.note").write_bytes(bytes(100_000))
        put_back(database, before)
        with pytest.raises(LedgerBroken, match="archive saw 7 entries"):
            archive.hold()

    def test_with_a_heap_of_files_is_not_let_pass(
        self, ledger: Ledger, archive: Witnessing, place: Path
    ) -> None:
        grow(ledger, 4)
        archive.send()
        for number in range(MAX_STRAYS):
            (place / f"after-{10**19 + number:020d}.note").write_text("vandal")
        with pytest.raises(WitnessSpoiled, match="cannot be told: its last 64 files"):
            archive.hold()
        assert archive.send()[0].standing == "refused"
        (place / f"after-{10**19:020d}.note").unlink()
        archive.hold()
        assert archive.states()[0].standing == "agrees"
