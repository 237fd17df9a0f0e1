"""From which address a request comes: the connection's, or what a trusted proxy says of it.

Anybody can write `X-Forwarded-For`. It counts only where the connection comes from a proxy that
`site.toml` names as trusted, and then from the right: each trusted proxy has appended whom it heard,
so the first address from the right that is not a trusted proxy's is the client's.

Source: RFC 7239, sections 4, 6 and 8.1 (`Forwarded`); RFC 9110, section 7.6.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any, Final, TypeAlias

from bedside.people.lockout import group_of
from bedside.site.proxy_settings import ProxySettings

HOPS: Final = 20
"""Addresses that are looked at from the right; no honest way is longer."""

_FOR: Final = re.compile(r'(?:^|;)\s*for=(?:"([^"]*)"|([^;,"\s]*))', re.IGNORECASE)

Network: TypeAlias = IPv4Network | IPv6Network


class Addresses:
    """Tells whom a request comes from, under one site's settings."""

    def __init__(self, proxy: ProxySettings) -> None:
        self._trusted: tuple[Network, ...] = tuple(ip_network(one) for one in proxy.trusted)
        self._header = proxy.header.encode("ascii")
        self._forwarded = proxy.header == "forwarded"

    def of(self, scope: Any) -> str:
        """Return what the client's address counts as (see `group_of`); empty where unknown.

        Args:
            scope: Of the request (ASGI).
        """
        client = scope.get("client")
        peer: str = client[0] if client else ""
        if not self._trusted or not self.trusts(peer):
            return group_of(peer)
        for named in self._named(scope["headers"]):
            if not self.trusts(named):
                return group_of(named)
        return group_of(peer)

    def trusts(self, address: str) -> bool:
        """Return whether an address is a trusted proxy's."""
        try:
            known = ip_address(address.partition("%")[0])
        except ValueError:
            return False
        mapped = getattr(known, "ipv4_mapped", None)
        return any((mapped or known) in network for network in self._trusted)

    def _named(self, headers: list[tuple[bytes, bytes]]) -> list[str]:
        """Return the addresses that the header names, the nearest first."""
        lines = [value.decode("latin-1") for name, value in headers if name == self._header]
        hops = ",".join(lines).rsplit(",", HOPS)[-HOPS:] if lines else []
        found = [self._node(hop) for hop in reversed(hops)]
        return [one for one in found if one]

    def _node(self, hop: str) -> str:
        if not self._forwarded:
            return _without_port(hop.strip())
        match = _FOR.search(hop.strip())
        return _without_port((match[1] or match[2] or "").strip()) if match else ""


def _without_port(node: str) -> str:
    """Return the address in `192.0.2.1:80`, `[2001:db8::1]:80` or either without a port."""
    if node.startswith("["):
        return node[1:].partition("]")[0]
    return node.partition(":")[0] if node.count(":") == 1 else node
