"""Looks for a person in files as somebody would who has all of them, and the site key as well.

A needle is looked for in every spelling that a program might write it in, and in the digests that
somebody who guesses it could compute.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import quote

from bedside.canonical import Json, canonical_bytes
from bedside.keys.site_key import SiteKey

SOURCE = Path(__file__).resolve().parents[2] / "src" / "bedside"
SHORTEST = 7
"""Bytes of a needle: shorter ones are found in anything."""


def purposes() -> tuple[bytes, ...]:
    """Every purpose that a key is derived for anywhere in the source."""
    found = {
        one.encode()
        for path in SOURCE.rglob("*.py")
        for one in re.findall(r'b"(bedside/v1/[a-z/-]+)"', path.read_text())
    }
    assert len(found) >= 7, found
    return tuple(sorted(found))


def spelled(text: str) -> Iterator[bytes]:
    """Yield the spellings of a text."""
    plain = text.encode()
    yield plain
    yield from (text.encode(code) for code in ("utf-16-le", "utf-16-be"))
    yield json.dumps(text)[1:-1].encode()
    yield json.dumps(text)[1:-1].upper().encode()
    yield quote(text, safe="").encode()
    yield from of_bytes(plain)


def of_bytes(data: bytes) -> Iterator[bytes]:
    """Yield bytes as hexadecimal and as base64, wherever in a longer run they begin."""
    yield data.hex().encode()
    yield data.hex().upper().encode()
    for skipped in range(3):
        run = base64.b64encode(bytes(skipped) + data)
        first, last = (0, 2, 3)[skipped], len(run) - (0, 3, 2)[(skipped + len(data)) % 3] or None
        inner = run[first : last if (skipped + len(data)) % 3 else None].rstrip(b"=")
        yield inner[:-1] if (skipped + len(data)) % 3 else inner
        yield inner.translate(bytes.maketrans(b"+/", b"-_"))[:-1]


def numbers(value: float) -> Iterator[bytes]:
    """Yield a number as text and as the machine has it."""
    yield repr(value).encode()
    yield from (struct.pack(form, value) for form in ("<d", ">d"))


def guesses(site_key: SiteKey, data: bytes, salts: Iterable[bytes] = ()) -> Iterator[bytes]:
    """Yield what somebody computes who guesses `data`: digests, with and without keys and salts."""
    digests = [hashlib.new(name, data).digest() for name in ("md5", "sha1", "sha256", "sha512")]
    keys = [b"", *(site_key.derive(one) for one in purposes()), *salts]
    for key in keys:
        digests += [hmac.digest(key, data, "sha256"), hashlib.sha256(key + data).digest()]
    for digest in digests:
        yield digest
        yield digest.hex().encode()
        yield base64.b64encode(digest)[:-2]


def needles(site_key: SiteKey, texts: Iterable[str], values: Iterable[Json]) -> set[bytes]:
    """Return everything to look for: texts, numbers and whole inputs of one person."""
    found: set[bytes] = set()
    for text in texts:
        found |= {*spelled(text), *guesses(site_key, text.encode())}
    for value in values:
        if isinstance(value, float):
            found |= set(numbers(value))
        else:
            data = canonical_bytes(value)
            found |= {*spelled(data.decode()), *guesses(site_key, data)}
    short = {needle for needle in found if len(needle) < SHORTEST}
    assert not short, short
    return found


def found_in(files: Iterable[Path], wanted: Iterable[bytes]) -> dict[str, set[bytes]]:
    """Return which needles each file holds; files without any are left out."""
    looked_for = sorted(wanted)
    hits: dict[str, set[bytes]] = {}
    for path in files:
        try:
            data = path.read_bytes()
        except FileNotFoundError:  # what a database server made and took away again
            continue
        if hit := {one for one in looked_for if one in data}:
            hits[str(path)] = hit
    return hits


def files_under(*folders: Path) -> list[Path]:
    """Return every file under some folders, hidden ones too."""
    return sorted(path for folder in folders for path in folder.rglob("*") if path.is_file())
