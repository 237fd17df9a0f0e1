"""From one source of a site key to another, with proof that the new one opens."""

from __future__ import annotations

import hmac

from bedside.errors import Conflict, KeyUnavailable
from bedside.keys.site_keys.source import SiteKeySource


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
