"""Azure Key Vault, by azure-keyvault-keys: wrapKey and unwrapKey of an RSA key (RSA-OAEP-256).

RSA-OAEP takes no further data to be bound to, so the digest of the context is wrapped with the key
and compared when it is opened. Source: RFC 8017, section 7.1.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from bedside.canonical import canonical_bytes
from bedside.errors import BedsideError, KeyUnavailable, Unavailable
from bedside.keys.site_keys.source import Choice, context_of, missing

if TYPE_CHECKING:
    from collections.abc import Callable

ATTEMPTS: Final = 2
_TRANSIENT: Final = frozenset({429, 500, 502, 503, 504})
_MEANING: Final = {
    400: "the wrapped bytes were altered, or another key wrapped them",
    401: "the credentials are not those of an account",
    403: "this account may not use the key",
    404: "there is no such key",
}
"""Statuses of the service in words. Source: Azure Key Vault REST API, wrapKey and unwrapKey."""


class AzureKeyVault:
    """One RSA key of a vault; needs unwrapKey to start, and get to move a site key to it.

    A key that is named with its version needs wrapKey in place of get.
    """

    def __init__(self, choice: Choice, site: str, credential: Any = None, **options: Any) -> None:
        """Use the key that `choice` names.

        Args:
            choice: With the key's identifier, https://VAULT/keys/NAME or …/NAME/VERSION.
            site: The site's id.
            credential: Who asks; None: `DefaultAzureCredential`.
            options: More for the SDK's client.
        """
        self._choice = choice
        self._bound = hashlib.sha256(canonical_bytes(dict(context_of(site)))).digest()
        self._credential = credential
        self._options = options

    def wrap(self, plain: bytes) -> tuple[bytes, str]:
        """Return the wrapped bytes and the key's identifier with its version; see `KeyService`."""
        found = self._asked(
            self._choice.key, lambda client, how: client.wrap_key(how, plain + self._bound)
        )
        wrapped_by = str(found.key_id)
        if not _names_a_version(wrapped_by):  # so it is where the SDK may not look the key up
            raise KeyUnavailable(
                f"Azure Key Vault wrapped with {wrapped_by} and did not say with which version of"
                " it: after a rotation nobody could open it.",
                advice="Grant the right keys/get for the move, or name the version: --kms-key"
                f" {self._choice.key.rstrip('/')}/VERSION.",
            )
        return bytes(found.encrypted_key), wrapped_by

    def unwrap(self, wrapped: bytes, wrapped_by: str) -> bytes:
        """Return the plain bytes; see `KeyService`."""
        named = self._choice.key.rstrip("/")
        if wrapped_by != named and not wrapped_by.startswith(named + "/"):
            raise KeyUnavailable(
                f"The site key was wrapped by {wrapped_by}; [keys] names {named}.",
                advice="Correct key in [keys], or restore site.key.wrapped.",
            )
        found = self._asked(wrapped_by, lambda client, how: client.unwrap_key(how, wrapped))
        plain = bytes(found.key)
        secret, bound = plain[: -len(self._bound)], plain[-len(self._bound) :]
        if not hmac.compare_digest(bound, self._bound):
            raise KeyUnavailable(
                "What Azure Key Vault opened is the key of another site.",
                advice="Restore this site's own site.key.wrapped.",
            )
        return secret

    def _asked(self, key: str, ask: Callable[[Any, Any], Any]) -> Any:
        try:
            from azure.core.exceptions import (  # noqa: PLC0415 - an extra, loaded when chosen
                ClientAuthenticationError,
                HttpResponseError,
                ServiceRequestError,
                ServiceResponseError,
            )
            from azure.keyvault.keys.crypto import KeyWrapAlgorithm  # noqa: PLC0415
        except ImportError as problem:
            raise missing("azure-keyvault-keys", "azure") from problem
        try:
            with self._client(key) as client:
                return ask(client, KeyWrapAlgorithm.rsa_oaep_256)
        except (ServiceRequestError, ServiceResponseError) as problem:
            raise Unavailable(
                f"Azure Key Vault did not answer: {problem.message}.",
                advice="Look at the network, and try again.",
            ) from problem
        except ClientAuthenticationError as problem:
            raise self._refused(problem.status_code or 401, problem.message) from problem
        except HttpResponseError as problem:
            raise self._refused(problem.status_code or 0, problem.message) from problem
        except ValueError as problem:
            raise KeyUnavailable(
                f"Azure Key Vault could not be asked with the key {key!r}: {problem}.",
                advice="Write key in [keys] as https://VAULT.vault.azure.net/keys/NAME.",
            ) from problem

    def _client(self, key: str) -> Any:
        from azure.keyvault.keys.crypto import CryptographyClient  # noqa: PLC0415

        credential = self._credential
        if credential is None:
            try:
                from azure.identity import DefaultAzureCredential  # noqa: PLC0415
            except ImportError as problem:
                raise missing("azure-identity", "azure") from problem
            credential = DefaultAzureCredential()
        return CryptographyClient(
            key,
            credential,
            connection_timeout=self._choice.seconds,
            read_timeout=self._choice.seconds,
            retry_total=ATTEMPTS - 1,
            **self._options,
        )

    def _refused(self, status: int, told: str) -> BedsideError:
        meaning = _MEANING.get(status, told)
        message = f"Azure Key Vault refused, with the key {self._choice.key}: {meaning} ({status})."
        if status in _TRANSIENT:
            return Unavailable(message, advice="Try again in a moment.")
        return KeyUnavailable(
            message, advice="Look at key and its permissions; it stands in [keys]."
        )


def _names_a_version(key: str) -> bool:
    """Return whether an identifier is https://VAULT/keys/NAME/VERSION."""
    return len(urlsplit(key).path.strip("/").split("/")) == 3
