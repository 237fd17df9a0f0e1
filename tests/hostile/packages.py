"""Packages that are bombs, traps and polyglots."""

from __future__ import annotations

import io
import json
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bedside.canonical import canonical_bytes
from bedside.keys.signing import SigningKey
from bedside.package.archive import read_archive, write_archive
from bedside.package.manifest import MAX_MANIFEST_BYTES, write_manifest
from tests.hostile.hostile import Hostile
from tests.package.building import Recipe

PLAIN = "not stored plainly"


def packages() -> Iterator[Hostile]:
    """Yield the packages of the corpus."""
    whole = Recipe().archive()
    yield Hostile("good.bedside", "package", whole, None)
    for name, data, says in (*_archives(whole), *_entries(), *_python_zips(), *_manifests()):
        yield Hostile(f"{name}.bedside", "package", data, says)
    yield from _signatures()


def _archives(whole: bytes) -> Iterator[tuple[str, bytes, str]]:
    """Yield archives that differ from the one valid spelling of good entries."""
    directory = whole.index(b"PK\x01\x02")
    end = whole.rindex(b"PK\x05\x06")
    stranger = write_archive({"evil.json": b"{}"})
    hidden = stranger[: stranger.index(b"PK\x01\x02")]
    yield "empty", b"", "Not a Bedside package"
    yield "only-an-end", whole[end:], "Not a Bedside package"
    yield "prefix", b"#!/bin/sh\necho hello\n" + whole, "Not a Bedside package"
    yield "trailing-bytes", whole + b"\0" * 1000, "1000 stray bytes follow"
    yield "a-second-archive-after-the-end", whole + stranger, "stray bytes follow"
    yield (
        "hidden-between-entries-and-directory",
        (whole[:directory] + b"HIDDEN" + whole[directory:]),
        "differs from its only valid spelling",
    )
    yield "hidden-entry-not-in-the-directory", (hidden + whole), "wrong order"
    yield (
        "hidden-entry-before-the-directory",
        (whole[:directory] + hidden + whole[directory:]),
        "wrong order",
    )
    comment = whole[:end] + whole[end : end + 20] + struct.pack("<H", len(stranger)) + stranger
    yield "an-archive-in-the-comment", comment, "differs from its only valid spelling"
    yield "truncated", whole[: len(whole) // 2], "the file ends"
    yield "without-its-end", whole[:end], "differs from its only valid spelling"
    yield (
        "directory-names-another-entry",
        (whole[:directory] + whole[directory:].replace(b"model.onnx", b"modem.onnx")),
        "differs from its only valid spelling",
    )
    yield (
        "directory-says-symlink",
        (
            whole[:directory]
            + whole[directory:].replace(
                struct.pack("<I", 0o100644 << 16), struct.pack("<I", 0o120777 << 16), 1
            )
        ),
        "differs from its only valid spelling",
    )
    yield (
        "offset-points-elsewhere",
        (whole[: end + 16] + struct.pack("<I", 7) + whole[end + 20 :]),
        "differs from its only valid spelling",
    )
    yield (
        "a-flipped-weight",
        _flipped(whole, whole.index(b"Softmax")),
        "do not match its checksum",
    )


def _flipped(data: bytes, position: int) -> bytes:
    return data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :]


def _entry(name: bytes, content: bytes = b"{}", **changes: int) -> bytes:
    """Return a local entry whose header is as given, right or wrong."""
    parts = {"version": 10, "flags": 0, "method": 0, "time": 0, "date": 33, "extra": 0}
    parts |= {"crc": zlib.crc32(content), "packed": len(content), "size": len(content)} | changes
    order = ("version", "flags", "method", "time", "date", "crc", "packed", "size")
    header = struct.pack("<4sHHHHHIII", b"PK\x03\x04", *(parts[one] for one in order))
    return header + struct.pack("<HH", len(name), parts["extra"]) + name + content


