"""Fuzzing runs in one process family: `python -m tests.fuzz.harness SEED FOLDER TARGET=RUNS …`.

Coverage-guided by atheris (libFuzzer). Half of the inputs of a structured format are repaired after
they were changed, so that they get past checksums. What is costly and equal for all, the modules
made to tell which code is reached and the hostile corpus, is made once; then every target gets a
process of its own that knows nothing of the others. Each leaves in `FOLDER/TARGET`: `count`, the
number of inputs that were tried, counted here and not taken from the fuzzer; `said`, what it wrote;
`code`, how it ended; and an input that breaks a parser as `crash-…`.
"""

from __future__ import annotations

import os
import random
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path

import atheris

INSTRUMENTED = ["bedside", "tests.fuzz", "tomllib", "yaml"]
with atheris.instrument_imports(include=INSTRUMENTED):
    from tests.fuzz.planted import PLANTED
    from tests.fuzz.target import Target, run, write_seeds

SECONDS_EACH = 5
"""Longest time for one input; the slowest parser takes a tenth of a second."""

SECONDS_IN_ALL = 540
"""A target that takes longer stops, and its count is too small."""

AT_ONCE = 2
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


def fuzz(target: Target, runs: int, seed: int, folder: Path) -> None:
    """Fuzz one target whose first files lie in `folder/seeds`; leave with the fuzzer's exit code."""
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
        "max_total_time": SECONDS_IN_ALL,
        "rss_limit_mb": MEGABYTES,
        "max_len": LONGEST,
        "artifact_prefix": f"{folder}/",
        "print_final_stats": 1,
    }
    words = [sys.argv[0], *(f"-{key}={value}" for key, value in options.items())]
    custom = {"custom_mutator": _mutator(target)} if target.repair else {}
    atheris.Setup([*words, str(folder / "seeds")], once, **custom)
    atheris.Fuzz()


def _apart(target: Target, runs: int, seed: int, folder: Path) -> int:
    """Start a process that fuzzes one target and writes into `folder`; return its number.

    That process ends by the fuzzer's `SystemExit`, which passes through here: libFuzzer keeps the
    input that broke a parser when the program exits, and not before.
    """
    number = os.fork()
    if number:
        return number
    try:
        with (folder / "said").open("wb") as said:
            os.dup2(said.fileno(), 1)
            os.dup2(said.fileno(), 2)
        fuzz(target, runs, seed, folder)
    except Exception:  # noqa: BLE001 - no line of the parent's may run in this process
        traceback.print_exc()
    sys.exit(1)


def targets(names: set[str]) -> Mapping[str, Target]:
    """Return the targets of these names, made to tell the fuzzer which of their code is reached."""
    if names == {"planted"}:
        return {"planted": PLANTED}
    with atheris.instrument_imports(include=INSTRUMENTED):
        from tests.fuzz.targets import TARGETS  # noqa: PLC0415
    return TARGETS


def main(seed: int, folder: Path, asked: Mapping[str, int]) -> None:
    """Fuzz every target that is asked for, two at a time."""
    known = targets(set(asked))
    for name in asked:
        write_seeds(known[name], folder / name / "seeds")
    waiting, running = list(asked), dict[int, str]()
    while waiting or running:
        while waiting and len(running) < AT_ONCE:
            name = waiting.pop(0)
            running[_apart(known[name], asked[name], seed, folder / name)] = name
        number, status = os.wait()
        (folder / running.pop(number) / "code").write_text(str(os.waitstatus_to_exitcode(status)))


if __name__ == "__main__":
    pairs = (one.split("=") for one in sys.argv[3:])
    main(int(sys.argv[1]), Path(sys.argv[2]), {name: int(runs) for name, runs in pairs})
