"""Processes that are to be killed at a point of a job's way: forked from one that imported everything.

Each line of the standard input is one process: what it does, where, and at which point it kills
itself; its exit status is the answer.
"""

from __future__ import annotations

import base64
import json
import os
import signal
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path

from bedside.canonical import Json
from bedside.clock import system_clock
from bedside.jobs.job import UNFINISHED
from bedside.keys.signing import SigningKey
from bedside.keys.site_key import SiteKey
from bedside.keys.subjects import SubjectKeys
from bedside.ledger.ledger import Ledger
from bedside.store.database import Database
from tests.jobs.toy import Toys

SECONDS = 60.0


def main() -> None:
    """Do what each line says."""
    for line in sys.stdin:
        asked = json.loads(line)
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                _do(asked)
                status = 0
            finally:
                os._exit(status)
        sys.stdout.write(f"{os.waitpid(pid, 0)[1]}\n")
        sys.stdout.flush()


def _do(asked: dict[str, Json]) -> None:
    def at(point: str) -> None:
        if point == asked["point"]:
            os.kill(os.getpid(), signal.SIGKILL)

    def clock() -> datetime:
        return system_clock() + timedelta(seconds=asked["ahead"])

    database = Database.open(asked["database"])
    keys = SubjectKeys.open(asked["keys"], SiteKey(base64.b64decode(asked["site_key"])))
    signer = SigningKey.load(Path(asked["signer"]))
    ledger = Ledger(database, keys, signer, "bedside/test", clock)
    toys = Toys(ledger, keys, Path(asked["folder"]), clock, at)
    if asked["add"]:
        toys.add(claim=asked["claim"])
    runner = toys.runner()
    runner.start()
    until = time.monotonic() + SECONDS
    while unfinished(toys):
        if time.monotonic() > until:
            os._exit(7)
        time.sleep(0.02)
    runner.stop()


def unfinished(toys: Toys) -> bool:
    """Whether there is a job to be done, all states looked at in one moment."""
    found = toys.jobs.count()
    return any(found[state] for state in UNFINISHED)


if __name__ == "__main__":
    main()
