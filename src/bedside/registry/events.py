"""The events of this room as drafts; a version's story is told from these alone."""

from __future__ import annotations

from collections.abc import Mapping

from bedside.canonical import Json
from bedside.errors import PackageRefused
from bedside.keys.signing import PublicKey
from bedside.ledger.events import Draft, EventKind
from bedside.people.events import draft_by
from bedside.people.person import Caller
from bedside.registry.audit import SIGNING_KEY
from bedside.registry.lifecycle import Act, Change, VersionRecord
from bedside.runtime.runner import GoldenReport

_KINDS = (
    (Act.RELEASE, EventKind.RELEASE),
    (Act.ROLLBACK, EventKind.ROLLBACK),
    (Act.RETIREMENT, EventKind.RETIREMENT),
)


def package_added(caller: Caller, record: VersionRecord, signer: str) -> Draft:
    """Return the event of a new version; `signer` is the fingerprint of the key that signed it."""
    return draft_by(
        caller, EventKind.PACKAGE_ADDED, record.ref, _named(record) | {"signer": signer}
    )


def package_verified(caller: Caller, record: VersionRecord, golden: GoldenReport) -> Draft:
    """Return the event of a verification that passed, with what the golden cases gave."""
    body: dict[str, Json] = {
        "golden": {
            "cases": golden.cases,
            "largest_difference": golden.largest_difference,
            "tolerance": golden.tolerance,
        }
    }
    return draft_by(caller, EventKind.PACKAGE_VERIFIED, record.ref, _named(record) | body)


def package_refused(caller: Caller, about: str, archive: str, refusal: PackageRefused) -> Draft:
    """Return the event of a package that was not let in, or not let on.

    Args:
        caller: Who brought it.
        about: Its `name@version` where the site knows it, else the archive's digest.
        archive: Digest of the archive's bytes.
        refusal: Why.
    """
    body: dict[str, Json] = {
        "archive": archive,
        "error": type(refusal).__name__,
        "reason": refusal.message[:2_000],
    }
    return draft_by(caller, EventKind.PACKAGE_REFUSED, about, body)


def approval(caller: Caller, record: VersionRecord) -> Draft:
    """Return the event of the newest approval of `record`, with the state that it leads to."""
    given = record.approvals[-1]
    body: dict[str, Json] = {
        "person": given.person_name,
        "meaning": given.meaning,
        "number": len(record.approvals),
    }
    return draft_by(caller, EventKind.APPROVAL, record.ref, _named(record) | body)


def switch(
    caller: Caller, act: Act, record: VersionRecord, change: Change, epoch: int | None, reason: str
) -> Draft:
    """Return the event of a release, rollback or retirement; `epoch` is None where none began."""
    body: dict[str, Json] = {
        "from": change.before,
        "to": change.after,
        "epoch": epoch,
        "reason": reason,
    }
    return draft_by(caller, dict(_KINDS)[act], record.ref, _named(record) | body)


def key_trusted(caller: Caller, key: PublicKey, name: str) -> Draft:
    """Return the event of a signing key that is trusted from now on."""
    body: dict[str, Json] = {"what": SIGNING_KEY, "name": name, "public": key.to_pem()}
    return draft_by(caller, EventKind.KEY_TRUSTED, key.fingerprint, body)


def key_revoked(caller: Caller, fingerprint: str, epochs: Mapping[str, int]) -> Draft:
    """Return the event of a signing key that is trusted no more.

    `epochs` holds by model the epoch that begins because what is released is signed by this key.
    """
    body: dict[str, Json] = {"what": SIGNING_KEY, "epochs": dict(epochs)}
    return draft_by(caller, EventKind.KEY_REVOKED, fingerprint, body)


def _named(record: VersionRecord) -> dict[str, Json]:
    return {
        "model": record.model,
        "version": record.version,
        "digest": record.digest,
        "archive": record.archive,
        "state": record.state.value,
    }
