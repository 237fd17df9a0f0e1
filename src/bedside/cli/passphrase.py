"""The passphrase of a site key, asked for in a terminal where nothing else gives it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from bedside.site.key_settings import KeySettings


def passphrase_for(folder: Path) -> None:
    """Ask for the passphrase of the site in `folder`, if it has one and nobody gave it.

    It is kept in the environment of this process and of those that it starts, such as the workers
    of a service, and nowhere else. Without a terminal nobody is asked; opening the site then says
    how a passphrase is given.

    Raises:
        SiteProblem: the site's settings cannot be read.
    """
    from bedside.site.settings import SETTINGS_FILE, read_settings

    if (folder / SETTINGS_FILE).is_file():  # where there is none, opening says so
        _ask(read_settings(folder / SETTINGS_FILE).keys, twice=False)


def new_passphrase(keys: KeySettings) -> None:
    """Ask for the passphrase that a site key is going to have, twice, if nobody gave it."""
    _ask(keys, twice=True)


def _ask(keys: KeySettings, *, twice: bool) -> None:
    from bedside.keys.site_keys.passphrase import VARIABLE, is_given
    from bedside.keys.site_keys.source import SourceKind

    if keys.source is not SourceKind.PASSPHRASE or is_given(keys.passphrase_file, os.environ):
        return
    if sys.stdin.isatty():
        os.environ[VARIABLE] = typer.prompt(
            "Passphrase of the site key", hide_input=True, confirmation_prompt=twice, err=True
        )
