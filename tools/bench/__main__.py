"""Measure Bedside beside less and beside others, and write docs/benchmarks.md; see `--help`."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from tools.bench import endpoints, page
from tools.bench.continuity import measure_continuity
from tools.bench.floor import floor
from tools.bench.freezing import measure_freezing
from tools.bench.importing import import_seconds, imports
from tools.bench.ledgers import grow
from tools.bench.predicting import CLIENTS, compare, starts
from tools.bench.prepare import prepare
from tools.bench.steps import profile
from tools.bench.tensors import measure_tensors

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "benchmarks.md"
ENVIRONMENTS = ROOT / "build" / "bench"
_SERVER = ", uvloop, uvicorn.protocols.http.httptools_impl, uvicorn.lifespan.on"
OURS_IMPORTS = "bedside.__main__, bedside.cli.site, bedside.api.server" + _SERVER
BARE_IMPORTS = "tools.bench.bare" + _SERVER
SIZES = (1_000, 10_000, 100_000, 1_000_000)
HEAD = [
    "# Benchmarks",
    "",
    "Written by `make bench`; do not edit. Ratios come first, since absolute times differ from machine to",
    "machine and from minute to minute. Volumes have a page of their own: [benchmarks-imaging](benchmarks-imaging.md).",
]


def main() -> None:
    """Measure and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--starts", type=int, default=7)
    parser.add_argument("--turns", type=int, default=60)
    parser.add_argument("--largest", type=int, default=SIZES[-1], help="entries of the ledger")
    parser.add_argument("--predictions", type=int, default=20_000, help="of the site backed up")
    parser.add_argument("--no-peers", action="store_true", help="only ours and the bare endpoint")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=_disk()) as name:
        sections = _sections(Path(name), options)
    text = "\n\n".join("\n".join(lines) for lines in [HEAD, *sections, [page.machine()]])
    PAGE.write_text(text + "\n", encoding="utf-8")
    print(f"wrote {PAGE}")


def _sections(folder: Path, options: argparse.Namespace) -> list[list[str]]:
    prepared = prepare(folder)
    others = [] if options.no_peers else endpoints.peers(prepared, ENVIRONMENTS)
    servers = [endpoints.ours(prepared), *others, endpoints.bare(prepared)]
    rates, megabytes = compare(servers, options.rounds, options.seconds)
    steps = profile(servers[0], folder / "steps.json", CLIENTS, options.seconds)
    limit = floor(folder / "floor")
    started = starts(servers, options.starts, megabytes)
    sizes = tuple(size for size in SIZES if size <= options.largest)
    grown = grow(folder / "ledger", sizes, prepared.row)
    tensors = measure_tensors(folder / "tensors", options.rounds, options.seconds)
    kept = measure_continuity(prepared, folder / "continuity", options.predictions)
    frozen = measure_freezing(options.turns)
    return [
        page.targets(rates, started, grown, import_seconds()),
        page.predict_section(rates, options.rounds, options.seconds),
        page.steps_section(steps, limit, rates),
        page.start_section(started, options.starts, imports(OURS_IMPORTS), imports(BARE_IMPORTS)),
        page.ledger_section(grown),
        page.tensor_section(tensors, options.rounds, options.seconds),
        page.continuity_section(kept),
        page.frozen_section(*frozen, options.turns),
    ]


def _disk() -> Path:
    """Return a folder on a real disk: in memory a durable commit costs nothing."""
    ENVIRONMENTS.mkdir(parents=True, exist_ok=True)
    return ENVIRONMENTS


if __name__ == "__main__":
    main()
