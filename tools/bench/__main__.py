"""Measure `/predict`, freezing, and pictures, each beside less, and write docs/benchmarks.md.

For `/predict` both servers run one worker on this machine, on loopback, with the same ONNX graph and the same raw
row. Rounds alternate (ours, bare, ours, bare, …), and the figure is the median of the ratios of
neighbouring rounds, because machines are noisy and ratios travel better than absolute times.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import os
import platform
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from tools.bench.freezing import FILM, SIDE, Frozen, PictureCost, measure_freezing
from tools.bench.load import Tally, drive, request_bytes
from tools.bench.prepare import Prepared, prepare

PAGE = Path(__file__).resolve().parents[2] / "docs" / "benchmarks.md"
CLIENTS = (1, 32)
TARGET = 0.8


@dataclass(frozen=True, slots=True)
class Server:
    """A running endpoint and the one request that it is sent."""

    name: str
    port: int
    request: bytes


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: medians over the rounds."""

    clients: int
    ratio: float
    spread: tuple[float, float]
    ours: Tally
    bare: Tally


def free_port() -> int:
    """Return a port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def running(command: list[str], port: int) -> Iterator[None]:
    """Run a server until the block is left; it is stopped by its own process."""
    process = subprocess.Popen(command, env={**os.environ, "BEDSIDE_ALLOW_TMPFS": "1"})
    try:
        deadline = time.monotonic() + 60
        while True:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"did not start: {' '.join(command)}")
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(30)


def answer(server: Server) -> dict[str, object]:
    """Send the request once and return the answer's JSON."""
    head, body = server.request.split(b"\r\n\r\n", 1)
    first, *lines = head.decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    try:
        connection.request("POST", first.split(" ")[1], body, headers)
        found: dict[str, object] = json.loads(connection.getresponse().read())
    finally:
        connection.close()
    return found


