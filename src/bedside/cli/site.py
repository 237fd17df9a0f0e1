"""`bedside init`, `serve` and `doctor`: the site itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from bedside.canonical import Json
from bedside.cli.options import DEFAULT_SITE, JsonOption, SiteOption
from bedside.cli.people import key_document, tell_key
from bedside.cli.screen import Page, show

Serve: TypeAlias = Callable[[Path, str, int], None]
"""Serves the site in a folder on a host and a port until the process is told to stop."""


def serve(
    context: typer.Context,
    host: Annotated[
        str, typer.Option("--host", help="Address to listen on; behind a proxy, leave it.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Port.")] = 8000,
    site: SiteOption = DEFAULT_SITE,
) -> None:
    """Serve the site over HTTP until Ctrl-C or SIGTERM; what was accepted is still answered."""
    start: Serve = context.obj
    start(site, host, port)
