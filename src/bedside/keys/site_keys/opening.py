"""From a choice to its source."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from bedside.errors import SiteProblem
from bedside.keys.site_keys import passphrase, plain, wrapped
from bedside.keys.site_keys.aws import AwsKms
from bedside.keys.site_keys.azure import AzureKeyVault
from bedside.keys.site_keys.gcp import GcpKms
from bedside.keys.site_keys.source import (
    KEY_SERVICES,
    Choice,
    KeyService,
    SiteKeySource,
    SourceKind,
)

FILE_NAMES: Final = (plain.FILE_NAME, passphrase.FILE_NAME, wrapped.FILE_NAME)
"""Every file of the keys' folder that a site key may be in."""


def source_of(
    choice: Choice, folder: Path, site: str, environment: Mapping[str, str] = os.environ
) -> SiteKeySource:
    """Return the source that `choice` names; nothing is read yet and nobody is asked.

    Where the plain file is chosen and the variable `BEDSIDE_SITE_KEY` is set, the variable goes
    first: so it has been since the first release. Every other choice is asked alone.

    Args:
        choice: What `[keys]` of `site.toml` says.
        folder: The folder of the site's keys.
        site: The site's id, which a wrapped key is bound to.
        environment: The process's.

    Raises:
        SiteProblem: a KMS without a key, or an address that no key may be sent to.
    """
    kind = choice.source
    if kind is SourceKind.ENVIRONMENT or (
        kind is SourceKind.FILE and plain.VARIABLE in environment
    ):
        return plain.Environment(environment)
    if kind is SourceKind.FILE:
        return plain.PlainFile(folder)
    if kind is SourceKind.PASSPHRASE:
        return passphrase.PassphraseFile(folder, site, choice.passphrase_file, environment)
    return wrapped.WrappedFile(folder, site, choice, _service(choice, site))


def file_of(kind: SourceKind) -> str | None:
    """Return the name of the file that a kind of source keeps the key in, or None."""
    if kind in KEY_SERVICES:
        return wrapped.FILE_NAME
    names = {SourceKind.FILE: plain.FILE_NAME, SourceKind.PASSPHRASE: passphrase.FILE_NAME}
    return names.get(kind)


def _service(choice: Choice, site: str) -> KeyService:
    if not choice.key:
        raise SiteProblem(
            f"The source {choice.source} needs the key that wraps the site key.",
            advice="Name it with key in [keys] of site.toml, or with --kms-key.",
        )
    if choice.source is SourceKind.AWS:
        return AwsKms(choice, site)
    if choice.source is SourceKind.GCP:
        return GcpKms(choice, site)
    return AzureKeyVault(choice, site)
