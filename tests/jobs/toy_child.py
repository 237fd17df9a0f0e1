"""A child that works as it is told: it waits, dies, refuses, takes memory, or gives back what it got."""

from __future__ import annotations

import os
import signal
import time

from bedside.canonical import Json
from bedside.errors import UsageError
from bedside.jobs.inside import Given, Made, Voice, serve


def work(asked: dict[str, Json], files: Given, voice: Voice) -> dict[str, Json]:
    match asked["do"]:
        case "refuse-early":  # as a package does that does not load
            raise UsageError("Nothing of it was read.")
        case "speak-early":
            voice.file(Made("early", "text/plain", b"x" * 2**21))
        case "speak-unasked":
            voice.stage("unasked", 0, 0)
    given = list(files)
    voice.stage("working", 1, 2)
    print("a library that talks", flush=True)  # noqa: T201 - it must not garble the frames
    match asked["do"]:
        case "wait":
            time.sleep(600)
        case "die":
            os.kill(os.getpid(), signal.SIGKILL)
        case "refuse":
            raise UsageError("That cannot be worked on.")
        case "memory":
            raise MemoryError
        case "take":
            bytearray(asked["bytes"])
    voice.stage("working", 2, 2)
    for name, data in given:
        voice.file(Made(f"{name}.out", "text/plain", data[::-1]))
    return {"pid": os.getpid(), "home": os.environ["HOME"], "names": sorted(os.environ)}


if __name__ == "__main__":
    serve(work)
