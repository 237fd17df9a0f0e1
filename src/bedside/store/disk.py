"""Whether a folder's disk keeps what is written to it: the record of patients must not vanish."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from bedside.errors import SiteProblem

FORGETFUL = frozenset({"tmpfs", "ramfs", "devtmpfs"})
"""File systems that live in memory and are empty after the next start."""

MOUNTS = Path("/proc/self/mountinfo")


def refuse_forgetful_disk(folder: Path) -> None:
    """Do nothing when the disk under `folder` is kept.

    Raises:
        SiteProblem: the folder lies in memory, or in a container that is thrown away.
    """
    table = MOUNTS.read_text(encoding="utf-8", errors="replace") if MOUNTS.exists() else ""
    reason = why_forgetful(folder.resolve(), table, os.environ)
    if reason:
        raise SiteProblem(
            f"{folder} is not kept: {reason}.",
            advice="Use PostgreSQL (postgresql+psycopg://…), or a folder on a disk that stays.",
        )


def write_new(path: Path, data: bytes, mode: int) -> None:
    """Write a new file durably, its name in the folder included; a failure leaves nothing.

    Raises:
        FileExistsError: there is such a file; it is left alone.
        OSError: it cannot be written.
    """
    handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(handle)
        sync_folder(path.parent)
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def replace_file(path: Path, data: bytes, mode: int) -> None:
    """Put `data` in the place of a file, durably: whoever reads it finds all of the old or the new.

    Raises:
        OSError: it cannot be written; the old one stands.
    """
    coming = path.with_name(f".{path.name}.incoming-{os.getpid()}")
    coming.unlink(missing_ok=True)
    write_new(coming, data, mode)
    try:
        coming.replace(path)
    except BaseException:
        coming.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable: a new or renamed file is only as durable as its name.

    Raises:
        OSError: the disk refuses.
    """
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def allows_forgetting(environment: Mapping[str, str]) -> bool:
    """Return whether data may be lost here: `BEDSIDE_ALLOW_TMPFS=1`, in tests and demonstrations."""
    return environment.get("BEDSIDE_ALLOW_TMPFS") == "1"


def why_forgetful(folder: Path, mounts: str, environment: Mapping[str, str]) -> str:
    """Return why what is written to `folder` would be lost, or an empty string.

    Args:
        folder: An absolute path without links.
        mounts: The text of `/proc/self/mountinfo` (proc(5)); empty where there is none.
        environment: The process's environment. `K_SERVICE` marks Cloud Run, whose disk is memory;
            `BEDSIDE_ALLOW_TMPFS=1` allows both, for tests and demonstrations.
    """
    if allows_forgetting(environment):
        return ""
    if environment.get("K_SERVICE"):
        return "K_SERVICE is set, and the disk of a Cloud Run container is thrown away"
    kind = _file_system(PurePosixPath(folder), mounts)
    return f"its file system is {kind}, which lives in memory" if kind in FORGETFUL else ""


def _file_system(folder: PurePosixPath, mounts: str) -> str:
    found, depth = "", -1
    for line in mounts.splitlines():
        left, _, right = line.partition(" - ")
        fields = left.split()
        if len(fields) < 5 or not right:
            continue
        point = PurePosixPath(fields[4].replace(r"\040", " "))
        if folder.is_relative_to(point) and len(point.parts) >= depth:
            found, depth = right.split()[0], len(point.parts)
    return found
