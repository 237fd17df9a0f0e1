"""API keys: 256 random bits, shown once, kept as a digest.

The secret needs no slow hash and no salt: nobody can guess 256 random bits, so its SHA-256 may
be looked up directly (OWASP Authentication Cheat Sheet; RFC 6749, section 10.10 asks for 128).
"""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass, field
from enum import StrEnum

from bedside.people.person import Person

SECRET_BYTES = 32

EXPIRES_SOON = 14
"""Days before the end of a key in which its user and `bedside doctor` are told of it."""

LONGEST_OVERLAP = 90
"""Days that a key may go on after it was replaced: a rotation that never ends is none."""

_SECRET = re.compile(r"bds_[A-Za-z0-9_-]{43}", re.ASCII)


class SignInFault(StrEnum):
    """Why a sign-in was refused, as the ledger records it."""

    MISSING = "missing"
    MALFORMED = "malformed"
    UNKNOWN = "unknown"
    REVOKED = "revoked"
    EXPIRED = "expired"
    INACTIVE = "inactive"
    UNTOLD = "untold"  # stored, and the ledger tells of no such key: somebody wrote it by hand
    LOCKED = "locked"  # not looked at: too many were refused from there before


@dataclass(frozen=True, slots=True)
class ApiKey:
    """What is kept about a key; the secret is not.

    Attributes:
        id: A UUID, safe to show and to log.
        person_id: Whose key it is.
        label: What it is for, in its owner's words.
        created_at: RFC 3339 time in UTC.
        expires_at: From this moment on it does not open; None is never.
        revoked_at: When it was taken back; None while it is good.
        closes_at: Where another key took its place, the end of their overlap; else None.
        replaces: The id of the key whose place it took, or None.
    """

    id: str
    person_id: str
    label: str
    created_at: str
    expires_at: str | None
    revoked_at: str | None
    closes_at: str | None = None
    replaces: str | None = None

    @property
    def ends_at(self) -> str | None:
        """From when on it opens nothing, revoked or not: the earlier of its two ends."""
        return min((one for one in (self.expires_at, self.closes_at) if one), default=None)


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A new key on its only appearance; `secret` stays out of its repr, so out of logs."""

    id: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Stranger:
    """Someone who does not come in: why, and whose key it was where that is known."""

    fault: SignInFault
    found: tuple[ApiKey, Person] | None = None


def new_secret() -> str:
    """Return a new secret: `bds_` and 43 characters of base64url, 256 random bits."""
    return "bds_" + secrets.token_urlsafe(SECRET_BYTES)


def secret_digest(secret: str) -> str:
    """Return the SHA-256 of a well-formed secret as 64 hexadecimal digits."""
    return hashlib.sha256(secret.encode("ascii")).hexdigest()


def shape_fault(secret: str | None) -> SignInFault | None:
    """Return what is wrong with the shape of a secret as sent, or None."""
    if not secret:
        return SignInFault.MISSING
    return None if _SECRET.fullmatch(secret) else SignInFault.MALFORMED


def key_fault(found: tuple[ApiKey, Person] | None, now: str) -> SignInFault | None:
    """Return why a well-formed secret does not open at `now` (RFC 3339, UTC), or None."""
    if found is None:
        return SignInFault.UNKNOWN
    key, person = found
    if key.revoked_at is not None:
        return SignInFault.REVOKED
    if key.ends_at is not None and now >= key.ends_at:
        return SignInFault.EXPIRED
    return None if person.active else SignInFault.INACTIVE


def public_message(fault: SignInFault) -> tuple[str, str]:
    """Return message and advice for the one who tried.

    A key that was never issued, was taken back, has run out or belongs to somebody inactive gets
    the same words: the answer tells a stranger nothing about which keys ever existed.
    """
    if fault is SignInFault.MISSING:
        return "No API key was sent.", "Send one as `Authorization: Bearer bds_…`."
    if fault is SignInFault.MALFORMED:
        return (
            "What was sent is not an API key.",
            "A key is `bds_` and 43 letters, digits, `-` or `_`; copy all of it.",
        )
    return (
        "This API key does not open anything here.",
        "Ask an administrator of this site for a new one.",
    )
