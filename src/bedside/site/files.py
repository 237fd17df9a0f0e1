"""The folder of a site: what lies where in it, and how a new one is made."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from bedside.errors import Conflict, SiteProblem
from bedside.keys.signing import SigningKey
from bedside.ledger.checkpoint import verifier_key
from bedside.site.settings import SETTINGS_FILE
from bedside.site.unlocking import KEYS_FOLDER
from bedside.store.disk import sync_folder, write_new

LEDGER_KEY_FILE: Final = "ledger.key"
LEDGER_PUBLIC_FILE: Final = "ledger.pub"
LEDGER_WITNESS_FILE: Final = "ledger.vkey"
BLOBS_FOLDER: Final = "blobs"
PROOFS_FOLDER: Final = "proofs"
"""What the processes of this machine tell each other of volume packages; in no backup."""
WORK_FOLDER: Final = "work"
"""Where processes that analyse may write while they do; in no backup."""
JOB_FILES_FOLDER: Final = "files"
"""Uploads and results of long analyses, each file sealed; made when the first one comes."""


def make_folders(folder: Path) -> None:
    """Make the folder of a new site and those in it, for their owner alone.

    Raises:
        Conflict: a site is there already.
        SiteProblem: the folder is in use for something else, or cannot be made.
    """
    if (folder / SETTINGS_FILE).exists():
        raise Conflict(f"There is a site in {folder} already.", advice="Open it, or name another.")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise SiteProblem(
            f"{folder} is not an empty folder.", advice="Name a folder that does not exist yet."
        )
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name in (KEYS_FOLDER, BLOBS_FOLDER):
            (folder / name).mkdir(mode=0o700)
        sync_folder(folder.parent)
    except OSError as problem:
        raise SiteProblem(
            f"{folder} cannot be made: {problem.strerror}.",
            advice="Choose a folder that this account may write to.",
        ) from problem


def write_file(path: Path, text: str, mode: int) -> None:
    """Write a new file durably.

    Raises:
        SiteProblem: it cannot be written.
    """
    try:
        write_new(path, text.encode(), mode)
    except OSError as problem:
        raise SiteProblem(
            f"{path} cannot be written: {problem.strerror}.",
            advice="Look at the disk's free space and rights, and begin with an empty folder.",
        ) from problem


def new_ledger_key(keys_folder: Path, origin: str) -> SigningKey:
    """Make the key that signs a new ledger, with its public half beside it in two spellings.

    Raises:
        Conflict: there is one already.
        KeyUnavailable, SiteProblem: it cannot be written.
    """
    signer = SigningKey.new()
    signer.save(keys_folder / LEDGER_KEY_FILE)
    write_file(keys_folder / LEDGER_PUBLIC_FILE, signer.public.to_pem(), 0o644)
    vkey = verifier_key(origin, signer.public)
    write_file(keys_folder / LEDGER_WITNESS_FILE, vkey + "\n", 0o644)
    return signer
