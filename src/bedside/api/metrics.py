"""What is counted, as Prometheus text; every application has a registry of its own."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from bedside.api.journal import STATE, tell
from bedside.errors import BedsideError
from bedside.site.site import Site

SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
"""Upper bounds of the latency histogram, in seconds."""


class SiteState(Collector):
    """What is asked of the site when somebody looks: readiness and the size of the ledger."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def collect(self) -> Iterator[Metric]:
        """Give the present values; what cannot be found out now is left out.

        Signing in needs the database, so whoever reads this could reach it a moment ago. When it is
        slow or fails just then, the counters, which need no database, are what tells why.
        """
        ready = GaugeMetricFamily(
            "bedside_model_ready",
            "1 where the released version answers here, else 0.",
            labels=["model", "version"],
        )
        for one in self._site.serving.readiness():
            ready.add_metric([one.model, one.version], float(one.ready))
        yield ready
        try:
            size = self._site.ledger.head().size
        except BedsideError as problem:
            tell(STATE, logging.WARNING, "no ledger gauge", error=type(problem).__name__)
            return
        yield GaugeMetricFamily("bedside_ledger_entries", "Entries in the ledger.", value=size)


class Metrics:
    """The counters of one application."""

    def __init__(self, site: Site) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "bedside_requests_total",
            "Requests by route and status.",
            ["route", "status"],
            registry=self._registry,
        )
        self._seconds = Histogram(
            "bedside_request_seconds",
            "Time to answer, by route.",
            ["route"],
            buckets=SECONDS,
            registry=self._registry,
        )
        self._predictions = Counter(
            "bedside_predictions_total",
            "Recorded predictions by model, version and label.",
            ["model", "version", "label"],
            registry=self._registry,
        )
        self._refusals = Counter(
            "bedside_refused_inputs_total",
            "Requests that the gate refused, by model.",
            ["model"],
            registry=self._registry,
        )
        self.in_flight = Gauge(
            "bedside_requests_in_flight", "Requests being answered.", registry=self._registry
        )
        self._registry.register(SiteState(site))
        self._known: dict[tuple[Counter, tuple[str, ...]], Counter] = {}
        self._timers: dict[str, Histogram] = {}

    def answered(self, route: str, status: int, seconds: float) -> None:
        """Count one request."""
        self._child(self._requests, route, str(status)).inc()
        timer = self._timers.get(route)
        if timer is None:
            timer = self._timers[route] = self._seconds.labels(route)
        timer.observe(seconds)

    def predicted(self, model: str, version: str, label: str | None) -> None:
        """Count one recorded prediction."""
        self._child(self._predictions, model, version, label or "").inc()

    def refused(self, model: str) -> None:
        """Count one request that the gate refused."""
        self._child(self._refusals, model).inc()

    def text(self) -> bytes:
        """Return all of it in the Prometheus text format, version 0.0.4."""
        return generate_latest(self._registry)

    def _child(self, counter: Counter, *labels: str) -> Counter:
        key = (counter, labels)
        child = self._known.get(key)
        if child is None:
            child = self._known[key] = counter.labels(*labels)
        return child
