"""`bedside people …`: who may come in, as what, and with which API keys."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Final

import typer

from bedside.canonical import Json
from bedside.cli.door import entered
from bedside.cli.options import (
    DEFAULT_SITE,
    JsonOption,
    KeyFileOption,
    KeyOutOption,
    SiteOption,
)
from bedside.cli.screen import Page, show
from bedside.cli.secrets import hand_over, refuse_taken
from bedside.clock import read_timestamp
from bedside.errors import UsageError

if TYPE_CHECKING:
    from bedside.people.api_key import ApiKey
    from bedside.people.person import Person

MOST_DAYS: Final = 100_000
"""No span of days is longer; a calendar ends before it would."""

PersonArgument = Annotated[str, typer.Argument(metavar="PERSON", help="Name or id of a person.")]
RoleOption = Annotated[
    list[str],
    typer.Option(
        "--role",
        help="developer, approver, clinician, operator, auditor, custodian or administrator; "
        "may be given several times.",
    ),
]


def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The person's name.")],
    role: RoleOption,
    key_out: KeyOutOption = None,
    site: SiteOption = DEFAULT_SITE,
    key_file: KeyFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add a person with one or more roles, and issue their first API key, shown once."""
    from bedside.people.person import read_roles

    refuse_taken(key_out)
    with entered(site, key_file) as (opened, caller):
        person = opened.people.add(caller, name, read_roles(role))
        kept = hand_over(opened.people.issue_key(caller, person.id, "first key"), key_out)

    def tell(page: Page) -> None:
        page.line(f"Added {person.name} ({', '.join(sorted(person.roles))}), id {person.id}.")
        kept.tell(page)

    show({"person": person_document(person), "key": kept.document}, tell, as_json=as_json)


