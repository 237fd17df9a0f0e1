"""How often one API key and one person may ask: token buckets, and a share of what is in flight.

A bucket holds at most its burst and is filled at its rate; a request takes one token of the key's
and one of the person's. So a key may ask in bursts, and not for ever faster than its rate. Each
worker process counts for itself: with N workers a site lets through up to N times as much.

Of the requests in flight one person has at most three quarters, so some room is left for others
however slow that person's requests are.

Source: RFC 6585, section 4 (429); RFC 9110, section 10.2.3 (`Retry-After`);
draft-ietf-httpapi-ratelimit-headers-10 (`RateLimit`, `RateLimit-Policy`).
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from datetime import timedelta
from math import ceil
from typing import Any, Final, TypeAlias

from bedside.clock import Clock, system_clock, timestamp
from bedside.errors import TooOften, Unavailable
from bedside.people.api_key import EXPIRES_SOON
from bedside.people.person import Caller
from bedside.site.settings import Limits

TAKEN: Final = "bedside.taken"
"""Where in the scope the person stands whose place in flight the envelope gives back."""

TOLD: Final = "bedside.told"
"""Where in the scope the headers stand that an answer has besides the usual ones."""

SHARE_OF_ONE: Final = 0.75
"""Of the requests in flight, how many one person may have at most."""

LITTLE: Final = 0.25
"""Below this part of its burst a bucket's state is told, so that a client can slow down."""

MOST_BUCKETS: Final = 10_000
"""Only keys that opened have one; when there are so many, those that are full are forgotten."""

_LOOK_SECONDS: Final = 60.0
"""How long the moment before which a key's end is told may be reused."""

Header: TypeAlias = tuple[bytes, bytes]


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: float


class Buckets:
    """Token buckets of one kind, by id.

    A rate of 0 means no limit.
    """

    def __init__(self, name: str, per_second: int, burst: int) -> None:
        """Let each id take `per_second` tokens a second, and up to `burst` at once."""
        self.name = name
        self._rate = per_second
        self._burst = max(burst, 1)
        self._window = ceil(self._burst / per_second) if per_second else 0
        self._buckets: dict[str, _Bucket] = {}

    def __len__(self) -> int:
        """Return how many ids have one."""
        return len(self._buckets)

    def take(self, owner: str, now: float) -> Header | None:
        """Take one token of `owner`; tell the state where little is left.

        Args:
            owner: Whose bucket.
            now: Seconds of a clock that never goes back.

        Raises:
            TooOften: there is none.
        """
        if not self._rate:
            return None
        bucket = self._buckets.get(owner)
        if bucket is None:
            bucket = self._new(owner, now)
        filled = bucket.tokens + (now - bucket.at) * self._rate
        bucket.at = now
        if filled < 1.0:
            bucket.tokens = filled
            raise self._refusal((1.0 - filled) / self._rate)
        bucket.tokens = left = min(filled, float(self._burst)) - 1.0
        if left >= self._burst * LITTLE:
            return None
        reset = ceil((self._burst - left) / self._rate)
        return b"ratelimit", f'"{self.name}";r={int(left)};t={reset}'.encode("ascii")

    def give_back(self, owner: str) -> None:
        """Put back a token that was taken for a request which was then refused."""
        bucket = self._buckets.get(owner)
        if bucket is not None:
            bucket.tokens += 1.0

    def _new(self, owner: str, now: float) -> _Bucket:
        if len(self._buckets) >= MOST_BUCKETS:
            self._buckets = {
                name: one
                for name, one in self._buckets.items()
                if one.tokens + (now - one.at) * self._rate < self._burst
            }
        bucket = self._buckets[owner] = _Bucket(float(self._burst), now)
        return bucket

    def _refusal(self, wait: float) -> TooOften:
        return TooOften(
            f"This {self.name} asks more than {self._rate} times a second, and its burst of "
            f"{self._burst} is used up.",
            wait=wait,
            quota=(self.name, self._burst, self._window),
            advice="Wait as long as Retry-After says; put several rows into one request.",
        )


class Rates:
    """What one process lets each key and each person ask; used on one event loop, so no lock."""

    def __init__(
        self,
        limits: Limits,
        clock: Clock = system_clock,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._keys = Buckets("key", limits.key_per_second, limits.key_burst)
        self._people = Buckets("person", limits.person_per_second, limits.person_burst)
        self._share = max(1, int(limits.concurrent * SHARE_OF_ONE))
        self._in_flight: Counter[str] = Counter()
        self._now = now
        self._looked = float("-inf")
        self._soon = ""

    def admit(self, scope: MutableMapping[str, Any], caller: Caller) -> None:
        """Let a request of somebody who signed in go on; asked twice about one, it counts it once.

        The envelope gives the place back, and adds the headers that are left in the scope.

        Raises:
            TooOften: the key or the person asks too often.
            Unavailable: this person has as many requests in flight as one may.
        """
        if TAKEN in scope:
            return
        told = self.take(caller.credential, caller.person.id)
        scope[TAKEN] = caller.person.id
        if told is not None or caller.expires_at is not None:
            headers = [told] if told is not None else []
            if caller.expires_at is not None and caller.expires_at <= self._horizon():
                headers.append((b"bedside-key-expires", caller.expires_at.encode("ascii")))
            scope[TOLD] = headers

    def take(self, key_id: str, person_id: str) -> Header | None:
        """Take a token of a key and of a person, and a place in flight; `leave` gives it back.

        Returns:
            The `RateLimit` header, where little is left.

        Raises:
            TooOften: the key or the person asks too often; nothing is taken then.
            Unavailable: this person has as many requests in flight as one may.
        """
        if self._in_flight[person_id] >= self._share:
            raise Unavailable(
                f"{self._share} of your requests are being answered; one person may have no more.",
                advice="Send the request again when one of them is answered.",
            )
        now = self._now()
        of_key = self._keys.take(key_id, now)
        try:
            of_person = self._people.take(person_id, now)
        except TooOften:
            self._keys.give_back(key_id)
            raise
        self._in_flight[person_id] += 1
        return of_key or of_person

    @property
    def in_flight(self) -> dict[str, int]:
        """How many requests of each person are being answered."""
        return dict(self._in_flight)

    def leave(self, person_id: str) -> None:
        """Give back the place of one request in flight."""
        left = self._in_flight[person_id] - 1
        if left > 0:
            self._in_flight[person_id] = left
        else:
            del self._in_flight[person_id]

    def _horizon(self) -> str:
        """Return the moment before which a key's end is told to whoever uses it."""
        now = self._now()
        if now - self._looked > _LOOK_SECONDS:
            self._looked = now
            self._soon = timestamp(self._clock() + timedelta(days=EXPIRES_SOON))
        return self._soon
