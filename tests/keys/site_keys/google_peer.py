"""A local peer of Google Cloud KMS: the REST calls encrypt and decrypt of one key, with checksums.

Written from Google's reference of the service (cloudkms.googleapis.com, v1, encrypt and decrypt). It
checks every checksum that it is sent, as the service does, and keeps several versions of the key.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bedside.keys.site_keys.crc32c import crc32c

NAME = "projects/ward/locations/asia-northeast1/keyRings/bedside/cryptoKeys/site"


class Refused(Exception):
    """What the service answers with, in place of a result."""

    def __init__(self, status: int, word: str, message: str) -> None:
        super().__init__(message)
        self.status, self.word, self.message = status, word, message


@dataclass
class GooglePeer:
    """The service: one key of several versions.

    Attributes:
        status: A status to answer everything with, in place of the truth; 0 for none.
        damage: The name of a checksum to send wrong; empty for none.
        used: The name of the key that it says it used.
    """

    versions: list[bytes] = field(default_factory=lambda: [os.urandom(32)])
    status: int = 0
    damage: str = ""
    used: str = NAME
    port: int = 0
    asked: list[str] = field(default_factory=list)

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def answer(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        self.asked.append(path)
        if self.status:
            raise Refused(self.status, "PERMISSION_DENIED", "told to")
        name, _, verb = path.removeprefix("/v1/").partition(":")
        if name != NAME:
            raise Refused(404, "NOT_FOUND", f"CryptoKey {name} not found.")
        found = self._encrypted(body) if verb == "encrypt" else self._decrypted(body)
        if self.damage in found:
            found[self.damage] = str((int(found[self.damage]) + 1) % 2**32)
        return found

    def _encrypted(self, body: dict[str, Any]) -> dict[str, Any]:
        plain, aad = _checked(body, "plaintext"), _checked(body, "additionalAuthenticatedData")
        number, nonce = len(self.versions), os.urandom(12)
        box = number.to_bytes(4, "big") + nonce
        box += AESGCM(self.versions[-1]).encrypt(nonce, plain, aad)
        return {
            "name": f"{self.used}/cryptoKeyVersions/{number}",
            "ciphertext": base64.b64encode(box).decode(),
            "ciphertextCrc32c": str(crc32c(box)),
            "verifiedPlaintextCrc32c": "plaintextCrc32c" in body,
            "verifiedAdditionalAuthenticatedDataCrc32c": "additionalAuthenticatedDataCrc32c"
            in body,
            "protectionLevel": "SOFTWARE",
        }

    def _decrypted(self, body: dict[str, Any]) -> dict[str, Any]:
        box, aad = _checked(body, "ciphertext"), _checked(body, "additionalAuthenticatedData")
        number = int.from_bytes(box[:4], "big")
        try:
            plain = AESGCM(self.versions[number - 1]).decrypt(box[4:16], box[16:], aad)
        except (InvalidTag, IndexError, ValueError) as problem:
            message = "Decryption failed: the ciphertext is invalid."
            raise Refused(400, "INVALID_ARGUMENT", message) from problem
        return {
            "plaintext": base64.b64encode(plain).decode(),
            "plaintextCrc32c": str(crc32c(plain)),
            "usedPrimary": number == len(self.versions),
        }


def _checked(body: dict[str, Any], name: str) -> bytes:
    data = base64.b64decode(body.get(name, ""))
    told = body.get(f"{name}Crc32c")
    if told is not None and int(told) != crc32c(data):
        raise Refused(400, "INVALID_ARGUMENT", f"The checksum of {name} does not match.")
    return data


@contextmanager
def google_peer() -> Iterator[GooglePeer]:
    """Run the peer on a port of this machine."""
    peer = GooglePeer()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            try:
                status, found = 200, peer.answer(self.path.partition("?")[0], body)
            except Refused as refused:
                status = refused.status
                error = {"code": status, "message": refused.message, "status": refused.word}
                found = {"error": error}
            data = json.dumps(found).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_arguments: Any) -> None:
            pass  # a test's output is not the place

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    peer.port = server.server_address[1]
    thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield peer
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
