"""`bedside erase`, `hold`, `erasures …`, `holds …`: what two people do to a person's record."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from bedside.canonical import Json
from bedside.cli.door import entered, open_site
from bedside.cli.options import DEFAULT_SITE, JsonOption, KeyFileOption, SiteOption
from bedside.cli.screen import Page, progress, show
from bedside.errors import UsageError

if TYPE_CHECKING:
    from bedside.ledger.erasure import Erasure, Hold
    from bedside.serving.erasing import Target

MAX_SUBJECT_LINE = 4096
"""Characters read of a subject on stdin; an identifier has at most 512."""

SubjectArgument: TypeAlias = Annotated[
    str | None,
    typer.Argument(
        metavar="[SUBJECT]",
        help="The person's identifier as it came with the requests; - reads it from stdin, so that"
        " neither the shell's history nor the list of processes has it.",
    ),
]
PredictionOption: TypeAlias = Annotated[
    str | None,
    typer.Option("--prediction", help="In place of SUBJECT: a prediction that named no person."),
]
ErasureArgument: TypeAlias = Annotated[
    str, typer.Argument(metavar="ERASURE", help="Id of a requested erasure.")
]


def erase(  # noqa: PLR0913, PLR0917 - a command has its options
    subject: SubjectArgument = None,
    prediction: PredictionOption = None,
    reason: Annotated[
        str,
        typer.Option(
            "--reason",
            help="asked, consent-withdrawn, retention-ended, unlawful, legal-duty or mistake.",
        ),
    ] = "",
    case: Annotated[
        str, typer.Option("--case", help="The site's own reference, such as a file number.")
    ] = "",
    confirm: Annotated[
        str | None, typer.Option("--confirm", help="Confirm the request that has this id.")
    ] = None,
    site: SiteOption = DEFAULT_SITE,
    key_file: KeyFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ask for the erasure of a person; another custodian confirms with --confirm, and it is done."""
    if (confirm is None) is not bool(reason) or (confirm is not None and case):
        raise UsageError(
            "An erasure is either requested with --reason, or confirmed with --confirm.",
            advice="bedside erase SUBJECT --reason asked; then another: --confirm ID",
        )
    target = _target(subject, prediction)
    with entered(site, key_file) as (opened, caller):
        if confirm is None:
            found = opened.erasing.request(caller, target, reason, case)
        else:
            with progress("Erasing"):
                found = opened.erasing.confirm(caller, confirm, target)
    value = _told(found, "done" if found.done else "pending")

    def tell(page: Page) -> None:
        if found.done:
            page.line(f"Erased at {found.done.at}: {len(found.keys)} key destroyed, for good.")
            page.line("The record and its proofs stand; nobody can read the personal parts.")
            return
        page.line(f"Requested: erasure {found.id}. Nothing is erased yet.")
        page.line(f"Another custodian confirms it until {found.expires_at}:")
        page.line(f"  bedside erase - --confirm {found.id}")

    show(value, tell, as_json=as_json)


