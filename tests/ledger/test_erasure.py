"""The rules of erasures and holds, over events alone: what cannot have happened is a broken story."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from bedside.errors import LedgerBroken
from bedside.ledger import erasure, view
from bedside.ledger.erasure import State, told
from bedside.ledger.events import Draft, Entry, EventKind
from bedside.ledger.ledger import Ledger
from tests.conftest import SettableClock

UNTIL = "2026-11-30T00:00:00.000000Z"
ASKED: dict[str, Any] = {"of": "person", "reason": "asked", "case": "", "expires_at": UNTIL}
Step = tuple[str, str, str, str]


def recorded(ledger: Ledger, clock: SettableClock, steps: Sequence[Step]) -> tuple[Entry, ...]:
    """Record steps as kind (e or h), about, step, actor; a day lies between `wait` and the next."""
    for kind, about, step, actor in steps:
        if step == "wait":
            clock.advance(20 * 86_400)
            continue
        body: dict[str, Any] = {"step": step, "keys": ["key-1"]}
        if kind == "e":
            body |= ASKED if step == "requested" else {}
            draft = Draft(EventKind.ERASURE, about, actor, "cli", body)
        else:
            body |= {"name": "case-1", "reason": "complaint"} if step == "placed" else {}
            draft = Draft(EventKind.LEGAL_HOLD, about, actor, "cli", body)
        ledger.record(draft)
    with ledger.database.read() as connection:
        return view.events(connection, erasure.KINDS)


GOOD: list[tuple[list[Step], State]] = [
    ([("e", "1", "requested", "a")], State.PENDING),
    ([("e", "1", "requested", "a"), ("", "", "wait", "")], State.EXPIRED),
    ([("e", "1", "requested", "a"), ("e", "1", "withdrawn", "b")], State.WITHDRAWN),
    ([("e", "1", "requested", "a"), ("e", "1", "confirmed", "b")], State.CONFIRMED),
    (  # too late: it was carried out, and a site that did it still opens
        [("e", "1", "requested", "a"), ("", "", "wait", ""), ("e", "1", "confirmed", "b")],
        State.CONFIRMED,
    ),
    (
        [
            ("e", "1", "requested", "a"),
            ("h", "2", "placed", "a"),
            ("h", "2", "lifted", "b"),
            ("e", "1", "confirmed", "b"),
            ("e", "1", "done", "system"),
        ],
        State.DONE,
    ),
]

BAD: list[list[Step]] = [
    [("e", "1", "confirmed", "b")],
    [("e", "1", "requested", "a"), ("e", "1", "confirmed", "a")],
    [("e", "1", "requested", "a"), ("e", "1", "requested", "a")],
    [("e", "1", "requested", "a"), ("e", "1", "done", "system")],
    [("e", "1", "requested", "a"), ("e", "1", "withdrawn", "a"), ("e", "1", "confirmed", "b")],
    [("e", "1", "requested", "a"), ("e", "1", "confirmed", "b"), ("e", "1", "withdrawn", "a")],
    [("e", "1", "requested", "a"), ("e", "1", "confirmed", "b"), ("e", "1", "confirmed", "c")],
    [("h", "2", "placed", "a"), ("e", "1", "requested", "a")],
    [("e", "1", "requested", "a"), ("h", "2", "placed", "a"), ("e", "1", "confirmed", "b")],
    [("h", "2", "placed", "a"), ("h", "2", "lifted", "a")],
    [("h", "2", "placed", "a"), ("h", "2", "placed", "b")],
    [("h", "2", "lifted", "a")],
    [("h", "2", "placed", "a"), ("h", "2", "lifted", "b"), ("h", "2", "lifted", "c")],
    [("e", "1", "burnt", "a")],
]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
class TestTheStory:
    @pytest.mark.parametrize(("steps", "state"), GOOD)
    def test_that_can_have_happened_is_told(
        self, ledger: Ledger, clock: SettableClock, steps: list[Step], state: State
    ) -> None:
        found = told(recorded(ledger, clock, steps)).erasures["1"]
        assert found.state(clock().strftime("%Y-%m-%dT%H:%M:%S.%fZ")) is state

    @pytest.mark.parametrize("steps", BAD)
    def test_that_cannot_have_happened_is_broken(
        self, ledger: Ledger, clock: SettableClock, steps: list[Step]
    ) -> None:
        entries = recorded(ledger, clock, steps)
        with pytest.raises(LedgerBroken, match="cannot have happened") as found:
            told(entries)
        assert found.value.index == entries[-1].index
        told(entries[:-1])
