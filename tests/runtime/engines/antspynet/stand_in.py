"""A child without the library: speaks the protocol, and does what the function's name says.

Started in the place of `start.py`; it answers with the image itself.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import IO, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[4] / "src"))

import numpy as np

from bedside.runtime.engines.antspynet.protocol import Message, read_message, write_message

VERSIONS = {"antspynet": "0.3.2", "antspyx": "0.6.3", "tensorflow": "2.21.0"}


def main() -> None:
    reads, writes = sys.stdin.buffer, sys.stdout.buffer
    begin = read_message(reads)
    assert begin is not None
    write_message(writes, {"kind": "ready", "versions": VERSIONS})
    if begin.header.get("deaf"):
        time.sleep(60)
    while (message := read_message(reads)) is not None:
        answer(message, begin.header, writes)
        if begin.header.get("idle") == 0:  # as if nobody asked for a while
            return


def answer(message: Message, begin: Any, writes: IO[bytes]) -> None:
    if message.header.get("function") == "chexnet":  # every finding is how bright the film gets
        (film,) = message.arrays
        found = np.full(14, film.max(), np.float32)
        found[0] = film.shape[0]  # which was its columns
        write_message(writes, {"kind": "answer", "steps": 1}, [found])
        return
    what = message.header.get("parameters", {}).get("modality") or message.header["what"]
    write_message(writes, {"kind": "step", "words": str(what), "done": 1})
    if what == "die":
        os.write(2, b"the last word\n")
        os._exit(3)
    if what == "sleep":
        time.sleep(60)
    if what == "nonsense":
        writes.write(b"hello, this is no message")
        writes.flush()
        time.sleep(60)
    if what == "swell":
        swollen = np.ones(200 * 2**20, np.uint8)
        time.sleep(60)
        del swollen
    if what == "refuse":
        told = {"kind": "refusal", "error": "ConditionsNotMet", "message": "no", "advice": "yes"}
        write_message(writes, told)
        return
    if what == "fail":
        write_message(writes, {"kind": "failure", "message": "ValueError: odd"})
        return
    reply: dict[str, Any] = {
        "kind": "answer",
        "steps": 2,
        "turned": 0.0,
        "what": begin.get("what"),
        "env": dict(os.environ),
    }
    arrays = [one[np.newaxis] / 1000 for one in message.arrays]
    write_message(writes, reply, [one.astype(np.float32) for one in arrays])


if __name__ == "__main__":
    main()
