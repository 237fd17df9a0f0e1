"""Who had many sign-ins refused must wait: in memory, bounded, and nobody else with them.

Three things are counted apart, each with the same rule:

- an **address**, by the *different* secrets that were refused from it. A device with one outdated
  key repeats one secret, so it does not lock out the ward behind the same address;
- the **beginning** of a secret, by the different secrets that began so, from wherever they came:
  whoever saw half a key on a screen and tries the rest;
- a **secret** itself, by how often it was refused: the device with the outdated key.

After `free` refusals each further one doubles the time to wait, from one second to `LONGEST`; while
somebody waits, attempts are not looked at, and so do not count. After `FORGOTTEN` seconds without a
refusal all is forgotten. A secret that opened here since the process began is looked at in any
case, so a lock does not put anybody out who is in. One that was never seen here is looked up though
its address waits, `LOOKS` times a second: whoever shares an address with a stranger who goes on
guessing comes in all the same. What such a look finds wrong is told, counted and recorded as if
there had been none.

Keys have 256 random bits: nobody guesses one. What this spares is work, noise and the record.

Source: OWASP Authentication Cheat Sheet, "Account Lockout" and "Login Throttling"; RFC 6177 (an
IPv6 site has at least a /64).
"""

from __future__ import annotations

import hashlib
import ipaddress
import time
from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from math import ceil
from typing import Final

from bedside.errors import TooOften
from bedside.people.api_key import shape_fault

FREE: Final = 10
"""Refusals that cost no wait, where nothing else is set: mistyped keys of a ward stay below."""

LONGEST: Final = 300.0
"""Seconds that anybody waits at most: a lock that a person must undo would be a weapon."""

FORGOTTEN: Final = 900.0
"""Seconds without a refusal after which none is remembered."""

REMEMBERED: Final = 10_000
"""Addresses, beginnings and secrets together; the one that was refused longest ago goes first."""

BEGINNING: Final = 12
"""Characters of a secret that are its beginning: `bds_` and eight more, 48 of 256 bits."""

LOOKS: Final = 10
"""Secrets a second that are looked up from an address that waits; one look is a query by an index."""

LOOKS_OF_ALL: Final = 100
"""The same of all addresses that wait, in one process."""

LONGEST_NAME: Final = 64
"""Characters that are kept of what is no address."""


@dataclass(slots=True)
class _Count:
    refused: int = 0
    until: float = 0.0
    last: float = 0.0


@dataclass(slots=True)
class _Looks:
    """The secrets that were looked up in one second, by address; it is forgotten with the second."""

    second: int = 0
    all: int = 0
    of: Counter[str] = field(default_factory=Counter)


class Lockout:
    """The refusals that one process remembers; used on one event loop, so it needs no lock."""

    def __init__(self, free: int = FREE, now: Callable[[], float] = time.monotonic) -> None:
        """Begin with nothing.

        Args:
            free: Refusals that cost no wait.
            now: Tells seconds of a clock that never goes back.
        """
        self._free = free
        self._now = now
        self._counts: OrderedDict[str, _Count] = OrderedDict()
        self._known: OrderedDict[str, None] = OrderedDict()
        self._looks = _Looks()

    def __len__(self) -> int:
        """Return how many addresses, beginnings and secrets are remembered."""
        return len(self._counts) + len(self._known)

    def check(self, address: str, secret: str | None) -> None:
        """Let an attempt be looked at.

        Args:
            address: Where it comes from (see `group_of`); empty where that is not known.
            secret: What was sent.

        Raises:
            TooOften: its address, its beginning or the secret itself must wait.
        """
        if not self._counts or (secret is not None and _digest(secret) in self._known):
            return
        now = self._now()
        wait = max((self._wait(one, now) for one in _sources(address, secret)), default=0.0)
        if wait > 0:
            raise TooOften(
                f"Too many sign-ins were refused; the next one is looked at in {ceil(wait)} s.",
                wait=wait,
                advice="Wait, and send a key that is good; an administrator can issue one.",
            )

    def may_look(self, address: str, secret: str | None) -> bool:
        """Return whether a secret that `check` refused is to be looked up all the same; count that.

        It is where nothing but its address waits, it has the shape of a key, and there were not
        too many this second.
        """
        if secret is None or shape_fault(secret) is not None:
            return False
        now = self._now()
        if any(self._wait(one, now) > 0 for one in _sources("", secret)):
            return False
        if self._looks.second != int(now):
            self._looks = _Looks(int(now))
        looks = self._looks
        if looks.all >= LOOKS_OF_ALL or looks.of[address] >= LOOKS:
            return False
        looks.all += 1
        looks.of[address] += 1
        return True

    def opened(self, secret: str) -> None:
        """Remember that a secret opens, so that no lock of others holds up who uses it."""
        digest = _digest(secret)
        self._known[digest] = None
        self._known.move_to_end(digest)
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)

    def refused(self, address: str, secret: str | None, times: int = 1) -> None:
        """Count refusals; where nothing was sent, nothing was tried."""
        if secret is None:
            return
        digest = _digest(secret)
        self._known.pop(digest, None)
        now = self._now()
        *shared, alone = _sources(address, secret)
        if self._fresh(alone, now):
            for source in shared:
                self._count(source, 1, now)
        self._count(alone, times, now)

    def _wait(self, source: str, now: float) -> float:
        count = self._counts.get(source)
        return 0.0 if count is None else count.until - now

    def _fresh(self, source: str, now: float) -> bool:
        count = self._counts.get(source)
        return count is None or now - count.last > FORGOTTEN

    def _count(self, source: str, times: int, now: float) -> None:
        count = self._counts.pop(source, None)
        if count is None or now - count.last > FORGOTTEN:
            count = _Count()
        self._counts[source] = count
        count.refused += times
        count.last = now
        beyond = count.refused - self._free
        if beyond >= 0:
            count.until = now + min(LONGEST, 2.0 ** min(beyond, 30))
        if len(self._counts) > REMEMBERED:
            self._counts.popitem(last=False)


def group_of(address: str) -> str:
    """Return what stands for an address where addresses are counted.

    An IPv4 address is itself, written in IPv6 too; of an IPv6 address the first 64 bits count,
    because one computer may take any of the rest. What is no address is itself.
    """
    try:
        known = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address[:LONGEST_NAME]
    if isinstance(known, ipaddress.IPv4Address):
        return str(known)
    if known.ipv4_mapped is not None:
        return str(known.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(known) >> 64 << 64, 64)))


def _sources(address: str, secret: str | None) -> list[str]:
    found = [f"address {address}"] if address else []
    if secret is not None:
        found += [f"beginning {_digest(secret[:BEGINNING])}", f"secret {_digest(secret)}"]
    return found


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
