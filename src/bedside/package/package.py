"""Builds, opens and signs a package; nothing in it is executed.

An opened package is whole: its archive has the only valid spelling, its manifest is valid and
fits together, and every entry has the size and the digest that the manifest lists. Whether it is
trusted is `check_signature`; whether it still gives its answers is `runtime.runner.load`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from bedside.canonical import digest
from bedside.errors import LimitExceeded, PackageDamaged, SignatureRefused, UsageError
from bedside.keys.signing import PublicKey, SigningKey
from bedside.package.antspynet import AntspynetModel
from bedside.package.archive import MANIFEST, SIGNATURE, read_archive, read_file, write_archive
from bedside.package.consistency import check_manifest
from bedside.package.golden import GoldenCase, check_golden, read_golden
from bedside.package.manifest import Entry, Manifest, read_manifest, write_manifest
from bedside.package.signature import (
    Signature,
    read_signature,
    signed_message,
    spelled_signature,
    write_signature,
)


@dataclass(frozen=True, slots=True)
class Package:
    """A package that was opened and found whole.

    Attributes:
        manifest: What it says of itself.
        digest: SHA-256 of `manifest.json`; names the package.
        entries: Every entry but `manifest.json` and `signature.json`, by name.
        signature: Who signed it, as it says; not verified until `check_signature`.
        golden: The golden cases, parsed.
    """

    manifest: Manifest
    digest: str
    entries: Mapping[str, bytes]
    signature: Signature | None
    golden: tuple[GoldenCase, ...]

    @property
    def network(self) -> bytes:
        """The bytes of the model's entry.

        Raises:
            UsageError: a library stands in the network's place.
        """
        model = self.manifest.model
        if isinstance(model, AntspynetModel):
            raise UsageError(f"{self.manifest.ref} runs {model.function!r}; it holds no network.")
        return self.entries[model.entry]

    @property
    def network_size(self) -> int:
        """Bytes of the network; 0 where a library stands in its place."""
        model = self.manifest.model
        return 0 if isinstance(model, AntspynetModel) else len(self.entries[model.entry])


def describe_entries(entries: Mapping[str, bytes]) -> dict[str, Entry]:
    """Return what a manifest says of `entries`: the size and the digest of each."""
    return {name: Entry(size=len(data), digest=digest(data)) for name, data in entries.items()}


def build_package(
    manifest: Manifest, entries: Mapping[str, bytes], key: SigningKey | None
) -> bytes:
    """Return the archive of a package, signed where a key is given.

    The same manifest, entries and key always give the same bytes.

    Raises:
        UsageError, LimitExceeded: an entry's name or the sizes are not allowed.
        PackageDamaged: manifest and entries do not fit together; the message names the fault.
    """
    if reserved := {MANIFEST, SIGNATURE} & set(entries):
        raise UsageError(f"The entries {sorted(reserved)} are written here, not given.")
    written = write_manifest(manifest)
    parts = {MANIFEST: written, **entries}
    if key is not None:
        parts[SIGNATURE] = _sign(digest(written), key)
    archive = write_archive(parts)
    open_package(archive)
    return archive


def open_package(source: bytes | Path) -> Package:
    """Return the package in an archive, given as bytes or as the path of a file.

    Raises:
        PackageDamaged: not a package, or anything in it is not as the format demands.
        NotFound, UsageError: the path leads to no readable file.
    """
    parts = read_archive(read_file(source) if isinstance(source, Path) else source)
    if MANIFEST not in parts:
        raise PackageDamaged(f"The archive has no {MANIFEST}; it holds {', '.join(parts)}.")
    written = parts.pop(MANIFEST)
    signature = read_signature(parts.pop(SIGNATURE)) if SIGNATURE in parts else None
    manifest = read_manifest(written)
    check_manifest(manifest)
    _check_entries(manifest, parts)
    golden = read_golden(parts[manifest.golden.entry])
    if len(golden) != manifest.golden.cases:
        raise PackageDamaged(
            f"{manifest.golden.entry!r} holds {len(golden)} golden cases; the manifest says "
            f"{manifest.golden.cases}."
        )
    check_golden(golden, manifest.postprocessing)
    return Package(manifest, digest(written), MappingProxyType(parts), signature, golden)


def archive_of(package: Package) -> bytes:
    """Return the archive of an opened package: the only one that can hold it."""
    parts = {MANIFEST: write_manifest(package.manifest), **package.entries}
    if package.signature is not None:
        parts[SIGNATURE] = spelled_signature(package.signature)
    return write_archive(parts)


def check_signature(package: Package, trusted: Collection[PublicKey]) -> PublicKey:
    """Return the trusted key that signed `package`.

    Raises:
        SignatureRefused: unsigned, signed by a key that is not trusted, or not by that key.
    """
    signature = package.signature
    if signature is None:
        raise SignatureRefused(
            f"The package {package.manifest.ref} is not signed.",
            advice="Sign it when freezing (`bedside freeze … --key FILE`).",
        )
    key = next((key for key in trusted if key.fingerprint == signature.key), None)
    if key is None:
        raise SignatureRefused(
            f"The package {package.manifest.ref} says it is signed by {signature.key}, which is "
            f"not among the {len(trusted)} trusted key(s).",
            advice="If you know whose key this is, trust it with `bedside keys trust`.",
        )
    if not key.verify(signature.raw, signed_message(package.digest)):
        raise SignatureRefused(
            f"The signature of {package.manifest.ref} was not made by {signature.key} over this "
            "manifest.",
            advice="Do not use this file; get the package again from whoever froze it.",
        )
    return key


def sign_package(archive: bytes, key: SigningKey) -> bytes:
    """Return `archive` signed by `key`; an earlier signature is replaced.

    Raises:
        PackageDamaged: `archive` is not a whole package.
    """
    package = open_package(archive)
    parts = {
        **package.entries,
        MANIFEST: write_manifest(package.manifest),
        SIGNATURE: _sign(package.digest, key),
    }
    try:
        return write_archive(parts)
    except LimitExceeded as problem:  # an unsigned package may be as large as the limit
        raise PackageDamaged(f"With a signature: {problem.message}") from problem


def _sign(manifest_digest: str, key: SigningKey) -> bytes:
    return write_signature(key.sign(signed_message(manifest_digest)), key.public.fingerprint)


def _check_entries(manifest: Manifest, parts: Mapping[str, bytes]) -> None:
    listed, found = set(manifest.entries), set(parts)
    if listed != found:
        raise PackageDamaged(
            f"The archive and its manifest differ: missing {sorted(listed - found)}, not listed "
            f"{sorted(found - listed)}."
        )
    for name, entry in manifest.entries.items():
        if len(parts[name]) != entry.size:
            raise PackageDamaged(
                f"{name!r} has {len(parts[name])} bytes; the manifest says {entry.size}."
            )
        if (actual := digest(parts[name])) != entry.digest:
            raise PackageDamaged(f"{name!r} has the digest {actual}, not {entry.digest}.")
