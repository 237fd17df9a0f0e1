"""The permission table: what it must hold whatever is added to it, and that the page shows it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedside.people.api_key import SignInFault
from bedside.people.flood import RECORDED_PER_MINUTE
from bedside.people.permissions import (
    ONLY_READS,
    PERMISSIONS,
    Action,
    Role,
    allowed,
    roles_for,
)

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "lifecycle.md"

actions = st.sampled_from(list(Action))
roles = st.frozensets(st.sampled_from(list(Role)))


@given(actions)
def test_without_a_role_nothing_is_allowed(action: Action) -> None:
    assert not allowed(frozenset(), action)


@given(roles, st.sampled_from(list(Role)), actions)
def test_another_role_never_takes_a_permission_away(
    held: frozenset[Role], added: Role, action: Action
) -> None:
    assert allowed(held | {added}, action) or not allowed(held, action)


@given(roles, roles, actions)
def test_several_roles_allow_exactly_what_one_of_them_allows(
    some: frozenset[Role], others: frozenset[Role], action: Action
) -> None:
    assert allowed(some | others, action) == (allowed(some, action) or allowed(others, action))


def test_every_action_is_in_the_table_and_somebody_can_do_it() -> None:
    assert set(PERMISSIONS) == set(Action)
    assert all(PERMISSIONS[action] for action in Action)


@pytest.mark.parametrize("action", [Action.RELEASE, Action.ROLLBACK, Action.APPROVE, Action.RETIRE])
def test_a_developer_alone_neither_approves_nor_changes_what_answers(action: Action) -> None:
    assert not allowed({Role.DEVELOPER}, action)


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.DEVELOPER])
def test_only_a_developer_adds_a_package(role: Role) -> None:
    assert not allowed({role}, Action.PACKAGE_ADD)


def test_nobody_approves_and_releases_with_one_role() -> None:
    assert PERMISSIONS[Action.APPROVE].isdisjoint(PERMISSIONS[Action.RELEASE])


@pytest.mark.parametrize("action", [Action.PREDICT, Action.DECIDE, Action.TRACE_READ])
def test_a_clinician_predicts_decides_and_traces(action: Action) -> None:
    assert allowed({Role.CLINICIAN}, action)


def test_an_auditor_only_reads() -> None:
    assert {action for action in Action if allowed({Role.AUDITOR}, action)} == ONLY_READS


def test_an_administrator_touches_no_model_and_no_patient() -> None:
    can = {action for action in Action if allowed({Role.ADMINISTRATOR}, action)}
    assert can == {
        Action.MODELS_READ,
        Action.PEOPLE_READ,
        Action.PEOPLE_MANAGE,
        Action.KEYS_MANAGE,
        Action.METRICS_READ,
    }


def test_the_table_cannot_be_changed_while_running() -> None:
    with pytest.raises(TypeError):
        PERMISSIONS[Action.RELEASE] = frozenset(Role)  # type: ignore[index]


def test_roles_for_names_them_in_alphabetical_order() -> None:
    assert roles_for(Action.METRICS_READ) == ("administrator", "auditor", "operator")


def test_the_page_on_the_lifecycle_shows_exactly_this_table() -> None:
    rows = re.findall(
        r"^\| `([a-z-]+)` \|[^|]*\| ([a-z, ]+) \|$", PAGE.read_text("utf-8"), re.MULTILINE
    )
    assert {action: tuple(who.split(", ")) for action, who in rows} == {
        action.value: roles_for(action) for action in Action
    }


def test_the_page_on_the_lifecycle_names_the_limits_as_they_are() -> None:
    page = " ".join(PAGE.read_text("utf-8").split())
    assert f"After {RECORDED_PER_MINUTE} refused sign-ins within one minute" in page
    assert ", ".join(fault.value for fault in SignInFault) in page
