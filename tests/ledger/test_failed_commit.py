"""The disk under SQLite fails in the commit: nobody is told that it stands, or that it does not."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

import pytest

from bedside.ledger.group import GroupCommit
from bedside.ledger.ledger import Ledger
from bedside.store.failures import CommitUnknown
from bedside.store.statement import Statement
from bedside.store.wire import Wire
from tests.ledger.drafts import prediction

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Codes with which the next commits fail; their pages are read back all the same."""
    codes: list[str] = []
    change = Wire.change

    def fail(wire: Wire, statement: Statement, values: Sequence[object] = ()) -> int:
        count = change(wire, statement, values)
        if codes and statement.sqlite == "COMMIT":
            problem = sqlite3.OperationalError("disk I/O error")
            problem.sqlite_errorname = codes.pop()
            raise wire.told(problem)
        return count

    monkeypatch.setattr(Wire, "change", fail)
    return codes


@pytest.mark.parametrize("way", ["single", "group"])
def test_what_can_be_read_after_a_failed_sync_is_not_taken_for_recorded(
    ledger: Ledger, failing: list[str], way: str
) -> None:
    ledger.record(prediction())
    group = GroupCommit(ledger)
    group.start()
    unsure = prediction("unsure")
    failing.append("SQLITE_IOERR_FSYNC")
    with pytest.raises(CommitUnknown, match="It is not known whether this was recorded"):
        ledger.record(unsure) if way == "single" else group.submit([unsure]).result(20)
    assert len(ledger.find(about="unsure")) == 1  # from memory; no disk has said that it has it
    ledger.record(prediction())
    group.close()
    assert ledger.verify().entries == 3
