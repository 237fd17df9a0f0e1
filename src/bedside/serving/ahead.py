"""Approved versions, loaded before they are released, so that a release takes effect at once.

A version that is approved will probably be released, and one that was just replaced may be rolled
back to. Loading a network and replaying its golden cases takes from milliseconds to many seconds;
done ahead, what is left at the switch is to look whether the package is still whole and trusted.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from contextlib import suppress
from functools import partial
from typing import Final

from bedside.registry.lifecycle import State
from bedside.registry.registry import Registry
from bedside.runtime.runner import Runner, load
from bedside.serving.proving import Proofs

MOST: Final = 4
"""Versions kept ahead by one process, the latest used or loaded."""

MOST_BYTES: Final = 512 * 2**20
"""Bytes of their networks together; in memory a network takes about as much again."""

LOOK_SECONDS: Final = 2.0
"""How often the approved versions are looked up."""

TURN_SECONDS: Final = 0.2
"""How often the thread sees whether it is time for that."""

RETRY_SECONDS: Final = 600.0
"""How long a version that does not load is left alone; whoever releases it is told why anyhow."""


class Ahead:
    """The versions that one process has loaded without answering with them; safe from many threads."""

    def __init__(self, registry: Registry, proofs: Proofs) -> None:
        self._registry = registry
        self._proofs = proofs
        self._proving: set[str] = set()
        self._runners: OrderedDict[str, tuple[Runner, int]] = OrderedDict()
        self._refused: dict[str, float] = {}
        self._looked = -LOOK_SECONDS
        self._guard = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def of(self, digest: str) -> Runner | None:
        """Return the runner of a package that proved itself in this process, or None."""
        with self._guard:
            found = self._runners.get(digest)
            return None if found is None else found[0]

    def keep(self, digest: str, runner: Runner, size: int) -> None:
        """Keep a runner whose golden cases were replayed, and let go of the oldest beyond the bounds.

        Args:
            digest: Of the package's manifest.
            runner: Answers.
            size: Bytes of the network.
        """
        with self._guard:
            self._runners[digest] = runner, size
            self._runners.move_to_end(digest)
            while len(self._runners) > MOST or self._total() > MOST_BYTES:
                self._runners.popitem(last=False)

    def look(self) -> None:
        """Load the approved versions that are not here yet, the latest first; forget all others.

        Raises:
            BedsideError: the registry cannot be asked now.
        """
        now = time.monotonic()
        if now - self._looked < LOOK_SECONDS:
            return
        self._looked = now
        records = self._registry.versions()
        answering = {one.digest for one in records if one.state is State.RELEASED}
        approved = [one.digest for one in reversed(records) if one.state is State.APPROVED]
        with self._guard:
            for digest in self._runners.keys() - answering - set(approved):
                del self._runners[digest]
        for digest in approved[:MOST]:
            if self._stop.is_set():
                return
            here = self.of(digest) is not None or digest in self._proving
            if not here and now - self._refused.get(digest, -RETRY_SECONDS) > (RETRY_SECONDS):
                self._prepare(digest)

    def start(self) -> None:
        """Look in a thread of its own until `stop`, so that no load puts off the watch over releases."""
        self._thread = threading.Thread(target=self._watch, name="bedside-ahead", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread; what is loaded stays."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _watch(self) -> None:
        while not self._stop.wait(TURN_SECONDS):
            with suppress(Exception):  # whatever it is, the watch over releases meets and tells it
                self.look()

    def _prepare(self, digest: str) -> None:
        try:
            package = self._registry.package(digest)
            if package.manifest.input.kind == "volume":  # proved, and kept nowhere here
                self._proving.add(digest)
                self._proofs.want(digest, partial(self._registry.package, digest))
                return
            size = package.network_size
            if size <= MOST_BYTES:
                self.keep(digest, load(package, self._registry.engines), size)
                return
        except Exception:  # noqa: BLE001, S110 - told and recorded when somebody releases it
            pass
        self._refused[digest] = time.monotonic()

    def _total(self) -> int:
        return sum(size for _, size in self._runners.values())
