"""One fuzzing run: `python -m tests.fuzz.harness TARGET RUNS SEED FOLDER`.

Coverage-guided by atheris (libFuzzer). Half of the inputs of a structured format are repaired after
they were changed, so that they get past checksums. The number of inputs that were tried is
counted here, not taken from the fuzzer, and written to `FOLDER/count`; an input that breaks a
parser is kept as `FOLDER/crash-…`.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["bedside", "tests.fuzz", "tomllib", "yaml"]):
    from tests.fuzz.targets import PLANTED, TARGETS, Target, run, write_seeds

SECONDS_EACH = 5
"""Longest time for one input; the slowest parser takes a tenth of a second."""

MEGABYTES = 3072
LONGEST = 20_000
COUNT_EVERY = 500


def _mutator(target: Target) -> object:
    """Return what changes an input: libFuzzer's own way, then a repair for every second one."""

    def mutate(data: bytes, max_size: int, seed: int) -> bytes:
        choose = random.Random(seed)  # noqa: S311 - what is fuzzed must come again
        if target.repair is None or choose.random() < 0.5:
            return bytes(atheris.Mutate(data, max_size))
        once = data if choose.random() < 0.5 else bytes(atheris.Mutate(data, max_size))
        return target.repair(once, choose)[:max_size]

    return mutate


def main(name: str, runs: int, seed: int, folder: Path) -> None:
    """Fuzz one target; leave with the fuzzer's exit code."""
    target = PLANTED if name == "planted" else TARGETS[name]
    seeds = folder / "seeds"
    write_seeds(target, seeds)
    counted = folder / "count"
    tried = 0

    def once(data: bytes) -> None:
        nonlocal tried
        tried += 1
        if tried % COUNT_EVERY == 0:
            counted.write_text(str(tried))
        run(target, data)

    options = {
        "runs": runs,
        "seed": seed,
        "timeout": SECONDS_EACH,
        "rss_limit_mb": MEGABYTES,
        "max_len": LONGEST,
        "artifact_prefix": f"{folder}/",
        "print_final_stats": 1,
    }
    words = [sys.argv[0], *(f"-{key}={value}" for key, value in options.items()), str(seeds)]
    custom = {"custom_mutator": _mutator(target)} if target.repair else {}
    atheris.Setup(words, once, **custom)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))
