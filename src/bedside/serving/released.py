"""The released models that this process has loaded, kept in step with the registry.

One loaded `Runner` for each model, keyed by release epoch. A thread looks for new epochs and loads
them while the old version still answers; between two looks the ledger's fence keeps the record
exact (decision 2). A package that does not load, or a release that the ledger does not tell of,
makes its own model unready and no other. So does a volume package until a process apart has
replayed its golden cases (`proving`): nothing of it is computed here.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeAlias

from bedside.canonical import Json
from bedside.errors import (
    BedsideError,
    ConditionsNotMet,
    GoldenMismatch,
    NotFound,
    PackageDamaged,
    PackageRefused,
    SignatureRefused,
    Unavailable,
)
from bedside.ledger.events import Draft, EventKind
from bedside.ledger.ledger import Ledger
from bedside.package.manifest import Manifest
from bedside.registry.registry import Registry
from bedside.registry.release import Release
from bedside.runtime.runner import Runner, load
from bedside.serving.ahead import Ahead
from bedside.serving.apart import Apart
from bedside.serving.proving import NotProvedYet, Proofs
from bedside.serving.spelling import PredictionSpelling, spelling_of
from bedside.serving.values import Readiness
from bedside.store import condition
from bedside.store.failures import DatabaseUnavailable

LOOK_SECONDS: Final = 0.2
"""How often the thread looks for new epochs; one small query."""

RETRY_SECONDS: Final = 30.0
"""How long a package that did not load is left alone before it is tried again."""

_REFUSALS: Final = (ConditionsNotMet, GoldenMismatch, PackageDamaged, SignatureRefused)


@dataclass(frozen=True, slots=True)
class Loaded:
    """A release whose package proved itself here.

    Attributes:
        release: Which version, since when, under which epoch.
        runner: Answers.
        manifest: Of the package.
        example: The raw row of the package's first golden case.
        pictures: Whether it takes pictures, each of which costs far more than a row of fields.
        spelling: Spells the events of its plain predictions; None where that is done the long way.
    """

    release: Release
    runner: Runner | Apart
    manifest: Manifest
    example: dict[str, Json]
    pictures: bool = False
    spelling: PredictionSpelling | None = None


@dataclass(frozen=True, slots=True)
class Broken:
    """A release whose package did not load here, why, and when that was (monotonic seconds).

    One with the error `NotProvedYet` is on its way.
    """

    release: Release
    error: BedsideError
    tried: float


Standing: TypeAlias = Loaded | Broken


class ReleasedModels:
    """What this process can answer with; safe to use from many threads."""

    def __init__(self, registry: Registry, ledger: Ledger, proofs: Proofs) -> None:
        self._registry = registry
        self._ledger = ledger
        self._proofs = proofs
        self._ahead = Ahead(registry, proofs)
        self._standing: dict[str, Standing] = {}
        self._loading: dict[str, threading.Lock] = {}
        self._guard = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._trouble: BedsideError | None = None
        self._asking: float | None = None  # since when the thread waits for the database

    def current(self, model: str) -> Loaded | None:
        """Return what answers for `model` as far as this process knows; no database is asked."""
        found = self._standing.get(model)
        return found if isinstance(found, Loaded) else None

    def standing(self) -> tuple[Standing, ...]:
        """Return what is known of every released model, by name."""
        known = dict(self._standing)
        return tuple(known[name] for name in sorted(known))

    def epochs(self) -> tuple[tuple[str, int], ...]:
        """Return model and epoch of everything that answers; it changes when a release does."""
        return tuple(
            (found.release.model, found.release.epoch)
            for found in self.standing()
            if isinstance(found, Loaded)
        )

    def fetch(self, model: str, *, wait: bool = True) -> Loaded:
        """Return what answers for `model` now, asking the registry, and loading it if need be.

        Args:
            model: Its name.
            wait: Whether, where no service runs in this process, the proof of a volume package is
                waited for.

        Raises:
            NotFound: the site knows no such model.
            NotProvedYet: the golden cases of a volume package are being replayed.
            Unavailable: nothing is released, or the package cannot be read now.
            PackageRefused: the released package does not prove itself here.
        """
        try:
            release = self._registry.released_for(model)
        except DatabaseUnavailable:
            raise  # which says nothing about the release
        except (NotFound, Unavailable):
            self._standing.pop(model, None)
            raise
        try:
            return self._brought(release)
        except NotProvedYet:
            if self._thread is not None or not wait:
                raise
        self._proofs.wait(release.digest)
        return self._brought(release)

    def awaited(self, model: str) -> BedsideError | None:
        """Return why a released version cannot answer yet, and may later; no database is asked.

        None where it answers, where nothing is known of it, and where its package is refused.
        """
        found = self._standing.get(model)
        if not isinstance(found, Broken) or isinstance(found.error, PackageRefused):
            return None
        proving = isinstance(found.error, NotProvedYet)
        return None if proving and self._proofs.decided(found.release.digest) else found.error

    def refresh(self) -> None:
        """Bring every model up to date; packages that do not load become `Broken`."""
        self._asking = time.monotonic()
        try:
            released = self._registry.released()
        finally:
            self._asking = None
        for gone in self._standing.keys() - {release.model for release in released}:
            self._standing.pop(gone, None)
        for release in released:
            try:
                self._brought(release)
            except (PackageRefused, Unavailable):
                continue  # kept as Broken, recorded once, told by readiness

    def readiness(self, model: str) -> Readiness:
        """Return whether `model` answers here.

        Raises:
            NotFound: the site knows no such model.
        """
        try:
            loaded = self.fetch(model)
        except (PackageRefused, Unavailable) as problem:
            found = self._standing.get(model)
            version, epoch = (found.release.version, found.release.epoch) if found else ("", 0)
            return Readiness(model, version, epoch, False, problem.message, problem.advice)
        return Readiness(model, loaded.release.version, loaded.release.epoch, True)

    def start(self) -> None:
        """Load what is released, then keep looking in a thread until `stop`."""
        self.refresh()
        self._thread = threading.Thread(target=self._look, name="bedside-releases", daemon=True)
        self._thread.start()
        self._ahead.start()

    def stop(self) -> None:
        """End the thread, and proofs under way; what is loaded stays usable."""
        self._stop.set()
        self._proofs.stop()
        self._ahead.stop()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    @property
    def trouble(self) -> BedsideError | None:
        """Why the last look failed, such as a database that does not answer; None when it did not."""
        if self._thread is not None and not self._thread.is_alive():
            return Unavailable("The watch over releases ended.", advice="Restart the service.")
        asking = self._asking
        if asking is not None and time.monotonic() - asking > condition.SLOW_SECONDS:
            return Unavailable(
                f"The database has not answered for {time.monotonic() - asking:.0f} s.",
                advice="It hangs, or the network to it; the service goes on by itself.",
            )
        return self._trouble

    def _look(self) -> None:
        while not self._stop.wait(LOOK_SECONDS):
            try:
                self.refresh()
            except BedsideError as problem:
                self._trouble = problem
            except Exception as fault:  # noqa: BLE001 - told, and looked again: nobody else would
                self._trouble = Unavailable(
                    f"The watch over releases met what nobody foresaw: {_short(fault)}.",
                    advice="It looks again by itself; if it stays, report this.",
                )
            else:
                self._trouble = None

    def _brought(self, release: Release) -> Loaded:
        """Return the loaded package of `release`; one thread loads, others wait for it."""
        with self._lock_of(release.model):
            found = self._standing.get(release.model)
            if found is not None and found.release.epoch >= release.epoch:
                if isinstance(found, Loaded):
                    return found
                if not self._worth_a_try(found):
                    raise _again(found.error)
            try:
                loaded = self._load(release)
            except DatabaseUnavailable:
                raise  # which says nothing about the package: it is tried again at the next look
            except Exception as problem:  # what nobody foresaw too: no other model is to suffer
                error = _as_refusal(release, problem)
                self._standing[release.model] = Broken(release, error, time.monotonic())
                if isinstance(error, PackageRefused):
                    self._record_once(release, error)
                raise error from problem
            self._standing[release.model] = loaded
            return loaded

    def _worth_a_try(self, found: Broken) -> bool:
        if isinstance(found.error, NotProvedYet):
            return self._proofs.settled(found.release.digest)
        return time.monotonic() - found.tried >= RETRY_SECONDS

    def _lock_of(self, model: str) -> threading.Lock:
        with self._guard:
            return self._loading.setdefault(model, threading.Lock())

    def _load(self, release: Release) -> Loaded:
        self._registry.check(release.model)  # once an epoch: what the rows say, the ledger tells
        package = self._registry.package(release.digest)
        manifest = package.manifest
        pictures = manifest.input.kind == "image"
        runner: Runner | Apart
        if manifest.input.kind == "volume":
            opened = partial(self._registry.package, release.digest)
            runner = Apart(manifest, release.digest, self._proofs.of(release.digest, opened))
        else:
            runner = self._ahead.of(release.digest) or load(package, self._registry.engines)
            self._ahead.keep(release.digest, runner, package.network_size)
        return Loaded(
            release,
            runner,
            manifest,
            package.golden[0].input,
            pictures,
            spelling_of(release, manifest),
        )

    def _record_once(self, release: Release, error: PackageRefused) -> None:
        body: dict[str, Json] = {
            "digest": release.digest,
            "epoch": release.epoch,
            "error": type(error).__name__,
            "reason": error.message[:2_000],
        }
        known = self._ledger.find(kind=EventKind.PACKAGE_REFUSED, about=release.ref)
        if any(entry.value["body"] == body for entry in known):
            return
        self._ledger.record(
            Draft(
                kind=EventKind.PACKAGE_REFUSED,
                about=release.ref,
                actor="system",
                door="system",
                body=body,
            )
        )


def _again(error: BedsideError) -> BedsideError:
    """Return a fresh copy: one exception raised by many threads would gather their tracebacks."""
    return type(error)(error.message, advice=error.advice)


def _short(fault: Exception) -> str:
    return f"{type(fault).__name__}: {fault}"[:500]


def _as_refusal(release: Release, problem: Exception) -> BedsideError:
    """Return `problem` with the model's name in front, as a refused package or as unavailability."""
    if isinstance(problem, NotProvedYet):
        return NotProvedYet(
            f"{release.ref} is not ready: {problem.message}.", advice=problem.advice
        )
    begun = f"{release.ref} is released and does not load here:"
    if not isinstance(problem, BedsideError):
        return Unavailable(f"{begun} {_short(problem)}.", advice="Nobody foresaw that: report it.")
    message = f"{begun} {problem.message}"
    for kind in _REFUSALS:
        if isinstance(problem, kind):
            return kind(message, advice=problem.advice)
    if isinstance(problem, PackageRefused):
        return PackageRefused(message, advice=problem.advice)
    return Unavailable(message, advice=problem.advice)
