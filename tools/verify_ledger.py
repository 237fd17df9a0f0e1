#!/usr/bin/env python3
"""Verifies an export of a Bedside ledger with Python and `cryptography`, and nothing of Bedside.

    python verify_ledger.py EXPORT LEDGER.pub [--witness FILE [--witness-key VKEY]] [--earlier EXPORT]

Written from docs/spec/ledger.md alone. It leaves with 0 when all is proved; with 1 when something is
wrong, naming the first wrong entry where it can be known; with 2 when it cannot use what it is given.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import re
import sys
from collections.abc import Container, Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

MAX_LINE = 6 * 1_048_576 + 4096
TEXTS = ("id", "kind", "about", "at", "actor", "credential", "door")
TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z")
COSIGNATURE = 4
NOTE = re.compile(r"((?:[^\x00-\x1f]*\n)+)\n((?:— [^\x00-\x20]+ [^\x00-\x20]+\n)+)")
NOTES = re.compile(r"(?:[^\n]+\n)+\n(?:— [^\n]*\n)+")


class Wrong(ValueError):
    """The record is not what it must be; `entry` is the first wrong entry where it is known."""

    def __init__(self, why: str, entry: int | None = None) -> None:
        super().__init__(why)
        self.entry = entry


class Unusable(Exception):
    """This is nothing that could be verified."""


def _sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def _unbase64(text: Any, lengths: Container[int] = (32,)) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except (TypeError, ValueError):
        data = b""
    if base64.b64encode(data).decode() != text or len(data) not in lengths:
        raise Wrong(f"{str(text)[:80]!r} is not {lengths} bytes in base64")
    return data


def _canonical(value: Any, depth: int = 1) -> str:
    if isinstance(value, float):  # the digits of Python, laid out as ECMAScript does
        if value == 0 or 1e-6 <= abs(value) < 1e21:
            return format(Decimal(repr(value or 0)), "f").removesuffix(".0")
        mantissa, _, exponent = repr(value).partition("e")
        return f"{mantissa}e{int(exponent):+d}"  # inf and nan have none: a ValueError
    if isinstance(value, str | bool) or value is None:
        return json.dumps(value, ensure_ascii=False)
    if depth > 64:
        raise ValueError("nested deeper than 64")
    if isinstance(value, list):
        return f"[{','.join(_canonical(one, depth + 1) for one in value)}]"
    names = sorted(value, key=lambda name: str(name).encode("utf-16-be"))
    members = (f"{_canonical(name)}:{_canonical(value[name], depth + 1)}" for name in names)
    return f"{{{','.join(members)}}}"


def _read(data: bytes, what: str) -> Any:
    """Return the value of canonical JSON (RFC 8785): what gives the same text again."""
    try:
        value = json.loads(data.decode(), parse_int=float)  # true is then no number
        if _canonical(value).encode() == data:  # a name that stood twice is there once now
            return value
    except (ValueError, RecursionError) as problem:
        raise Wrong(f"{what} cannot be read: {problem}") from None
    raise Wrong(f"{what} is not canonical JSON")


def _is_count(value: Any) -> bool:
    return isinstance(value, float) and value >= 0 and value.is_integer()


def _signed(note: str, name: str, keys: Sequence[bytes], most: int) -> str:
    """Return the text of a note once the first of these keys that a line names did sign it."""
    parts, head = NOTE.fullmatch(note), f"{name}\n".encode()
    if parts is None or len(note.encode()) > 8192 or parts[2].count("\n") > most:
        raise Wrong(f"this is no signed note: {note[:80]!r}")
    text, words = parts[1], [line.split(" ") for line in parts[2].split("\n")[:-1]]
    lines = [(who, _unbase64(data, range(5, 8192))) for _, who, data in words]
    named = ((key, data) for key in keys for who, data in lines if who == name)
    found = next((one for one in named if _sha256(head + one[0])[:4] == one[1][:4]), None)
    if found is None:
        raise Wrong(f"{name} did not sign this with its key: {note[:80]!r}")
    (kind, *key), message, signature = found[0], text, found[1][4:]
    if kind == COSIGNATURE:
        seconds, signature = int.from_bytes(signature[:8], "big"), signature[8:]
        message = f"cosignature/v1\ntime {seconds}\n{text}" if seconds < 2**63 else ""
    try:
        Ed25519PublicKey.from_public_bytes(bytes(key)).verify(signature, message.encode())
    except InvalidSignature:
        raise Wrong(f"a wrong signature of {name} stands here: {note[:80]!r}") from None
    return text


def _checkpoint(note: str, origin: str, keys: Sequence[bytes], most: int) -> tuple[int, bytes]:
    """Return size and root of a note with at most so many signatures, once one of these is good."""
    text = _signed(note, origin, [b"\x01" + key for key in keys], most)
    found = re.fullmatch(r"([^\n]+)\n(0|[1-9][0-9]{0,18})\n([^\n]+)\n", text)
    if found is None or found[1] != origin:
        raise Wrong(f"this is no checkpoint of {origin}: {note[:80]!r}")
    return int(found[2]), _unbase64(found[3])


def _cosigned(note: str, vkey: str) -> None:
    """Check that a witness signed a note."""
    name, hint, encoded = (*vkey.strip().split("+", 2), "", "")[:3]
    try:
        key = _unbase64(encoded, (33,))
    except ValueError:
        key = b"?"
    if key[0] != COSIGNATURE or hint != _sha256(f"{name}\n".encode() + key)[:4].hex():
        raise Unusable(f"{vkey!r} is no witness's verifier key")
    _signed(note, name, [key], 16)


def _sightings(path: Path, vkey: str | None, ledger: Ledger) -> Iterator[tuple[int, bytes, str]]:
    text = path.read_bytes().decode()
    notes = NOTES.findall(text)
    if not notes or "".join(notes) != text:
        raise Unusable(f"{path} holds no checkpoints")
    for note in notes:
        if vkey is not None:
            _cosigned(note, vkey)
        yield *_checkpoint(note, ledger.origin, ledger.keys, 16), path.name


class Ledger:
    """Follows an export from its first line to its last, and stops at the first that is wrong."""

    def __init__(self, path: Path, public: bytes) -> None:
        self.keys = [public]  # those that were in force, in order
        self.roots: list[bytes] = []  # after each entry
        self._root, self._frontier = _sha256(b""), list[bytes]()
        self._signed, self._at, self._ids = -1, "", set[bytes]()
        self._coming: bytes | None = None  # a new key, once a checkpoint covers its change
        lines = _lines(path)
        header = next(lines, None)
        if not isinstance(header, dict) or header.get("format") != "bedside-ledger-export":
            raise Unusable(f"{path} is not an export of a ledger")
        good = set(header) == {"format", "origin", "root", "size", "v"} and header["v"] == 1
        texts = good and isinstance(header["origin"], str) and isinstance(header["root"], str)
        if not texts or not _is_count(header["v"]) or not _is_count(header["size"]):
            raise Unusable(f"{path} is not an export of version 1")
        self.origin, size = header["origin"], int(header["size"])
        for line in lines:
            self._line(line)
        if len(self.roots) < size:
            raise Wrong(f"it is missing; the header counts {size}", len(self.roots))
        if (len(self.roots), base64.b64encode(self._root).decode()) != (size, header["root"]):
            raise Wrong("the header's size or root is not that of the entries")
        if self._signed != len(self.roots):
            raise Wrong("from here to the end nothing is signed", max(self._signed, 0))

    def _line(self, line: Any) -> None:
        match line:
            case {"checkpoint": str(note), **rest} if not rest:
                self._check_signed(*_checkpoint(note, self.origin, self.keys[-1:], 1))
            case {"entry": dict(entry), **rest} if not rest:
                try:
                    self._entry(entry, len(self.roots))
                except ValueError as problem:
                    raise Wrong(str(problem), len(self.roots)) from None
            case _:
                raise Wrong(f"after {len(self.roots)} entries stands neither entry nor checkpoint")

    def _entry(self, line: dict[str, Any], index: int) -> None:
        if set(line) != {"event", "index", "root", "salt"} or not isinstance(line["event"], str):
            raise Wrong("its line does not have the members of version 1")
        if not _is_count(line["index"]) or line["index"] != index or self._coming is not None:
            raise Wrong(f"it is missing, or a checkpoint; {line['index']} stands in its place")
        data = line["event"].encode()
        event = _read(data, "its event")
        _check_event(event)
        known = _sha256(event["id"].encode())[:16]
        if event["at"] < self._at or known in self._ids:
            raise Wrong(f"its time is before {self._at}, or its id that of an earlier entry")
        self._at = event["at"]
        self._ids.add(known)
        leaf = _sha256(b"\x00" + _sha256(_unbase64(line["salt"]) + data))
        while index % 2:  # section 3
            leaf, index = _sha256(b"\x01" + self._frontier.pop() + leaf), index // 2
        self._frontier.append(leaf)
        self._root = leaf
        for left in reversed(self._frontier[:-1]):
            self._root = _sha256(b"\x01" + left + self._root)
        if _unbase64(line["root"]) != self._root:
            raise Wrong("its event, salt or place is not the one that was recorded")
        if event["kind"] == "ledger-key-changed":
            self._coming = _unbase64(event["body"].get("public_key"))
        self.roots.append(self._root)

    def _check_signed(self, size: int, root: bytes) -> None:
        if size > len(self.roots):
            raise Wrong(f"it is missing; {size} entries were signed", len(self.roots))
        if size < len(self.roots) or size <= self._signed:
            raise Wrong(f"a checkpoint of {size} entries stands after {len(self.roots)}")
        if root != self._root:
            first = max(self._signed, 0)
            raise Wrong(f"from here to entry {size - 1} something is not what was signed", first)
        self._signed = size
        self.keys += [] if self._coming is None else [self._coming]
        self._coming = None

    def hold(self, sightings: Sequence[tuple[int, bytes, str]]) -> None:
        """Hold the ledger against what others saw."""
        agreed = 0
        for size, root, who in sorted(sightings, key=lambda one: one[0]):
            if size > len(self.roots):
                raise Wrong(f"it is missing; {who} saw {size} entries", len(self.roots))
            if size and root != self.roots[size - 1]:
                raise Wrong(f"from here to entry {size - 1} it is not what {who} saw", agreed)
            agreed = size


def _check_event(event: Any) -> None:
    """Check the form of an event (section 2)."""
    if not isinstance(event, dict) or set(event) != {*TEXTS, "v", "body", "sealed"}:
        raise Wrong("its event does not have the ten members")
    words, sealed = [event[name] for name in TEXTS], event["sealed"]
    if isinstance(sealed, dict) and set(sealed) == {"box", "key", "nonce"}:
        words, sealed = [*words, *sealed.values()], None
    good = isinstance(event["body"], dict) and sealed is None and _is_count(event["v"])
    good = good and event["v"] == 1 and all(isinstance(one, str) for one in words)
    if not good or not TIME.fullmatch(event["at"]):
        raise Wrong("its event is not of the form of version 1")


def _lines(path: Path) -> Iterator[Any]:
    with path.open("rb") as stream:
        for number, line in enumerate(iter(lambda: stream.readline(MAX_LINE + 1), b""), 1):
            if not line.endswith(b"\n"):
                raise Wrong(f"line {number} is cut off, or too long")
            yield _read(line[:-1], f"line {number}")


def verify(asked: argparse.Namespace) -> Ledger:
    """Return the ledger of an export, once all is proved."""
    try:
        key = load_pem_public_key(asked.public_key.read_bytes())
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise Unusable(f"{asked.public_key} is not an Ed25519 public key in PEM")
    ledger = Ledger(asked.export, key.public_bytes_raw())
    seen = list(_sightings(asked.witness, asked.witness_key, ledger)) if asked.witness else []
    if asked.earlier:
        before = Ledger(asked.earlier, key.public_bytes_raw())
        if before.origin != ledger.origin:
            raise Unusable(f"{asked.earlier} is an export of another ledger")
        seen += [(n, root, asked.earlier.name) for n, root in enumerate(before.roots, 1)]
    ledger.hold(seen)
    return ledger


def main(words: Sequence[str] | None = None) -> int:
    """Verify what the command line names, and return the exit code."""
    parser = argparse.ArgumentParser(description="Verify an export of a Bedside ledger.")
    parser.add_argument("export", type=Path)
    parser.add_argument("public_key", type=Path, help="the ledger's public key, in PEM")
    parser.add_argument("--witness", type=Path, help="a file of checkpoints that a witness saw")
    parser.add_argument("--witness-key", help="its verifier key: each must then be cosigned")
    parser.add_argument("--earlier", type=Path, help="an earlier export of the same ledger")
    try:
        ledger = verify(parser.parse_args(words))
    except Wrong as problem:
        where = "" if problem.entry is None else f"at entry {problem.entry}: "
        print(f"WRONG {where}{problem}", file=sys.stderr)
        return 1
    except (Unusable, OSError, ValueError) as problem:
        print(f"Cannot verify: {problem}", file=sys.stderr)
        return 2
    print(f"{ledger.origin}: {len(ledger.roots)} entries, all as they were signed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
