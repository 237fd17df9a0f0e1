"""What is counted, as Prometheus text; every application has a registry of its own."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from bedside.api.journal import STATE, tell
from bedside.api.numbers import Numbers, SharedNumbers, added_up, cumulative
from bedside.api.witness_numbers import witness_numbers
from bedside.errors import BedsideError
from bedside.site.backup.state import backup_state
from bedside.site.site import Site

REQUESTS: Final = "bedside_requests"
PREDICTIONS: Final = "bedside_predictions"
REFUSED: Final = "bedside_refused_inputs"

WRITE_SECONDS: Final = 1.0
"""How often a worker writes its numbers where the others read them."""

OURS: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = MappingProxyType(
    {
        REQUESTS: ("Requests by route and status.", ("route", "status")),
        PREDICTIONS: (
            "Recorded predictions by model, version and label.",
            ("model", "version", "label"),
        ),
        REFUSED: ("Requests that the gate refused, by model.", ("model",)),
    }
)
"""The counters that every application has."""


class InFlight:
    """How many requests are being answered, asked when somebody looks."""

    def __init__(self) -> None:
        self._asked: Callable[[], int] = int

    def set_function(self, asked: Callable[[], int]) -> None:
        """Ask `asked` from now on."""
        self._asked = asked

    def __int__(self) -> int:
        """Return the number now."""
        return self._asked()


class Metrics:
    """The numbers of one application; they are counted on its event loop alone.

    Attributes:
        in_flight: Is told how to find out how many requests are being answered.
    """

    def __init__(self, site: Site) -> None:
        self.in_flight = InFlight()
        self._site = site
        self._numbers = Numbers(kinds=dict(OURS))
        self._shared: SharedNumbers | None = None
        self._stop = threading.Event()
        self._writer: threading.Thread | None = None

    def answered(self, route: str, status: int, seconds: float) -> None:
        """Count one request."""
        self._numbers.add((REQUESTS, route, str(status)))
        self._numbers.took(route, seconds)

    def predicted(self, model: str, version: str, label: str | None) -> None:
        """Count one recorded prediction."""
        self._numbers.add((PREDICTIONS, model, version, label or ""))

    def refused(self, model: str) -> None:
        """Count one request that the gate refused."""
        self._numbers.add((REFUSED, model))

    def counted(self, name: str, meaning: str, amount: float = 1, **labels: str) -> None:
        """Add to any other counter, which its first use declares.

        Args:
            name: Its name without `_total`, such as `bedside_rate_limited`.
            meaning: What it counts, in one line.
            amount: What to add.
            labels: The same names at each use.
        """
        if name not in self._numbers.kinds:
            self._numbers.kinds[name] = (meaning, tuple(labels))
        self._numbers.add((name, *labels.values()))

    def share(self, shared: SharedNumbers) -> None:
        """Go on from what the worker before this one counted, and write it for the others."""
        self._shared = shared
        self._numbers = shared.inherited()
        self._numbers.kinds |= OURS
        self._writer = threading.Thread(target=self._write, name="bedside-numbers", daemon=True)
        self._writer.start()

    def close(self) -> None:
        """Write the numbers for the last time."""
        self._stop.set()
        if self._writer is not None:
            self._writer.join()
            self._writer = None

    def text(self) -> bytes:
        """Return the numbers of all workers in the Prometheus text format, version 0.0.4."""
        own = self._present()
        numbers = added_up([own], own.at)
        if self._shared is not None:
            with contextlib.suppress(OSError):  # its disk is full: the others tell the older ones
                self._shared.write(own)
            numbers = self._shared.all(own)
        registry = CollectorRegistry()
        registry.register(Told(numbers))
        registry.register(SiteState(self._site))
        return generate_latest(registry)

    def _present(self) -> Numbers:
        copy = self._numbers.copied()
        copy.in_flight, copy.at = int(self.in_flight), time.time()
        copy.ready = {
            (one.model, one.version): int(one.ready) for one in self._site.serving.readiness()
        }
        return copy

    def _write(self) -> None:
        ended = False
        while not ended:
            ended = self._stop.wait(WRITE_SECONDS)
            if self._shared is not None:
                with contextlib.suppress(OSError):
                    self._shared.write(self._present())


class Told(Collector):
    """Numbers as the families of Prometheus."""

    def __init__(self, numbers: Numbers) -> None:
        self._numbers = numbers

    def collect(self) -> Iterator[Metric]:
        """Give every counter, the histogram and the gauges."""
        numbers = self._numbers
        counters = {
            name: CounterMetricFamily(name, meaning, labels=labels)
            for name, (meaning, labels) in numbers.kinds.items()
        }
        for (name, *values), count in numbers.counts.items():
            counters[name].add_metric(values, count)
        yield from counters.values()
        seconds = HistogramMetricFamily(
            "bedside_request_seconds", "Time to answer, by route.", labels=["route"]
        )
        for route, found in numbers.seconds.items():
            buckets, total = cumulative(found)
            seconds.add_metric([route], buckets=buckets, sum_value=total)
        yield seconds
        yield GaugeMetricFamily(
            "bedside_requests_in_flight", "Requests being answered.", value=numbers.in_flight
        )
        ready = GaugeMetricFamily(
            "bedside_model_ready",
            "1 where the released version answers in every worker, else 0.",
            labels=["model", "version"],
        )
        for (model, version), is_ready in sorted(numbers.ready.items()):
            ready.add_metric([model, version], float(is_ready))
        yield ready


class SiteState(Collector):
    """What is asked of the site when somebody looks: the size of the ledger, the age of its backup."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def collect(self) -> Iterator[Metric]:
        """Give the present values; what cannot be found out now is left out.

        Signing in needs the database, so whoever reads this could reach it a moment ago. When it is
        slow or fails just then, the counters, which need no database, are what tells why.
        """
        trouble = self._site.database.condition.trouble or (
            self._site.subject_keys.database.condition.trouble
        )
        yield GaugeMetricFamily(
            "bedside_can_record",
            "1 where the last write was recorded, 0 while a database is in trouble.",
            value=float(trouble is None),
        )
        backup = backup_state(self._site.folder, self._site.settings, self._site.clock())
        if backup is not None:
            late = "1 where the newest backup is older than twice what is set, or out of reach."
            yield GaugeMetricFamily("bedside_backup_late", late, value=int(backup.late))
            if backup.age_seconds is not None:
                age = "Age of the newest whole backup."
                yield GaugeMetricFamily("bedside_backup_age_seconds", age, value=backup.age_seconds)
        try:
            size = self._site.ledger.head().size
            waiting = self._site.analysing.count()
        except BedsideError as problem:
            tell(STATE, logging.WARNING, "no ledger gauge", error=type(problem).__name__)
            return
        yield GaugeMetricFamily("bedside_ledger_entries", "Entries in the ledger.", value=size)
        analyses = GaugeMetricFamily(
            "bedside_analyses", "Long analyses that are kept, by state.", labels=["state"]
        )
        for state, number in waiting.items():
            analyses.add_metric([state.value], number)
        yield analyses
        yield from witness_numbers(self._site.witnessing.states())
