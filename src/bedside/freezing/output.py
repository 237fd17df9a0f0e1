"""Writes a file so that a reader sees the old one or the new one, never half of it."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from bedside.errors import NotFound, UsageError
from bedside.store.disk import sync_folder


def check_target(path: Path) -> None:
    """Check that a file can stand at `path`, before the work whose result it is to hold.

    Raises:
        NotFound: the folder does not exist.
        UsageError: `path` is itself a folder.
    """
    if not path.parent.is_dir():
        raise NotFound(f"There is no folder {str(path.parent)!r}.", advice="Make it first.")
    if path.is_dir():
        raise UsageError(
            f"{str(path)!r} is a folder.", advice="Give the name of a file, such as x.bedside."
        )


def write_whole(path: Path, data: bytes) -> None:
    """Write `data` to `path` durably and in one step, replacing what is there.

    Raises:
        NotFound: the folder does not exist.
        UsageError: `path` is itself a folder.
    """
    check_target(path)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)  # a rename is durable only when its folder is
