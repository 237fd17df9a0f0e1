"""The shape, the digest and the faults of API keys."""

from __future__ import annotations

import base64
import hashlib
import re

import pytest

from bedside.people.api_key import (
    ApiKey,
    IssuedKey,
    SignInFault,
    key_fault,
    new_secret,
    public_message,
    secret_digest,
    shape_fault,
)
from bedside.people.permissions import Role
from bedside.people.person import Person

NOW = "2026-11-21T08:00:00.000000Z"
PERSON = Person("p", "Sato", frozenset({Role.CLINICIAN}), True, NOW)
GONE = Person("p", "Sato", frozenset({Role.CLINICIAN}), False, NOW)


def key(expires_at: str | None = None, revoked_at: str | None = None) -> ApiKey:
    return ApiKey("k", "p", "ward 3", NOW, expires_at, revoked_at)


def test_a_secret_has_256_random_bits() -> None:
    secrets = {new_secret() for _ in range(200)}
    assert len(secrets) == 200
    for secret in secrets:
        assert re.fullmatch(r"bds_[A-Za-z0-9_-]{43}", secret)
        assert len(base64.urlsafe_b64decode(secret[4:] + "=")) == 32
        assert shape_fault(secret) is None


def test_the_digest_is_the_sha256_of_the_whole_secret() -> None:
    secret = new_secret()
    assert secret_digest(secret) == hashlib.sha256(secret.encode()).hexdigest()


def test_an_issued_key_hides_its_secret_from_logs() -> None:
    issued = IssuedKey("k", new_secret())
    assert issued.secret not in repr(issued)
    assert issued.secret not in f"{issued}"


@pytest.mark.parametrize("sent", [None, ""])
def test_nothing_sent_is_missing(sent: str | None) -> None:
    assert shape_fault(sent) is SignInFault.MISSING


@pytest.mark.parametrize(
    "sent", ["x", "bds_short", "bds_" + "a" * 44, "bds_" + "a" * 43 + "\n", "bds_" + "é" * 43, " "]
)
def test_another_shape_is_malformed(sent: str) -> None:
    assert shape_fault(sent) is SignInFault.MALFORMED


@pytest.mark.parametrize(
    ("found", "fault"),
    [
        (None, SignInFault.UNKNOWN),
        ((key(revoked_at=NOW), PERSON), SignInFault.REVOKED),
        ((key(expires_at=NOW), PERSON), SignInFault.EXPIRED),
        ((key(expires_at="2026-11-21T08:00:00.000001Z"), PERSON), None),
        ((key(), GONE), SignInFault.INACTIVE),
        ((key(), PERSON), None),
    ],
)
def test_a_key_opens_only_while_it_and_its_owner_are_good(
    found: tuple[ApiKey, Person] | None, fault: SignInFault | None
) -> None:
    assert key_fault(found, NOW) is fault


def test_a_stranger_cannot_tell_an_unknown_key_from_one_that_was_taken_back() -> None:
    silent = {SignInFault.UNKNOWN, SignInFault.REVOKED, SignInFault.EXPIRED, SignInFault.INACTIVE}
    assert len({public_message(fault) for fault in silent}) == 1
    assert len({public_message(fault) for fault in SignInFault}) == 3
