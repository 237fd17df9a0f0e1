"""The file of a site key that is not in the clear: canonical JSON, read strictly."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from bedside.canonical import Json, canonical_bytes, read_json
from bedside.errors import BedsideError, KeyUnavailable
from bedside.keys.files import read_secret, replace_secret, write_secret

FORMAT: Final = "bedside-site-key"
VERSION: Final = 1
ADVICE: Final = "Restore the file from its safe copy; a new key opens nothing of this site."


def write_envelope(path: Path, content: Mapping[str, Json], *, anew: bool = False) -> None:
    """Write a file of this format, mode 0600.

    Args:
        path: The file.
        content: Its members besides format and version.
        anew: Whether it takes the place of the one that is there.

    Raises:
        Conflict: there is one already, and it is not to be replaced.
        KeyUnavailable: it cannot be written.
    """
    whole = {"format": FORMAT, "v": VERSION, **content}
    write = replace_secret if anew else write_secret
    write(path, canonical_bytes(whole) + b"\n")


def read_envelope(path: Path, kind: str, site: str, members: frozenset[str]) -> dict[str, Json]:
    """Return the content of a file of this format.

    Args:
        path: The file.
        kind: What kind of file it must be: `passphrase` or `wrapped`.
        site: The id of the site that it must be of.
        members: The names of the other members that it must have, and no others.

    Raises:
        KeyUnavailable: missing, readable by others, of another kind or site, or not of this format.
    """
    data = read_secret(path)
    try:
        value = read_json(data)
    except BedsideError as problem:
        raise KeyUnavailable(f"{path} is not JSON: {problem.message}", advice=ADVICE) from problem
    wanted = members | {"format", "v", "kind", "site"}
    if not isinstance(value, dict) or set(value) != wanted or value["format"] != FORMAT:
        raise KeyUnavailable(f"{path} holds no wrapped site key.", advice=ADVICE)
    if value["v"] != VERSION:
        raise KeyUnavailable(
            f"{path} is of version {value['v']!r}; this Bedside reads {VERSION}.",
            advice="Install the newer Bedside that wrote it.",
        )
    if (value["kind"], value["site"]) != (kind, site):
        raise KeyUnavailable(
            f"{path} is a {value['kind']!r} key of the site {value['site']!r}, not a {kind!r} key"
            f" of {site!r}.",
            advice="Put this site's own file there, or correct [keys] in site.toml.",
        )
    return value


def is_of_site(path: Path, site: str) -> bool:
    """Return whether a file is of this format and names this site; of whatever kind it is."""
    try:
        value = read_json(read_secret(path))
    except BedsideError:
        return False
    return isinstance(value, dict) and (value.get("format"), value.get("site")) == (FORMAT, site)


def bytes_of(path: Path, value: Json, most: int) -> bytes:
    """Return the bytes of a base64 text, at most `most` of them.

    Raises:
        KeyUnavailable: not such a text.
    """
    try:
        data = base64.b64decode(value, validate=True)
    except (binascii.Error, TypeError, ValueError) as problem:
        raise KeyUnavailable(f"A part of {path} is not base64.", advice=ADVICE) from problem
    if not 1 <= len(data) <= most:
        raise KeyUnavailable(f"A part of {path} has {len(data)} bytes.", advice=ADVICE)
    return data


def text_of(data: bytes) -> str:
    """Return bytes as base64 text."""
    return base64.b64encode(data).decode("ascii")
