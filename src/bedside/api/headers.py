"""The headers that every answer has, whatever made it: an API's are as strict as headers go.

An answer may set one of them otherwise: `/docs` and the model card are pages, and the assets of
`/docs` may be kept. Nothing here is believed by a client that is no browser; it costs it nothing.

Source: OWASP REST Security Cheat Sheet, "Security Headers", and HTTP Headers Cheat Sheet;
RFC 6797 (HSTS, which may only be sent over TLS); RFC 9111, section 5.2.2.5 (`no-store`);
Permissions Policy and Cross-Origin-*-Policy as the WHATWG and the W3C define them.
"""

from __future__ import annotations

from typing import Final, TypeAlias

Headers: TypeAlias = tuple[tuple[bytes, bytes], ...]

HSTS: Final = (b"strict-transport-security", b"max-age=31536000")
"""One year. Subdomains and preload lists are for whoever owns the domain to decide."""

_NOTHING_OF_THE_DEVICE: Final = (
    "accelerometer=(), autoplay=(), camera=(), display-capture=(), encrypted-media=(), "
    "fullscreen=(), geolocation=(), gyroscope=(), magnetometer=(), microphone=(), midi=(), "
    "payment=(), picture-in-picture=(), publickey-credentials-get=(), screen-wake-lock=(), "
    "usb=(), xr-spatial-tracking=()"
)

_BASE: Final[Headers] = (
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
    (b"referrer-policy", b"no-referrer"),
    (
        b"content-security-policy",
        b"default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-embedder-policy", b"require-corp"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"origin-agent-cluster", b"?1"),
    (b"permissions-policy", _NOTHING_OF_THE_DEVICE.encode("ascii")),
    (b"x-permitted-cross-domain-policies", b"none"),
    (b"x-robots-tag", b"none"),
)


def base_headers(*, tls: bool) -> Headers:
    """Return the headers of every answer.

    Args:
        tls: Whether the client reaches this service over TLS, as far as its operator says. Over
            plain HTTP a browser ignores HSTS, and telling it would promise what is not there.
    """
    return (*_BASE, HSTS) if tls else _BASE
