"""Whether what was known of a caller is still so, asked where it is recorded: the fence of people.

Each act on people or their keys advances it in its own transaction. A sign-in reads its value before it
looks at the key, and the `Caller` carries it into everything that is recorded for them, so that nothing
is recorded, and nobody answered, by a role or a key that was taken away meanwhile (decision 10). Where
it moved, person and key are read anew (`People.renewed`). A key that ends by itself is held against
the clock.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection

from bedside.errors import PermissionRefused
from bedside.ledger.events import Fence
from bedside.ledger.ledger import Ledger
from bedside.people import queries
from bedside.people.api_key import ApiKey, key_fault
from bedside.people.permissions import Action, allowed, roles_for
from bedside.people.person import Caller, Person

PEOPLE_FENCE: Final = "people"
"""Name of the ledger's fence that is advanced by each change of people and of their keys."""


def people_fence(ledger: Ledger) -> Fence:
    """Return the fence of people as it stands now; read it before what it is to prove current."""
    with ledger.database.read() as connection:
        return fence_on(connection, ledger)


def fence_on(connection: Connection, ledger: Ledger) -> Fence:
    """Return the fence of people on a connection, before what it is to prove is read there."""
    return Fence(PEOPLE_FENCE, ledger.fence(connection, PEOPLE_FENCE))


def ended(caller: Caller, now: str) -> bool:
    """Return whether the caller's key has ended by itself at `now` (RFC 3339, UTC)."""
    return caller.expires_at is not None and now >= caller.expires_at


def present(
    connection: Connection, caller: Caller, action: Action, now: str
) -> tuple[Person, ApiKey]:
    """Return person and key of a caller as they stand, once both still allow `action`.

    Args:
        connection: Reads them anew.
        caller: Who signed in, maybe some time ago.
        action: What they want to do.
        now: RFC 3339 time in UTC.

    Raises:
        PermissionRefused: the person is gone, inactive or without the role, or the key is spent.
    """
    person = queries.person(connection, caller.person.id)
    if person is None or not person.active or not allowed(person.roles, action):
        raise not_allowed(person or caller.person, action)
    key = queries.key(connection, caller.credential)
    if key is None or key.person_id != person.id:
        fault: str | None = "unknown"
    else:
        fault = key_fault((key, person), now)
    if key is None or fault is not None:
        raise PermissionRefused(
            f"The API key {caller.credential} of {person.name!r} is {fault}.",
            advice="Sign in with a good key.",
        )
    return person, key


def not_allowed(person: Person, action: Action) -> PermissionRefused:
    """Return what to tell a person who may not do `action`."""
    if not person.active:
        return PermissionRefused(f"{person.name!r} is inactive.", advice="Ask an administrator.")
    return PermissionRefused(
        f"{person.name!r} ({', '.join(sorted(person.roles)) or 'no role'}) may not {action}.",
        advice=f"It takes the role {' or '.join(roles_for(action))}.",
    )
