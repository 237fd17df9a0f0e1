"""What stands in the clear about a generation: canonical JSON, with a MAC under the site key."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from bedside.canonical import Json, canonical_bytes, read_json
from bedside.errors import BedsideError, KeyUnavailable, SiteProblem
from bedside.keys.site_key import SiteKey

Part: TypeAlias = Literal["data", "keys"]
PARTS: Final[tuple[Part, ...]] = ("data", "keys")

FORMAT: Final = "bedside-backup"
VERSION: Final = 1
_PURPOSE: Final = b"bedside/v1/backup/"


@dataclass(frozen=True, slots=True)
class SealedFile:
    """One of the two files: its size in bytes, and its digest (`sha256:…`)."""

    size: int
    digest: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What is told of a generation; nothing of a patient.

    Attributes:
        generation: Its name: the time, in digits that sort.
        made: RFC 3339 time in UTC of the moment that it shows.
        origin: Of the site's ledger.
        software: Version of Bedside that made it.
        schema: Revision of the database's schema.
        dialect: Kind of database that it was made from; it restores to either.
        size: Entries in the ledger.
        root: The root over them, in hexadecimal.
        note: The signed head: a checkpoint of this size and root.
        data: The file with database, blobs, settings and public keys.
        keys: The file with subject keys and signing keys.
        unlock: How the site key is got: the table `[keys]` of `site.toml`, and the site key as a
            key management service wrapped it (base64), or null.
        site_key: What the site key is known by (`SiteKey.fingerprint`); nothing can be made of it.
    """

    generation: str
    made: str
    origin: str
    software: str
    schema: str
    dialect: str
    size: int
    root: str
    note: str
    data: SealedFile
    keys: SealedFile
    unlock: dict[str, Json]
    site_key: str

    def part(self, name: Part) -> SealedFile:
        """Return what is told of one of the two files."""
        return self.data if name == "data" else self.keys

    def document(self) -> dict[str, Json]:
        """Return it as JSON, without its MAC."""
        return {
            "data": {"digest": self.data.digest, "size": self.data.size},
            "dialect": self.dialect,
            "format": FORMAT,
            "generation": self.generation,
            "keys": {"digest": self.keys.digest, "size": self.keys.size},
            "ledger": {"note": self.note, "root": self.root, "size": self.size},
            "made": self.made,
            "origin": self.origin,
            "schema": self.schema,
            "site_key": self.site_key,
            "software": self.software,
            "unlock": self.unlock,
            "v": VERSION,
        }


def part_key(site_key: SiteKey, part: Part) -> bytes:
    """Return the key from which the keys of all files of one part are derived."""
    return site_key.derive(_PURPOSE + part.encode())


def write_manifest(manifest: Manifest, site_key: SiteKey) -> bytes:
    """Return the bytes of the manifest's file."""
    told = manifest.document()
    return canonical_bytes(told | {"mac": _mac(site_key, told)}) + b"\n"


def read_manifest(data: bytes, name: str) -> Manifest:
    """Return what a manifest says; `check_manifest` finds out whether the site said it.

    Raises:
        SiteProblem: it is not a manifest of this version.
    """
    try:
        value = read_json(data)
        kind = (value["format"], value["v"])
        manifest = _read(value) if kind == (FORMAT, VERSION) else None
    except (KeyError, TypeError, ValueError, BedsideError) as problem:
        raise SiteProblem(
            f"{name} is not a backup's manifest.", advice="Use another generation."
        ) from problem
    if manifest is None:
        raise SiteProblem(
            f"{name} is a {kind[0]!r} of version {kind[1]!r}.",
            advice=f"This Bedside reads version {VERSION}: use the one that made it.",
        )
    return manifest


def check_manifest(data: bytes, name: str, site_key: SiteKey) -> Manifest:
    """Return what a manifest says, once it is known that the holder of the site key says it.

    Raises:
        KeyUnavailable: it was made under another site key.
        SiteProblem: it is not a manifest of this version, or it was altered.
    """
    manifest = read_manifest(data, name)
    if manifest.site_key != site_key.fingerprint:
        raise KeyUnavailable(
            f"{name} was made under another site key.",
            advice="Give the key of the site that was backed up: its safe copy, or its KMS.",
        )
    if not hmac.compare_digest(data, write_manifest(manifest, site_key)):
        raise SiteProblem(f"{name} was altered.", advice="Use another generation.")
    return manifest


def _mac(site_key: SiteKey, told: dict[str, Json]) -> str:
    key = site_key.derive(_PURPOSE + b"manifest")
    return hmac.digest(key, canonical_bytes(told), "sha256").hex()


def _read(value: Any) -> Manifest:
    ledger = value["ledger"]
    texts = ("generation", "made", "origin", "software", "schema", "dialect", "site_key")
    return Manifest(
        **{name: str(value[name]) for name in texts},
        size=int(ledger["size"]),
        root=str(ledger["root"]),
        note=str(ledger["note"]),
        data=SealedFile(int(value["data"]["size"]), str(value["data"]["digest"])),
        keys=SealedFile(int(value["keys"]["size"]), str(value["keys"]["digest"])),
        unlock=dict(value["unlock"]),
    )
