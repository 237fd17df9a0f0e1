"""`[proxy]` in `site.toml`: what stands between the clients and this service."""

from __future__ import annotations

import json
from ipaddress import ip_network
from typing import Annotated, Literal, TypeAlias

from pydantic import Field, field_validator

from bedside.package.fields import Frozen

Network: TypeAlias = Annotated[str, Field(min_length=2, max_length=50)]


class ProxySettings(Frozen):
    """What stands between the clients and this service; without it nothing is believed.

    Attributes:
        trusted: Addresses or networks (`10.0.3.7`, `10.0.0.0/8`, `fd00::/8`) of proxies whose word
            about their clients is believed. Name only proxies that write the header themselves.
        header: The header in which they say for whom they ask.
        tls: Whether clients reach this service over TLS, which the proxy ends. Browsers are then
            told to use nothing else (HSTS).
    """

    trusted: Annotated[tuple[Network, ...], Field(strict=False, max_length=100)] = ()
    header: Literal["x-forwarded-for", "forwarded"] = "x-forwarded-for"
    tls: bool = False

    @field_validator("trusted")
    @classmethod
    def _networks(cls, trusted: tuple[str, ...]) -> tuple[str, ...]:
        for one in trusted:
            ip_network(one)  # its ValueError names what is wrong
        return trusted


def proxy_lines(proxy: ProxySettings) -> list[str]:
    """Return the table as lines of TOML; none where nothing is set."""
    if proxy == ProxySettings():
        return []
    return [
        "",
        "# Proxies whose word about their clients is believed.",
        "[proxy]",
        f"trusted = {json.dumps(proxy.trusted)}",
        f'header = "{proxy.header}"',
        f"tls = {str(proxy.tls).lower()}",
    ]
