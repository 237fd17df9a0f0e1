"""Secret files: made for their owner only, and refused when others may read them."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from bedside.errors import Conflict, KeyUnavailable
from bedside.store.disk import replace_file, sync_folder, write_new

MAX_KEY_BYTES = 16 * 1024
"""Far more than any key file of ours; a larger file is something else."""


def write_secret(path: Path, data: bytes) -> None:
    """Write `data` to a new file that only its owner may read, durably; a failure leaves nothing.

    Raises:
        Conflict: the file exists; a key is never overwritten.
        KeyUnavailable: it cannot be written.
    """
    try:
        write_new(path, data, 0o600)
    except FileExistsError as problem:
        raise Conflict(
            f"{path} exists already.", advice="Choose another name; a key is never overwritten."
        ) from problem
    except OSError as problem:
        raise KeyUnavailable(
            f"{path} cannot be written: {problem.strerror}.",
            advice="Nothing was left. Look at the disk's free space and rights.",
        ) from problem


def replace_secret(path: Path, data: bytes) -> None:
    """Put `data` in the place of a secret file, durably; who reads it finds the old or the new.

    Raises:
        KeyUnavailable: it cannot be written; the old one stands.
    """
    try:
        replace_file(path, data, 0o600)
    except OSError as problem:
        raise KeyUnavailable(
            f"{path} cannot be written: {problem.strerror}.",
            advice="Nothing was changed. Look at the disk's free space and rights.",
        ) from problem


def read_secret(path: Path) -> bytes:
    """Return the content of a secret file.

    Raises:
        KeyUnavailable: missing, too large, or readable by others.
    """
    data = read_key_file(path)
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        raise KeyUnavailable(
            f"Others may read the secret key {path} (mode {mode:04o}).",
            advice=f"chmod 600 {path}, and think about who may have read it.",
        )
    return data


def read_key_file(path: Path) -> bytes:
    """Return the content of a key file, at most `MAX_KEY_BYTES`.

    Raises:
        KeyUnavailable: missing, unreadable or too large.
    """
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_KEY_BYTES + 1)
    except OSError as problem:
        raise KeyUnavailable(
            f"The key file {path} cannot be read: {problem.strerror}.", advice="Check its path."
        ) from problem
    if len(data) > MAX_KEY_BYTES:
        raise KeyUnavailable(f"{path} is larger than {MAX_KEY_BYTES} bytes, so it is not a key.")
    return data


def destroy_secret(path: Path) -> None:
    """Overwrite a secret file with zeros and remove it, durably; one that is not there is gone.

    What the disk itself keeps elsewhere (a journal, a snapshot, worn cells) is not reached.

    Raises:
        KeyUnavailable: it cannot be overwritten or removed.
    """
    try:
        handle = os.open(path, os.O_WRONLY | os.O_NOFOLLOW)
        with os.fdopen(handle, "wb") as stream:
            stream.write(bytes(os.fstat(handle).st_size))
            stream.flush()
            os.fsync(handle)
        path.unlink()
        sync_folder(path.parent)
    except FileNotFoundError:
        return
    except OSError as problem:
        raise KeyUnavailable(
            f"{path} cannot be destroyed: {problem.strerror}.",
            advice="Remove it by hand, and think about who may read it until then.",
        ) from problem
