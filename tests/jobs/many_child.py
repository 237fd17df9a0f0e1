"""A child for pools and clusters: it takes its time, turns its file round, dies or refuses as it is told."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from bedside.canonical import Json
from bedside.errors import InputRefused, Refusal, UsageError
from bedside.jobs.inside import Given, Made, Voice, refusal_told, serve

KEPT: list[int] = []
"""One for each task that this process began."""


def work(asked: dict[str, Json], files: Given, voice: Voice) -> dict[str, Json]:
    if asked.get("early"):
        raise UsageError("Nothing of it was read.")
    given = dict(files)
    KEPT.append(1)
    voice.stage("working", 1, 2)
    time.sleep(asked.get("seconds", 0))
    if asked.get("once"):  # dies the first time only
        mark = Path(asked["once"])
        if not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
    if asked.get("die"):
        os.kill(os.getpid(), signal.SIGKILL)
    if asked.get("refuse"):
        refused = InputRefused((Refusal(0, "volume", "out-of-range", "5 mm", "from 1 to 3 mm"),))
        return refusal_told(refused) | {"refusals": [{"field": "volume", "code": "out-of-range"}]}
    for name, data in given.items():
        voice.file(Made(f"{name}.out", "text/plain", data[::-1]))
    return {"answer": {"pid": os.getpid(), "began": len(KEPT)}}


if __name__ == "__main__":
    serve(work)
