from __future__ import annotations

import stat

import pytest

from tests.cli.conftest import PEOPLE, Cli, Ward


def test_a_new_person_gets_a_key_that_is_shown_once(cli: Cli, ward: Ward) -> None:
    shown = cli.done("people", "add", "Night nurse", "--role", "clinician", *ward.as_("admin"))
    [secret] = [word for word in shown.split() if word.startswith("bds_")]
    assert "It is shown this once" in shown
    listed = cli("people", "list", "Night nurse", *ward.as_("admin"))
    assert secret not in listed.out
    signed_in = cli("registry", "list", "--site", ward.site, env={"BEDSIDE_API_KEY": secret})
    assert signed_in.code == 0


def test_a_key_can_go_to_a_file_that_only_its_owner_reads(cli: Cli, ward: Ward) -> None:
    out = ward.keys / "night.key"
    words = ("Night", "--role", "clinician", "--key-out", out)
    shown = cli.json("people", "add", *words, *ward.as_("admin"))
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert shown["key"]["file"] == str(out)
    assert "secret" not in shown["key"]
    cli.done("registry", "list", *ward.as_("night"))


def test_no_key_is_issued_when_its_file_could_not_be_made(cli: Cli, ward: Ward) -> None:
    taken = ward.keys / "admin.key"
    words = ("people", "add", "Night", "--role", "clinician", *ward.as_("admin"), "--key-out")
    assert "is there already" in cli.refused(*words, taken)
    assert "There is no folder" in cli.refused(*words, ward.keys / "nowhere" / "x.key")
    names = [person["name"] for person in cli.json("people", "list", *ward.as_("admin"))]
    assert "Night" not in names


def test_everybody_is_listed_with_their_roles(cli: Cli, ward: Ward) -> None:
    listed = cli.json("people", "list", *ward.as_("auditor"))
    assert {one["name"]: one["roles"] for one in listed} == {
        "Admin": ["administrator"],
        **{name: [role] for name, role in PEOPLE.items()},
    }
    shown = cli.done("people", "list", *ward.as_("auditor"))
    assert all(name in shown for name in PEOPLE)


def test_one_person_is_listed_with_the_ids_of_their_keys(cli: Cli, ward: Ward) -> None:
    cli.done("people", "key", "clinician", "--label", "ward tablet", *ward.as_("admin"))
    shown = cli.done("people", "list", "clinician", *ward.as_("admin"))
    assert "ward tablet" in shown
    keys = cli.json("people", "list", "clinician", *ward.as_("admin"))["keys"]
    assert [key["label"] for key in keys] == ["first key", "ward tablet"]


def test_a_revoked_key_opens_nothing(cli: Cli, ward: Ward) -> None:
    [key] = cli.json("people", "list", "clinician", *ward.as_("admin"))["keys"]
    assert cli.json("people", "revoke-key", key["id"], *ward.as_("admin")) == {"revoked": key["id"]}
    said = cli.refused("registry", "list", *ward.as_("clinician"))
    assert "does not open anything here" in said
    assert "revoked 20" in cli.done("people", "list", "clinician", *ward.as_("admin"))


def test_roles_are_given_in_place_of_the_old_ones(cli: Cli, ward: Ward) -> None:
    words = ("clinician", "--role", "auditor", "--role", "operator", *ward.as_("admin"))
    assert cli.done("people", "role", *words) == "clinician is now auditor, operator.\n"
    cli.done("people", "list", *ward.as_("clinician"))


def test_a_deactivated_person_cannot_sign_in(cli: Cli, ward: Ward) -> None:
    shown = cli.done("people", "deactivate", "clinician", *ward.as_("admin"))
    assert shown == "clinician can no longer sign in.\n"
    cli.refused("registry", "list", *ward.as_("clinician"))
    assert "inactive" in cli.done("people", "list", *ward.as_("admin"))