def list_erasures(
    everything: Annotated[
        bool, typer.Option("--all", help="Also those that are done, withdrawn or expired.")
    ] = False,
    site: SiteOption = DEFAULT_SITE,
    key_file: KeyFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the erasures that wait for their confirmation or their end; they name nobody."""
    from bedside.clock import timestamp

    with entered(site, key_file) as (opened, caller):
        told, now = opened.erasing.read(caller), timestamp(opened.clock())
        names = {person.id: person.name for person in opened.people.list()}
    found = [(one, one.state(now).value) for one in told.erasures.values()]
    found = [(one, state) for one, state in found if everything or state in _WAITING]

    def tell(page: Page) -> None:
        columns = ("erasure", "state", "of", "reason", "case", "requested", "by", "until")
        rows = [_row(one, state, names) for one, state in found]
        page.table(columns, rows)

    show([_told(one, state) for one, state in found], tell, as_json=as_json)


def withdraw(
    erasure: ErasureArgument,
    site: SiteOption = DEFAULT_SITE,
    key_file: KeyFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take back a requested erasure that nobody has confirmed."""
    with entered(site, key_file) as (opened, caller):
        found = opened.erasing.withdraw(caller, erasure)
    show(
        _told(found, "withdrawn"),
        lambda page: page.line(f"Withdrawn: {found.id}. Nothing was erased."),
        as_json=as_json,
    )


def finish(site: SiteOption = DEFAULT_SITE, as_json: JsonOption = False) -> None:
    """Finish what was confirmed and stopped half-way, such as for a backup that was out of reach."""
    with open_site(site) as opened, progress("Erasing"):
        opened.erasing.finish()
        done = [one for one in opened.erasing.told().erasures.values() if one.done]
    show(
        {"done": [one.id for one in done]},
        lambda page: page.line(f"Nothing is left to do; {len(done)} erasures are done."),
        as_json=as_json,
    )


def hold(
    subject: SubjectArgument = None,
    prediction: PredictionOption = None,
    name: Annotated[
        str, typer.Option("--name", help="What the hold is called, such as a file number.")
    ] = "",
    reason: Annotated[
        str, typer.Option("--reason", help="litigation, complaint, incident or authority.")
    ] = "",
    site: SiteOption = DEFAULT_SITE,
    key_file: KeyFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Forbid the erasure of a person until another custodian lifts the hold."""
    target = _target(subject, prediction)
    with entered(site, key_file) as (opened, caller):
        found = opened.erasing.hold(caller, target, name, reason)
    show(
        _hold_told(found),
        lambda page: page.line(f"Held: {found.name}. Another custodian lifts it."),
        as_json=as_json,
    )


def list_holds(
    everything: Annotated[bool, typer.Option("--all", help="Also those that were lifted.")] = False,
    site: SiteOption = DEFAULT_SITE,
    key_file: KeyFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the legal holds that stand; they name nobody."""
    with entered(site, key_file) as (opened, caller):
        told = opened.erasing.read(caller)
        names = {person.id: person.name for person in opened.people.list()}
    found = [one for one in told.holds.values() if everything or one.lifted is None]

    def tell(page: Page) -> None:
        rows = [
            (
                one.name,
                one.reason,
                one.placed.at,
                names.get(one.placed.by, one.placed.by),
                one.lifted.at if one.lifted else "",
            )
            for one in found
        ]
        page.table(("hold", "reason", "placed", "by", "lifted"), rows)

    show([_hold_told(one) for one in found], tell, as_json=as_json)


def lift(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the hold.")],
    site: SiteOption = DEFAULT_SITE,
    key_file: KeyFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Lift a legal hold that another custodian placed."""
    with entered(site, key_file) as (opened, caller):
        found = opened.erasing.lift(caller, name)
    show(
        _hold_told(found),
        lambda page: page.line(f"Lifted: {found.name}. An erasure is possible again."),
        as_json=as_json,
    )


_WAITING = frozenset({"pending", "confirmed"})


def _target(subject: str | None, prediction: str | None) -> Target:
    from bedside.serving.erasing import Target

    return Target(_read() if subject == "-" else subject, prediction)


def _read() -> str:
    """Return the identifier that stands on stdin, or that is typed without being shown."""
    if sys.stdin.isatty():
        typed: str = typer.prompt("Subject", hide_input=True, err=True)
        return typed
    return sys.stdin.readline(MAX_SUBJECT_LINE).rstrip("\r\n")


def _told(found: Erasure, state: str) -> dict[str, Json]:
    return {
        "erasure": found.id,
        "state": state,
        "of": found.of,
        "reason": found.reason,
        "case": found.case,
        "keys": list(found.keys),
        "requested": {"by": found.requested.by, "at": found.requested.at},
        "confirmed": (
            {"by": found.confirmed.by, "at": found.confirmed.at} if found.confirmed else None
        ),
        "expires_at": found.expires_at,
        "done_at": found.done.at if found.done else None,
    }


def _row(found: Erasure, state: str, names: Mapping[str, str]) -> tuple[str, ...]:
    by = names.get(found.requested.by, found.requested.by)
    what = (found.of, found.reason, found.case)
    return (found.id, state, *what, found.requested.at, by, found.expires_at)


def _hold_told(found: Hold) -> dict[str, Json]:
    return {
        "hold": found.name,
        "reason": found.reason,
        "keys": list(found.keys),
        "placed": {"by": found.placed.by, "at": found.placed.at},
        "lifted": {"by": found.lifted.by, "at": found.lifted.at} if found.lifted else None,
    }
