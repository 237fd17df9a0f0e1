"""Golden cases of volume packages, replayed by a process apart before anybody is answered.

A whole head takes minutes and gigabytes, which a service that answers others has not. So the process
that will compute the analyses replays them first (`analysis_child`), in no hurry, counted with the
jobs of this machine; until it has, its model is not ready, and says so. Decision 21.

Several processes of one machine need the same proof. The one that made it holds a lock while it
lives; as long, the others take its word, if their libraries are of the same versions:

    proofs/<digest>.<machine>.lock    held by who proves, or proved
    proofs/<digest>.<machine>.json    what was found
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from bedside.errors import BedsideError, PackageRefused, Unavailable
from bedside.jobs.workshop import Workshop
from bedside.package.package import Package
from bedside.package.volumes import VolumeInput
from bedside.runtime.engines.engine import Engines
from bedside.runtime.patience import GoingOn, always
from bedside.runtime.proving import Here
from bedside.runtime.runner import GoldenReport
from bedside.serving.proof_board import Found, ProofBoard

TURN_SECONDS: Final = 0.2
"""How often it is looked whether another process has proved a package, or whether there is room."""

GRACE_SECONDS: Final = 5.0
"""How long a process leaves a proof to the one that does the jobs, which counts the memory."""

AGAIN_SECONDS: Final = 600.0
"""How long a package that did not prove itself is left alone: a replay may take many minutes."""

Opened: TypeAlias = Callable[[], Package]


class NotProvedYet(Unavailable):
    """The golden cases of a package are being replayed."""


class Stopped(Exception):
    """Nobody waits for the proof any more."""


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A proof that somebody waits for, and since when (monotonic seconds)."""

    opened: Opened
    since: float


class Proofs:
    """The volume packages that proved themselves on this machine; safe to use from many threads."""

    def __init__(self, workshop: Workshop, folder: Path, engines: Engines) -> None:
        """Wire it.

        Args:
            workshop: What does the work.
            folder: Where proofs are told to other processes of this machine.
            engines: What this machine has beside ONNX Runtime.
        """
        self.engines = engines
        self._workshop = workshop
        self._board = ProofBoard(folder)
        self._known: dict[str, tuple[Found, float]] = {}
        self._wanted: dict[str, _Wanted] = {}
        self._guard = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def prove(self, package: Package) -> GoldenReport:
        """Replay the golden cases now, whatever is known of them; see `runtime.proving.Prover`."""
        if not isinstance(package.manifest.input, VolumeInput):
            return Here(self.engines).prove(package)
        found = self._replayed(lambda: package, always)
        if isinstance(found, BedsideError):
            raise again(found)
        self._known[package.digest] = found, time.monotonic()
        return found

    def of(self, digest: str, opened: Opened) -> GoldenReport:
        """Return what the replay of a volume package found; where there was none, let it begin.

        Args:
            digest: That names the package.
            opened: Opens it, when its turn has come.

        Raises:
            NotProvedYet: it has not ended.
            PackageRefused: the package is not for this machine, or gives another answer.
            Unavailable: it could not be replayed.
        """
        found = self._lately(digest)
        if found is None:
            self.want(digest, opened)
            raise NotProvedYet(
                "its golden cases are being replayed by a process of its own",
                advice="Send it again later; its readiness tells when it is ready.",
            )
        if isinstance(found, BedsideError):
            raise again(found)
        return found

    def want(self, digest: str, opened: Opened) -> None:
        """Let a proof begin in a thread, unless one is known or has begun."""
        with self._guard:
            if self._lately(digest) is not None or digest in self._wanted:
                return
            self._known.pop(digest, None)
            self._wanted[digest] = _Wanted(opened, time.monotonic())
            if self._thread is None and not self._stop.is_set():
                self._thread = threading.Thread(
                    target=self._run, name="bedside-proofs", daemon=True
                )
                self._thread.start()

    def settled(self, digest: str) -> bool:
        """Return whether a proof has ended, in whatever way; no database is asked."""
        return self._lately(digest) is not None

    def decided(self, digest: str) -> bool:
        """Return whether a package proved itself, or is refused; not where no replay came to its end."""
        found = self._lately(digest)
        return isinstance(found, GoldenReport | PackageRefused)

    def wait(self, digest: str) -> None:
        """Wait until a proof that was wanted has ended, or nobody makes it any more."""
        while not self.settled(digest) and not self._stop.is_set():
            time.sleep(TURN_SECONDS)

    def stop(self) -> None:
        """End what is under way, and tell others nothing any more."""
        self._stop.set()
        thread = self._thread
        if thread is not None:
            thread.join()
        self._board.close()

    def _lately(self, digest: str) -> Found | None:
        """Return what is known of a package; a failure is forgotten after a time."""
        known = self._known.get(digest)
        if known is None:
            return None
        found, at = known
        old = isinstance(found, BedsideError) and time.monotonic() - at > AGAIN_SECONDS
        return None if old else found

    def _run(self) -> None:
        while (turn := self._next()) is not None:
            digest, wanted = turn
            try:
                found = self._turn(digest, wanted)
            except Stopped:
                return
            if found is not None:
                self._known[digest] = found, time.monotonic()
            with self._guard:
                self._wanted.pop(digest, None)
                if found is None:  # others first
                    self._wanted[digest] = wanted
            if found is None:
                self._stop.wait(TURN_SECONDS)

    def _next(self) -> tuple[str, _Wanted] | None:
        with self._guard:
            if not self._wanted or self._stop.is_set():
                self._thread = None
                return None
            digest = next(iter(self._wanted))
            return digest, self._wanted[digest]

    def _turn(self, digest: str, wanted: _Wanted) -> Found | None:
        """Return what is found of a package; None where another process is about to find it."""
        patient = time.monotonic() - wanted.since < GRACE_SECONDS
        if patient and not self._workshop.duty.taken():
            return self._board.read(digest)
        if not self._board.taken(digest):
            return self._board.read(digest)
        found = self._replayed(wanted.opened, self._going_on)
        self._board.write(digest, found)
        return found

    def _replayed(self, opened: Opened, going_on: GoingOn) -> Found:
        """Return what a process of its own finds, or why there is nothing.

        Raises:
            Stopped: nobody waits any more.
        """
        from bedside.serving.proof_errand import replayed  # noqa: PLC0415 - brings what does a job

        try:
            return replayed(opened(), self._workshop, self.engines, going_on)
        except BedsideError as problem:
            return problem
        except Stopped:
            raise
        except Exception as fault:  # noqa: BLE001 - told: nobody else would look
            return Unavailable(
                f"The replay of its golden cases met what nobody foresaw: {type(fault).__name__}.",
                advice="It is tried again by itself; if it stays, report this.",
            )

    def _going_on(self) -> None:
        if self._stop.is_set():
            raise Stopped


def again(found: BedsideError) -> BedsideError:
    """Return a fresh copy: one exception raised by many threads would gather their tracebacks."""
    kind = type(found) if isinstance(found, PackageRefused) else Unavailable
    return kind(found.message, advice=found.advice)
