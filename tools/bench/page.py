"""docs/benchmarks.md, from what was measured."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version

from tools.bench.continuity import Continuity
from tools.bench.endpoints import OURS, pinned
from tools.bench.floor import Floor
from tools.bench.freezing import FILM, SIDE, Frozen, PictureCost
from tools.bench.importing import Imports
from tools.bench.ledgers import GROUP, Grown
from tools.bench.predicting import Rate, Start
from tools.bench.steps import Profile

LIBRARIES = ("fastapi", "uvicorn", "onnxruntime", "sqlalchemy", "pydantic", "pillow", "torch")
TARGETS = {1: 0.7, 32: 0.8}
PEER_TARGET, START_TARGET, IMPORT_TARGET, VERIFY_TARGET = 2.0, 1.5, 0.15, 5.0

WHY = (
    "Why a target is missed is told below, with a profile: [where the time goes](#where-the-time-of-a-prediction-goes). A start",
    "imports the ledger, the keys and the web of rooms behind them, verifies the package and replays its golden cases before the",
    "first answer: [cold start](#cold-start-and-memory). Of a million entries, hashing is the largest part ([decision 13](decisions/0013-prove-at-once-name-in-order.md)).",
)


def reached(yes: bool) -> str:
    """Return whether a target was reached, as the page says it."""
    return "reached" if yes else "**not reached**"


def targets(
    rates: Sequence[Rate], starts: Sequence[Start], grown: Sequence[Grown], seconds: float
) -> list[str]:
    """Return the table of what was to be reached."""
    mine = {rate.clients: rate for rate in rates if rate.server == OURS}
    peers = [rate for rate in rates if rate.clients == 32 and rate.server not in {OURS, "bare"}]
    lines = ["| to reach | measured | |", "|---|---|---|"]
    for clients, least in TARGETS.items():
        ratio = mine[clients].ratio
        told = f"≥ {least} × bare at {clients} client{'s' if clients > 1 else ''}"
        lines.append(f"| {told} | {ratio:.2f} | {reached(ratio >= least)} |")
    if peers:
        best = max(peers, key=lambda rate: rate.ratio)
        ratio = mine[32].ratio / best.ratio
        told = f"≥ {PEER_TARGET:g} × the best peer at 32 clients"
        lines.append(f"| {told} | {ratio:.2f} ({best.server}) | {reached(ratio >= PEER_TARGET)} |")
    [start] = [one for one in starts if one.server == OURS]
    lines.append(
        f"| cold start ≤ {START_TARGET} × bare | {start.ratio:.2f} "
        f"| {reached(start.ratio <= START_TARGET)} |"
    )
    lines += [
        f"| {one.entries:,} entries verified in ≤ {VERIFY_TARGET:g} s | {one.verify:.1f} s "
        f"| {reached(one.verify <= VERIFY_TARGET)} |"
        for one in grown[-1:]
    ]
    lines.append(
        f"| `import bedside` ≤ {IMPORT_TARGET} s | {seconds:.3f} s "
        f"| {reached(seconds <= IMPORT_TARGET)} |"
    )
    return [*lines, "", *WHY]


def predict_section(rates: Sequence[Rate], rounds: int, seconds: float) -> list[str]:
    """Return the lines on `/predict` beside bare and peers."""
    pins = pinned()
    lines = [
        "## `/predict`, durable, beside a bare endpoint and other servers",
        "",
        "Ours authenticates, gates, seals the patient's part, and answers after the event is on disk (SQLite, WAL,",
        "`synchronous=FULL`). *bare* is FastAPI and ONNX Runtime and nothing else (`tools/bench/bare.py`). The peers",
        f"(BentoML {pins['bentoml']}, LitServe {pins['litserve']}, MLServer {pins['mlserver']}; `tools/bench/peers/`) answer from the same graph, each",
        "in its own virtual environment; none of them authenticates, gates or records. Same raw row of 30 numbers, one",
        f"worker each, HTTP on loopback. {rounds} rounds of {seconds:g} s, all servers in turn; median of the ratios to bare, lowest",
        "and highest in brackets. *Processor* is user and system time of the server's processes for each answer.",
        "",
        "| clients | server | × bare | answers/s | median ms | 99th percentile ms | processor, µs |",
        "|---|---|---|---|---|---|---|",
    ]
    for rate in rates:
        low, high = rate.spread
        lines.append(
            f"| {rate.clients} | {rate.server} | **{rate.ratio:.2f}** ({low:.2f}–{high:.2f}) "
            f"| {rate.tally.rate:.0f} | {rate.tally.quantile(0.5):.2f} "
            f"| {rate.tally.quantile(0.99):.2f} | {rate.processor:.0f} |"
        )
    return [
        *lines,
        "",
        "The load generator is one thread over epoll; it shares the machine's cores.",
    ]


def steps_section(profiles: Sequence[Profile], limit: Floor, rates: Sequence[Rate]) -> list[str]:
    """Return the lines on where the time of a prediction goes."""
    [bare] = [one for one in rates if one.server == "bare" and one.clients == 1]
    alone = bare.tally.quantile(0.5)
    durable = alone / (alone + limit.sqlite / 1000)
    steps = list(profiles[0].shares)
    rest = [one.processor - sum(one.shares.values()) for one in profiles]
    heads = " | ".join(f"{one.clients} client{'s' if one.clients > 1 else ''}" for one in profiles)
    return [
        "## Where the time of a prediction goes",
        "",
        f"One client waits for the disk each time. On this disk one durable SQLite transaction with such an event takes {limit.sqlite:.0f} µs",
        f"by itself, without anything of ours ({limit.disk:.0f} µs of it to write and `fdatasync` 4 kB; `tools/bench/floor.py`), and the bare",
        f"endpoint's answer {1000 * alone:.0f} µs. A bare endpoint that recorded durably, and did nothing else, would so reach {durable:.2f} × itself",
        "at one client: that is the limit, and gate, seal, tree, signature and two hand-overs between threads come on top. What is",
        "idle while it waits has cold caches afterwards, so a step costs up to five times what it costs under load:",
        "compare the columns. Under load the disk's time is shared by a group, and what is left is the sealed and signed record.",
        "",
        f"| processor time, µs for one answer | {heads} |",
        "|---|" + "---|" * len(profiles),
        *(
            f"| {step} | " + " | ".join(f"{one.shares[step]:.0f}" for one in profiles) + " |"
            for step in steps
        ),
        "| event loop, interpreter's lock, kernel, the clocks | "
        + " | ".join(f"{one:.0f}" for one in rest)
        + " |",
        "| **all** | " + " | ".join(f"**{one.processor:.0f}**" for one in profiles) + " |",
        "",
        "Measured by clocks around each step (`tools/bench/steps.py`), which cost something themselves.",
    ]


def start_section(starts: Sequence[Start], rounds: int, ours: Imports, bare: Imports) -> list[str]:
    """Return the lines on cold start and memory."""
    libraries = [name for name in list(ours.milliseconds)[:8] if name != "bedside"]
    own = ours.milliseconds["bedside"]
    return [
        "## Cold start and memory",
        "",
        f"From starting the process to its first right answer, {rounds} rounds in turn, medians. Ours opens the site, checks the",
        "end of the ledger, verifies the package and replays its golden cases before it answers. Peak memory is that of",
        "the server and all it started, under the load above.",
        "",
        "| server | × bare | s | peak memory, MB |",
        "|---|---|---|---|",
        *(
            f"| {one.server} | **{one.ratio:.2f}** | {one.seconds:.2f} | {one.megabytes:.0f} |"
            for one in starts
        ),
        "",
        f"A start is imports above all: ours takes {ours.total:.0f} ms for {ours.modules} modules, {own:.0f} ms of them for our own rooms, bare",
        f"{bare.total:.0f} ms for {bare.modules} (Python's own clock, which costs something itself). The dearest libraries, in ms, ours and bare: "
        + ", ".join(
            f"{name} {ours.milliseconds[name]:.0f} and {bare.milliseconds.get(name, 0.0):.0f}"
            for name in libraries
        )
        + ".",
    ]


def ledger_section(grown: Sequence[Grown]) -> list[str]:
    """Return the lines on the ledger."""
    return [
        "## The ledger as it grows",
        "",
        f"SQLite, `synchronous=FULL`, events of the size of a prediction's. Appended in durable groups of {GROUP}, and alone;",
        "verified: every leaf, root, node, column and signature recomputed. A proof is its hashes of 32 bytes each.",
        "",
        "| entries | append in groups, µs each | alone, µs | verify, s | prove, µs | check, µs | hashes | database, MB |",
        "|---|---|---|---|---|---|---|---|",
        *(
            f"| {one.entries:,} | {one.append:.0f} | {one.single:.0f} | {one.verify:.2f} "
            f"| {one.prove:.0f} | {one.check:.0f} | {one.hashes} | {one.megabytes:.1f} |"
            for one in grown
        ),
    ]


def tensor_section(rates: Sequence[Rate], rounds: int, seconds: float) -> list[str]:
    """Return the lines on a picture as a binary tensor."""
    return [
        f"## A picture of {SIDE}² as a binary tensor",
        "",
        f"{SIDE} × {SIDE} bytes through a ResNet-18, one client, one thread, HTTP on loopback; {rounds} rounds of {seconds:g} s in turn.",
        "Ours by the Open Inference Protocol's binary extension: authenticated, gated (size, intensities, likeness), recorded.",
        "*bare* is FastAPI and ONNX Runtime and nothing else, with the pixels as raw bytes, and as a JSON list.",
        "",
        "| server | × bare, raw bytes | median ms | processor, ms |",
        "|---|---|---|---|",
        *(
            f"| {rate.server} | **{rate.ratio:.2f}** ({rate.spread[0]:.2f}–{rate.spread[1]:.2f}) "
            f"| {rate.tally.quantile(0.5):.1f} | {rate.processor / 1000:.1f} |"
            for rate in rates
        ),
    ]


def continuity_section(found: Continuity) -> list[str]:
    """Return the lines on erasing, backing up and restoring."""
    return [
        "## Erasing, backing up, restoring",
        "",
        f"A site on SQLite with {found.predictions:,} predictions, each of another person: {found.entries:,} entries, {found.database:.0f} MB. An erasure is",
        "timed from its confirmation to its last event: the key is destroyed, its bytes are overwritten and the log emptied.",
        "A backup verifies the whole record before it copies, and reads back what it wrote; a restore checks every proof, the",
        "people, keys and releases, and replays the golden cases.",
        "",
        "| act | s |",
        "|---|---|",
        f"| erase a person | {found.erase:.2f} |",
        f"| erase a person out of a backup too | {found.erase_backed:.2f} |",
        f"| back up ({found.data:.1f} MB of data, {found.keys:.1f} MB of keys) | {found.backup:.1f} |",
        f"| restore into an empty folder | {found.restore:.1f} |",
    ]


def frozen_section(models: Sequence[Frozen], cost: PictureCost, turns: int) -> list[str]:
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


def machine() -> str:
    """Return the line on where and when it was measured."""
    libraries = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    return (
        f"Machine: {os.cpu_count()} cores, {platform.machine()}, {platform.system()}, "
        f"Python {platform.python_version()}; {libraries}. Measured {datetime.now(UTC):%Y-%m-%d}."
    )
