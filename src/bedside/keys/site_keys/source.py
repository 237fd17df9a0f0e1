"""What every source of a site key can do, and what a person chooses among.

A source gives the same 32 bytes each time. Which one is asked stands in `[keys]` of `site.toml`;
docs/how-to/site-key.md says how to choose, and docs/spec/ledger.md what the files hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol
from urllib.parse import urlsplit

from bedside.errors import SiteProblem

LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
"""Hosts to which a key may go without TLS: it does not leave the machine."""

PURPOSE: Final = "site-key"
"""What the context of a KMS says that the wrapped bytes are for."""


class SourceKind(StrEnum):
    """Every kind of source."""

    FILE = "file"
    PASSPHRASE = "passphrase"  # noqa: S105 - the word, not one
    ENVIRONMENT = "environment"
    AWS = "aws-kms"
    GCP = "gcp-kms"
    AZURE = "azure-key-vault"


KEY_SERVICES: Final = frozenset({SourceKind.AWS, SourceKind.GCP, SourceKind.AZURE})
"""Sources that keep the site key wrapped by a key of a key management service."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Which source a site uses.

    Attributes:
        source: The kind.
        key: The wrapping key at the KMS: an ARN or alias (AWS), a resource name (GCP), an
            identifier (Azure, https://…/keys/NAME). Empty for the other kinds.
        region: AWS alone: the region, where neither the ARN nor the environment says it.
        endpoint: AWS and GCP alone: another address of the service, such as a private endpoint.
        passphrase_file: The file with the passphrase: an absolute path, or the name of a systemd
            credential. Empty: the variable `BEDSIDE_SITE_PASSPHRASE`.
        seconds: How long one attempt to reach a KMS may take; there are two.
    """

    source: SourceKind = SourceKind.FILE
    key: str = ""
    region: str = ""
    endpoint: str = ""
    passphrase_file: str = ""
    seconds: float = 10.0


class SiteKeySource(Protocol):
    """One place that a site key is kept in."""

    @property
    def place(self) -> str:
        """Where that is, in words, without any secret."""

    def unlock(self) -> bytes:
        """Return the 32 bytes.

        Raises:
            KeyUnavailable: not there, altered, of another site, or this account has no right to it.
            Unavailable: a service does not answer now.
            SiteProblem: an extra is not installed, or a setting cannot be used.
        """

    def keep(self, secret: bytes) -> None:
        """Keep the 32 bytes here, durably; what is there already is never overwritten.

        Raises:
            Conflict: a key is here already.
            KeyUnavailable: it cannot be kept here.
            Unavailable: a service does not answer now.
            SiteProblem: an extra is not installed, or a setting cannot be used.
        """

    def destroy(self) -> str:
        """Take away what is kept here; return what a person has left to do, or an empty string.

        Raises:
            KeyUnavailable: it cannot be taken away.
        """


class KeyService(Protocol):
    """A key management service that wraps a few bytes under a key that never leaves it."""

    def wrap(self, plain: bytes) -> tuple[bytes, str]:
        """Return `plain` wrapped, and the full name of the key (and version) that did it.

        Raises:
            KeyUnavailable: no such key, or no right to use it.
            Unavailable: the service does not answer now.
            SiteProblem: the extra is not installed.
        """

    def unwrap(self, wrapped: bytes, wrapped_by: str) -> bytes:
        """Return what `wrap` was given.

        Args:
            wrapped: What `wrap` returned.
            wrapped_by: The name that `wrap` returned with it.

        Raises:
            KeyUnavailable: another key, another site, altered bytes, or no right to use the key.
            Unavailable: the service does not answer now.
            SiteProblem: the extra is not installed.
        """


def context_of(site: str) -> Mapping[str, str]:
    """Return what a wrapped site key is bound to: it opens for no other site and no other use."""
    return {"bedside:purpose": PURPOSE, "bedside:site": site}


def check_endpoint(endpoint: str) -> str:
    """Return `endpoint` if a key may be sent there: by TLS, or without leaving this machine.

    Raises:
        SiteProblem: it is no such address.
    """
    parts = urlsplit(endpoint)
    if parts.scheme == "https" and parts.hostname:
        return endpoint
    if parts.scheme == "http" and parts.hostname in LOOPBACK:
        return endpoint
    raise SiteProblem(
        f"The endpoint {endpoint!r} of the key service cannot be used.",
        advice="Write https://host, and correct it in [keys] of site.toml.",
    )


def missing(library: str, extra: str) -> SiteProblem:
    """Return the error of an SDK that is not installed."""
    return SiteProblem(
        f"This site's key is kept by a service that needs {library}, which is not installed.",
        advice=f"pip install 'bedside[{extra}]'",
    )
