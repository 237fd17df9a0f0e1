from __future__ import annotations

from dataclasses import fields, make_dataclass
from typing import Any

import pytest

from bedside.api.answers import readiness_told
from bedside.registry.lifecycle import Act, Approval, State, VersionRecord
from bedside.registry.release import HistoryEntry, Release
from bedside.registry.told import history_told, release_told, version_told
from bedside.serving.values import Readiness

APPROVAL = Approval("p-2", "Ann", "I looked at it", "2026-11-21T08:00:00Z", "e-2")
VALUES: list[tuple[Any, Any]] = [
    (Release("m", "1.0.0", "sha256:0", 1, "2026", "p-1", "needed", "e-1"), release_told),
    (
        HistoryEntry("m", 1, Act.RELEASE, "1.0.0", "sha256:0", "2026", "p-1", "needed", "e-1"),
        history_told,
    ),
    (
        VersionRecord(
            "m", "1.0.0", "sha256:0", "sha256:1", State.DRAFT, "p-1", "2026", (APPROVAL,)
        ),
        version_told,
    ),
    (Readiness("m", "1.0.0", 1, False, "damaged", "repair it"), readiness_told),
]


@pytest.mark.parametrize(("value", "told"), VALUES)
def test_a_new_field_of_a_value_is_not_told_by_itself(value: Any, told: Any) -> None:
    kind = type(value)
    wider = make_dataclass(
        "Wider", [("secret", str, "inside")], bases=(kind,), frozen=True, slots=True
    )
    given = {one.name: getattr(value, one.name) for one in fields(value)}
    assert set(told(value)) == set(given)
    assert told(wider(**given)) == told(value)
    whole = {name: getattr(value, name) for name in told(value)}
    whole |= {"approvals": told(value)["approvals"]} if "approvals" in whole else {}
    assert told(value) == whole


def test_an_approval_is_told_whole() -> None:
    (told,) = version_told(VALUES[2][0])["approvals"]
    assert told == {one.name: getattr(APPROVAL, one.name) for one in fields(APPROVAL)}
