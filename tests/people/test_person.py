"""Names, roles and the last administrator, without a database."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedside.errors import Conflict, UsageError
from bedside.people.permissions import Role
from bedside.people.person import (
    MAX_NAME,
    Person,
    administers,
    clean_name,
    keep_an_administrator,
    name_key,
    person_name,
    read_roles,
)

people = st.builds(
    Person,
    id=st.sampled_from("abcd"),
    name=st.just("N"),
    roles=st.frozensets(st.sampled_from(list(Role))),
    active=st.booleans(),
    created_at=st.just("2026-11-21T00:00:00.000000Z"),
)


@pytest.mark.parametrize("name", ["佐藤 花子", "Dr. Ana-María O'Brien", "髙橋", "ｻﾄｳ"])
def test_names_of_people_are_kept_as_they_are(name: str) -> None:
    assert clean_name(f"  {name}\u3000") == name


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "is blank"),
        (" \u3000\t", "is blank"),
        ("x" * (MAX_NAME + 1), "has 101 characters"),
        ("Sato\nAdmin", r"invisible character U\+000A"),
        ("Sato\x00", r"U\+0000"),
        ("Sa\u200bto", r"U\+200B"),
        ("Sato\u202eniks", r"U\+202E"),
        ("Sa\ud800to", r"U\+D800"),
    ],
)
def test_a_name_that_cannot_be_read_is_refused_with_the_reason(name: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        clean_name(name)


@given(st.text(max_size=120))
def test_a_cleaned_name_stays_as_it_is_when_cleaned_again(text: str) -> None:
    try:
        name = clean_name(text)
    except UsageError:
        return
    assert clean_name(name) == name
    assert 0 < len(name) <= MAX_NAME


@pytest.mark.parametrize(
    ("one", "other"),
    [("SATO", "sato"), ("Ｓａｔｏ", "Sato"), ("ｻﾄｳ", "サトウ"), ("Straße", "STRASSE")],
)
def test_names_that_differ_only_in_case_or_width_are_one(one: str, other: str) -> None:
    assert name_key(clean_name(one)) == name_key(clean_name(other))


def test_roles_are_read_by_name() -> None:
    assert read_roles(["operator", "auditor"]) == {Role.OPERATOR, Role.AUDITOR}


@pytest.mark.parametrize(
    ("names", "message"), [(["boss"], "'boss' is not a role"), ([], "one role")]
)
def test_what_is_no_role_is_refused(names: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        read_roles(names)


@given(st.lists(people, max_size=4, unique_by=lambda p: p.id), st.sets(st.sampled_from("abcd")))
def test_a_change_passes_exactly_when_an_administrator_with_a_key_remains(
    after: list[Person], with_key: set[str]
) -> None:
    if any(administers(person) and person.id in with_key for person in after):
        keep_an_administrator(after, with_key, "x is the last one")
    else:
        with pytest.raises(Conflict, match="x is the last one of this site"):
            keep_an_administrator(after, with_key, "x is the last one")


@pytest.mark.parametrize("roles", [["approver", "administrator"], list(Role)])
def test_nobody_gives_keys_and_approves(roles: list[str]) -> None:
    with pytest.raises(UsageError, match="administrator and approver at once"):
        read_roles(roles)


@pytest.mark.parametrize("twin", ["\u0410da Admin", "Ada Adm\u0456n", "\u039fno", "B\u0430ba"])
def test_a_word_of_two_alphabets_that_look_alike_is_refused(twin: str) -> None:
    with pytest.raises(UsageError, match=r"mixes \w+ and Latin letters in"):
        person_name(twin)


@pytest.mark.parametrize(
    "name", ["\u0410да", "Иван (Ivan)", "タナカTanaka田中", "Müller-O'Brien 3世", "Ωμέγα"]
)
def test_names_in_one_alphabet_a_word_are_kept(name: str) -> None:
    assert person_name(name) == name
