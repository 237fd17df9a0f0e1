from __future__ import annotations

import json

import pytest
import typer

from bedside.cli.errors import document, exit_code, refusable
from bedside.errors import (
    BedsideError,
    InputRefused,
    LedgerBroken,
    PackageDamaged,
    PictureRefused,
    Refusal,
    SiteProblem,
    UsageError,
    VolumeRefused,
)

OUT_OF_RANGE = Refusal(row=0, field="age", code="out-of-range", value="300", allowed="0 to 120")


def every_kind(kind: type[BedsideError] = BedsideError) -> list[type[BedsideError]]:
    return [kind, *(found for child in kind.__subclasses__() for found in every_kind(child))]


def refusal(kind: type[BedsideError]) -> BedsideError:
    if kind is InputRefused:
        return InputRefused((OUT_OF_RANGE,))
    if kind in {PictureRefused, VolumeRefused}:
        return kind("corrupt", "no")
    return kind("no")


def test_wrong_usage_leaves_with_2_and_every_refusal_with_1() -> None:
    assert exit_code(UsageError("?")) == 2
    ours = [kind for kind in every_kind() if kind.__module__ == "bedside.errors"]
    others = [kind for kind in ours if not issubclass(kind, UsageError)]
    assert len(others) > 12
    for kind in others:
        assert exit_code(refusal(kind)) == 1, kind


def test_a_refusal_as_json_carries_kind_message_and_advice() -> None:
    assert document(PackageDamaged("Broken.", advice="Fetch it again.")) == {
        "error": {"kind": "PackageDamaged", "message": "Broken.", "advice": "Fetch it again."}
    }


def test_a_gate_refusal_as_json_carries_every_reason() -> None:
    [reason] = document(InputRefused((OUT_OF_RANGE,)))["error"]["refusals"]
    assert reason == {
        "row": 0,
        "field": "age",
        "code": "out-of-range",
        "value": "300",
        "allowed": "0 to 120",
    }


def test_a_broken_ledger_as_json_names_the_entry() -> None:
    assert document(LedgerBroken("Entry 7.", index=7))["error"]["index"] == 7


def test_a_refused_command_says_why_on_stderr_and_as_json_on_stdout(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def command(*, as_json: bool) -> None:
        raise SiteProblem("No site here.", advice="Make one.")

    with pytest.raises(typer.Exit) as left:
        refusable(command)(as_json=True)
    written = capsys.readouterr()
    assert left.value.exit_code == 1
    assert json.loads(written.out)["error"]["kind"] == "SiteProblem"
    assert written.err == "Refused: No site here.\nNext:    Make one.\n"


def test_a_failure_that_nobody_foresaw_is_not_hidden() -> None:
    def command() -> None:
        raise ZeroDivisionError("a defect")

    with pytest.raises(ZeroDivisionError, match="a defect"):
        refusable(command)()
