"""The child: reads what it is asked from one pipe and writes answers to another, until it is closed.

What the libraries print goes to standard error, whose end the parent keeps. The first message says
where the files are and what they must be; the answer to it comes when the libraries are loaded.
"""

from __future__ import annotations

import os
import resource
import select
import sys
from collections.abc import Mapping
from typing import IO, Any, Final

from bedside.errors import BedsideError
from bedside.runtime.engines.antspynet.protocol import Message, read_message, write_message

_BESIDE: Final = 4 * 2**30
"""Bytes that TensorFlow reserves for threads and never touches."""

_LARGEST_FILE: Final = 4 * 2**30
"""Bytes; transforms are small, and only a prefetch writes more."""


def main() -> int:
    """Return 0 when the parent has closed its side, or has asked nothing for a while."""
    reads, writes = _private_pipes()
    begin = read_message(reads)
    if begin is None:
        return 0
    _limit(int(begin.header["memory"]))
    try:
        answers = _Answers(begin.header, writes)
        write_message(writes, {"kind": "ready", "versions": answers.versions})
    except BedsideError as problem:
        _tell(writes, problem)
        return 1
    while _comes(reads, int(begin.header["idle"])) and (message := read_message(reads)) is not None:
        try:
            answers(message)
        except BedsideError as problem:
            _tell(writes, problem)
        except Exception as problem:  # noqa: BLE001 - the library raises anything; the parent is told
            told = f"{type(problem).__name__}: {problem}"[:2_000]
            write_message(writes, {"kind": "failure", "message": told})
    return 0


class _Answers:
    """Answers one message after another."""

    def __init__(self, begin: Mapping[str, Any], writes: IO[bytes]) -> None:
        # TensorFlow is imported here, after the pipes are safe from what it prints
        from bedside.runtime.engines.antspynet.library import Library  # noqa: PLC0415

        def step(words: str, done: int) -> None:
            write_message(writes, {"kind": "step", "words": words, "done": done})

        self._writes = writes
        self._library = Library(begin, step)
        self.versions = self._library.versions

    def __call__(self, message: Message) -> None:
        """Do what is asked and write the answer."""
        from bedside.runtime.engines.antspynet.calls import call  # noqa: PLC0415

        if message.kind == "fetch":
            found = self._library.fetch(message.header["networks"], message.header["data"])
            write_message(self._writes, {"kind": "answer", "files": found})
            return
        self._library.begin_answer()
        told, arrays = call(self._library, message.header, message.arrays)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        header = {"kind": "answer", "peak_kib": peak, **self._library.told(), **told}
        write_message(self._writes, header, arrays)


def _comes(reads: IO[bytes], seconds: int) -> bool:
    """Wait for the next message, or for the end of the pipe; False after so long without either."""
    ready, _, _ = select.select([reads], [], [], seconds)
    return bool(ready)


def _private_pipes() -> tuple[IO[bytes], IO[bytes]]:
    """Return both pipes, after standard input and output were made to lead elsewhere."""
    reads, writes = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return os.fdopen(reads, "rb"), os.fdopen(writes, "wb")


def _limit(memory: int) -> None:
    """Bound what this process may take; the parent looks at `memory` itself and is first."""
    _bound(resource.RLIMIT_DATA, memory + _BESIDE)
    _bound(resource.RLIMIT_FSIZE, _LARGEST_FILE)
    _bound(resource.RLIMIT_CORE, 0)


def _bound(kind: int, most: int) -> None:
    """Set one limit, for good; a lower one that this process was given stays (setrlimit(2))."""
    _, hard = resource.getrlimit(kind)
    kept = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(kind, (kept, kept))


def _tell(writes: IO[bytes], problem: BedsideError) -> None:
    write_message(
        writes,
        {
            "kind": "refusal",
            "error": type(problem).__name__,
            "message": problem.message,
            "advice": problem.advice,
        },
    )
