"""Whether the disk of the backups is there, or only the empty folder that it is mounted on."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from bedside.errors import Unavailable
from bedside.site.backup.place import Place, reached
from bedside.site.backup.plan import BackupSettings
from bedside.store.disk import replace_file

MADE_FILE: Final = ".backed-up"
"""In the site's folder, once a backup was begun where the settings say, and naming that folder: an
empty folder there is then a disk that is not mounted, and destroyed keys may be on it."""

MAX_NAME_BYTES: Final = 64 * 1024


def refuse_unmounted(folder: Path, settings: BackupSettings, place: Place) -> None:
    """Do nothing unless `place` is where backups were begun before, and nothing of them is there.

    A backup onto the bare mount point would be hidden by the disk when it comes back, and would
    take the disk's generations for gone.

    Args:
        folder: The site's.
        settings: What is set about backups.
        place: Where one is to be made, or looked for; anywhere else than where the settings say,
            nothing is known of what was there.

    Raises:
        Unavailable: nothing is there.
    """
    chosen = Place.of(settings)
    if chosen is None or place.folder.resolve() != chosen.folder.resolve():
        return
    if _made_in(folder) in {"", str(chosen.folder)} and not place.was_used():
        raise not_there(folder, place)


def not_there(folder: Path, place: Place) -> Unavailable:
    """Return the refusal."""
    return Unavailable(
        f"Generations were made in {place.folder}, and nothing of them is there now.",
        advice=f"Mount it. If they are gone for good, remove the file {folder / MADE_FILE} and"
        " repeat.",
    )


def note_made(folder: Path, settings: BackupSettings, place: Place) -> None:
    """Keep in mind that backups are made where the settings say, if `place` is there."""
    chosen = Place.of(settings)
    if chosen is not None and place.folder.resolve() == chosen.folder.resolve():
        told = str(chosen.folder)
        if _made_in(folder) == told:
            return
        with reached(folder):
            replace_file(folder / MADE_FILE, told.encode(), 0o600)


def _made_in(folder: Path) -> str | None:
    """Return the folder that is kept in mind: empty where only that there was one, None if none."""
    path = folder / MADE_FILE
    if not path.exists():
        return None
    with reached(folder), path.open("rb") as stream:
        return stream.read(MAX_NAME_BYTES).decode("utf-8", "replace").strip()
