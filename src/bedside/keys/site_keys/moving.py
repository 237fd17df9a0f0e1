"""From one source of a site key to another, with proof that the new one opens."""

from __future__ import annotations

import hmac
from pathlib import Path

from bedside.errors import Conflict, KeyUnavailable
from bedside.keys.files import destroy_secret
from bedside.keys.site_keys.envelope import is_of_site
from bedside.keys.site_keys.opening import FILE_NAMES
from bedside.keys.site_keys.plain import FILE_NAME, PlainFile
from bedside.keys.site_keys.source import SiteKeySource
from bedside.keys.site_keys.wrapped import WrappedFile


def copy_key(old: SiteKeySource, new: SiteKeySource) -> bytes:
    """Keep the key of `old` in `new` as well, and return it once `new` has proved that it opens.

    Where an earlier attempt was cut off, what it left in `new` is used if it is this key. Nothing
    is destroyed.

    Raises:
        Conflict: another key is in `new`.
        KeyUnavailable: `old` does not open, or `new` does not give back what it was given.
        Unavailable: a service does not answer now.
        SiteProblem: an extra is not installed, or a setting cannot be used.
    """
    secret = old.unlock()
    try:
        new.keep(secret)
    except Conflict:
        if not hmac.compare_digest(new.unlock(), secret):
            raise
    if not hmac.compare_digest(new.unlock(), secret):
        raise KeyUnavailable(
            f"What {new.place} gives is not what it was given. Nothing was changed.",
            advice="Do not use this source; the key stays where it is.",
        )
    return secret


def destroy_left_over(
    folder: Path, site: str, source: SiteKeySource, used: str | None
) -> tuple[Path, ...]:
    """Destroy what holds the key of `source` beside it, and return where that was.

    A file in the clear must hold this very key. One that is sealed or wrapped is not opened: it
    names its site, and a site has one key.

    Args:
        folder: The folder of the site's keys.
        site: The site's id.
        source: Where the key is, and stays.
        used: The name of the file that `source` is in, or None.

    Raises:
        KeyUnavailable: `source` does not open, or something cannot be destroyed.
        Unavailable: a service does not answer now.
        SiteProblem: an extra is not installed, or a setting cannot be used.
    """
    secret, gone = source.unlock(), []
    for path in (folder / name for name in FILE_NAMES if name != used):
        if _is_plain(path, secret) if path.name == FILE_NAME else is_of_site(path, site):
            destroy_secret(path)
            gone.append(path)
    if isinstance(source, WrappedFile) and source.destroy_others():
        gone.append(source.path)
    return tuple(gone)


def _is_plain(path: Path, secret: bytes) -> bool:
    """Return whether a file holds `secret` in the clear."""
    try:
        return hmac.compare_digest(PlainFile(path.parent).unlock(), secret)
    except KeyUnavailable:
        return False
