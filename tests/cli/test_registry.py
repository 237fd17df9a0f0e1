from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Cli, Laboratory, Ward

REF = "breast-cancer@1.0.0"
MEANING = ("--meaning", "I have read the evaluation.")


@pytest.fixture
def registered(cli: Cli, ward: Ward, laboratory: Laboratory) -> Ward:
    cli.done("keys", "trust", laboratory.public, "--name", "Author", *ward.as_("admin"))
    cli.done("registry", "add", laboratory.package, *ward.as_("developer"))
    return ward


def test_a_version_goes_from_draft_to_released(cli: Cli, registered: Ward) -> None:
    shown = cli.done("registry", "verify", REF, *registered.as_("developer"))
    assert f"{REF} is verified.\nNext, by two people" in shown
    once = cli.done("registry", "approve", REF, *MEANING, *registered.as_("first"))
    assert "Still needed: another person's approval" in once
    twice = cli.done("registry", "approve", REF, *MEANING, *registered.as_("second"))
    assert f"{REF} is approved." in twice
    assert "approved by first" in twice
    words = ("registry", "release", REF, "--reason", "It is good.", *registered.as_("operator"))
    assert f"{REF} answers since 20" in cli.done(*words)
    listed = cli.done("registry", "list", *registered.as_("clinician"))
    assert "released" in listed
    assert "first, second" in listed


def test_an_empty_registry_says_what_to_do(cli: Cli, ward: Ward) -> None:
    shown = cli.done("registry", "list", *ward.as_("clinician"))
    assert shown == "No version is registered. Next: bedside registry add PKG\n"


def test_a_package_of_an_unknown_author_is_refused(
    cli: Cli, ward: Ward, laboratory: Laboratory
) -> None:
    said = cli.refused("registry", "add", laboratory.package, *ward.as_("developer"))
    assert "not among the 0 trusted key" in said
    assert "bedside keys trust" in said


def test_a_missing_package_file_is_named(cli: Cli, ward: Ward) -> None:
    said = cli.refused("registry", "add", "nothing.bedside", *ward.as_("developer"))
    assert "There is no package file nothing.bedside" in said


@pytest.mark.parametrize(
    ("person", "words", "message"),
    [
        ("developer", ("approve", REF, *MEANING), "may not approve"),
        ("first", ("approve", REF, *MEANING), "is a draft"),
        ("operator", ("release", REF, "--reason", "now"), "only release an approved version"),
        ("developer", ("release", REF, "--reason", "now"), "may not release"),
        ("clinician", ("rollback", "breast-cancer", "--reason", "back"), "may not rollback"),
        ("operator", ("rollback", "breast-cancer", "--reason", "back"), "no earlier release"),
        ("clinician", ("retire", REF, "--reason", "old"), "may not retire"),
        ("operator", ("retire", "breast-cancer@9.9.9", "--reason", "old"), "9.9.9"),
        ("clinician", ("verify", REF), "may not package-verify"),
    ],
)
def test_what_may_not_be_is_refused_with_its_reason(
    cli: Cli, registered: Ward, person: str, words: tuple[str, ...], message: str
) -> None:
    assert message in cli.refused("registry", *words, *registered.as_(person))


def test_nobody_approves_what_they_registered(cli: Cli, registered: Ward) -> None:
    both = ("--role", "developer", "--role", "approver")
    cli.done("people", "role", "developer", *both, *registered.as_("admin"))
    cli.done("registry", "verify", REF, *registered.as_("developer"))
    said = cli.refused("registry", "approve", REF, *MEANING, *registered.as_("developer"))
    assert "whoever registers a version cannot approve it" in said


def test_an_approval_that_means_nothing_is_wrong_usage(cli: Cli, registered: Ward) -> None:
    cli.done("registry", "verify", REF, *registered.as_("developer"))
    answer = cli("registry", "approve", REF, "--meaning", "ok", *registered.as_("first"))
    assert answer.code == 2
    assert "meaning" in answer.err


def test_what_answered_at_a_time_is_told(cli: Cli, released: Ward) -> None:
    [version] = cli.json("registry", "list", *released.as_("auditor"))
    before = cli.json("registry", "at", version["registered_at"], *released.as_("auditor"))
    assert before["released"] == []
    assert "Nothing answered then" in cli.done(
        "registry", "at", version["registered_at"], *released.as_("auditor")
    )
    words = ("ledger", "list", "--kind", "release", *released.as_("auditor"))
    [release] = cli.json(*words)
    after = cli.json("registry", "at", release["at"], *released.as_("auditor"))
    assert [(one["model"], one["version"]) for one in after["released"]] == [
        ("breast-cancer", "1.0.0")
    ]
    shown = cli.done("registry", "at", release["at"], *released.as_("auditor"))
    assert "operator" in shown
    assert "first" in shown


@pytest.mark.parametrize("moment", ["yesterday", "2026-11-21T10:00:00", "9999-01-01T00:00:00Z"])
def test_a_time_that_cannot_be_asked_about_is_wrong_usage(
    cli: Cli, ward: Ward, moment: str
) -> None:
    answer = cli("registry", "at", moment, *ward.as_("auditor"))
    assert answer.code == 2
    assert moment[:10] in answer.err


def test_a_retired_version_does_not_answer_again(cli: Cli, released: Ward, row: Path) -> None:
    shown = cli.done("registry", "retire", REF, "--reason", "replaced", *released.as_("operator"))
    assert f"{REF} is retired." in shown
    said = cli.refused("predict", "breast-cancer", row, *released.as_("clinician"))
    assert "No version of breast-cancer is released" in said
