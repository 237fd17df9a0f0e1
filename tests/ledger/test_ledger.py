from __future__ import annotations

import pytest

from bedside.ledger.events import Draft, EventKind, Fence
from bedside.ledger.fences import FenceMoved
from bedside.ledger.ledger import Ledger


def draft(about: str = "m@1.0.0", **more: object) -> Draft:
    return Draft(EventKind.PREDICTION, about, "p1", "rest", {"n": 1}, **more)  # type: ignore[arg-type]


def test_smoke(ledger: Ledger) -> None:
    assert [e.index for e in ledger.record(draft(), draft())] == [0, 1]
    with pytest.raises(FenceMoved):
        ledger.record(draft(fence=Fence("release:m", 1)))
    ledger.checkpoint()
    for _ in range(3):
        ledger.record(*[draft() for _ in range(200)])
    ledger.checkpoint()
    print(ledger.verify(), ledger.prove(5))
