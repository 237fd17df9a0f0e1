"""The rules of the lifecycle, tried by random acts of random people."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from bedside.errors import BedsideError, Conflict, NotFound, PermissionRefused, UsageError
from bedside.registry import lifecycle
from bedside.registry.lifecycle import (
    MAX_WORDS,
    TRANSITIONS,
    Act,
    Approval,
    Change,
    State,
    Turn,
    VersionRecord,
)

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "lifecycle.md"
MEANING = "I reviewed the evaluation."
PEOPLE = ["ann", "ben", "cho", "dai"]
VERSIONS = ["1.0.0", "1.1.0", "2.0.0"]


def draft(version: str = "1.0.0", by: str = "ann") -> VersionRecord:
    return VersionRecord("m", version, "sha256:d", "sha256:a", State.DRAFT, by, "t")


def approval(person: str, meaning: str = MEANING) -> Approval:
    return Approval(person, person.title(), meaning, "t", f"event-{person}")


def approved(version: str) -> VersionRecord:
    record = lifecycle.verified(draft(version))
    return lifecycle.approved(lifecycle.approved(record, approval("ben")), approval("cho"))


class Model(RuleBasedStateMachine):
    """One model's life; what is refused changes nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.versions: dict[str, VersionRecord] = {}
        self.turns: list[Turn] = []
        self.ever_retired: set[str] = set()

    def carry_out(self, change: Change, act: Act) -> None:
        self.versions = lifecycle.carried_out(self.versions, change)
        assert lifecycle.answering(self.versions) == change.after
        if change.switches:
            self.turns.append(Turn(len(self.turns) + 1, act, change.after))

    @rule(version=st.sampled_from(VERSIONS), by=st.sampled_from(PEOPLE))
    def register(self, version: str, by: str) -> None:
        self.versions.setdefault(version, draft(version, by))

    @precondition(lambda self: self.versions)
    @rule(data=st.data())
    def verify(self, data: st.DataObject) -> None:
        version = data.draw(st.sampled_from(sorted(self.versions)))
        try:
            self.versions[version] = lifecycle.verified(self.versions[version])
        except Conflict:
            assert self.versions[version].state is State.RETIRED

    @precondition(lambda self: self.versions)
    @rule(data=st.data(), person=st.sampled_from(PEOPLE))
    def approve(self, data: st.DataObject, person: str) -> None:
        version = data.draw(st.sampled_from(sorted(self.versions)))
        record = self.versions[version]
        try:
            self.versions[version] = lifecycle.approved(record, approval(person))
        except PermissionRefused:
            assert person == record.registered_by
        except Conflict:
            again = person in {given.person_id for given in record.approvals}
            assert again or record.state in {State.DRAFT, State.RETIRED}

    @rule(version=st.sampled_from(VERSIONS))
    def release(self, version: str) -> None:
        try:
            self.carry_out(lifecycle.release(self.versions, version), Act.RELEASE)
        except NotFound:
            assert version not in self.versions
        except Conflict:
            assert self.versions[version].state is not State.APPROVED

    @rule(to=st.none() | st.sampled_from(VERSIONS))
    def rollback(self, to: str | None) -> None:
        earlier = lifecycle.earlier_releases(self.versions, self.turns)
        try:
            self.carry_out(lifecycle.rollback(self.versions, self.turns, to), Act.ROLLBACK)
        except Conflict:
            assert not earlier or (to is not None and to not in earlier)
        else:
            assert len(lifecycle.earlier_releases(self.versions, self.turns)) < len(earlier)

    @rule(version=st.sampled_from(VERSIONS))
    def retire(self, version: str) -> None:
        try:
            self.carry_out(lifecycle.retire(self.versions, version), Act.RETIREMENT)
            self.ever_retired.add(version)
        except NotFound:
            assert version not in self.versions
        except Conflict:
            assert version in self.ever_retired

    @invariant()
    def nothing_answers_without_two_approvals_by_others(self) -> None:
        for record in self.versions.values():
            if record.state in {State.APPROVED, State.RELEASED}:
                people = [given.person_id for given in record.approvals]
                assert len(set(people)) == len(people) >= 2
                assert record.registered_by not in people

    @invariant()
    def at_most_one_version_answers(self) -> None:
        released = [v.version for v in self.versions.values() if v.state is State.RELEASED]
        assert len(released) <= 1
        assert (self.turns[-1].version if self.turns else None) == (
            released[0] if released else None
        )

    @invariant()
    def retired_is_for_good(self) -> None:
        assert all(self.versions[v].state is State.RETIRED for v in self.ever_retired)

    @invariant()
    def a_new_turn_always_changes_what_answers(self) -> None:
        answers = [None, *(turn.version for turn in self.turns)]
        assert all(a != b for a, b in pairwise(answers))

    @invariant()
    def a_rollback_leads_only_to_what_was_released_and_is_approved(self) -> None:
        for version in lifecycle.earlier_releases(self.versions, self.turns):
            assert version in {turn.version for turn in self.turns}
            assert self.versions[version].state is State.APPROVED


