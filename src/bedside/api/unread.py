"""Requests that are not read on: what a head may be, and the answer that says why it is not.

Source: RFC 9112 (HTTP/1.1), RFC 9110, sections 15.5 and 15.6 (status codes), RFC 6585, section 5.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from types import MappingProxyType
from typing import Final

from bedside.api.headers import base_headers
from bedside.api.problems import MEDIA_TYPE, Problem

MAX_HEAD_BYTES: Final = 64 * 1024
"""Request line and headers together; the common limit of servers and proxies is 8 to 64 KiB."""

MAX_HEADERS: Final = 100
"""Header fields of one request, and again trailer fields; Apache's limit is the same."""

MAX_TARGET_BYTES: Final = 8 * 1024
"""Path and query; RFC 9112, section 3 asks for 8000 at least."""

_HOST: Final = re.compile(rb"[A-Za-z0-9._~!$&'()*+,;=:%\[\]-]*")
"""What a `Host` may be made of (RFC 3986, section 3.2.2, and a port)."""

_KINDS: Final[Mapping[HTTPStatus, str]] = MappingProxyType(
    {
        HTTPStatus.REQUEST_TIMEOUT: "too-slow",
        HTTPStatus.SERVICE_UNAVAILABLE: "unavailable",
        HTTPStatus.TOO_MANY_REQUESTS: "too-often",
        HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: "limit-exceeded",
        HTTPStatus.REQUEST_URI_TOO_LONG: "limit-exceeded",
    }
)

_LATER: Final = frozenset({HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS})


class Unread(Exception):
    """A request that is not read on.

    Attributes:
        status: What the client is told.
        why: The same in words; nothing that was sent is repeated.
    """

    def __init__(self, status: HTTPStatus, why: str) -> None:
        super().__init__(why)
        self.status = status
        self.why = why

    def spelled(self, defaults: Sequence[tuple[bytes, bytes]]) -> bytes:
        """Return the whole answer, after which the connection is closed.

        Args:
            defaults: Headers that the server gives every answer, such as `Date`.
        """
        kind = _KINDS.get(self.status, "usage-error")
        body = Problem(kind, self.status, self.why, "The connection is closed now.").body()
        headers = [
            *defaults,
            (b"content-type", MEDIA_TYPE.encode("ascii")),
            (b"content-length", str(len(body)).encode("ascii")),
            (b"connection", b"close"),
            *base_headers(tls=False),
        ]
        if self.status in _LATER:
            headers.append((b"retry-after", b"1"))
        begin = f"HTTP/1.1 {self.status.value} {self.status.phrase}\r\n".encode("ascii")
        return begin + b"".join(b"%b: %b\r\n" % one for one in headers) + b"\r\n" + body


def not_http() -> Unread:
    """Return the refusal of what cannot be parsed, or not in one way only."""
    why = "This is not HTTP/1.1, or not in a form that every server reads alike."
    return Unread(HTTPStatus.BAD_REQUEST, why)


def long_head() -> Unread:
    """Return the refusal of a head that is too long."""
    why = f"The head of the request has more than {MAX_HEAD_BYTES} bytes or {MAX_HEADERS} fields."
    return Unread(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, why)


def check_head(version: str, target: bytes, headers: Sequence[tuple[bytes, bytes]]) -> None:
    """Check a head as a whole.

    Args:
        version: Of HTTP, such as `1.1`.
        target: The address as sent.
        headers: With their names in lower case.

    Raises:
        Unread: another version; not exactly one good `Host` (RFC 9112, section 3.2); a transfer
            coding other than `chunked`, or one in HTTP/1.0 (section 6.1); an address too long.
    """
    if version not in ("1.1", "1.0"):
        raise Unread(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED, f"HTTP/{version} is not spoken here.")
    hosts, codings = [], []
    for name, value in headers:
        if name == b"host":
            hosts.append(value)
        elif name == b"transfer-encoding":
            codings.append(value)
    if len(hosts) > 1 or (not hosts and version == "1.1") or not all(map(_HOST.fullmatch, hosts)):
        raise Unread(HTTPStatus.BAD_REQUEST, "The request has not exactly one good Host.")
    if len(target) > MAX_TARGET_BYTES:
        why = f"The address has more than {MAX_TARGET_BYTES} bytes."
        raise Unread(HTTPStatus.REQUEST_URI_TOO_LONG, why)
    if codings and version == "1.0":
        raise Unread(HTTPStatus.BAD_REQUEST, "HTTP/1.0 has no Transfer-Encoding.")
    if codings and [value.strip().lower() for value in codings] != [b"chunked"]:
        raise Unread(HTTPStatus.NOT_IMPLEMENTED, "The only Transfer-Encoding is chunked.")
