"""`bedside keys site …`: where the site key is, and how it gets somewhere else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from bedside.canonical import Json
from bedside.cli.door import entered, open_site
from bedside.cli.options import DEFAULT_SITE, JsonOption, KeyFileOption, SiteOption
from bedside.cli.passphrase import new_passphrase
from bedside.cli.screen import Page, progress, show
from bedside.errors import UsageError

if TYPE_CHECKING:
    from bedside.site.key_settings import KeySettings

KmsKeyOption: TypeAlias = Annotated[
    str, typer.Option("--kms-key", help="With a KMS: the key that wraps the site key.")
]
KmsRegionOption: TypeAlias = Annotated[
    str, typer.Option("--kms-region", help="With aws-kms: the region, if the key does not name it.")
]
KmsEndpointOption: TypeAlias = Annotated[
    str, typer.Option("--kms-endpoint", help="With aws-kms, gcp-kms: another address (https://…).")
]
PassphraseFileOption: TypeAlias = Annotated[
    str,
    typer.Option(
        "--passphrase-file",
        help="With passphrase: its file, or the name of a systemd credential. Without it:"
        " $BEDSIDE_SITE_PASSPHRASE, or a terminal is asked.",
    ),
]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was said of a source on the command line."""

    source: str
    key: str = ""
    region: str = ""
    endpoint: str = ""
    passphrase_file: str = ""

    def settings(self) -> KeySettings:
        """Return it as settings, having asked for a new passphrase where one is needed.

        Raises:
            UsageError: no such source, or a value that it does not take.
        """
        from pydantic import ValidationError

        from bedside.keys.site_keys.source import KEY_SERVICES, SourceKind
        from bedside.package.reading import faults
        from bedside.site.key_settings import KeySettings

        kinds = [kind.value for kind in SourceKind]
        if self.source not in kinds:
            raise UsageError(
                f"{self.source!r} is no source of a site key.",
                advice=f"One of: {', '.join(kinds)}.",
            )
        kind = SourceKind(self.source)
        if (kind in KEY_SERVICES) is not bool(self.key):
            raise UsageError(
                f"{kind} and --kms-key do not go together."
                if self.key
                else f"{kind} needs a key that wraps the site key.",
                advice="Name one with --kms-key for a KMS, and only for a KMS.",
            )
        try:
            keys = KeySettings(
                source=kind,
                key=self.key,
                region=self.region,
                endpoint=self.endpoint,
                passphrase_file=self.passphrase_file,
            )
        except ValidationError as problem:
            raise UsageError(f"This cannot be used: {faults(problem)}.") from problem
        new_passphrase(keys)
        return keys


def show_site(site: SiteOption = DEFAULT_SITE, as_json: JsonOption = False) -> None:
    """Show where the site key is, and prove that it opens from there."""
    from bedside.site.unlocking import standing

    with open_site(site) as opened:
        found = standing(opened.folder, opened.settings)
    value: dict[str, Json] = {
        "source": found.keys.source.value,
        "key": found.keys.key,
        "place": found.place,
        "fingerprint": found.fingerprint,
        "left_over": [str(path) for path in found.left_over],
    }

    def tell(page: Page) -> None:
        page.line(f"The site key is in {found.place}.")
        page.line(f"It opens; its fingerprint is {found.fingerprint}.")
        for path in found.left_over:
            page.line(f"Not used, and still there: {path}", style="yellow")

    show(value, tell, as_json=as_json)


def move_site(  # noqa: PLR0913, PLR0917 - a command has its options
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="file, passphrase, environment, aws-kms, gcp-kms or azure-key-vault.",
        ),
    ],
    kms_key: KmsKeyOption = "",
    kms_region: KmsRegionOption = "",
    kms_endpoint: KmsEndpointOption = "",
    passphrase_file: PassphraseFileOption = "",
    keep_old: Annotated[
        bool, typer.Option("--keep-old", help="Leave what the old source keeps.")
    ] = False,
    site: SiteOption = DEFAULT_SITE,
    key_file: KeyFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Move the site key to another source; the old place is cleared once the new one has opened."""
    from bedside.people.permissions import Action
    from bedside.site.configuration import record_change
    from bedside.site.settings import SETTINGS_FILE, read_settings
    from bedside.site.unlocking import move

    wanted = Wanted(source, kms_key, kms_region, kms_endpoint, passphrase_file)
    with entered(site, key_file) as (opened, caller):
        opened.people.require(caller, Action.KEYS_MANAGE, "site-key")
        keys = wanted.settings()
        with progress(f"Moving the site key to {source}"):
            moved = move(opened.folder, opened.settings, keys, keep_old=keep_old)
        record_change(opened.ledger, read_settings(opened.folder / SETTINGS_FILE), caller)
    value: dict[str, Json] = {
        "before": moved.before,
        "after": moved.after,
        "fingerprint": moved.fingerprint,
        "left_to_do": moved.left_to_do,
    }

    def tell(page: Page) -> None:
        page.line(f"The site key was in {moved.before}.")
        page.line(f"It is in {moved.after}, and opens from there ({moved.fingerprint}).")
        if moved.left_to_do:
            page.line(f"Left to do: {moved.left_to_do}")
        page.line("Processes that run go on; the next start asks the new place.")

    show(value, tell, as_json=as_json)
