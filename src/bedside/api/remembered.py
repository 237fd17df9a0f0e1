"""Who came in lately: so that the next request of the same key needs no look at the database.

What is remembered is proved current where it counts: the value that the fence of people had before
the look goes into the transaction that records the answer (decision 10). A key that was revoked, or
a role that was taken away, so never gets an answer recorded; the request is then signed in anew. A
key that ends by itself is held against the clock here. Secrets are not kept, their digests are.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from typing import Final, NamedTuple

from bedside.clock import Clock, timestamp
from bedside.people.currency import ended
from bedside.people.person import Caller

REMEMBERED_SECONDS: Final = 5.0
"""How long a sign-in is remembered: nobody who edits the database by hand advances a fence."""

MOST_REMEMBERED: Final = 10_000
"""Keys of one site that are at work within some seconds; beyond it all are looked up once more."""


class Known(NamedTuple):
    """Somebody who signed in.

    Attributes:
        caller: Who it is.
        until: When this is forgotten, in seconds of the monotonic clock.
    """

    caller: Caller
    until: float


class Remembered:
    """The sign-ins that one process remembers; used on one event loop, so it needs no lock."""

    def __init__(self, clock: Clock, now: Callable[[], float] = time.monotonic) -> None:
        """Remember nobody yet.

        Args:
            clock: Tells when a key ends.
            now: Tells seconds of a clock that never goes back.
        """
        self._clock = clock
        self._now = now
        self._known: dict[bytes, Known] = {}

    def of(self, secret: bytes) -> Known | None:
        """Return who a secret belongs to, as far as it is remembered."""
        known = self._known.get(hashlib.sha256(secret).digest())
        if known is None or known.until < self._now():
            return None
        return None if self.ended(known.caller) else known

    def ended(self, caller: Caller) -> bool:
        """Return whether the key of a caller has ended by itself since they came in."""
        return caller.expires_at is not None and ended(caller, timestamp(self._clock()))

    def keep(self, secret: str, caller: Caller) -> None:
        """Remember a sign-in; the caller's fences are from before the look at the database."""
        if len(self._known) >= MOST_REMEMBERED:
            self._known.clear()
        until = self._now() + REMEMBERED_SECONDS
        digest = hashlib.sha256(secret.encode("ascii")).digest()
        self._known[digest] = Known(caller, until)

    def forget(self) -> None:
        """Forget everybody: the fence of people moved."""
        self._known.clear()
