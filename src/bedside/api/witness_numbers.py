"""Where this site's witnesses stand, as Prometheus gauges."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from prometheus_client.core import GaugeMetricFamily, Metric

from bedside.ledger.witnessing import STANDINGS, WitnessState


def witness_numbers(states: Sequence[WitnessState]) -> Iterator[Metric]:
    """Give a gauge for what each witness has not seen yet, and one for each way it can stand."""
    behind = GaugeMetricFamily(
        "bedside_witness_behind_entries",
        "Entries that a witness of this ledger has not seen yet.",
        labels=["witness"],
    )
    stands = GaugeMetricFamily(
        "bedside_witness_standing",
        "1 for how a witness of this ledger stands, else 0.",
        labels=["witness", "standing"],
    )
    for state in states:
        behind.add_metric([state.name], float(state.behind))
        for one in STANDINGS:
            stands.add_metric([state.name, one], float(state.standing == one))
    yield behind
    yield stands
