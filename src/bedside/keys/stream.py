"""Long files under one key: AES-256-GCM in chunks, none of which can be cut off, moved or swapped.

The construction is STREAM (Hoang, Reyhanitabar, Rogaway, Vizár: "Online Authenticated-Encryption
and its Nonce-Reuse Misuse-Resistance", CRYPTO 2015): each chunk's nonce is its number and whether
it is the last. A file's key is derived from its own first line, which holds 32 random bytes and
says what the file is; so numbers may be nonces, and no chunk opens in another file.
docs/spec/backup.md describes the bytes.
"""

from __future__ import annotations

import hashlib
from typing import BinaryIO, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bedside.errors import SiteProblem
from bedside.keys.sealing import TAG_BYTES, derive

CHUNK_BYTES: Final = 256 * 1024
"""Plain bytes in every chunk but the last: what a reader holds at once, twice."""

MAX_LINE_BYTES: Final = 4096
"""Longest first line, its line end included."""

_ADVICE: Final = "Use another generation; this one cannot be trusted."


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11, "big") + (b"\x01" if last else b"\x00")


class StreamWriter:
    """Encrypts what is written to it; `close` seals the last chunk, without which nothing opens.

    Attributes:
        size: Bytes written to the target so far.
    """

    def __init__(self, target: BinaryIO, key: bytes, line: bytes) -> None:
        """Begin with `line`, which stays in the clear and ends with a line end.

        Args:
            target: Where to.
            key: 32 bytes, from which the file's own key is derived.
            line: Unique to this file: it must hold 32 random bytes in some spelling.
        """
        self._target = target
        self._cipher = AESGCM(derive(key, line))
        self._plain = bytearray()
        self._number = 0
        self._digest = hashlib.sha256()
        self.size = 0
        self._put(line)

    @property
    def digest(self) -> str:
        """Return `sha256:` and the digest of all that was written to the target."""
        return "sha256:" + self._digest.hexdigest()

    def write(self, data: bytes) -> None:
        """Encrypt `data`; at most one chunk of it waits in memory."""
        self._plain += data
        start = 0
        # a full chunk waits until more comes: it may be the last one
        while len(self._plain) - start > CHUNK_BYTES:
            self._seal(bytes(self._plain[start : start + CHUNK_BYTES]), last=False)
            start += CHUNK_BYTES
        if start:
            del self._plain[:start]

    def close(self) -> None:
        """Seal the last chunk; the target stays open."""
        self._seal(bytes(self._plain), last=True)
        self._plain.clear()

    def _seal(self, plain: bytes, *, last: bool) -> None:
        self._put(self._cipher.encrypt(_nonce(self._number, last=last), plain, None))
        self._number += 1

    def _put(self, data: bytes) -> None:
        self._target.write(data)
        self._digest.update(data)
        self.size += len(data)


def read_line(source: BinaryIO, name: str) -> bytes:
    """Return the clear first line of an encrypted file, its line end included.

    Raises:
        SiteProblem: there is none within `MAX_LINE_BYTES`.
    """
    line = source.readline(MAX_LINE_BYTES)
    if not line.endswith(b"\n"):
        raise SiteProblem(f"{name} does not begin like a backup.", advice=_ADVICE)
    return line


class StreamReader:
    """Gives the plain bytes of an encrypted file; each chunk is proved before any of it is given.

    Attributes:
        size: Bytes read from the source so far, the first line included.
    """

    def __init__(self, source: BinaryIO, key: bytes, line: bytes, name: str) -> None:
        """Read what follows `line` in `source`.

        Args:
            source: At the first byte after its first line.
            key: What the writer got.
            line: The file's first line.
            name: The file's name, for messages.
        """
        self._source = source
        self._cipher = AESGCM(derive(key, line))
        self._name = name
        self._plain = bytearray()
        self._number = 0
        self._ended = False
        self._digest = hashlib.sha256(line)
        self.size = len(line)
        self._next = self._box()

    @property
    def digest(self) -> str:
        """Return `sha256:` and the digest of all that was read from the source."""
        return "sha256:" + self._digest.hexdigest()

    def exactly(self, count: int) -> bytes:
        """Return the next `count` plain bytes.

        Raises:
            SiteProblem: there are fewer, or they are not what was written.
        """
        while len(self._plain) < count:
            if self._ended:
                raise SiteProblem(f"{self._name} ends too early.", advice=_ADVICE)
            self._open()
        found = bytes(self._plain[:count])
        del self._plain[:count]
        return found

    def some(self) -> bytes:
        """Return the next plain bytes, at most a chunk; empty at the end.

        Raises:
            SiteProblem: the next chunk is not what was written.
        """
        return b"" if self.at_end() else self.exactly(len(self._plain))

    def at_end(self) -> bool:
        """Return whether every plain byte was given.

        Raises:
            SiteProblem: the next chunk is not what was written.
        """
        while not self._plain and not self._ended:
            self._open()
        return not self._plain

    def _box(self) -> bytes:
        data = self._source.read(CHUNK_BYTES + TAG_BYTES)
        self._digest.update(data)
        self.size += len(data)
        return data

    def _open(self) -> None:
        box, self._next = self._next, self._box()
        last = not self._next
        try:
            self._plain += self._cipher.decrypt(_nonce(self._number, last=last), box, None)
        except (InvalidTag, ValueError) as problem:
            raise SiteProblem(
                f"Chunk {self._number} of {self._name} is not what was written: altered, moved, "
                "or the file was cut off.",
                advice=_ADVICE,
            ) from problem
        self._number += 1
        self._ended = last
