"""A second verifier of exports, written from docs/spec/ledger.md alone.

It imports nothing of Bedside, so that a mistake in the first is not repeated in the second.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from typing import Any

import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

TEXTS = {"id", "kind", "about", "at", "actor", "credential", "door"}
EVENT = TEXTS | {"v", "body", "sealed"}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", re.ASCII)


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def unbase64(text: str) -> bytes:
    data = base64.b64decode(text, validate=True)
    assert base64.b64encode(data).decode() == text
    return data


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


def number(value: Any) -> int:
    """Return a number of JSON; to Python, true is one too."""
    assert type(value) is int
    return value


def check_note(note: str, origin: str, public: bytes) -> tuple[int, bytes]:
    name, size, root, empty, line, end = note.split("\n")
    assert (name, empty, end) == (origin, "", "")
    assert re.fullmatch(r"0|[1-9][0-9]*", size)
    dash, signer, encoded = line.split(" ")
    assert (dash, signer) == ("\u2014", origin)
    signature = unbase64(encoded)
    assert signature[:4] == sha256(origin.encode() + b"\n\x01" + public)[:4]
    signed = f"{name}\n{size}\n{root}\n".encode()
    Ed25519PublicKey.from_public_bytes(public).verify(signature[4:], signed)
    return int(size), unbase64(root)


def read(data: bytes) -> list[Any]:
    assert data.endswith(b"\n")
    values = []
    for line in data[:-1].split(b"\n"):
        value = json.loads(line, object_pairs_hook=unique)
        assert rfc8785.dumps(value) == line
        values.append(value)
    return values


def check_entry(
    entry: dict[str, Any], index: int, last_time: str, known: set[str]
) -> tuple[bytes, str]:
    """Return the leaf hash and the time; `known` are the ids of the entries before."""
    assert set(entry) == {"event", "index", "root", "salt"}
    assert number(entry["index"]) == index
    event = json.loads(entry["event"], object_pairs_hook=unique)
    assert rfc8785.dumps(event) == entry["event"].encode()
    assert set(event) == EVENT
    assert number(event["v"]) == 1
    assert all(isinstance(event[name], str) for name in TEXTS)
    assert isinstance(event["body"], dict)
    if event["sealed"] is not None:
        assert set(event["sealed"]) == {"box", "key", "nonce"}
        assert all(isinstance(part, str) for part in event["sealed"].values())
    assert event["id"] not in known
    known.add(event["id"])
    assert TIME.fullmatch(event["at"])
    assert event["at"] >= last_time
    salt = unbase64(entry["salt"])
    assert len(salt) == 32
    return sha256(b"\x00" + sha256(salt + entry["event"].encode())), event["at"]


def add(frontier: list[bytes], size: int, leaf: bytes) -> bytes:
    """Add a leaf hash to a frontier of `size` leaves; return the new root."""
    while size % 2:
        leaf = sha256(b"\x01" + frontier.pop() + leaf)
        size //= 2
    frontier.append(leaf)
    root = frontier[-1]
    for left in reversed(frontier[:-1]):
        root = sha256(b"\x01" + left + root)
    return root


def verify(data: bytes, public: bytes) -> int:
    """Return the number of entries; raise AssertionError, or another error, on any flaw."""
    header, *values = read(data)
    assert set(header) == {"format", "origin", "root", "size", "v"}
    assert (header["format"], header["v"]) == ("bedside-ledger-export", 1)
    assert (number(header["v"]), number(header["size"])) == (1, header["size"])
    frontier: list[bytes] = []
    known: set[str] = set()
    size, signed, at, root = 0, -1, "", sha256(b"")
    for value in values:
        (kind,) = value
        if kind == "checkpoint":
            covers, expected = check_note(value[kind], header["origin"], public)
            assert (covers, expected) == (size, root)
            assert covers > signed
            signed = covers
        else:
            assert kind == "entry"
            leaf, at = check_entry(value[kind], size, at, known)
            root = add(frontier, size, leaf)
            size += 1
            assert unbase64(value[kind]["root"]) == root
    assert (size, root) == (header["size"], unbase64(header["root"]))
    assert signed == size
    return size
