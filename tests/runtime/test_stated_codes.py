"""One rule for what a header and a sender say of a picture or a volume."""

from __future__ import annotations

from typing import Literal

import pytest

from bedside.canonical import Json
from bedside.runtime.gate import Refusals
from bedside.runtime.stated_codes import Adder, CodeField, check_code

ALLOWED = ("MR", "CT")


def outcome(
    written: str | None,
    stated: Json,
    unstated: Literal["refuse", "flag", "allow"] = "refuse",
    allowed: tuple[str, ...] = ALLOWED,
) -> list[str]:
    """Return the codes of the reasons, then of the flags."""
    refusals = Refusals()
    field = CodeField("modality", written, stated, allowed)
    flags = list(check_code(field, unstated, Adder(3, refusals)))
    assert all(reason.row == 3 for reason in refusals.found)
    return [reason.code for reason in refusals.found] + [flag.code for flag in flags]


@pytest.mark.parametrize(("written", "stated"), [("MR", None), (None, "MR"), ("MR", "MR")])
def test_what_either_says_is_taken(written: str | None, stated: Json) -> None:
    assert outcome(written, stated) == []


def test_a_header_goes_before_its_sender() -> None:
    assert outcome("CT", "MR") == ["contradiction"]
    assert outcome("US", None) == ["out-of-domain"]


def test_a_header_without_a_code_says_nothing() -> None:
    assert outcome("a magnetic resonance scan", None) == ["unstated"]
    assert outcome("a magnetic resonance scan", "MR") == []


def test_what_a_sender_states_must_be_a_code() -> None:
    assert outcome("MR", 7) == ["wrong-type"]
    assert outcome(None, "mr scan") == ["wrong-type"]


def test_what_nobody_says_is_refused_flagged_or_allowed_as_declared() -> None:
    assert outcome(None, None, "refuse") == ["unstated"]
    assert outcome(None, None, "flag") == ["modality-unstated"]
    assert outcome(None, None, "allow") == []


def test_a_domain_that_declares_nothing_still_finds_a_contradiction() -> None:
    assert outcome(None, None, allowed=()) == []
    assert outcome("CT", "MR", allowed=()) == ["contradiction"]