def test_a_reactivated_person_comes_in_with_the_key_that_they_have(cli: Cli, ward: Ward) -> None:
    cli.done("people", "deactivate", "clinician", *ward.as_("admin"))
    shown = cli.done("people", "reactivate", "clinician", *ward.as_("admin"))
    assert shown == "clinician can sign in again.\n"
    cli.done("registry", "list", *ward.as_("clinician"))
    assert "is so already" in cli.refused("people", "reactivate", "clinician", *ward.as_("admin"))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("list",), "may not people-read"),
        (("add", "X", "--role", "clinician"), "may not people-manage"),
        (("role", "first", "--role", "clinician"), "may not people-manage"),
        (("deactivate", "first"), "may not people-manage"),
        (("reactivate", "first"), "may not people-manage"),
        (("key", "first"), "may not keys-manage"),
        (("revoke-key", "some-id"), "may not keys-manage"),
    ],
)
def test_nobody_but_an_administrator_may(
    cli: Cli, ward: Ward, words: tuple[str, ...], message: str
) -> None:
    assert message in cli.refused("people", *words, *ward.as_("clinician"))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("add", "clinician", "--role", "auditor"), "The name 'clinician' is taken"),
        (("deactivate", "Admin"), "the last active administrator"),
        (("role", "Admin", "--role", "auditor"), "Nobody changes their own roles"),
        (("key", "nobody"), "Nobody here has the id or name 'nobody'"),
        (("revoke-key", "nothing"), "There is no API key 'nothing'"),
    ],
)
def test_what_cannot_be_done_is_refused_with_its_reason(
    cli: Cli, ward: Ward, words: tuple[str, ...], message: str
) -> None:
    assert message in cli.refused("people", *words, *ward.as_("admin"))


def test_an_unknown_role_is_wrong_usage_and_the_known_ones_are_named(cli: Cli, ward: Ward) -> None:
    answer = cli("people", "add", "X", "--role", "king", *ward.as_("admin"))
    assert answer.code == 2
    assert "'king' is not a role" in answer.err
    assert "approver" in answer.err


def test_every_act_asks_who_you_are(cli: Cli, ward: Ward) -> None:
    assert "no API key was given" in cli.refused("people", "list", "--site", ward.site)


def test_a_key_can_be_given_an_end(cli: Cli, ward: Ward) -> None:
    words = ("people", "key", "clinician", "--expires")
    cli.done(*words, "2999-01-01T00:00:00+09:00", *ward.as_("admin"))
    shown = cli.done("people", "list", "clinician", *ward.as_("admin"))
    assert "until 2998-12-31T15:00:00" in shown
    assert "2001" in cli(*words, "2001-01-01T00:00:00Z", *ward.as_("admin")).err


def test_a_key_is_followed_by_another_and_closes_by_itself(cli: Cli, ward: Ward) -> None:
    [old] = cli.json("people", "list", "clinician", *ward.as_("admin"))["keys"]
    out = ward.keys / "next.key"
    words = ("rotate-key", old["id"], "--overlap-days", "2", "--key-out", out)
    told = cli.json("people", *words, *ward.as_("admin"))
    assert (told["replaces"], told["key"]["file"]) == (old["id"], str(out))
    for name in ("clinician", "next"):
        cli.done("registry", "list", *ward.as_(name))
    keys = cli.json("people", "list", "clinician", *ward.as_("admin"))["keys"]
    assert [key["closes_at"] for key in keys] == [told["closes_at"], None]
    assert [key["replaces"] for key in keys] == [None, old["id"]]
    shown = cli.done("people", "list", "clinician", *ward.as_("admin"))
    assert f"until {told['closes_at']}, replaced" in shown
    again = cli.refused("people", "rotate-key", old["id"], *ward.as_("admin"))
    assert "was replaced already" in again


def test_without_an_overlap_the_old_key_closes_now(cli: Cli, ward: Ward) -> None:
    [old] = cli.json("people", "list", "clinician", *ward.as_("admin"))["keys"]
    words = ("people", "rotate-key", old["id"], "--overlap-days", "0", *ward.as_("admin"))
    shown = cli.done(*words)
    assert "a new one takes its place" in shown
    assert "does not open anything" in cli.refused("registry", "list", *ward.as_("clinician"))


@pytest.mark.parametrize("days", ["-1", "91", "nan", "inf", "1e308"])
def test_an_overlap_that_cannot_be_is_refused(cli: Cli, ward: Ward, days: str) -> None:
    [old] = cli.json("people", "list", "clinician", *ward.as_("admin"))["keys"]
    words = ("rotate-key", old["id"], f"--overlap-days={days}", *ward.as_("admin"))
    assert cli("people", *words).code != 0
    [same] = cli.json("people", "list", "clinician", *ward.as_("admin"))["keys"]
    assert same == old