def list_people(
    person: Annotated[
        str | None, typer.Argument(metavar="[PERSON]", help="Only this person, with their keys.")
    ] = None,
    site: SiteOption = DEFAULT_SITE,
    key_file: KeyFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the people of the site with their roles; or one person with the ids of their keys."""
    from bedside.people.permissions import Action

    with entered(site, key_file) as (opened, caller):
        opened.people.require(caller, Action.PEOPLE_READ, person or "")
        found = opened.people.list() if person is None else (opened.people.get(person),)
        keys = () if person is None else opened.people.keys(person)

    def tell(page: Page) -> None:
        page.table(("name", "roles", "", "since", "id"), [_person_row(one) for one in found])
        if person is not None:
            rows = [(one.label, one.created_at, _key_state(one), one.id) for one in keys]
            page.table(("API key", "since", "", "id"), rows)

    people: list[dict[str, Json]] = [person_document(one) for one in found]
    document = people if person is None else people[0] | {"keys": [asdict(one) for one in keys]}
    show(document, tell, as_json=as_json)


def set_roles(
    person: PersonArgument,
    role: RoleOption,
    site: SiteOption = DEFAULT_SITE,
    key_file: KeyFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give a person these roles in place of those that they have."""
    from bedside.people.person import read_roles

    with entered(site, key_file) as (opened, caller):
        changed = opened.people.set_roles(caller, person, read_roles(role))
    show(
        person_document(changed),
        lambda page: page.line(f"{changed.name} is now {', '.join(sorted(changed.roles))}."),
        as_json=as_json,
    )


def deactivate(
    person: PersonArgument,
    site: SiteOption = DEFAULT_SITE,
    key_file: KeyFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Close the door to a person: their keys open nothing any more; their past acts stay."""
    with entered(site, key_file) as (opened, caller):
        changed = opened.people.deactivate(caller, person)
    show(
        person_document(changed),
        lambda page: page.line(f"{changed.name} can no longer sign in."),
        as_json=as_json,
    )


def reactivate(
    person: PersonArgument,
    site: SiteOption = DEFAULT_SITE,
    key_file: KeyFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let a deactivated person in again, with the roles and keys that they have."""
    with entered(site, key_file) as (opened, caller):
        changed = opened.people.reactivate(caller, person)
    show(
        person_document(changed),
        lambda page: page.line(f"{changed.name} can sign in again."),
        as_json=as_json,
    )


def key(
    person: PersonArgument,
    label: Annotated[
        str, typer.Option("--label", help="What the key is for, such as a computer's name.")
    ] = "another key",
    expires: Annotated[
        str | None,
        typer.Option("--expires", help="From when on it opens nothing: 2027-04-01T00:00:00+09:00."),
    ] = None,
    key_out: KeyOutOption = None,
    site: SiteOption = DEFAULT_SITE,
    key_file: KeyFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Issue another API key to a person; it is shown once."""
    refuse_taken(key_out)
    with entered(site, key_file) as (opened, caller):
        until = None if expires is None else read_timestamp(expires)
        kept = hand_over(opened.people.issue_key(caller, person, label, until), key_out)
        known = opened.people.get(person)

    def tell(page: Page) -> None:
        page.line(f"A new key for {known.name}: {label}.")
        kept.tell(page)

    show({"person": person_document(known), "key": kept.document}, tell, as_json=as_json)


def rotate_key(
    key_id: Annotated[str, typer.Argument(metavar="KEY_ID", help="Id of the API key.")],
    overlap: Annotated[
        float, typer.Option("--overlap-days", help="How long the old key still opens.")
    ] = 7.0,
    expires: Annotated[
        str | None,
        typer.Option("--expires", help="End of the new key; else it lasts as long as the old one."),
    ] = None,
    key_out: KeyOutOption = None,
    site: SiteOption = DEFAULT_SITE,
    key_file: KeyFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let a new API key take the place of another, which closes by itself after some days."""
    from bedside.people.rotation import Terms

    refuse_taken(key_out)
    until = None if expires is None else read_timestamp(expires)
    terms = Terms(_days(overlap), until)
    with entered(site, key_file) as (opened, caller):
        rotated = opened.people.rotate_key(caller, key_id, terms)
        kept = hand_over(rotated.key, key_out)

    def tell(page: Page) -> None:
        page.line(f"The key {key_id} opens until {rotated.closes_at}; a new one takes its place.")
        kept.tell(page)

    document: dict[str, Json] = {
        "replaces": key_id,
        "closes_at": rotated.closes_at,
        "expires_at": rotated.expires_at,
        "key": kept.document,
    }
    show(document, tell, as_json=as_json)


def revoke_key(
    key_id: Annotated[str, typer.Argument(metavar="KEY_ID", help="Id of the API key.")],
    site: SiteOption = DEFAULT_SITE,
    key_file: KeyFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take an API key back: from now on it opens nothing."""
    with entered(site, key_file) as (opened, caller):
        opened.people.revoke_key(caller, key_id)
    show({"revoked": key_id}, lambda page: page.line(f"Revoked {key_id}."), as_json=as_json)


def person_document(person: Person) -> dict[str, Json]:
    """Return a person as JSON."""
    return {
        "id": person.id,
        "name": person.name,
        "roles": sorted(person.roles),
        "active": person.active,
        "created_at": person.created_at,
    }


def _person_row(person: Person) -> tuple[str, ...]:
    roles = ", ".join(sorted(person.roles))
    standing = "active" if person.active else "inactive"
    return person.name, roles, standing, person.created_at, person.id


def _key_state(key: ApiKey) -> str:
    if key.revoked_at is not None:
        return f"revoked {key.revoked_at}"
    standing = f"until {key.ends_at}" if key.ends_at else "good"
    return f"{standing}, replaced" if key.closes_at else standing


def _days(number: float) -> timedelta:
    if not abs(number) < MOST_DAYS:  # also what is no number
        raise UsageError(f"{number!r} is no number of days.", advice="Write it like 7 or 0.5.")
    return timedelta(days=number)
