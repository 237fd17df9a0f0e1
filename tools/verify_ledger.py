#!/usr/bin/env python3
"""Verifies an export of a Bedside ledger: this file, Python, and `cryptography`; nothing of Bedside.

    python verify_ledger.py EXPORT LEDGER.pub [--witness FILE [--witness-key VKEY]] [--earlier EXPORT]

Written from docs/spec/ledger.md alone ("the page"; the sections named below are its). It leaves with
0 when all is proved, 1 when something is wrong (the first wrong entry is named where it can be
known), 2 when it was used wrongly.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

MAX_LINE = 6 * 1_048_576 + 4096
MAX_DEPTH = 64
EMPTY = hashlib.sha256(b"").digest()
TEXTS = ("id", "kind", "about", "at", "actor", "credential", "door")
MEMBERS = {*TEXTS, "v", "body", "sealed"}
TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z")
NOTES = re.compile(r"(?:[^\n]+\n)+\n(?:— [^\n]*\n)+")


class Wrong(Exception):
    """The record is not what it must be; `entry` is the first wrong entry where it is known."""

    def __init__(self, why: str, entry: int | None = None) -> None:
        super().__init__(why if entry is None else f"entry {entry}: {why}")
        self.entry = entry


class Usage(Exception):
    """This is not something that can be verified."""


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def unbase64(text: Any, length: int) -> bytes:
    """Return bytes of this length from their one spelling."""
    try:
        data = base64.b64decode(text, validate=True)
    except (TypeError, ValueError):
        raise Wrong(f"{text!r} is not base64") from None
    if base64.b64encode(data).decode() != text or len(data) != length:
        raise Wrong(f"{text!r} is not {length} bytes in the one spelling of base64")
    return data


# ---- canonical JSON (RFC 8785): a text is accepted if writing its value gives it back ----------


def number_text(value: float) -> str:
    """Return a number as ECMAScript writes it."""
    if value != value or value in (float("inf"), float("-inf")):
        raise ValueError("no finite number")
    if value == 0:
        return "0"
    sign = "-" if value < 0 else ""
    mantissa, _, exponent = f"{abs(value)!r}e0".split("e")[0], "", repr(abs(value)).partition("e")[2]
    whole, _, fraction = mantissa.partition(".")
    point = len(whole) + int(exponent or 0)  # where the point stands, counted in digits
    digits = whole + fraction
    point -= len(digits) - len(digits.lstrip("0"))
    digits = digits.strip("0")
    if 0 < point <= 21:
        filled = digits.ljust(point, "0")
        text = filled[:point] + ("." + filled[point:] if filled[point:] else "")
    elif -6 < point <= 0:
        text = "0." + "0" * -point + digits
    else:
        rest = "." + digits[1:] if digits[1:] else ""
        text = f"{digits[0]}{rest}e{'+' if point > 0 else '-'}{abs(point - 1)}"
    return sign + text


def canonical(value: Any, depth: int = 1) -> str:
    """Return the canonical spelling of a value."""
    if isinstance(value, float):
        return number_text(value)
    if isinstance(value, str | bool) or value is None:
        return json.dumps(value, ensure_ascii=False)
    if depth > MAX_DEPTH:
        raise ValueError(f"nested deeper than {MAX_DEPTH}")
    if isinstance(value, list):
        return "[" + ",".join(canonical(one, depth + 1) for one in value) + "]"
    names = sorted(value, key=lambda name: name.encode("utf-16-be", "surrogatepass"))
    members = (f"{canonical(name)}:{canonical(value[name], depth + 1)}" for name in names)
    return "{" + ",".join(members) + "}"


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a name stands twice")
    return dict(pairs)


def refuse(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number of JSON")


def read_canonical(data: bytes, what: str, entry: int | None = None) -> Any:
    """Return the value of a text that is byte for byte canonical; every number as a float."""
    try:
        value = json.loads(
            data.decode(),
            object_pairs_hook=unique,
            parse_int=float,
            parse_constant=refuse,
        )
        same = canonical(value).encode() == data
    except (ValueError, OverflowError, RecursionError) as problem:
        raise Wrong(f"{what} cannot be read: {problem}", entry) from None
    if not same:
        raise Wrong(f"{what} is not canonical JSON", entry)
    return value


def whole(value: Any) -> bool:
    """Return whether this was a number without a fraction, and not true or false."""
    return isinstance(value, float) and value >= 0 and value == int(value)


# ---- keys, checkpoints, cosignatures (section 4, section 12) -----------------------------------


def key_id(name: str, kind: int, public: bytes) -> bytes:
    return sha256(name.encode() + b"\n" + bytes([kind]) + public)[:4]


def signed_by(public: bytes, signature: bytes, message: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except InvalidSignature:
        return False
    return True


def read_checkpoint(note: str, origin: str, keys: Sequence[bytes]) -> tuple[int, bytes]:
    """Return size and root of a note with exactly one signature, made with one of the keys."""
    lines = note.split("\n")
    if len(lines) != 6 or lines[3] or lines[5] or not re.fullmatch("0|[1-9][0-9]*", lines[1]):
        raise Wrong(f"this is no checkpoint: {note[:80]!r}")
    dash, _, rest = lines[4].partition(" ")
    name, _, encoded = rest.partition(" ")
    if dash != "—" or lines[0] != origin or name != origin:
        raise Wrong(f"a checkpoint is of {lines[0]!r} by {name!r}, and not of {origin!r}")
    root, signature = unbase64(lines[2], 32), unbase64(encoded, 68)
    message = "\n".join(lines[:3]).encode() + b"\n"
    for public in keys:
        same = signature[:4] == key_id(origin, 1, public)
        if same and signed_by(public, signature[4:], message):
            return int(lines[1]), root
    raise Wrong(f"the checkpoint of {lines[1]} entries is not signed with the ledger's key")


def read_witness(path: Path, vkey: str | None, origin: str, keys: Sequence[bytes]) -> list[Any]:
    """Return what the checkpoints in a file say, as size, root and who, in order of size."""
    text = read_file(path).decode()
    notes = NOTES.findall(text)
    if not notes or "".join(notes) != text:
        raise Usage(f"{path} holds no checkpoints")
    found = []
    for note in notes:
        body, _, signatures = note.rpartition("\n\n")
        lines = signatures.splitlines(keepends=True)
        if vkey is not None:
            check_cosignature(body + "\n", lines, vkey)
        mine = [one for one in lines if one.startswith(f"— {origin} ")]
        if not mine:
            raise Wrong(f"{path} holds a checkpoint that {origin} did not sign")
        size, root = read_checkpoint(f"{body}\n\n{mine[0]}", origin, keys)
        found.append((size, root, f"the witness in {path.name}"))
    return found


def check_cosignature(text: str, lines: Sequence[str], vkey: str) -> None:
    """Check that one of the lines is the witness's cosignature of the text."""
    name, _, rest = vkey.strip().partition("+")
    hint, _, encoded = rest.partition("+")
    try:
        key = unbase64(encoded, 33)
    except Wrong as problem:
        raise Usage(f"the verifier key is damaged: {problem}") from None
    if key[0] != 4 or hint != key_id(name, 4, key[1:]).hex():
        raise Usage("this is not a witness's verifier key")
    for line in lines:
        if not line.startswith(f"— {name} "):
            continue
        signature = unbase64(line.rstrip("\n").split(" ")[-1], 76)
        seconds = int.from_bytes(signature[4:12], "big")
        message = f"cosignature/v1\ntime {seconds}\n{text}".encode()
        if signature[:4] == key[:0] + key_id(name, 4, key[1:]) and signed_by(
            key[1:], signature[12:], message
        ):
            return
    raise Wrong(f"the witness {name} did not cosign a checkpoint of it")


