"""Whose signatures this site believes. The recorded acts are the registry's; here are the rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from bedside.clock import timestamp
from bedside.errors import Conflict, KeyUnavailable, NotFound, UsageError
from bedside.keys.signing import PublicKey
from bedside.keys.tables import trusted_keys


@dataclass(frozen=True, slots=True)
class TrustedKey:
    """A key that signs packages for this site.

    Attributes:
        public: The key.
        name: What people call it.
        trusted_by: The id of the person who trusted it.
        trusted_at: RFC 3339 text.
        revoked_by: The id of the person who revoked it, or None while it is trusted.
        revoked_at: RFC 3339 text, or None while it is trusted.
    """

    public: PublicKey
    name: str
    trusted_by: str
    trusted_at: str
    revoked_by: str | None = None
    revoked_at: str | None = None


def trust(
    connection: Connection, public: PublicKey, *, name: str, by: str, at: datetime
) -> TrustedKey:
    """Trust a key from now on; a key that was revoked before is trusted again.

    Raises:
        UsageError: a name that is empty.
        Conflict: it is trusted already.
    """
    if not name.strip():
        raise UsageError("A trusted key needs a name.", advice="Say whose key it is.")
    key = TrustedKey(public, name, by, timestamp(at))
    values = {
        "public": public.to_pem(),
        "name": name,
        "trusted_by": by,
        "trusted_at": key.trusted_at,
        "revoked_by": None,
        "revoked_at": None,
    }
    before = _find(connection, public.fingerprint)
    if before is None:
        row = {"fingerprint": public.fingerprint, **values}
        connection.execute(insert(trusted_keys).values(row))
        return key
    if before.revoked_at is None:
        raise Conflict(f"The key {public.fingerprint} is trusted already, as {before.name!r}.")
    match = trusted_keys.c.fingerprint == public.fingerprint
    connection.execute(update(trusted_keys).where(match).values(values))
    return key


def revoke(connection: Connection, fingerprint: str, *, by: str, at: datetime) -> TrustedKey:
    """Trust a key no longer, and return it as it stands now.

    Raises:
        NotFound: no such key was ever trusted.
        Conflict: it is revoked already.
    """
    before = _find(connection, fingerprint)
    if before is None:
        raise NotFound(f"No key {fingerprint!r} is trusted here.", advice="bedside keys list")
    if before.revoked_at is not None:
        raise Conflict(f"The key {fingerprint} was revoked at {before.revoked_at}.")
    values = {"revoked_by": by, "revoked_at": timestamp(at)}
    match = trusted_keys.c.fingerprint == fingerprint
    connection.execute(update(trusted_keys).where(match).values(values))
    return TrustedKey(
        before.public, before.name, before.trusted_by, before.trusted_at, by, timestamp(at)
    )


def trusted(connection: Connection) -> tuple[TrustedKey, ...]:
    """Return the keys that are trusted now, oldest first."""
    return tuple(key for key in every_key(connection) if key.revoked_at is None)


def every_key(connection: Connection) -> tuple[TrustedKey, ...]:
    """Return every key that was ever trusted, revoked ones included, oldest first."""
    columns = trusted_keys.c
    query = select(trusted_keys).order_by(columns.trusted_at, columns.fingerprint)
    return tuple(_key(row) for row in connection.execute(query))


def _find(connection: Connection, fingerprint: str) -> TrustedKey | None:
    query = select(trusted_keys).where(trusted_keys.c.fingerprint == fingerprint)
    row = connection.execute(query).one_or_none()
    return None if row is None else _key(row)


def _key(row: Row[Any]) -> TrustedKey:
    public = PublicKey.from_pem(row.public)
    if public.fingerprint != row.fingerprint:
        raise KeyUnavailable(
            f"The stored key of {row.fingerprint} is another key, {public.fingerprint}.",
            advice="Somebody altered the table trusted_keys: restore it, and look at the ledger.",
        )
    return TrustedKey(
        public, row.name, row.trusted_by, row.trusted_at, row.revoked_by, row.revoked_at
    )