TestModel = Model.TestCase
TestModel.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


@given(st.sampled_from(list(State)), st.sampled_from(list(State)))
def test_a_version_moves_only_as_the_table_says(start: State, end: State) -> None:
    record = replace(draft(), state=start)
    if end in TRANSITIONS[start]:
        assert lifecycle.moved(record, end).state is end
    else:
        with pytest.raises(Conflict, match=f"is {start} and cannot become {end}"):
            lifecycle.moved(record, end)


@given(st.sampled_from(PEOPLE), st.lists(st.sampled_from(PEOPLE), max_size=6))
def test_approvals_are_enough_when_two_others_gave_them(by: str, people: list[str]) -> None:
    verdict = lifecycle.approval_verdict(by, [approval(person) for person in people])
    assert verdict == (by not in people and len(set(people)) >= 2)


def test_the_second_approval_makes_a_version_approved() -> None:
    once = lifecycle.approved(lifecycle.verified(draft()), approval("ben"))
    assert once.state is State.VERIFIED
    assert lifecycle.approved(once, approval("cho")).state is State.APPROVED


def test_a_third_approval_is_kept_and_changes_no_state() -> None:
    thrice = lifecycle.approved(approved("1.0.0"), approval("dai"))
    assert thrice.state is State.APPROVED
    assert [given.person_id for given in thrice.approvals] == ["ben", "cho", "dai"]


@pytest.mark.parametrize(
    ("record", "person", "error", "message"),
    [
        (lifecycle.verified(draft()), "ann", PermissionRefused, "You registered m@1.0.0"),
        (draft(), "ben", Conflict, "Verify it first: bedside registry verify m@1.0.0"),
        (approved("1.0.0"), "ben", Conflict, "You approved m@1.0.0 already"),
        (replace(approved("1.0.0"), state=State.RETIRED), "dai", Conflict, "retired, and that is"),
    ],
)
def test_an_approval_out_of_place_is_refused_with_the_reason(
    record: VersionRecord, person: str, error: type[BedsideError], message: str
) -> None:
    with pytest.raises(error, match=message):
        lifecycle.approved(record, approval(person))