# ---- the export (section 6) --------------------------------------------------------------------


class Tree:
    """The frontier of a growing tree (section 3)."""

    def __init__(self) -> None:
        self.size, self.root, self.frontier = 0, EMPTY, list[bytes]()

    def add(self, leaf: bytes) -> None:
        place = self.size
        while place % 2:
            leaf, place = sha256(b"\x01" + self.frontier.pop() + leaf), place // 2
        self.frontier.append(leaf)
        self.size, self.root = self.size + 1, self.frontier[-1]
        for left in reversed(self.frontier[:-1]):
            self.root = sha256(b"\x01" + left + self.root)


class Ledger:
    """Follows an export from its first line to its last.

    Attributes:
        roots: The root after each entry.
        keys: Every key that was in force, in order.
    """

    def __init__(self, stream: BinaryIO, public: bytes) -> None:
        self.roots: list[bytes] = []
        self.keys = [public]
        self._tree, self._signed, self._at = Tree(), -1, ""
        self._coming: bytes | None = None
        self._ids: set[bytes] = set()
        lines = read_lines(stream)
        header = next(lines, None)
        if not isinstance(header, dict) or header.get("format") != "bedside-ledger-export":
            raise Usage("this is not an export of a ledger")
        members = {"format", "origin", "root", "size", "v"}
        numbers = whole(header.get("v")) and header["v"] == 1 and whole(header.get("size"))
        if set(header) != members or not numbers or not isinstance(header["origin"], str):
            raise Usage("this is not an export of a ledger, version 1")
        self.origin: str = header["origin"]
        for line in lines:
            self._line(line)
        if self._tree.size < header["size"]:
            raise Wrong(f"it is missing; the header counts {header['size']:.0f}", self._tree.size)
        root = base64.b64encode(self._tree.root).decode()
        if (self._tree.size, root) != (header["size"], header["root"]):
            raise Wrong("the header's size or root is not that of the entries")
        if self._signed != self._tree.size:
            raise Wrong("from here to the end nothing is signed", max(self._signed, 0))

    def _line(self, line: Any) -> None:
        kind = next(iter(line)) if isinstance(line, dict) and len(line) == 1 else None
        if kind == "checkpoint" and isinstance(line[kind], str):
            self._checkpoint(line[kind])
        elif kind == "entry" and isinstance(line[kind], dict):
            try:
                self._entry(line[kind], self._tree.size)
            except Wrong as problem:
                raise problem if problem.entry is not None else Wrong(
                    str(problem), self._tree.size
                ) from None
        else:
            raise Wrong(f"after entry {self._tree.size - 1} stands neither entry nor checkpoint")

    def _entry(self, line: dict[str, Any], index: int) -> None:
        if set(line) != {"event", "index", "root", "salt"} or not whole(line["index"]):
            raise Wrong("its line does not have the members of version 1")
        if line["index"] != index:
            raise Wrong(f"it is missing; {line['index']:.0f} stands in its place")
        if self._coming is not None:
            raise Wrong("the key was changed before it, and no checkpoint stands between")
        if not isinstance(line["event"], str):
            raise Wrong("its event is not text")
        data = line["event"].encode()
        event = read_canonical(data, "its event", index)
        check_event(event)
        if event["at"] < self._at:
            raise Wrong(f"its time is before {self._at}")
        known = sha256(event["id"].encode())[:16]
        if known in self._ids:
            raise Wrong("its id is that of an earlier entry")
        self._ids.add(known)
        self._at = event["at"]
        salt, root = unbase64(line["salt"], 32), unbase64(line["root"], 32)
        self._tree.add(sha256(b"\x00" + sha256(salt + data)))
        if root != self._tree.root:
            raise Wrong("its event, salt or place is not the one that was recorded")
        self.roots.append(root)
        if event["kind"] == "ledger-key-changed":
            self._coming = unbase64(event["body"].get("public_key"), 32)

    def _checkpoint(self, note: str) -> None:
        size, root = read_checkpoint(note, self.origin, self.keys[-1:])
        if size > self._tree.size:
            raise Wrong(f"it is missing; {size} entries were signed", self._tree.size)
        if size < self._tree.size or size <= self._signed:
            raise Wrong(f"a checkpoint of {size} entries stands after {self._tree.size}")
        if root != self._tree.root:
            first = max(self._signed, 0)
            raise Wrong(f"from here to entry {size - 1} something is not what was signed", first)
        self._signed = size
        if self._coming is not None:
            self.keys.append(self._coming)
            self._coming = None

    def hold(self, sightings: Sequence[tuple[int, bytes, str]]) -> None:
        """Hold the ledger against what others saw, in order of size (section 12)."""
        agreed = 0
        for size, root, who in sightings:
            if size > len(self.roots):
                raise Wrong(f"it is missing; {who} saw {size} entries", len(self.roots))
            if root != (self.roots[size - 1] if size else EMPTY):
                raise Wrong(f"from here to entry {size - 1} something is not what {who} saw", agreed)
            agreed = size


