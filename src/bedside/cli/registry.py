"""`bedside registry …`: the versions that a site knows, their approvals and releases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from bedside.cli.door import entered
from bedside.cli.options import DEFAULT_SITE, JsonOption, KeyFileOption, SiteOption
from bedside.cli.packages import PackageArgument
from bedside.cli.screen import Page, progress, show
from bedside.cli.shipped import file_of
from bedside.errors import NotFound

if TYPE_CHECKING:
    from bedside.registry.lifecycle import VersionRecord
    from bedside.registry.release import Release

RefArgument = Annotated[str, typer.Argument(metavar="MODEL@VERSION", help="Such as sepsis@1.0.0.")]
ModelArgument = Annotated[str, typer.Argument(metavar="MODEL", help="Name of a model.")]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why; it stays in the record.")]


def add(
    package: PackageArgument,
    site: SiteOption = DEFAULT_SITE,
    key_file: KeyFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Register a package as a draft; it must be signed by a key that the site trusts."""
    file = file_of(package)
    if not file.is_file():
        raise NotFound(f"There is no package file {package}.", advice="Check the path.")
    with entered(site, key_file) as (opened, caller):
        record = opened.registry.add(caller, file.read_bytes())
    _show_version(record, f"Next: bedside registry verify {record.ref}", as_json=as_json)


def verify(
    ref: RefArgument,
    site: SiteOption = DEFAULT_SITE,
    key_file: KeyFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Verify a registered version on this machine: it loads, and every golden case agrees."""
    with entered(site, key_file) as (opened, caller), progress(f"Verifying {ref}"):
        record = opened.registry.verify(caller, ref)
    _show_version(
        record,
        f'Next, by two people: bedside registry approve {ref} --meaning "…"',
        as_json=as_json,
    )


def approve(
    ref: RefArgument,
    meaning: Annotated[
        str, typer.Option("--meaning", help="What your approval means, in your own words.")
    ],
    site: SiteOption = DEFAULT_SITE,
    key_file: KeyFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Approve a verified version; two people, neither of them the one who registered it."""
    with entered(site, key_file) as (opened, caller):
        record = opened.registry.approve(caller, ref, meaning)
    said = "Next: bedside registry release" if record.state == "approved" else "Still needed:"
    rest = f'{ref} --reason "…"' if record.state == "approved" else "another person's approval"
    _show_version(record, f"{said} {rest}", as_json=as_json)


def release(
    ref: RefArgument,
    reason: ReasonOption,
    site: SiteOption = DEFAULT_SITE,
    key_file: KeyFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let an approved version answer from now on; a running service takes it up by itself."""
    with entered(site, key_file) as (opened, caller), progress(f"Releasing {ref}"):
        released = opened.registry.release(caller, ref, reason)
    _show_release(released, as_json=as_json)


def rollback(
    model: ModelArgument,
    reason: ReasonOption,
    to: Annotated[
        str | None, typer.Option("--to", help="An earlier released version; else the one before.")
    ] = None,
    site: SiteOption = DEFAULT_SITE,
    key_file: KeyFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let an earlier released version answer again."""
    with entered(site, key_file) as (opened, caller), progress(f"Rolling {model} back"):
        released = opened.registry.rollback(caller, model, reason, to)
    _show_release(released, as_json=as_json)


def retire(
    ref: RefArgument,
    reason: ReasonOption,
    site: SiteOption = DEFAULT_SITE,
    key_file: KeyFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take a version out of use for good."""
    with entered(site, key_file) as (opened, caller):
        record = opened.registry.retire(caller, ref, reason)
    _show_version(record, "It will not answer again.", as_json=as_json)


def list_versions(
    model: Annotated[str | None, typer.Argument(metavar="[MODEL]")] = None,
    site: SiteOption = DEFAULT_SITE,
    key_file: KeyFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the versions that the site knows, with state and approvals."""
    from bedside.people.permissions import Action
    from bedside.registry.told import version_told

    with entered(site, key_file) as (opened, caller):
        opened.people.require(caller, Action.MODELS_READ, model or "")
        found = opened.registry.versions(model)
    show(
        [version_told(record) for record in found],
        lambda page: _tell_versions(page, found),
        as_json=as_json,
    )


def at(
    moment: Annotated[
        str, typer.Argument(metavar="TIME", help="Such as 2026-11-21T10:00:00+09:00.")
    ],
    site: SiteOption = DEFAULT_SITE,
    key_file: KeyFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show which version of each model answered at a moment."""
    from bedside.clock import read_timestamp, timestamp

    when = read_timestamp(moment)
    from bedside.people.permissions import Action

    with entered(site, key_file) as (opened, caller):
        opened.people.require(caller, Action.MODELS_READ)
        found = opened.registry.at(when)
        names = {person.id: person.name for person in opened.people.list()}

    def tell(page: Page) -> None:
        page.line(f"At {timestamp(when)} these answered:" if found else "Nothing answered then.")
        if found:
            rows = [
                (one.model, one.version, one.since, names.get(one.by, one.by), one.reason)
                for one in found
            ]
            page.table(("model", "version", "since", "released by", "reason"), rows)

    from bedside.registry.told import release_told

    document = {
        "at": timestamp(when),
        "released": [release_told(one) for one in found],
    }
    show(document, tell, as_json=as_json)


def _show_version(record: VersionRecord, following: str, *, as_json: bool) -> None:
    from bedside.registry.told import version_told

    def tell(page: Page) -> None:
        page.line(f"{record.ref} is {record.state}.", style="bold")
        for approval in record.approvals:
            who = f"{approval.person_name} ({approval.person_id})"
            page.line(f"  approved by {who}, {approval.at}: {approval.meaning}")
        page.line(following)

    show(version_told(record), tell, as_json=as_json)


def _show_release(released: Release, *, as_json: bool) -> None:
    from bedside.registry.told import release_told

    def tell(page: Page) -> None:
        page.line(f"{released.model}@{released.version} answers since {released.since}.")
        page.line(f"  reason: {released.reason}")

    show(release_told(released), tell, as_json=as_json)


def _tell_versions(page: Page, found: tuple[VersionRecord, ...]) -> None:
    if not found:
        page.line("No version is registered. Next: bedside registry add PKG")
        return
    rows = [
        (
            record.model,
            record.version,
            record.state.value,
            ", ".join(approval.person_name for approval in record.approvals),
            record.registered_at,
            record.digest[:19] + "…",
        )
        for record in found
    ]
    page.table(("model", "version", "state", "approved by", "registered", "digest"), rows)
