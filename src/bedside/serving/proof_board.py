"""What the processes of one machine tell each other of packages that proved themselves, or did not."""

from __future__ import annotations

import json
import platform
import re
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Final, TypeAlias

from bedside import errors
from bedside.canonical import Json, read_json
from bedside.errors import BedsideError, PackageRefused, Unavailable
from bedside.runtime.runner import GoldenReport
from bedside.store.disk import replace_file
from bedside.store.duty import Duty

LIBRARIES: Final = ("bedside", "onnxruntime", "numpy", "scipy")
"""Of which another version might answer otherwise."""

REFUSALS: Final = ("ConditionsNotMet", "GoldenMismatch", "PackageDamaged", "SignatureRefused")
BOOT: Final = Path("/proc/sys/kernel/random/boot_id")
MODE: Final = 0o600
FOLDER_MODE: Final = 0o700

Found: TypeAlias = GoldenReport | BedsideError
"""What the replay of a package found, or why it is not to be used here."""


class ProofBoard:
    """The proofs of this process, for others, and of others; for one thread."""

    def __init__(self, folder: Path) -> None:
        """Use `folder`, which is made when the first proof is made."""
        self._folder = folder
        self._machine = machine()
        self._held: dict[str, Duty] = {}

    def taken(self, digest: str) -> bool:
        """Return whether this process proves a package, for as long as it lives; it never waits.

        What one that ended had told of it is forgotten.
        """
        if digest in self._held:
            return True
        with suppress(OSError):
            self._folder.mkdir(mode=FOLDER_MODE, exist_ok=True)
        duty = Duty(self._path(digest, "lock"))
        if not duty.taken():
            return False
        self._held[digest] = duty
        self._path(digest, "json").unlink(missing_ok=True)
        return True

    def write(self, digest: str, found: Found) -> None:
        """Tell what was found; where the disk refuses, others find it themselves."""
        told: dict[str, Json] = {"libraries": libraries(), **found_told(found)}
        with suppress(OSError):
            replace_file(self._path(digest, "json"), json.dumps(told).encode(), MODE)

    def read(self, digest: str) -> Found | None:
        """Return what a process that lives has told of a package; None where it has not.

        One that was killed removed nothing, and its lock is nobody's.
        """
        asked = Duty(self._path(digest, "lock"))
        if digest not in self._held and asked.taken():
            asked.close()
            return None
        try:
            told = read_json(self._path(digest, "json").read_bytes())
        except (OSError, BedsideError):
            return None
        if not isinstance(told, dict) or told.get("libraries") != libraries():
            return None
        return told_found(told)

    def close(self) -> None:
        """Tell nothing any more."""
        for digest, duty in self._held.items():
            with suppress(OSError):
                self._path(digest, "json").unlink(missing_ok=True)
            duty.close()
        self._held.clear()

    def _path(self, digest: str, kind: str) -> Path:
        return self._folder / f"{digest.removeprefix('sha256:')}.{self._machine}.{kind}"


def machine() -> str:
    """Return what tells this machine, since it was started, from others that share the folder.

    Source: random(4), /proc/sys/kernel/random/boot_id.
    """
    try:
        return BOOT.read_text(encoding="ascii").strip()
    except OSError:  # not Linux
        return re.sub("[^a-z0-9-]", "", platform.node().lower()) or "here"


def libraries() -> dict[str, Json]:
    """Return the versions of what a proof holds for."""
    return {name: version(name) for name in LIBRARIES}


def found_told(found: Found) -> dict[str, Json]:
    """Return what was found, as JSON."""
    if isinstance(found, BedsideError):
        return {
            "problem": type(found).__name__,
            "message": found.message,
            "advice": found.advice,
        }
    return {
        "cases": found.cases,
        "largest_difference": found.largest_difference,
        "tolerance": found.tolerance,
    }


def told_found(told: dict[str, Json]) -> Found:
    """Return what was told, as it was found; an error is of a kind that a package's replay may have."""
    if (name := told.get("problem")) is None:
        return GoldenReport(
            int(told["cases"]), float(told["largest_difference"]), float(told["tolerance"])
        )
    kind: type[BedsideError] = Unavailable
    if name in REFUSALS:
        kind = getattr(errors, name)
    elif name == PackageRefused.__name__:
        kind = PackageRefused
    return kind(str(told.get("message"))[:2_000], advice=str(told.get("advice"))[:1_000])
