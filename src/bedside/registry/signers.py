"""Whose packages this site believes: the recorded acts, in the caller's write transaction."""

from __future__ import annotations

from sqlalchemy import Connection

from bedside.clock import read_timestamp
from bedside.keys import trust
from bedside.keys.signing import PublicKey
from bedside.keys.trust import TrustedKey
from bedside.ledger.ledger import Ledger
from bedside.people.person import Caller, clean_name
from bedside.registry import audit, events, queries
from bedside.registry.lifecycle import Act
from bedside.registry.release import HistoryEntry, Release, fence_name, revocation_reason


def trust_key(
    ledger: Ledger, connection: Connection, caller: Caller, key: PublicKey, name: str
) -> TrustedKey:
    """Trust a key from now on; see `Registry.trust_key`."""
    shown = clean_name(name)
    (entry,) = ledger.append(connection, [events.key_trusted(caller, key, shown)])
    at = read_timestamp(entry.at)
    return trust.trust(connection, key, name=shown, by=caller.person.id, at=at)


def revoke_key(
    ledger: Ledger, connection: Connection, caller: Caller, fingerprint: str
) -> TrustedKey:
    """Trust a key no more, and begin an epoch where it signed what is released.

    The fences move with the epochs, so a prediction under way with such a package is not
    recorded, and every process looks again and finds that it may not load the package.
    """
    standing = _signed_by(connection, fingerprint)
    epochs = {
        one.model: ledger.advance_fence(connection, fence_name(one.model)) for one in standing
    }
    (entry,) = ledger.append(connection, [events.key_revoked(caller, fingerprint, epochs)])
    for one in standing:
        begun = HistoryEntry(
            one.model,
            epochs[one.model],
            Act.KEY_REVOCATION,
            one.version,
            one.digest,
            since=entry.at,
            by=caller.person.id,
            reason=revocation_reason(fingerprint),
            event_id=entry.id,
        )
        queries.add_history(connection, begun)
    return trust.revoke(connection, fingerprint, by=caller.person.id, at=read_timestamp(entry.at))


def _signed_by(connection: Connection, fingerprint: str) -> tuple[Release, ...]:
    """Return what is released and signed by this key, as the events of registration tell."""
    signers = audit.read(connection).signers
    standing = (entry.release for entry in queries.standing(connection))
    return tuple(one for one in standing if one and signers.get(one.ref) == fingerprint)