def check_event(event: Any) -> None:
    """Check the form of an event (section 2)."""
    if not isinstance(event, dict) or set(event) != MEMBERS:
        raise Wrong("its event does not have the ten members")
    if not whole(event["v"]) or event["v"] != 1:
        raise Wrong("its event is not of version 1")
    if not all(isinstance(event[name], str) for name in TEXTS):
        raise Wrong("a member of its event is not text")
    sealed = event["sealed"]
    if sealed is not None and not (
        isinstance(sealed, dict)
        and set(sealed) == {"box", "key", "nonce"}
        and all(isinstance(part, str) for part in sealed.values())
    ):
        raise Wrong("its sealed part is not of the form")
    if not isinstance(event["body"], dict) or not TIME.fullmatch(event["at"]):
        raise Wrong("its body or its time is not of the form")


def read_lines(stream: BinaryIO) -> Iterator[Any]:
    number = 0
    while line := stream.readline(MAX_LINE + 1):
        number += 1
        if not line.endswith(b"\n") or len(line) > MAX_LINE:
            raise Wrong(f"line {number} is cut off, or too long")
        yield read_canonical(line[:-1], f"line {number}")


def read_file(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as problem:
        raise Usage(f"{path} cannot be read: {problem.strerror}") from None


def read_ledger(path: Path, public: bytes) -> Ledger:
    try:
        with path.open("rb") as stream:
            return Ledger(stream, public)
    except OSError as problem:
        raise Usage(f"{path} cannot be read: {problem.strerror}") from None


def read_public(path: Path) -> bytes:
    try:
        key = load_pem_public_key(read_file(path))
    except (ValueError, UnsupportedAlgorithm):
        raise Usage(f"{path} is not a public key in PEM") from None
    if not isinstance(key, Ed25519PublicKey):
        raise Usage(f"{path} is not an Ed25519 key")
    return key.public_bytes_raw()


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Verify an export of a Bedside ledger.")
    parser.add_argument("export", type=Path)
    parser.add_argument("public_key", type=Path, help="the ledger's key, in PEM")
    parser.add_argument("--witness", type=Path, help="a file of checkpoints that a witness saw")
    parser.add_argument("--witness-key", help="its verifier key; each must then be cosigned")
    parser.add_argument("--earlier", type=Path, help="an earlier export of the same ledger")
    asked = parser.parse_args(words)
    try:
        public = read_public(asked.public_key)
        ledger = read_ledger(asked.export, public)
        seen = []
        if asked.witness:
            seen += read_witness(asked.witness, asked.witness_key, ledger.origin, ledger.keys)
        if asked.earlier:
            before = read_ledger(asked.earlier, public)
            if before.origin != ledger.origin:
                raise Usage(f"{asked.earlier} is an export of another ledger")
            who = f"the export {asked.earlier.name}"
            seen += [(place + 1, root, who) for place, root in enumerate(before.roots)]
        ledger.hold(sorted(seen, key=lambda one: one[0]))
    except Wrong as problem:
        print(f"WRONG: {problem}", file=sys.stderr)
        return 1
    except Usage as problem:
        print(f"Cannot verify: {problem}.", file=sys.stderr)
        return 2
    print(f"{ledger.origin}: {len(ledger.roots)} entries, all as they were signed and seen")
    return 0


if __name__ == "__main__":
    sys.exit(main())
