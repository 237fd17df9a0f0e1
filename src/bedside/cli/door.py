"""Who comes in by the command line, and to which site.

An API key is read from the environment or from a file, never from the command line itself:
every user of the machine can read that in the process list, and shells keep it in a history.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bedside.cli.options import API_KEY_VARIABLE
from bedside.errors import KeyUnavailable, SignInRefused

if TYPE_CHECKING:
    from bedside.people.person import Caller
    from bedside.site.site import Site

DOOR = "cli"
MAX_KEY_CHARACTERS = 200
"""An API key has 47; whatever is longer is something else."""


def api_key(key_file: Path | None) -> str:
    """Return the API key from `key_file`, or else from the environment.

    Raises:
        SignInRefused: neither is there.
        KeyUnavailable: the file is not there, or others can read it, or it holds no key.
    """
    if key_file is not None:
        return _read_key_file(key_file)
    if secret := os.environ.get(API_KEY_VARIABLE, "").strip():
        return secret
    raise SignInRefused(
        "This command acts on the site as a person, and no API key was given.",
        advice=f"Set {API_KEY_VARIABLE}, or name a file that holds the key with --key-file; "
        "an administrator issues keys with `bedside people key`.",
    )


def _read_key_file(path: Path) -> str:
    from bedside.keys.files import read_secret

    secret = read_secret(path).decode("utf-8", "replace").strip()
    if len(secret) > MAX_KEY_CHARACTERS or len(secret.split()) != 1:
        raise KeyUnavailable(
            f"The file {path} does not hold one API key.",
            advice="Put the key, and nothing else, into the file.",
        )
    return secret


@contextmanager
def open_site(folder: Path, *, hold: bool = True) -> Iterator[Site]:
    """Open the site in `folder`, held against its witnesses or not, and close it afterwards."""
    from bedside.cli.passphrase import passphrase_for
    from bedside.site.site import Site

    passphrase_for(folder)
    with Site.open(folder, hold=hold) as site:
        yield site


@contextmanager
def entered(
    folder: Path, key_file: Path | None, *, hold: bool = True
) -> Iterator[tuple[Site, Caller]]:
    """Open the site in `folder` and sign in the person whose API key was given.

    Raises:
        SignInRefused: no key, or one that the site does not know.
        SiteProblem: the site cannot be used as it is.
    """
    secret = api_key(key_file)
    with open_site(folder, hold=hold) as site:
        yield site, site.people.sign_in(secret, DOOR)
