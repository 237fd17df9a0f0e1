"""A local peer of Azure Key Vault: challenge, get, wrapKey and unwrapKey of one RSA key, over TLS.

Written from Microsoft's reference of the REST API (Key Vault, keys). The certificate is made for
each run; the SDK trusts it by the variable REQUESTS_CA_BUNDLE.
"""

from __future__ import annotations

import base64
import json
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from threading import Thread
from typing import Any

from azure.core.credentials import AccessToken, AccessTokenInfo, TokenRequestOptions
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

OAEP = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
TOKEN = "a-token-of-the-test"  # noqa: S105 - opens nothing but the peer


class StaticCredential:
    """Proves nothing to anybody but the peer."""

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        del scopes, options
        return AccessToken(TOKEN, int(time.time()) + 3600)

    def get_token_info(
        self, *scopes: str, options: TokenRequestOptions | None = None
    ) -> AccessTokenInfo:
        del scopes, options
        return AccessTokenInfo(TOKEN, int(time.time()) + 3600)


@dataclass
class AzurePeer:
    """The vault: one key, several versions.

    Attributes:
        status: A status to answer every signed-in call with, in place of the truth; 0 for none.
        may_get: Whether the account has the right keys/get.
    """

    versions: dict[str, rsa.RSAPrivateKey] = field(default_factory=dict)
    status: int = 0
    may_get: bool = True
    port: int = 0
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rotate()

    def rotate(self) -> None:
        version = f"{len(self.versions) + 1:032x}"
        self.versions[version] = rsa.generate_private_key(65537, 2048)

    @property
    def key(self) -> str:
        return f"https://127.0.0.1:{self.port}/keys/site"

    def answer(self, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        self.asked.append(path)
        if self.status:
            return self.status, _error("Forbidden", "told to")
        match path.strip("/").split("/"):
            case ["keys", "site", *rest]:
                newest = list(self.versions)[-1]
                version = rest[0] if rest and rest[0] in self.versions else newest
                verb = rest[-1] if rest and rest[-1] in {"wrapkey", "unwrapkey"} else ""
                if rest and rest[0] not in {*self.versions, "", verb}:
                    return 404, _error("KeyNotFound", "no such version")
                return self._used(version, verb, body)
        return 404, _error("KeyNotFound", "no such key")

    def _used(self, version: str, verb: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        key = self.versions[version]
        kid = f"{self.key}/{version}"
        if not verb and not self.may_get:
            return 403, _error("Forbidden", "no right keys/get")
        if not verb:
            numbers = key.public_key().public_numbers()
            jwk = {"kid": kid, "kty": "RSA", "key_ops": ["wrapKey", "unwrapKey"]}
            jwk |= {"n": _url(numbers.n.to_bytes(256, "big")), "e": _url(b"\x01\x00\x01")}
            return 200, {"key": jwk, "attributes": {"enabled": True}}
        if body["alg"] != "RSA-OAEP-256":
            return 400, _error("BadParameter", "algorithm")
        data = _bytes(body["value"])
        if verb == "wrapkey":
            return 200, {"kid": kid, "value": _url(key.public_key().encrypt(data, OAEP))}
        try:
            return 200, {"kid": kid, "value": _url(key.decrypt(data, OAEP))}
        except ValueError:
            return 400, _error("BadParameter", "The parameter is incorrect.")


def _error(code: str, message: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": message}}


def _url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@contextmanager
def azure_peer(folder: Path) -> Iterator[AzurePeer]:
    """Run the peer on a port of this machine; its certificate is `folder`/ca.pem."""
    peer = AzurePeer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._tell()

        def do_POST(self) -> None:
            self._tell()

        def _tell(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            body = json.loads(self.rfile.read(length) or b"{}")
            extra = {}
            if self.headers.get("authorization") != f"Bearer {TOKEN}":
                status, found = 401, _error("Unauthorized", "AKV10000")
                extra["www-authenticate"] = (
                    'Bearer authorization="https://login.invalid/tenant", '
                    'resource="https://vault.invalid"'
                )
            else:
                status, found = peer.answer(self.path.partition("?")[0].lower(), body)
            data = json.dumps(found).encode()
            self.send_response(status)
            for name, value in extra.items():
                self.send_header(name, value)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_arguments: Any) -> None:
            pass  # a test's output is not the place

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(_certificate(folder))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    peer.port = server.server_address[1]
    thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield peer
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _certificate(folder: Path) -> Path:
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a peer of the test")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    made = (
        builder.not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(
            x509.KeyUsage(True, False, False, False, False, True, False, False, False),
            critical=True,
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    certificate = made.public_bytes(serialization.Encoding.PEM)
    (folder / "ca.pem").write_bytes(certificate)
    path = folder / "server.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate
    )
    return path
