"""How many connections one process holds, and of whom."""

from __future__ import annotations

import pytest

from bedside.api.addresses import Addresses
from bedside.api.connections import Connections
from bedside.site.proxy_settings import ProxySettings


class Line:
    """A connection on which a request is being answered, so that it never gives way."""

    since = 0.0
    waiting = False
    fresh = False

    def __init__(self, peer: str) -> None:
        self.peer = peer

    def let_go(self) -> None:
        raise AssertionError("it was being answered")

    cut_off = let_go


@pytest.mark.parametrize(
    ("proxy", "trusted"),
    [
        ("192.0.2.1", "192.0.2.0/24"),
        ("::ffff:192.0.2.1", "192.0.2.0/24"),
        ("2001:db8::1", "2001:db8::1"),
        ("2001:db8::1", "2001:db8::/96"),
    ],
)
def test_a_trusted_proxy_may_have_all_connections(proxy: str, trusted: str) -> None:
    trusts = Addresses(ProxySettings(trusted=(trusted,))).trusts
    connections = Connections(10, 2, trusts)
    assert [connections.enter(Line(proxy), 1.0) for _ in range(11)] == [True] * 10 + [False]


@pytest.mark.parametrize("stranger", ["198.51.100.1", "2001:db8::2"])
def test_nobody_else_may(stranger: str) -> None:
    trusts = Addresses(ProxySettings(trusted=("2001:db8::1",))).trusts
    connections = Connections(10, 2, trusts)
    assert [connections.enter(Line(stranger), 1.0) for _ in range(3)] == [True, True, False]


def test_where_no_address_is_known_only_the_bound_of_all_holds() -> None:
    connections = Connections(4, 2, lambda _: False)
    assert [connections.enter(Line(""), 1.0) for _ in range(5)] == [True] * 4 + [False]
