"""Puts a package among those that come with Bedside, and its signer's fingerprint into the source."""

from __future__ import annotations

from pathlib import Path

from bedside.keys.signing import PublicKey
from bedside.package.package import Package
from bedside.package.shipped import known
from bedside.package.shipped.catalogue import HERE, Shipped

MOST_BYTES = 8 * 2**20
SOURCE = Path(known.__file__)


def place(archive: bytes, package: Package, key: PublicKey) -> Shipped:
    """Write a package and its public key beside the catalogue, and name both in the source.

    An earlier version of the same name goes.

    Args:
        archive: Its bytes, signed.
        package: The same, opened.
        key: Whose private half signed it, and is gone.

    Raises:
        SystemExit: it is too large for the wheel.
    """
    manifest = package.manifest
    if len(archive) > MOST_BYTES:
        raise SystemExit(f"{manifest.ref} has {len(archive)} bytes; the wheel takes {MOST_BYTES}.")
    entry = (manifest.name, manifest.version, key.fingerprint)
    others = [one for one in known.KNOWN if one[0] != manifest.name]
    for old in HERE.glob(f"{manifest.name}-[0-9]*"):
        old.unlink()
    made = Shipped(*entry, folder=HERE)
    made.path.write_bytes(archive)
    made.path.with_suffix(".pub").write_text(key.to_pem(), encoding="ascii")
    written = rewritten(SOURCE.read_text(encoding="utf-8"), sorted([*others, entry]))
    SOURCE.write_text(written, encoding="utf-8")
    return made


def rewritten(source: str, entries: list[tuple[str, str, str]]) -> str:
    """Return the text of `known.py` with these entries in the place of those that it has."""
    begin = source.index("KNOWN: Final")
    end = source.index("\n)\n", begin) + len("\n)\n")
    written = "".join(
        "    (\n" + "".join(f'        "{word}",\n' for word in one) + "    ),\n" for one in entries
    )
    kind = "KNOWN: Final[tuple[tuple[str, str, str], ...]] = (\n"
    return f"{source[:begin]}{kind}{written})\n{source[end:]}"
