"""Google Cloud KMS, by google-cloud-kms: encrypt and decrypt of a symmetric key, bound by its AAD.

It speaks REST over HTTPS. Checksums go both ways, as Google asks ("Verifying end-to-end data
integrity", Cloud KMS documentation).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from bedside.canonical import canonical_bytes
from bedside.errors import BedsideError, KeyUnavailable, Unavailable
from bedside.keys.site_keys.crc32c import crc32c
from bedside.keys.site_keys.source import Choice, check_endpoint, context_of, missing

if TYPE_CHECKING:
    from collections.abc import Callable

_TRANSIENT: Final = frozenset({429, 500, 502, 503, 504})
_MEANING: Final = {
    400: "the wrapped bytes were altered, or belong to another site or another key",
    401: "the credentials are not those of an account",
    403: "this account may not use the key",
    404: "there is no such key",
}
"""Statuses of the service in words. Source: google.rpc.Code and its mapping to HTTP."""


class GcpKms:
    """One symmetric key of Google Cloud KMS; needs the role Encrypter/Decrypter."""

    def __init__(self, choice: Choice, site: str) -> None:
        self._choice = choice
        self._aad = canonical_bytes(dict(context_of(site)))

    def wrap(self, plain: bytes) -> tuple[bytes, str]:
        """Return the wrapped bytes and the name of the key's version; see `KeyService`."""
        request = {
            "name": self._choice.key,
            "plaintext": plain,
            "plaintext_crc32c": crc32c(plain),
        } | self._bound()
        found = self._asked(
            lambda client: client.encrypt(request=request, timeout=self._choice.seconds, retry=None)
        )
        whole = found.verified_plaintext_crc32c and (
            found.verified_additional_authenticated_data_crc32c
        )
        if not whole or found.ciphertext_crc32c != crc32c(found.ciphertext):
            raise _damaged()
        wrapped_by = str(found.name)
        if wrapped_by != self._choice.key and not wrapped_by.startswith(self._choice.key + "/"):
            raise KeyUnavailable(
                f"Google Cloud KMS wrapped with {wrapped_by} where {self._choice.key} was asked.",
                advice="Write the key as the service names it, if it is this one.",
            )
        return bytes(found.ciphertext), wrapped_by

    def unwrap(self, wrapped: bytes, wrapped_by: str) -> bytes:
        """Return the plain bytes; see `KeyService`."""
        del wrapped_by  # the service finds the version by itself
        request = {
            "name": self._choice.key,
            "ciphertext": wrapped,
            "ciphertext_crc32c": crc32c(wrapped),
        } | self._bound()
        found = self._asked(
            lambda client: client.decrypt(request=request, timeout=self._choice.seconds, retry=None)
        )
        if found.plaintext_crc32c != crc32c(found.plaintext):
            raise _damaged()
        return bytes(found.plaintext)

    def _bound(self) -> dict[str, Any]:
        return {
            "additional_authenticated_data": self._aad,
            "additional_authenticated_data_crc32c": crc32c(self._aad),
        }

    def _asked(self, ask: Callable[[Any], Any]) -> Any:
        try:
            from google.api_core.exceptions import GoogleAPICallError  # noqa: PLC0415 - an extra
            from google.auth.exceptions import GoogleAuthError, TransportError  # noqa: PLC0415
            from requests.exceptions import RequestException  # noqa: PLC0415
        except ImportError as problem:
            raise missing("google-cloud-kms", "gcp") from problem
        try:
            with self._client() as client:
                return ask(client)
        except GoogleAPICallError as problem:
            raise self._refused(problem.code, problem.message) from problem
        except (RequestException, TransportError) as problem:
            raise Unavailable(
                f"Google Cloud KMS did not answer: {problem}.",
                advice="Look at the network, and try again.",
            ) from problem
        except GoogleAuthError as problem:
            raise KeyUnavailable(
                f"Google Cloud KMS could not be asked: {problem}.",
                advice="Give this process application default credentials.",
            ) from problem

    def _client(self) -> Any:
        try:
            from google.cloud import kms_v1  # noqa: PLC0415 - an extra, loaded when chosen
        except ImportError as problem:
            raise missing("google-cloud-kms", "gcp") from problem
        if not self._choice.endpoint:
            return kms_v1.KeyManagementServiceClient(transport="rest")
        parts = urlsplit(check_endpoint(self._choice.endpoint))
        make = kms_v1.KeyManagementServiceClient.get_transport_class("rest")
        options: dict[str, Any] = {"host": parts.netloc, "url_scheme": parts.scheme}
        if parts.scheme == "http":  # on this machine: nobody to prove oneself to
            from google.auth.credentials import AnonymousCredentials  # noqa: PLC0415

            options["credentials"] = AnonymousCredentials()  # type: ignore[no-untyped-call]
        return kms_v1.KeyManagementServiceClient(transport=make(**options))

    def _refused(self, code: Any, told: str | None) -> BedsideError:
        status = int(code or 0)
        meaning = _MEANING.get(status, str(told))
        message = (
            f"Google Cloud KMS refused, with the key {self._choice.key}: {meaning} ({status})."
        )
        if status in _TRANSIENT:
            return Unavailable(message, advice="Try again in a moment.")
        return KeyUnavailable(
            message, advice="Look at key and its permissions; it stands in [keys]."
        )


def _damaged() -> Unavailable:
    return Unavailable(
        "Bytes were damaged between this machine and Google Cloud KMS: a checksum does not fit.",
        advice="Try again; if it stays so, look at what lies between.",
    )
