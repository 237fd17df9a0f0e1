"""`bedside init` and `serve`: the site itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from bedside.canonical import Json
from bedside.cli.options import DEFAULT_SITE, JsonOption, KeyOutOption, SiteOption
from bedside.cli.passphrase import passphrase_for
from bedside.cli.screen import Page, show
from bedside.cli.secrets import hand_over, refuse_taken
from bedside.cli.site_key import (
    KmsEndpointOption,
    KmsKeyOption,
    KmsRegionOption,
    PassphraseFileOption,
    Wanted,
)
from bedside.errors import UsageError

Serve: TypeAlias = Callable[[Path, str, int, int], None]
"""Serves the site in a folder on a host and a port, with so many processes, until told to stop."""


def init(  # noqa: PLR0913, PLR0917 - a command has its options
    name: Annotated[str | None, typer.Option("--name", help="What people call the site.")] = None,
    admin: Annotated[
        str | None, typer.Option("--admin", help="Name of the first administrator.")
    ] = None,
    upgrade: Annotated[
        bool, typer.Option("--upgrade", help="Bring the database of an existing site up to date.")
    ] = False,
    backup: Annotated[
        bool, typer.Option("--backup/--no-backup", help="With --upgrade: back it up before.")
    ] = True,
    site_key: Annotated[
        str, typer.Option("--site-key", help="Where the site key is to be: file, passphrase, …")
    ] = "file",
    kms_key: KmsKeyOption = "",
    kms_region: KmsRegionOption = "",
    kms_endpoint: KmsEndpointOption = "",
    passphrase_file: PassphraseFileOption = "",
    key_out: KeyOutOption = None,
    site: SiteOption = DEFAULT_SITE,
    as_json: JsonOption = False,
) -> None:
    """Make a site and its first administrator, whose API key is shown once; or upgrade one."""
    if upgrade:
        _upgrade(site, backup=backup, as_json=as_json)
        return
    if name is None or admin is None:
        raise UsageError(
            "A new site needs a name and a first administrator.",
            advice='bedside init --name "Ward 3" --admin "Their name"; '
            "an existing site: bedside init --upgrade.",
        )
    wanted = Wanted(site_key, kms_key, kms_region, kms_endpoint, passphrase_file)
    _create(site, (name, admin), wanted, key_out, as_json=as_json)


def _create(
    folder: Path,
    names: tuple[str, str],
    wanted: Wanted,
    key_out: Path | None,
    *,
    as_json: bool,
) -> None:
    from bedside.site.site import Site

    refuse_taken(key_out)
    created, issued = Site.create(folder, *names, keys=wanted.settings())
    with created:
        kept = hand_over(issued, key_out)
    value: dict[str, Json] = {
        "site": str(folder),
        "id": created.settings.id,
        "name": created.settings.name,
        "ledger_key": created.ledger.public_key.fingerprint,
        "administrator": names[1],
        "key": kept.document,
    }

    def tell(page: Page) -> None:
        page.line(f"Made the site {created.settings.name} in {folder}.", style="bold")
        page.line(f"  ledger key  {created.ledger.public_key.fingerprint}")
        page.line(f"Its administrator is {names[1]}.")
        kept.tell(page)
        page.line('Next: bedside people add NAME --role ROLE, bedside keys trust PUB --name "…"')

    show(value, tell, as_json=as_json)


def _upgrade(folder: Path, *, backup: bool, as_json: bool) -> None:
    from bedside.site.backup.upgrading import upgrade_site

    made = upgrade_site(folder, backup=backup)
    value: dict[str, Json] = {"site": str(folder), "upgraded": True}
    value["backup"] = None if made is None else made.generation

    def tell(page: Page) -> None:
        if made is not None:
            page.line(f"Backed up before that: {made.generation}, schema {made.schema}.")
        page.line(f"The database of the site in {folder} is up to date.")

    show(value, tell, as_json=as_json)


def serve(
    context: typer.Context,
    host: Annotated[
        str, typer.Option("--host", help="Address to listen on; behind a proxy, leave it.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", min=1, max=65535, help="Port to listen on.")
    ] = 8000,
    workers: Annotated[
        int, typer.Option("--workers", min=1, max=64, help="Processes that answer on this port.")
    ] = 1,
    no_ui: Annotated[
        bool,
        typer.Option(
            "--no-ui", help="Serve the API alone. There is no web app yet: no difference."
        ),
    ] = False,
    site: SiteOption = DEFAULT_SITE,
    as_json: JsonOption = False,
) -> None:
    """Serve the site over HTTP until Ctrl-C or SIGTERM; what was accepted is still answered."""
    start: Serve = context.obj
    passphrase_for(site)
    address = f"http://{f'[{host}]' if ':' in host else host}:{port}"

    def tell(page: Page) -> None:
        page.line(f"Starting on {address} (documentation: {address}/docs); Ctrl-C stops it.")

    show(
        {"site": str(site), "address": address, "workers": workers, "ui": False},
        tell,
        as_json=as_json,
    )
    start(site, host, port, workers)