def compare(ours: Server, bare: Server, clients: int, rounds: int, seconds: float) -> Row:
    """Alternate rounds of both endpoints and return the medians."""
    for server in (ours, bare):
        drive(server.port, server.request, clients=clients, seconds=1)  # warm up
    pairs = []
    for number in range(rounds):
        order = (ours, bare) if number % 2 == 0 else (bare, ours)
        seen = {s.name: drive(s.port, s.request, clients=clients, seconds=seconds) for s in order}
        pairs.append((seen[ours.name], seen[bare.name]))
        print(
            f"{clients:3} clients: {pairs[-1][0].rate:7.0f} / {pairs[-1][1].rate:7.0f} per second"
        )
    ratios = sorted(a.rate / b.rate for a, b in pairs)
    middle = sorted(pairs, key=lambda pair: pair[0].rate / pair[1].rate)[len(pairs) // 2]
    return Row(clients, statistics.median(ratios), (ratios[0], ratios[-1]), *middle)


def measure(prepared: Prepared, rounds: int, seconds: float) -> list[Row]:
    """Start both servers, check that they agree, and compare them."""
    port, bare_port = free_port(), free_port()
    body = json.dumps({"input": prepared.row}).encode()
    ours = Server(
        "bedside",
        port,
        request_bytes(
            f"/v1/models/{prepared.model}/predict",
            body,
            {"Authorization": f"Bearer {prepared.secret}"},
        ),
    )
    bare = Server("bare", bare_port, request_bytes("/predict", body, {}))
    serve = [sys.executable, "-m", "bedside", "serve", "--site", str(prepared.site)]
    plain = [sys.executable, "-m", "tools.bench.bare", str(prepared.bare), str(bare_port)]
    with running([*serve, "--port", str(port)], port), running(plain, bare_port):
        labels = {answer(server)["label"] for server in (ours, bare)}
        if len(labels) != 1:
            raise RuntimeError(f"the endpoints disagree: {labels}")
        return [compare(ours, bare, clients, rounds, seconds) for clients in CLIENTS]


def page(rows: list[Row], rounds: int, seconds: float, frozen: list[str]) -> str:
    """Return docs/benchmarks.md."""
    libraries = ("fastapi", "uvicorn", "onnxruntime", "sqlalchemy", "pydantic", "pillow", "torch")
    lines = [
        "# Benchmarks",
        "",
        "Written by `make bench`; do not edit. Ratios come first, since absolute times differ from machine to",
        "machine and from minute to minute.",
        "",
        "## `/predict`, durable, beside a bare endpoint",
        "",
        "Ours authenticates, gates, seals the patient's part, and answers after the event is on disk (SQLite, WAL,",
        "`synchronous=FULL`). Bare is FastAPI and ONNX Runtime and nothing else (`tools/bench/bare.py`). Same",
        "graph, same raw row of 30 numbers, one worker each, HTTP on loopback.",
        f"{rounds} alternating rounds of {seconds:g} s; median ratio, lowest and highest in brackets.",
        "",
        "| clients | ours / bare | answers/s, ours | bare | median ms, ours | bare | 99th percentile ms, ours | bare |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        low, high = row.spread
        lines.append(
            f"| {row.clients} | **{row.ratio:.2f}** ({low:.2f}–{high:.2f}) "
            f"| {row.ours.rate:.0f} | {row.bare.rate:.0f} "
            f"| {row.ours.quantile(0.5):.2f} | {row.bare.quantile(0.5):.2f} "
            f"| {row.ours.quantile(0.99):.2f} | {row.bare.quantile(0.99):.2f} |"
        )
    lines += [
        "",
        f"The target of a later change is {TARGET} at 32 clients. The load generator shares the machine's cores.",
        "",
        *frozen,
        "",
        f"Machine: {os.cpu_count()} cores, {platform.machine()}, {platform.system()}, "
        f"Python {platform.python_version()}; "
        + ", ".join(f"{name} {version(name)}" for name in libraries)
        + f". Measured {datetime.now(UTC):%Y-%m-%d}.",
        "",
    ]
    return "\n".join(lines)


def frozen_section(models: list[Frozen], cost: PictureCost, turns: int) -> list[str]:
    """Return the lines on freezing, verifying, and a picture's answer."""
    return [
        "## Freezing and verifying",
        "",
        "Freezing: translate or export, compare native and frozen, make golden cases, prove, sign. Verifying, as at",
        "every start: open byte by byte, check the signature, load, replay every golden case. Medians.",
        "",
        "| model | freeze, s | verify, s | package | network alone |",
        "|---|---|---|---|---|",
        *(
            f"| {one.name} | {one.freeze:.1f} | {one.verify:.2f} | {one.package / 1e6:.2f} MB "
            f"| {one.network / 1e6:.2f} MB |"
            for one in models
        ),
        "",
        f"## A picture beside ONNX Runtime ({SIDE}² network)",
        "",
        f"One film of {FILM} × {FILM} pixels (PNG, base64) through a ResNet-18, one thread, in one process; {turns}",
        "alternating turns, median, 10th and 90th percentile of the ratios in brackets. *Decoded* is the least that",
        "any server must do: decode, resize, run. *Alone* gets the network's input ready made: the physical limit.",
        "",
        "| | ms | decoded / ours | alone / ours |",
        "|---|---|---|---|",
        f"| ours: gate, decode, preprocess, run, answer | {cost.ours:.1f} | {cost.to_decoded} | {cost.to_alone} |",
        f"| decoded | {cost.decoded:.1f} | | |",
        f"| ONNX Runtime alone | {cost.alone:.1f} | | |",
        f"| ours with a heat map ({cost.passes} passes) | {cost.explained:.0f} | | |",
    ]


def main() -> None:
    """Measure and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--turns", type=int, default=60)
    options = parser.parse_args()
    frozen = frozen_section(*measure_freezing(options.turns), options.turns)
    with tempfile.TemporaryDirectory() as folder:
        rows = measure(prepare(Path(folder)), options.rounds, options.seconds)
    PAGE.write_text(page(rows, options.rounds, options.seconds, frozen), encoding="utf-8")
    print(f"wrote {PAGE}")


if __name__ == "__main__":
    main()