@pytest.mark.parametrize(
    ("meaning", "message"),
    [
        ("", "at least 10 are needed"),
        ("   ok      ", "'ok' has 2 characters"),
        ("x" * (MAX_WORDS + 1), "at most 2000"),
        ("I reviewed\x1b[2J it", r"control character U\+001B"),
    ],
)
def test_an_approval_that_says_nothing_is_refused(meaning: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        lifecycle.approved(lifecycle.verified(draft()), approval("ben", meaning))


@pytest.mark.parametrize(
    ("record", "message"),
    [
        (draft(), "is draft; you can only release an approved version. Verify it first"),
        (lifecycle.verified(draft()), "lacks 2 approvals"),
        (
            lifecycle.approved(lifecycle.verified(draft()), approval("ben")),
            "lacks 1 approval by people other than",
        ),
        (replace(draft(), state=State.RETIRED), "is retired, and that is final"),
        (replace(draft(), state=State.RELEASED), "is released already"),
    ],
)
def test_only_an_approved_version_is_released(record: VersionRecord, message: str) -> None:
    with pytest.raises(Conflict, match=re.escape(message)):
        lifecycle.release({"1.0.0": record}, "1.0.0")


def test_an_unknown_version_is_named_with_the_known_ones() -> None:
    with pytest.raises(NotFound, match=r"no version 9\.9\.9 .* Known versions: 1\.0\.0"):
        lifecycle.release({"1.0.0": draft()}, "9.9.9")


def history(*acts: tuple[Act, str]) -> tuple[dict[str, VersionRecord], list[Turn]]:
    """Carry out releases, rollbacks and retirements on three approved versions."""
    versions, turns = {version: approved(version) for version in VERSIONS}, list[Turn]()
    for act, version in acts:
        if act is Act.RELEASE:
            change = lifecycle.release(versions, version)
        elif act is Act.ROLLBACK:
            change = lifecycle.rollback(versions, turns, version)
        else:
            change = lifecycle.retire(versions, version)
        versions = lifecycle.carried_out(versions, change)
        turns.append(Turn(len(turns) + 1, act, change.after))
    return versions, turns


@pytest.mark.parametrize(
    ("acts", "earlier"),
    [
        ([], ()),
        ([(Act.RELEASE, "1.0.0")], ()),
        ([(Act.RELEASE, "1.0.0"), (Act.RELEASE, "1.1.0")], ("1.0.0",)),
        ([(Act.RELEASE, "1.0.0"), (Act.RELEASE, "1.1.0"), (Act.ROLLBACK, "1.0.0")], ()),
        (
            [(Act.RELEASE, "1.0.0"), (Act.RELEASE, "1.1.0"), (Act.RELEASE, "2.0.0")],
            ("1.1.0", "1.0.0"),
        ),
        (
            [(Act.RELEASE, "1.0.0"), (Act.RELEASE, "1.1.0"), (Act.RELEASE, "1.0.0")],
            ("1.1.0",),
        ),
        ([(Act.RELEASE, "1.0.0"), (Act.RELEASE, "1.1.0"), (Act.RETIREMENT, "1.1.0")], ("1.0.0",)),
        ([(Act.RELEASE, "1.0.0"), (Act.RETIREMENT, "1.0.0")], ()),
    ],
)
def test_a_rollback_goes_back_and_never_forward_again(
    acts: list[tuple[Act, str]], earlier: tuple[str, ...]
) -> None:
    assert lifecycle.earlier_releases(*history(*acts)) == earlier


def test_a_rollback_without_an_earlier_release_says_what_to_do_instead() -> None:
    with pytest.raises(Conflict, match=r"no earlier release .* Release an approved version"):
        lifecycle.rollback(*history((Act.RELEASE, "1.0.0")))


def test_a_rollback_to_a_later_version_is_refused() -> None:
    stood = history((Act.RELEASE, "1.0.0"), (Act.RELEASE, "1.1.0"), (Act.RELEASE, "2.0.0"))
    versions, turns = stood
    change = lifecycle.rollback(versions, turns, "1.1.0")
    assert (change.before, change.after) == ("2.0.0", "1.1.0")
    versions = lifecycle.carried_out(versions, change)
    turns.append(Turn(4, Act.ROLLBACK, "1.1.0"))
    with pytest.raises(Conflict, match=r"2\.0\.0 is not an earlier release; these are: 1\.0\.0"):
        lifecycle.rollback(versions, turns, "2.0.0")


def test_retiring_the_released_version_leaves_nothing_that_answers() -> None:
    versions, _ = history((Act.RELEASE, "1.0.0"))
    change = lifecycle.retire(versions, "1.0.0")
    assert (change.switches, change.before, change.after) == (True, "1.0.0", None)


def test_retiring_another_version_switches_nothing() -> None:
    versions, _ = history((Act.RELEASE, "1.0.0"))
    change = lifecycle.retire(versions, "2.0.0")
    assert (change.switches, change.before, change.after) == (False, "1.0.0", "1.0.0")


def test_the_page_shows_exactly_these_transitions() -> None:
    arrows = re.findall(r"^    (\w+) --> (\w+)", PAGE.read_text("utf-8"), re.MULTILINE)
    shown = {(a, b) for a, b in arrows}
    assert shown == {(a.value, b.value) for a, ends in TRANSITIONS.items() for b in ends}
