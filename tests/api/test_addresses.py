"""Whose word about a client's address is believed."""

from __future__ import annotations

import tomllib

import pytest
from pydantic import ValidationError

from bedside.api.addresses import HOPS, Addresses
from bedside.people.api_key import EXPIRES_SOON, LONGEST_OVERLAP
from bedside.people.lockout import BEGINNING, FORGOTTEN, LONGEST
from bedside.site.proxy_settings import ProxySettings, proxy_lines
from bedside.site.settings import Limits
from tests.conftest import ROOT

PROXY = ProxySettings(trusted=("10.0.0.0/8", "fd00::/8"))
FORWARDED = ProxySettings(trusted=("10.0.0.0/8",), header="forwarded")


def of(settings: ProxySettings, peer: str | None, *values: str) -> str:
    name = settings.header.encode()
    headers = [(b"host", b"x"), *((name, value.encode()) for value in values)]
    client = None if peer is None else (peer, 1)
    return Addresses(settings).of({"client": client, "headers": headers})


def test_without_a_trusted_proxy_only_the_connection_counts() -> None:
    assert of(ProxySettings(), "192.0.2.1", "198.51.100.1") == "192.0.2.1"
    assert of(PROXY, "192.0.2.1", "198.51.100.1") == "192.0.2.1"
    assert of(PROXY, None) == ""


@pytest.mark.parametrize(
    ("values", "address"),
    [
        (("198.51.100.1",), "198.51.100.1"),
        (("198.51.100.1:4711",), "198.51.100.1"),
        (("[2001:db8::1]:4711",), "2001:db8::/64"),
        (("2001:db8::1",), "2001:db8::/64"),
        (("203.0.113.9, 198.51.100.1",), "198.51.100.1"),
        (("203.0.113.9, 198.51.100.1, 10.1.2.3",), "198.51.100.1"),
        (("203.0.113.9", "198.51.100.1"), "198.51.100.1"),
        (("10.1.2.3, 10.1.2.4",), "10.0.0.1"),
        (("",), "10.0.0.1"),
        ((), "10.0.0.1"),
    ],
)
def test_the_first_from_the_right_that_is_no_proxy_of_ours_is_the_client(
    values: tuple[str, ...], address: str
) -> None:
    assert of(PROXY, "10.0.0.1", *values) == address
    assert of(PROXY, "::ffff:10.0.0.1", *values).removeprefix("::ffff:") == address


@pytest.mark.parametrize(
    ("value", "address"),
    [
        ("for=198.51.100.1", "198.51.100.1"),
        ('For="198.51.100.1:80";proto=https', "198.51.100.1"),
        ('proto=https;for="[2001:db8::1]:80"', "2001:db8::/64"),
        ("for=203.0.113.9, for=198.51.100.1;by=10.0.0.1", "198.51.100.1"),
        ("by=203.0.113.9", "10.0.0.1"),
        ("for=unknown", "unknown"),
    ],
)
def test_forwarded_is_read_as_rfc_7239_says(value: str, address: str) -> None:
    assert of(FORWARDED, "10.0.0.1", value) == address


def test_a_header_without_end_is_looked_at_from_the_right_alone() -> None:
    value = ",".join(["203.0.113.9"] * 50_000 + ["198.51.100.1"])
    assert of(PROXY, "10.0.0.1", value) == "198.51.100.1"
    assert of(PROXY, "10.0.0.1", ",".join(["203.0.113.9"] + ["10.0.0.2"] * HOPS)) == "10.0.0.1"


@pytest.mark.parametrize("named", ["10.0.0.1/8", "nonsense", "10.0.0.0/99", "*"])
def test_what_is_no_network_is_no_proxy(named: str) -> None:
    with pytest.raises(ValidationError):
        ProxySettings(trusted=(named,))


def test_the_settings_are_written_as_they_are_read() -> None:
    assert proxy_lines(ProxySettings()) == []
    read = tomllib.loads("\n".join(proxy_lines(FORWARDED)))
    assert ProxySettings.model_validate(read["proxy"]) == FORWARDED


def test_the_page_shows_settings_that_can_be_read_and_limits_as_they_are() -> None:
    text = (ROOT / "docs" / "explanation" / "lifecycle.md").read_text(encoding="utf-8")
    page = " ".join(text.split())
    shown = tomllib.loads(text.split("```toml\n")[1].split("```")[0])
    assert ProxySettings.model_validate(shown["proxy"]).tls
    limits = Limits()
    assert f"`key_per_second` ({limits.key_per_second})" in page
    assert f"`key_burst` ({limits.key_burst:,})" in page
    assert (limits.person_per_second, limits.person_burst) == (2000, 60_000), "twice as much"
    assert (limits.refused_sign_ins, LONGEST, FORGOTTEN, BEGINNING) == (10, 300.0, 900.0, 12)
    assert (LONGEST_OVERLAP, EXPIRES_SOON) == (90, 14)
    assert f"{LONGEST_OVERLAP} at most" in page
    assert f"last {EXPIRES_SOON} days" in page