def _entries() -> Iterator[tuple[str, bytes, str]]:
    """Yield archives whose first entry is the trap."""
    names = {
        "path-traversal": b"../../etc/cron.d/evil.json",
        "absolute-name": b"/etc/passwd.json",
        "backslash-name": b"..\\..\\evil.json",
        "drive-name": b"c:evil.json",
        "folder-name": b"folder/evil.json",
        "upper-case-name": b"MANIFEST.JSON",
        "unicode-name": "mаnifest.json".encode(),  # its second letter is Cyrillic
        "name-with-nul": b"manifest.json\0.txt",
        "empty-name": b"",
        "name-with-line-end": b"manifest.json\n",
        "endless-name": b"a" * 60_000 + b".b",
    }
    for name, spelling in names.items():
        yield name, _entry(spelling), "is not allowed"
    yield "compressed-entry", _entry(b"manifest.json", method=8), PLAIN
    yield "encrypted-entry", _entry(b"manifest.json", flags=1), PLAIN
    yield "data-descriptor", _entry(b"manifest.json", flags=8), PLAIN
    yield "extra-field", _entry(b"manifest.json", extra=4), PLAIN
    yield "zip64-entry", _entry(b"manifest.json", version=45), PLAIN
    yield "two-sizes", _entry(b"manifest.json", packed=2, size=2**31), PLAIN
    yield (
        "four-gigabytes-promised",
        _entry(b"manifest.json", packed=2**32 - 1, size=2**32 - 1),
        "should have 4294967295 bytes",
    )
    twice = _entry(b"manifest.json") * 2
    yield "entry-that-stands-twice", twice, "stands twice"
    crowd = b"".join(_entry(b"%02d.b" % number, b"") for number in range(65))
    yield "sixty-five-entries", crowd, "More than 64 entries"
    bare = write_archive({"model.onnx": b"x"})
    yield "without-a-manifest", bare, "has no manifest.json"


def _python_zips() -> Iterator[tuple[str, bytes, str]]:
    """Yield what Python's zip writer makes of a bomb and of a link."""
    yield "deflate-bomb", _zipped("manifest.json", bytes(20 * 2**20), zipfile.ZIP_DEFLATED), PLAIN
    yield "bzip2-bomb", _zipped("manifest.json", bytes(20 * 2**20), zipfile.ZIP_BZIP2), PLAIN
    inner = _zipped("manifest.json", bytes(20 * 2**20), zipfile.ZIP_DEFLATED)
    yield "bomb-in-a-zip", _zipped("inner.zip", inner, zipfile.ZIP_DEFLATED), PLAIN
    link = zipfile.ZipInfo("manifest.json", (1980, 1, 1, 0, 0, 0))
    link.external_attr = 0o120777 << 16
    yield "symbolic-link", _zipped(link, b"/etc/passwd", zipfile.ZIP_STORED), PLAIN


def _zipped(name: str | zipfile.ZipInfo, content: bytes, method: int) -> bytes:
    info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)) if isinstance(name, str) else name
    info.compress_type = method
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr(info, content)
    return buffer.getvalue()


def _manifests() -> Iterator[tuple[str, bytes, str]]:
    """Yield packages whose manifest is the trap."""
    recipe = Recipe()
    written = write_manifest(recipe.manifest())

    def package(manifest: bytes) -> bytes:
        return write_archive({**recipe.entries(), "manifest.json": manifest})

    def replaced(old: bytes, new: bytes) -> bytes:
        assert old in written
        return package(written.replace(old, new, 1))

    tolerance = b'"tolerance":0.00001'
    yield "manifest-nan", replaced(tolerance, b'"tolerance":NaN'), "NaN is not a JSON number"
    yield "manifest-infinity", replaced(tolerance, b'"tolerance":Infinity'), "Infinity is not"
    yield "manifest-huge-float", replaced(tolerance, b'"tolerance":1e999'), "too large to be read"
    huge = b'"tolerance":' + b"9" * 5000
    yield "manifest-huge-integer", replaced(tolerance, huge), "too long"
    yield "manifest-2-to-the-53", replaced(tolerance, b'"tolerance":9007199254740993'), "too large"
    yield "manifest-repeated-name", replaced(b"{", b'{"name":"other",'), "stands twice in one JSON"
    yield "manifest-unknown-field", replaced(b"{", b'{"aaa":1,'), "aaa"
    yield (
        "manifest-newer-version",
        replaced(b'"format_version":1', b'"format_version":2'),
        "Format version '2' is not known",
    )
    yield (
        "manifest-version-true",
        replaced(b'"format_version":1', b'"format_version":true'),
        "not written in canonical JSON",
    )
    yield (
        "manifest-version-is-a-table",
        replaced(b'"format_version":1', b'"format_version":{"a":1}'),
        "is not known",
    )
    yield "manifest-not-canonical", replaced(b"{", b"{ "), "canonical"
    yield "manifest-with-a-mark", package(b"\xef\xbb\xbf" + written), "cannot be read"
    yield "manifest-not-utf-8", replaced(b"Testing", b"Test\xffing"), "Not UTF-8"
    yield "manifest-lone-surrogate", replaced(b"Testing", b"Test\\ud800ing"), "manifest"
    yield "manifest-utf-16", package(written.decode().encode("utf-16")), "Not UTF-8"
    yield "manifest-deep", package(b"[" * 100_000 + b"]" * 100_000), "nested deeper than 64"
    yield "manifest-deep-objects", package(b'{"a":' * 5000 + b"1" + b"}" * 5000), "nested deeper"
    yield "manifest-a-list", package(b"[]"), "is not known"
    yield "manifest-a-null", package(b"null"), "is not known"
    yield "manifest-cut-short", package(written[:-1]), "Not JSON"
    yield "manifest-empty", package(b""), "Not JSON"
    yield "manifest-oversized", package(b" " * (MAX_MANIFEST_BYTES + 1)), "at most 8388608"
    for name, (change, says) in _changes().items():
        value = json.loads(written)
        change(value)
        yield f"manifest-{name}", package(canonical_bytes(value)), says


