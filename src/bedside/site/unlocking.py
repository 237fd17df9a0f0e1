"""The site key of a site, got from where its settings say; and moved to another place."""

from __future__ import annotations

import hmac
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bedside.errors import KeyUnavailable, UsageError
from bedside.keys.sealing import KEY_BYTES
from bedside.keys.site_key import SiteKey
from bedside.keys.site_keys.moving import copy_key, destroy_left_over
from bedside.keys.site_keys.opening import FILE_NAMES, file_of, source_of
from bedside.keys.site_keys.plain import FILE_NAME, VARIABLE, PlainFile
from bedside.keys.site_keys.source import SiteKeySource
from bedside.site.key_settings import KeySettings, write_key_settings
from bedside.site.settings import SETTINGS_FILE, Settings

KEYS_FOLDER: Final = "keys"


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a site key is, once it has proved that it opens.

    Attributes:
        keys: The settings.
        place: The source in words.
        fingerprint: What the key is known by.
        left_over: Files of other sources that lie beside it and are not used.
    """

    keys: KeySettings
    place: str
    fingerprint: str
    left_over: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Moved:
    """What became of a move.

    Attributes:
        before: Where the key was, in words.
        after: Where it is, in words.
        fingerprint: What it is known by, the same before and after.
        left_to_do: What a person has left to do about the old place, or an empty string.
    """

    before: str
    after: str
    fingerprint: str
    left_to_do: str


def source_for(folder: Path, settings: Settings, keys: KeySettings | None = None) -> SiteKeySource:
    """Return the source that the settings name, or the one of other key settings.

    Raises:
        SiteProblem: a setting that cannot be used.
    """
    choice = (keys or settings.keys).choice
    return source_of(choice, folder / KEYS_FOLDER, settings.id, os.environ)


def unlock(folder: Path, settings: Settings) -> SiteKey:
    """Return the site's key.

    Raises:
        KeyUnavailable: it is not there, does not open, or is another site's.
        Unavailable: a key service does not answer now.
        SiteProblem: an extra is not installed, or a setting cannot be used.
    """
    source = source_for(folder, settings)
    key = SiteKey(source.unlock())
    known = settings.keys.fingerprint
    if known and not hmac.compare_digest(known, key.fingerprint):
        raise KeyUnavailable(
            f"The key from {source.place} is not this site's: its fingerprint is"
            f" {key.fingerprint}, and site.toml names {known}.",
            advice="Restore the site key from its safe copy; another one opens nothing.",
        )
    return key


def make_key(folder: Path, settings: Settings) -> SiteKey:
    """Make the key of a new site, keep it where the settings say, and return it as it opens.

    A key that is given by the environment is taken as it is.

    Raises:
        KeyUnavailable: it cannot be kept there, or does not open from there.
        Unavailable: a key service does not answer now.
        SiteProblem: an extra is not installed, or a setting cannot be used.
    """
    source = source_for(folder, settings)
    if file_of(settings.keys.source) is not None and not _given(settings.keys):
        source.keep(os.urandom(KEY_BYTES))
    return SiteKey(source.unlock())


def with_fingerprint(settings: Settings, key: SiteKey) -> Settings:
    """Return the settings with what the site's key is known by."""
    keys = settings.keys.model_copy(update={"fingerprint": key.fingerprint})
    return settings.model_copy(update={"keys": keys})


def standing(folder: Path, settings: Settings) -> Standing:
    """Return where the site's key is, after opening it.

    Raises:
        KeyUnavailable, Unavailable, SiteProblem: as `unlock`.
    """
    key = unlock(folder, settings)
    used = None if _given(settings.keys) else file_of(settings.keys.source)
    beside = (folder / KEYS_FOLDER / name for name in FILE_NAMES if name != used)
    return Standing(
        settings.keys,
        source_for(folder, settings).place,
        key.fingerprint,
        tuple(path for path in beside if path.exists()),
    )


def move(folder: Path, settings: Settings, keys: KeySettings, *, keep_old: bool = False) -> Moved:
    """Move the site's key to another source: copy, prove, switch, and only then destroy.

    A crash at any point leaves a site that opens: until `site.toml` is replaced the old source
    holds, afterwards the new one, which has proved itself. Repeating it finishes what was begun:
    where the key is at its new place already, what still holds it elsewhere is destroyed.

    Args:
        folder: The site's folder.
        settings: What is set now.
        keys: Where the key goes; its fingerprint is filled in.
        keep_old: Leave what the old source keeps.

    Raises:
        UsageError: it is there already, and nowhere else.
        Conflict: another key is at the new place.
        KeyUnavailable: the old place does not open, or the new one cannot keep it or prove itself.
        Unavailable: a key service does not answer now.
        SiteProblem: an extra is not installed, or a setting cannot be used.
    """
    old, new = _kept(folder, settings), _wanted(folder, settings, keys)
    key = unlock(folder, settings)
    if old.place == new.place:
        left_over = () if keep_old else _cleared(folder, settings, old)
        if not left_over:
            raise UsageError(f"The site key is kept in {old.place} already.")
        return Moved(", ".join(map(str, left_over)), new.place, key.fingerprint, "")
    copied = SiteKey(copy_key(old, new))
    if copied.fingerprint != key.fingerprint:
        raise KeyUnavailable("The source of the site key gave two keys. Nothing was changed.")
    settled = keys.model_copy(update={"fingerprint": key.fingerprint})
    write_key_settings(folder / SETTINGS_FILE, settled)
    left = "" if keep_old else old.destroy()
    return Moved(old.place, new.place, key.fingerprint, left)


def _kept(folder: Path, settings: Settings) -> SiteKeySource:
    """Return the source that keeps the key: the plain file, though the environment may go first."""
    if _given(settings.keys) and (folder / KEYS_FOLDER / FILE_NAME).exists():
        return PlainFile(folder / KEYS_FOLDER)
    return source_for(folder, settings)


def _wanted(folder: Path, settings: Settings, keys: KeySettings) -> SiteKeySource:
    """Return where the key goes: the plain file where that is asked, whatever is in the environment."""
    if _given(keys):
        return PlainFile(folder / KEYS_FOLDER)
    return source_for(folder, settings, keys)


def _cleared(folder: Path, settings: Settings, source: SiteKeySource) -> tuple[Path, ...]:
    """Destroy what an earlier move left of the key that `source` keeps; return where it was."""
    if not hmac.compare_digest(settings.keys.fingerprint, SiteKey(source.unlock()).fingerprint):
        return ()  # not known to be the key of this site
    used = file_of(settings.keys.source)
    return destroy_left_over(folder / KEYS_FOLDER, settings.id, source, used)


def _given(keys: KeySettings) -> bool:
    """Return whether the environment goes before the plain file, as it may."""
    return file_of(keys.source) == FILE_NAME and VARIABLE in os.environ
