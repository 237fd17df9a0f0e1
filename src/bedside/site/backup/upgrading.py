"""Brings an older site up to date, and backs it up as it is before that."""

from __future__ import annotations

from pathlib import Path

from bedside.site.backup.forgetting import UPGRADE_FOLDER
from bedside.site.backup.making import back_up_unopened
from bedside.site.backup.manifest import Manifest
from bedside.site.backup.place import Place
from bedside.site.backup.source import source_of
from bedside.site.schema import known_revisions, revision
from bedside.site.settings import SETTINGS_FILE, read_settings
from bedside.site.site import Site


def upgrade_site(folder: Path, *, backup: bool = True) -> Manifest | None:
    """Bring the schema of the site in `folder` up to date; no process may have it open.

    Args:
        folder: The site's.
        backup: Whether to back it up before: to where `[backup]` says, or else into
            `before-upgrade` in the folder, where it should not stay.

    Returns:
        The backup, or None where the schema was up to date, or none was wanted.

    Raises:
        SiteProblem: no site, or one that a newer Bedside made.
        KeyUnavailable: the site key, which a backup needs, is not to be had.
        Unavailable: the database or the backup folder cannot be used now; nothing was changed.
    """
    folder = folder.absolute()
    made = None
    if backup and _is_old(folder):
        settings = read_settings(folder / SETTINGS_FILE)
        place = Place.of(settings.backup) or Place.at(folder / UPGRADE_FOLDER)
        made = back_up_unopened(folder, place)
    Site.upgrade(folder)
    return made


def _is_old(folder: Path) -> bool:
    with source_of(folder) as source, source.database.read() as connection:
        present = revision(connection)
    known = known_revisions()
    return present in known and present != known[0]
