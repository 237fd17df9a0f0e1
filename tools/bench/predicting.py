"""`/predict` beside a bare endpoint and beside other servers, and how each starts and what it takes.

All servers run one worker on this machine, on loopback. Rounds alternate, and a figure is the median
of the ratios of neighbouring rounds, because machines are noisy and ratios travel better than
absolute times.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from tools.bench.load import Tally, drive
from tools.bench.servers import Running, Server, running

CLIENTS = (1, 32)
WARM_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Rate:
    """One server under so many clients.

    Attributes:
        server: Its name.
        clients: Connections, each with one request under way.
        ratio: Median of its rate by the bare endpoint's in the same round.
        spread: The lowest and highest of these ratios.
        tally: The round with the median ratio.
        processor: Microseconds of processor time for each answer, median over the rounds.
    """

    server: str
    clients: int
    ratio: float
    spread: tuple[float, float]
    tally: Tally
    processor: float


@dataclass(frozen=True, slots=True)
class Start:
    """One server's start: seconds to the first right answer (median), and peak memory under load.

    `ratio` is the median over rounds of its seconds by the bare endpoint's.
    """

    server: str
    seconds: float
    ratio: float
    megabytes: float


def compare(
    servers: Sequence[Server], rounds: int, seconds: float
) -> tuple[list[Rate], list[float]]:
    """Run all servers and drive each in turn; the last one is what the others are divided by.

    Returns:
        One `Rate` for each number of clients and server, and the peak memory of each server in MB.
    """
    with ExitStack() as stack:
        found = [stack.enter_context(running(server)) for server in servers]
        rates = []
        for clients in CLIENTS:
            rates += driven(servers, found, clients, rounds, seconds)
        return rates, [one.peak_megabytes() for one in found]


def starts(servers: Sequence[Server], rounds: int, megabytes: Sequence[float]) -> list[Start]:
    """Start each server in turn, so often; the last one is what the others are divided by."""
    seen: dict[str, list[float]] = {server.name: [] for server in servers}
    for number in range(rounds):
        for server in list(servers)[:: 1 if number % 2 else -1]:
            with running(server) as started:
                seen[server.name].append(started.seconds)
    base = seen[servers[-1].name]
    return [
        Start(
            server.name,
            statistics.median(seen[server.name]),
            statistics.median(a / b for a, b in zip(seen[server.name], base, strict=True)),
            peak,
        )
        for server, peak in zip(servers, megabytes, strict=True)
    ]


def driven(
    servers: Sequence[Server], found: Sequence[Running], clients: int, rounds: int, seconds: float
) -> list[Rate]:
    """Drive running servers in turn; the last one is what the others are divided by."""
    tallies: list[list[Tally]] = [[] for _ in servers]
    processor: list[list[float]] = [[] for _ in servers]
    for server in servers:
        drive(server.port, server.request, clients=clients, seconds=WARM_SECONDS)
    for number in range(rounds):
        for place in range(len(servers))[:: 1 if number % 2 else -1]:
            before = found[place].cpu_seconds()
            tally = drive(
                servers[place].port, servers[place].request, clients=clients, seconds=seconds
            )
            spent = found[place].cpu_seconds() - before
            tallies[place].append(tally)
            processor[place].append(1e6 * spent / len(tally.latencies))
        told = " / ".join(
            f"{s.name} {t[-1].rate:.0f}" for s, t in zip(servers, tallies, strict=True)
        )
        print(f"{clients:3} clients: {told} answers/s", flush=True)
    return [
        _rate(server.name, clients, tallies[place], tallies[-1], processor[place])
        for place, server in enumerate(servers)
    ]


def _rate(
    name: str, clients: int, own: list[Tally], base: list[Tally], processor: list[float]
) -> Rate:
    ratios = [a.rate / b.rate for a, b in zip(own, base, strict=True)]
    order = sorted(range(len(ratios)), key=ratios.__getitem__)
    return Rate(
        name,
        clients,
        statistics.median(ratios),
        (min(ratios), max(ratios)),
        own[order[len(order) // 2]],
        statistics.median(processor),
    )
