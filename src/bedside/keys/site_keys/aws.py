"""AWS KMS, by boto3: Encrypt and Decrypt of a symmetric key, bound by an encryption context."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any, Final

from bedside.errors import BedsideError, KeyUnavailable, Unavailable
from bedside.keys.site_keys.source import Choice, check_endpoint, context_of, missing

if TYPE_CHECKING:
    from collections.abc import Callable

ATTEMPTS: Final = 2
_TRANSIENT: Final = frozenset(
    {
        "DependencyTimeoutException",
        "KMSInternalException",
        "KeyUnavailableException",
        "ThrottlingException",
    }
)
_MEANING: Final = {
    "AccessDeniedException": "this account may not use the key",
    "NotFoundException": "there is no such key",
    "InvalidCiphertextException": (
        "the wrapped bytes were altered, or belong to another site or another key"
    ),
    "IncorrectKeyException": "another key wrapped these bytes",
    "DisabledException": "the key is disabled",
    "KeyUnavailableException": "the key cannot be used at the moment",
    "KMSInvalidStateException": "the key cannot be used in its present state",
    "InvalidKeyUsageException": "the key is not one that encrypts",
    "UnrecognizedClientException": "the credentials are not those of an account",
    "InvalidSignatureException": "the credentials are not those of an account",
    "ExpiredTokenException": "the credentials have expired",
}
"""Codes of the service's errors in words. Source: AWS KMS API Reference, Encrypt and Decrypt."""


class AwsKms:
    """One KMS key of AWS; needs kms:Encrypt to move a site key to it, and kms:Decrypt to start."""

    def __init__(self, choice: Choice, site: str) -> None:
        self._choice = choice
        self._context = dict(context_of(site))

    def wrap(self, plain: bytes) -> tuple[bytes, str]:
        """Return the wrapped bytes and the key's ARN; see `KeyService`."""
        found = self._asked(
            lambda client: client.encrypt(
                KeyId=self._choice.key, Plaintext=plain, EncryptionContext=self._context
            )
        )
        return bytes(found["CiphertextBlob"]), str(found["KeyId"])

    def unwrap(self, wrapped: bytes, wrapped_by: str) -> bytes:
        """Return the plain bytes; see `KeyService`."""
        del wrapped_by  # the settings say which key may open them, and the file only which one did
        found = self._asked(
            lambda client: client.decrypt(
                KeyId=self._choice.key, CiphertextBlob=wrapped, EncryptionContext=self._context
            )
        )
        return bytes(found["Plaintext"])

    def _asked(self, ask: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
        try:
            from botocore.exceptions import (  # type: ignore[import-untyped]  # noqa: PLC0415
                BotoCoreError,
                ClientError,
                HTTPClientError,
            )
            from botocore.exceptions import ConnectionError as NoConnection  # noqa: PLC0415
        except ImportError as problem:
            raise missing("boto3", "aws") from problem
        try:
            with closing(self._client()) as client:
                return ask(client)
        except ClientError as problem:
            raise self._refused(problem) from problem
        except (HTTPClientError, NoConnection) as problem:  # nor an answer in time, nor TLS
            raise Unavailable(
                f"AWS KMS did not answer: {problem}.", advice="Look at the network, and try again."
            ) from problem
        except BotoCoreError as problem:  # no credentials, no region, a value it does not take
            raise KeyUnavailable(
                f"AWS KMS could not be asked: {problem}.",
                advice="Give this process credentials and a region (region in [keys]).",
            ) from problem

    def _client(self) -> Any:
        import boto3  # type: ignore[import-untyped]  # noqa: PLC0415 - an extra, loaded when chosen
        from botocore.config import Config  # type: ignore[import-untyped]  # noqa: PLC0415

        choice = self._choice
        bounds = Config(
            connect_timeout=choice.seconds,
            read_timeout=choice.seconds,
            retries={"total_max_attempts": ATTEMPTS, "mode": "standard"},
        )
        return boto3.session.Session().client(
            "kms",
            region_name=choice.region or _region_of(choice.key),
            endpoint_url=check_endpoint(choice.endpoint) if choice.endpoint else None,
            config=bounds,
        )

    def _refused(self, problem: Any) -> BedsideError:
        code = str(problem.response.get("Error", {}).get("Code", ""))
        meaning = _MEANING.get(code, str(problem))
        message = f"AWS KMS refused, with the key {self._choice.key}: {meaning} ({code})."
        status = problem.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if code in _TRANSIENT or status >= 500:
            return Unavailable(message, advice="Try again in a moment.")
        return KeyUnavailable(
            message, advice="Look at key, its policy and its region; they stand in [keys]."
        )


def _region_of(key: str) -> str | None:
    """Return the region that an ARN names (arn:aws:kms:REGION:ACCOUNT:key/ID), else None."""
    parts = key.split(":")
    return parts[3] or None if len(parts) == 6 and parts[0] == "arn" else None