def _changes() -> Mapping[str, tuple[Callable[[dict[str, object]], object], str]]:
    """Return what is changed in a good manifest, and the words of the refusal."""

    def put(*path: str, value: object) -> Callable[[dict[str, object]], object]:
        def change(manifest: dict[str, object]) -> None:
            inner = manifest
            for name in path[:-1]:
                following = inner[name]
                assert isinstance(following, dict)
                inner = following
            inner[path[-1]] = value

        return change

    return {
        "regex-bomb-version": (
            put("version", value="1.0.0-" + "a-" * 30_000 + "!"),
            "must be like",
        ),
        "regex-bomb-name": (put("name", value="a" + "-" * 60_000 + "!"), "must be lower-case"),
        "unlisted-entry": (put("entries", value={}), "entries"),
        "wrong-digest": (
            put("entries", "model.onnx", "digest", value="sha256:" + "0" * 64),
            "has the digest",
        ),
        "wrong-size": (put("entries", "model.onnx", "size", value=2**52), "the manifest says"),
        "negative-size": (put("entries", "model.onnx", "size", value=-1), "not valid"),
        "entry-with-a-path": (
            put("entries", "../evil.json", value={"size": 1, "digest": "sha256:" + "0" * 64}),
            "not valid",
        ),
        "ten-million-golden-cases": (put("golden", "cases", value=10**7), "not valid"),
        "a-billion-columns": (
            put("model", "width", value=2**53 - 1),
            "the model takes 9007199254740991",
        ),
        "million-threads": (put("conditions", "threads", value=10**6), "not valid"),
        "unknown-operation": (
            put("preprocessing", value=[{"kind": "python", "code": "import os"}]),
            "not valid",
        ),
    }


def signing_key(seed: int) -> SigningKey:
    """Return the same key for the same seed, for tests only."""
    return SigningKey(Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32))


TRUSTED = 1
"""The seed of the key that `judge` trusts."""


def _signatures() -> Iterator[Hostile]:
    """Yield packages that pretend to be signed by the trusted key."""
    trusted, stranger = signing_key(TRUSTED), signing_key(2)
    recipe = Recipe()
    good, theirs = recipe.archive(trusted), recipe.archive(stranger)
    mine = read_archive(good)["signature.json"]
    print_of = trusted.public.fingerprint.encode()
    claimed = mine_of(theirs).replace(stranger.public.fingerprint.encode(), print_of)
    other = read_archive(Recipe(tolerance=1e-4).archive(trusted))["signature.json"]
    told = {
        "unsigned": (recipe.archive(), "is not signed"),
        "signed-by-a-stranger": (theirs, "not among the 1 trusted"),
        "signed-under-a-trusted-name": (with_signature(good, claimed), "was not made by"),
        "signature-of-another-package": (with_signature(good, other), "was not made by"),
        "signature-with-its-own-trusted-keys": (
            with_signature(good, mine.replace(b"{", b'{"a_trusted":["me"],', 1)),
            "not valid",
        ),
        "signature-with-another-algorithm": (
            with_signature(good, mine.replace(b'"ed25519"', b'"none"', 1)),
            "not valid",
        ),
        "signature-oversized": (with_signature(good, mine + b" " * 5000), "at most 1024"),
        "signature-spelt-in-another-way": (
            with_signature(good, mine.replace(b"==", b"")),
            "not valid",
        ),
    }
    yield Hostile("signed.bedside", "signed", good, None)
    for name, (data, says) in told.items():
        yield Hostile(f"{name}.bedside", "signed", data, says)


def mine_of(archive: bytes) -> bytes:
    """Return the signature entry of an archive."""
    return read_archive(archive)["signature.json"]


def with_signature(archive: bytes, signature: bytes) -> bytes:
    """Return `archive` with another signature entry."""
    return write_archive({**read_archive(archive), "signature.json": signature})
